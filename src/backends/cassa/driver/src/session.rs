//! Sessions, statements and batches.

use crate::call::{start, KmDone, KmScope, Waiter};
use crate::failure::{Code, Failure};
use crate::outcome::{number_of, rows_of, Outcome};
use crate::text::{KmText, KmValue, UNSET};
use openssl::ssl::{SslConnector, SslFiletype, SslMethod, SslVerifyMode};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::X509;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::{OpenSsl010Config, Session};
use scylla::client::session_builder::SessionBuilder;
use scylla::client::PoolSize;
use scylla::errors::SerializationError;
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::writers::RowWriter;
use scylla::statement::batch::{Batch, BatchStatement, BatchType};
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::{Consistency, Statement};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::os::raw::c_void;
use std::sync::Arc;
use std::time::Duration;

pub struct KmSession(Arc<Session>);

pub struct KmStatement {
    prepared: PreparedStatement,
    types: Vec<u16>,
}

#[repr(C)]
pub struct KmOptions {
    nodes: *const KmText,
    node_count: usize,
    username: KmText,
    password: KmText,
    keyspace: KmText,
    consistency: KmText,
    connect_timeout_ms: u32,
    request_timeout_ms: u32,
    connections: u32,
    tls: u8,
    verify: u8,
    ca_file: KmText,
    cert_file: KmText,
    key_file: KmText,
}

struct Tls {
    verify: bool,
    ca_file: String,
    cert_file: String,
    key_file: String,
}

struct Options {
    nodes: Vec<String>,
    username: String,
    password: String,
    keyspace: String,
    consistency: String,
    connect_timeout: Duration,
    request_timeout: Duration,
    connections: usize,
    tls: Option<Tls>,
}

impl KmOptions {
    unsafe fn to_options(&self) -> Options {
        unsafe {
            let nodes = std::slice::from_raw_parts(self.nodes, self.node_count);
            Options {
                nodes: nodes.iter().map(|node| node.to_text()).collect(),
                username: self.username.to_text(),
                password: self.password.to_text(),
                keyspace: self.keyspace.to_text(),
                consistency: self.consistency.to_text(),
                connect_timeout: Duration::from_millis(self.connect_timeout_ms.into()),
                request_timeout: Duration::from_millis(self.request_timeout_ms.into()),
                connections: self.connections as usize,
                tls: (self.tls != 0).then(|| Tls {
                    verify: self.verify != 0,
                    ca_file: self.ca_file.to_text(),
                    cert_file: self.cert_file.to_text(),
                    key_file: self.key_file.to_text(),
                }),
            }
        }
    }
}

fn tls_config(tls: &Tls) -> Result<OpenSsl010Config, Box<dyn std::error::Error>> {
    let mut builder = SslConnector::builder(SslMethod::tls())?;
    builder.set_verify(if tls.verify { SslVerifyMode::PEER } else { SslVerifyMode::NONE });
    if !tls.ca_file.is_empty() {
        let mut trusted = X509StoreBuilder::new()?;
        for certificate in X509::stack_from_pem(&std::fs::read(&tls.ca_file)?)? {
            trusted.add_cert(certificate)?;
        }
        builder.set_cert_store(trusted.build());
    }
    if !tls.cert_file.is_empty() {
        builder.set_certificate_chain_file(&tls.cert_file)?;
    }
    if !tls.key_file.is_empty() {
        builder.set_private_key_file(&tls.key_file, SslFiletype::PEM)?;
    }
    Ok(OpenSsl010Config::new(builder))
}

fn consistency_of(name: &str) -> Consistency {
    match name {
        "ANY" => Consistency::Any,
        "ONE" => Consistency::One,
        "TWO" => Consistency::Two,
        "THREE" => Consistency::Three,
        "QUORUM" => Consistency::Quorum,
        "ALL" => Consistency::All,
        "EACH_QUORUM" => Consistency::EachQuorum,
        "LOCAL_ONE" => Consistency::LocalOne,
        _ => Consistency::LocalQuorum,
    }
}

