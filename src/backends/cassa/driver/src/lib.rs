//! See ../keepmq_cassandra.h, which is the contract of all that is exported here.

mod call;
mod failure;
mod outcome;
mod session;
mod text;

pub use outcome::KmResult;
