//! The driver's errors in the few kinds that make a difference to the broker.

use scylla::errors::{
    ConnectionError, ConnectionPoolError, ConnectionSetupRequestErrorKind, DbError, ExecutionError, MetadataError,
    NewSessionError, PrepareError, RequestAttemptError, UseKeyspaceError,
};

#[derive(Clone, Copy)]
#[repr(i32)]
pub enum Code {
    Unreachable = 1,
    Lost = 2,
    TimedOut = 3,
    Busy = 4,
    Login = 5,
    Forbidden = 6,
    Syntax = 7,
    Invalid = 8,
    Failed = 9,
    Interrupted = 10,
}

pub struct Failure {
    pub code: Code,
    pub text: String,
}

impl Failure {
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Failure { code, text: text.into() }
    }
}

fn of_server(error: &DbError, text: &str) -> Failure {
    let code = match error {
        DbError::SyntaxError => Code::Syntax,
        DbError::Invalid | DbError::ConfigError | DbError::AlreadyExists { .. } => Code::Invalid,
        DbError::FunctionFailure { .. } => Code::Invalid,
        DbError::AuthenticationError => Code::Login,
        DbError::Unauthorized => Code::Forbidden,
        DbError::Unavailable { .. } | DbError::Overloaded | DbError::IsBootstrapping => Code::Busy,
        DbError::ReadTimeout { .. } | DbError::ReadFailure { .. } => Code::Busy,
        DbError::WriteTimeout { .. } | DbError::WriteFailure { .. } => Code::TimedOut,
        _ => Code::Failed,
    };
    Failure::new(code, if text.is_empty() { error.to_string() } else { text.to_owned() })
}

impl From<&RequestAttemptError> for Failure {
    fn from(error: &RequestAttemptError) -> Self {
        match error {
            RequestAttemptError::DbError(db, text) => of_server(db, text),
            RequestAttemptError::BrokenConnectionError(_) => Failure::new(Code::Lost, error.to_string()),
            RequestAttemptError::UnableToAllocStreamId => Failure::new(Code::Busy, error.to_string()),
            RequestAttemptError::SerializationError(_) | RequestAttemptError::CqlRequestSerialization(_) => {
                Failure::new(Code::Invalid, error.to_string())
            }
            _ => Failure::new(Code::Failed, error.to_string()),
        }
    }
}

impl From<&ConnectionError> for Failure {
    fn from(error: &ConnectionError) -> Self {
        match error {
            ConnectionError::ConnectionSetupRequestError(setup) => match setup.get_error() {
                ConnectionSetupRequestErrorKind::DbError(db, text) => of_server(db, text),
                ConnectionSetupRequestErrorKind::MissingAuthentication => {
                    Failure::new(Code::Login, "the server wants a user and a password")
                }
                other => Failure::new(Code::Unreachable, other.to_string()),
            },
            ConnectionError::UseKeyspaceError(inner) => inner.into(),
            other => Failure::new(Code::Unreachable, other.to_string()),
        }
    }
}

impl From<&ConnectionPoolError> for Failure {
    fn from(error: &ConnectionPoolError) -> Self {
        match error {
            ConnectionPoolError::Broken { last_connection_error } => {
                let inner = Failure::from(last_connection_error);
                Failure::new(inner.code, inner.text)
            }
            other => Failure::new(Code::Unreachable, other.to_string()),
        }
    }
}

impl From<&UseKeyspaceError> for Failure {
    fn from(error: &UseKeyspaceError) -> Self {
        match error {
            UseKeyspaceError::RequestError(inner) => {
                let failure = Failure::from(inner);
                match failure.code {
                    Code::Invalid | Code::Forbidden => Failure::new(Code::Login, failure.text),
                    _ => failure,
                }
            }
            UseKeyspaceError::RequestTimeout(_) => Failure::new(Code::Unreachable, error.to_string()),
            other => Failure::new(Code::Login, other.to_string()),
        }
    }
}

impl From<&MetadataError> for Failure {
    fn from(error: &MetadataError) -> Self {
        match error {
            MetadataError::ConnectionPoolError(inner) => inner.into(),
            other => Failure::new(Code::Unreachable, other.to_string()),
        }
    }
}

impl From<&NewSessionError> for Failure {
    fn from(error: &NewSessionError) -> Self {
        match error {
            NewSessionError::FailedToResolveAnyHostname(hosts) => {
                Failure::new(Code::Unreachable, format!("no such host: {}", hosts.join(", ")))
            }
            NewSessionError::MetadataError(inner) => inner.into(),
            NewSessionError::UseKeyspaceError(inner) => inner.into(),
            other => Failure::new(Code::Failed, other.to_string()),
        }
    }
}

impl From<&PrepareError> for Failure {
    fn from(error: &PrepareError) -> Self {
        match error {
            PrepareError::ConnectionPoolError(inner) => inner.into(),
            PrepareError::AllAttemptsFailed { first_attempt } => first_attempt.into(),
            other => Failure::new(Code::Failed, other.to_string()),
        }
    }
}

impl From<&ExecutionError> for Failure {
    fn from(error: &ExecutionError) -> Self {
        match error {
            ExecutionError::LastAttemptError(inner) => inner.into(),
            ExecutionError::PrepareError(inner) => inner.into(),
            ExecutionError::ConnectionPoolError(inner) => inner.into(),
            ExecutionError::UseKeyspaceError(inner) => inner.into(),
            ExecutionError::MetadataError(inner) => inner.into(),
            ExecutionError::RequestTimeout(_) => Failure::new(Code::TimedOut, "the server did not answer in time"),
            ExecutionError::EmptyPlan => Failure::new(Code::Unreachable, "no node is connected"),
            ExecutionError::BadQuery(_) => Failure::new(Code::Invalid, error.to_string()),
            other => Failure::new(Code::Failed, other.to_string()),
        }
    }
}