async fn connect(options: Options) -> Result<Outcome, Failure> {
    let profile = ExecutionProfile::builder()
        .consistency(consistency_of(&options.consistency))
        .request_timeout(Some(options.request_timeout))
        .build();
    let mut builder = SessionBuilder::new()
        .known_nodes(&options.nodes)
        .default_execution_profile_handle(profile.into_handle())
        .connection_timeout(options.connect_timeout)
        .hostname_resolution_timeout(Some(options.connect_timeout))
        .metadata_request_clientside_timeout(options.connect_timeout)
        .pool_size(PoolSize::PerHost(NonZeroUsize::new(options.connections).unwrap_or(NonZeroUsize::MIN)))
        .tcp_keepalive_interval(Duration::from_secs(15));
    if !options.username.is_empty() {
        builder = builder.user(&options.username, &options.password);
    }
    if !options.keyspace.is_empty() {
        builder = builder.keyspaces_to_fetch([&options.keyspace]).use_keyspace(&options.keyspace, true);
    }
    if let Some(tls) = &options.tls {
        let config =
            tls_config(tls).map_err(|problem| Failure::new(Code::Failed, format!("TLS cannot be set up: {problem}")))?;
        builder = builder.tls_context(Some(config));
    }
    match tokio::time::timeout(options.connect_timeout, builder.build()).await {
        Err(_) => Err(Failure::new(Code::Unreachable, "no connection within the time allowed")),
        Ok(Err(error)) => Err((&error).into()),
        Ok(Ok(session)) => Ok(Outcome::Session(Box::new(KmSession(Arc::new(session))))),
    }
}

/// The values of all statements of a request, already in the form of the protocol.
struct Values {
    bytes: Vec<u8>,
    sizes: Vec<i32>,
}

/// Those of one statement. They are bound when the request is sent, after the caller went on.
struct Row {
    values: Arc<Values>,
    cells: Range<usize>,
    start: usize,
}

