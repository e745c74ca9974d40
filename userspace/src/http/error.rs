//! What can go wrong with a request, as an operator is told of it.

use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use rustls::{AlertDescription, CertificateError};
use ureq::Timeout;

use super::resolver::NotResolved;
use crate::thousands::grouped;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The name has no address.
    #[error("no address for {host}: {problem}; check the name, and the resolvers of this host")]
    Name {
        /// The server.
        host: String,
        /// Why.
        problem: String,
    },
    /// Nobody is there.
    #[error("cannot connect to {host}: {source}")]
    Connect {
        /// The server.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// The server is not who it should be, or speaks no TLS that is known here.
    #[error("no secure connection to {host}: {problem}")]
    Tls {
        /// The server.
        host: String,
        /// Why.
        problem: String,
    },
    /// It takes too long.
    #[error("{host}: not {what} within {} s", within.as_secs_f64())]
    Timeout {
        /// The server.
        host: String,
        /// What did not happen.
        what: &'static str,
        /// In all this time.
        within: Duration,
    },
    /// The server says no.
    #[error("{url} answered {status}{}{said}", reason(*status))]
    Status {
        /// Who.
        url: String,
        /// What.
        status: u16,
        /// The beginning of what it said about it, after a colon; may be empty.
        said: String,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The server sends from one address to the next.
    #[error("more than 5 redirects, the last one to {to}")]
    TooManyRedirects {
        /// The last one.
        to: String,
    },
    /// The server sends on without saying where to.
    #[error("{from} redirects, but to no address that could be asked")]
    NowhereToGo {
        /// Who.
        from: String,
    },
    /// What was asked for over an encrypted connection is to come over another.
    #[error("redirected to {to}, which is not encrypted, so it was not followed")]
    NotEncrypted {
        /// Where.
        to: String,
    },
    /// More comes than may.
    #[error("larger than the {} bytes that are allowed", grouped(*most))]
    TooLarge {
        /// In bytes.
        most: u64,
    },
    /// The connection broke.
    #[error("{host} broke off: {source}")]
    CutShort {
        /// The server.
        host: String,
        /// How.
        source: io::Error,
    },
    /// What came was damaged on its way.
    #[error("{host} sent damaged gzip: {source}")]
    Damaged {
        /// The server.
        host: String,
        /// How.
        source: io::Error,
    },
    /// The server speaks something else.
    #[error("{host} does not speak HTTP as it should: {problem}")]
    Protocol {
        /// The server.
        host: String,
        /// How.
        problem: String,
    },
    /// The answer is no JSON, or other JSON.
    #[error("the answer of {host} has another shape: {source}")]
    OtherShape {
        /// The server.
        host: String,
        /// How.
        source: serde_json::Error,
    },
    /// The request cannot be written.
    #[error("the request cannot be written as JSON: {0}")]
    Unwritable(serde_json::Error),
    /// The answer cannot be kept.
    #[error("what came cannot be kept: {0}")]
    NotTaken(io::Error),
    /// A file of certificates or keys cannot be used.
    #[error("{} {problem}", path.display())]
    Credentials {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// The host trusts nobody.
    #[error(
        "this host trusts no authority at all; install the package ca-certificates, or name one with `ca`"
    )]
    NoAuthorities,
}

impl HttpError {
    /// The kind of the error in a word, for metrics.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Name { .. } => "name",
            Self::Connect { .. } => "connect",
            Self::Tls { .. } | Self::Credentials { .. } | Self::NoAuthorities => "tls",
            Self::Timeout { .. } => "timeout",
            Self::Status { .. } => "status",
            Self::TooManyRedirects { .. } | Self::NowhereToGo { .. } | Self::NotEncrypted { .. } => {
                "redirect"
            }
            Self::TooLarge { .. } => "too-large",
            Self::CutShort { .. } | Self::Damaged { .. } | Self::Protocol { .. } => "broken",
            Self::OtherShape { .. } | Self::Unwritable(_) => "invalid",
            Self::NotTaken(_) => "disk",
        }
    }

    /// When the server wants to be asked again.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        if let Self::Status { retry_after, .. } = self { *retry_after } else { None }
    }
}