impl SerializeRow for Row {
    fn serialize(&self, _: &RowSerializationContext<'_>, writer: &mut RowWriter) -> Result<(), SerializationError> {
        let mut rest = &self.values.bytes[self.start..];
        for &size in &self.values.sizes[self.cells.clone()] {
            let place = writer.make_cell_writer();
            match usize::try_from(size) {
                Ok(size) => {
                    let (bytes, others) = rest.split_at(size);
                    place.set_value(bytes).map_err(SerializationError::new)?;
                    rest = others;
                }
                Err(_) if size == UNSET => {
                    place.set_unset();
                }
                Err(_) => {
                    place.set_null();
                }
            }
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }
}

/// Copies the values of all statements, once and into one place.
unsafe fn take_rows(statements: &[*const KmStatement], values: *const KmValue) -> Vec<Row> {
    let counts = statements.iter().map(|&statement| unsafe { &*statement }.types.len());
    let values = match counts.clone().sum() {
        0 => &[],
        count => unsafe { std::slice::from_raw_parts(values, count) },
    };
    let mut bytes = Vec::with_capacity(values.iter().map(|value| value.size.max(0) as usize).sum());
    let mut starts = Vec::with_capacity(statements.len());
    let mut first = 0;
    for count in counts {
        starts.push((first..first + count, bytes.len()));
        for value in &values[first..first + count] {
            bytes.extend_from_slice(unsafe { value.bytes() });
        }
        first += count;
    }
    let values = Arc::new(Values { bytes, sizes: values.iter().map(|value| value.size).collect() });
    starts.into_iter().map(|(cells, start)| Row { values: values.clone(), cells, start }).collect()
}

// --- exported: each pointer is one that the header says

#[no_mangle]
pub unsafe extern "C" fn km_connect(
    options: *const KmOptions,
    scope: *const KmScope,
    done: KmDone,
    context: *mut c_void,
    tag: usize,
) {
    let options = unsafe { (*options).to_options() };
    start(unsafe { &*scope }, Waiter::new(done, context, tag), connect(options));
}

#[no_mangle]
pub unsafe extern "C" fn km_session_free(session: *mut KmSession) {
    drop(unsafe { Box::from_raw(session) });
}

#[no_mangle]
pub unsafe extern "C" fn km_query(
    session: *const KmSession,
    scope: *const KmScope,
    cql: KmText,
    done: KmDone,
    context: *mut c_void,
    tag: usize,
) {
    let session = unsafe { &*session }.0.clone();
    let cql = unsafe { cql.to_text() };
    start(unsafe { &*scope }, Waiter::new(done, context, tag), async move {
        match session.query_unpaged(cql, ()).await {
            Ok(result) => rows_of(result),
            Err(error) => Err((&error).into()),
        }
    });
}

#[no_mangle]
pub unsafe extern "C" fn km_prepare(
    session: *const KmSession,
    scope: *const KmScope,
    cql: KmText,
    idempotent: u8,
    done: KmDone,
    context: *mut c_void,
    tag: usize,
) {
    let session = unsafe { &*session }.0.clone();
    let mut statement = Statement::new(unsafe { cql.to_text() });
    statement.set_is_idempotent(idempotent != 0);
    start(unsafe { &*scope }, Waiter::new(done, context, tag), async move {
        match session.prepare(statement).await {
            Ok(prepared) => {
                let types = prepared.get_variable_col_specs().iter().map(|spec| number_of(spec.typ())).collect();
                Ok(Outcome::Statement(Box::new(KmStatement { prepared, types })))
            }
            Err(error) => Err((&error).into()),
        }
    });
}

#[no_mangle]
pub unsafe extern "C" fn km_statement_free(statement: *mut KmStatement) {
    drop(unsafe { Box::from_raw(statement) });
}

#[no_mangle]
pub unsafe extern "C" fn km_statement_values(statement: *const KmStatement) -> usize {
    unsafe { &*statement }.types.len()
}

#[no_mangle]
pub unsafe extern "C" fn km_statement_type(statement: *const KmStatement, value: usize) -> u16 {
    unsafe { &*statement }.types.get(value).copied().unwrap_or(0)
}

#[no_mangle]
pub unsafe extern "C" fn km_execute(
    session: *const KmSession,
    scope: *const KmScope,
    statement: *const KmStatement,
    values: *const KmValue,
    timestamp: i64,
    done: KmDone,
    context: *mut c_void,
    tag: usize,
) {
    let session = unsafe { &*session }.0.clone();
    let rows = unsafe { take_rows(&[statement], values) };
    let mut prepared = unsafe { &*statement }.prepared.clone();
    prepared.set_timestamp(Some(timestamp));
    start(unsafe { &*scope }, Waiter::new(done, context, tag), async move {
        match session.execute_unpaged(&prepared, &rows[0]).await {
            Ok(result) => rows_of(result),
            Err(error) => Err((&error).into()),
        }
    });
}

#[no_mangle]
pub unsafe extern "C" fn km_batch(
    session: *const KmSession,
    scope: *const KmScope,
    logged: u8,
    statements: *const *const KmStatement,
    count: usize,
    values: *const KmValue,
    timestamp: i64,
    done: KmDone,
    context: *mut c_void,
    tag: usize,
) {
    let session = unsafe { &*session }.0.clone();
    let statements = unsafe { std::slice::from_raw_parts(statements, count) };
    let rows = unsafe { take_rows(statements, values) };
    let mut batch = Batch::new(if logged != 0 { BatchType::Logged } else { BatchType::Unlogged });
    let mut idempotent = true;
    for &statement in statements {
        let statement = unsafe { &*statement };
        idempotent &= statement.prepared.get_is_idempotent();
        batch.append_statement(BatchStatement::PreparedStatement(statement.prepared.clone()));
    }
    batch.set_is_idempotent(idempotent);
    batch.set_timestamp(Some(timestamp));
    start(unsafe { &*scope }, Waiter::new(done, context, tag), async move {
        match session.batch(&batch, rows).await {
            Ok(_) => Ok(Outcome::Nothing),
            Err(error) => Err((&error).into()),
        }
    });
}