/// What went wrong before there was an answer.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other error is told as ureq tells it")]
pub(super) fn of_call(error: ureq::Error, host: &str, within: Duration) -> HttpError {
    let host = host.to_owned();
    match error {
        ureq::Error::HostNotFound => HttpError::Name { host, problem: "it has none".to_owned() },
        ureq::Error::Timeout(Timeout::Resolve) => HttpError::Timeout { host, what: "found", within },
        ureq::Error::Timeout(Timeout::Connect) => HttpError::Timeout { host, what: "connected", within },
        ureq::Error::Timeout(_) => HttpError::Timeout { host, what: "answered", within },
        ureq::Error::Rustls(error) => HttpError::Tls { problem: tls_problem(&error), host },
        ureq::Error::Other(error) => match error.downcast::<NotResolved>() {
            Ok(error) => HttpError::Name { host, problem: error.to_string() },
            Err(error) => HttpError::Protocol { host, problem: error.to_string() },
        },
        ureq::Error::Io(source) => of_io(source, host, true),
        other => HttpError::Protocol { host, problem: other.to_string() },
    }
}

/// What went wrong while the body came.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other error is what it is before an answer")]
pub(super) fn of_body(error: io::Error, host: &str, within: Duration) -> HttpError {
    match ureq::Error::from(error) {
        ureq::Error::Timeout(_) => {
            HttpError::Timeout { host: host.to_owned(), what: "all of it received", within }
        }
        ureq::Error::Decompress(_, source) => HttpError::Damaged { host: host.to_owned(), source },
        ureq::Error::Io(source) => of_io(source, host.to_owned(), false),
        other => of_call(other, host, within),
    }
}

fn of_io(source: io::Error, host: String, may_be_connecting: bool) -> HttpError {
    if let Some(error) = source.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return HttpError::Tls { problem: tls_problem(error), host };
    }
    let broke_off = [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
    if may_be_connecting && !broke_off.contains(&source.kind()) {
        return HttpError::Connect { host, source };
    }
    HttpError::CutShort { host, source }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other error is told as rustls tells it")]
fn tls_problem(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(problem) => certificate_problem(problem),
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "it wants a certificate of the client".to_owned()
        }
        rustls::Error::AlertReceived(alert) => format!("it refused: {alert:?}"),
        rustls::Error::InvalidMessage(_) => "it does not speak TLS there".to_owned(),
        other => other.to_string(),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other error is told as rustls tells it")]
fn certificate_problem(problem: &CertificateError) -> String {
    match problem {
        CertificateError::NotValidForName => "its certificate is for another name".to_owned(),
        CertificateError::NotValidForNameContext { presented, .. } => {
            format!("its certificate is for another name ({})", presented.join(", "))
        }
        CertificateError::Expired => "its certificate has expired".to_owned(),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("its certificate has expired ({})", time(not_after.as_secs()))
        }
        CertificateError::NotValidYet => {
            "its certificate is not valid yet; check this host's clock".to_owned()
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!(
                "its certificate is not valid before {}; check this host's clock",
                time(not_before.as_secs())
            )
        }
        CertificateError::UnknownIssuer => {
            "its certificate is of an authority that is not trusted here; name that with `ca`".to_owned()
        }
        other => format!("its certificate is not good: {other}"),
    }
}

fn time(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map_or_else(String::new, |time| time.to_string())
}

/// The usual words for a status, after a blank.
fn reason(status: u16) -> String {
    let code = ureq::http::StatusCode::from_u16(status).ok();
    code.and_then(|code| code.canonical_reason()).map_or_else(String::new, |words| format!(" ({words})"))
}
