//! The command line's side of the socket.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::{Failure, FailureBody, FailureKind, SshPeer, peer};

/// Longer than any answer takes, shorter than an operator's patience. A large list takes longer to compile than this
/// only on a machine that has other problems.
const ANSWER_WITHIN: Duration = Duration::from_mins(2);

/// Talks to one daemon.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
    ssh_peer: Option<SshPeer>,
}

impl Client {
    /// A client of the daemon on this socket. Nothing is connected yet.
    #[must_use]
    pub fn new(socket: &Path, ssh_peer: Option<SshPeer>) -> Self {
        Self { socket: socket.to_owned(), ssh_peer }
    }

    /// Asks.
    ///
    /// # Errors
    /// What the daemon answered, or that it does not answer.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.call(Method::GET, path, Vec::new()).await
    }

    /// Sends JSON.
    ///
    /// # Errors
    /// What the daemon answered, or that it does not answer.
    pub async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let body = serde_json::to_vec(body).map_err(Failure::failed)?;
        self.call(method, path, body).await
    }

    /// Sends bytes as they are, or nothing.
    ///
    /// # Errors
    /// What the daemon answered, or that it does not answer.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T, Failure> {
        let answer = async {
            let response = self.request(method, path, body).await?;
            let status = response.status();
            let body = response.into_body().collect().await.map_err(|error| self.broken(&error))?.to_bytes();
            read_answer(status, &body)
        };
        tokio::time::timeout(ANSWER_WITHIN, answer).await.unwrap_or_else(|_| {
            let seconds = ANSWER_WITHIN.as_secs();
            Err(self.unreachable(&format!("did not answer within {seconds} s; see its log")))
        })
    }

    /// Asks for newline-delimited JSON that goes on until the daemon ends, and hands over each piece as it comes.
    ///
    /// # Errors
    /// What the daemon answered, that it does not answer, or what `line` returned.
    pub async fn follow(
        &self,
        path: &str,
        mut line: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let response = self.request(Method::GET, path, Vec::new()).await?;
        let status = response.status();
        let mut body = response.into_body();
        if status != StatusCode::OK {
            let body = body.collect().await.map_err(|error| self.broken(&error))?.to_bytes();
            return read_answer(status, &body);
        }
        let mut rest = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| self.broken(&error))?;
            rest.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let complete: Vec<u8> = rest.drain(..=end).collect();
                line(complete.trim_ascii())?;
            }
        }
        Err(self.unreachable("ended"))
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Response<Incoming>, Failure> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|error| self.not_connected(&error))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.broken(&error))?;
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header("host", "xdpgate");
        if let Some(peer) = self.ssh_peer {
            request = request.header(peer::HEADER, peer.to_string());
        }
        let request = request
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(Failure::usage)?;
        sender.send_request(request).await.map_err(|error| self.broken(&error))
    }

    fn not_connected(&self, error: &io::Error) -> Failure {
        let socket = self.socket.display();
        let (kind, message) = if error.kind() == io::ErrorKind::NotFound {
            let message = format!(
                "no daemon: there is no socket {socket}; start it with `xdpgate run`, or name its socket with --socket"
            );
            (FailureKind::Unreachable, message)
        } else if error.kind() == io::ErrorKind::ConnectionRefused {
            let message = format!(
                "the daemon is dead: nobody answers on {socket}; what it loaded into the kernel is still enforced; \
                 start it again with `xdpgate run`"
            );
            (FailureKind::Unreachable, message)
        } else if error.kind() == io::ErrorKind::PermissionDenied {
            let message =
                format!("you may not use the socket {socket}; be root or in the group that owns it");
            (FailureKind::Permission, message)
        } else {
            (FailureKind::Unreachable, format!("cannot connect to {socket}: {error}"))
        };
        Failure::new(kind, message)
    }

    fn broken(&self, error: &hyper::Error) -> Failure {
        self.unreachable(&format!("broke the connection off: {error}"))
    }

    fn unreachable(&self, what: &str) -> Failure {
        let message = format!("the daemon on {} {what}", self.socket.display());
        Failure::new(FailureKind::Unreachable, message)
    }
}

fn read_answer<T: DeserializeOwned>(status: StatusCode, body: &[u8]) -> Result<T, Failure> {
    if status.is_success() {
        return serde_json::from_slice(body).map_err(|error| {
            Failure::failed(format!(
                "the daemon's answer has another shape ({error}); is it another version?"
            ))
        });
    }
    let failure = serde_json::from_slice::<FailureBody>(body).map(|body| body.error);
    Err(failure.unwrap_or_else(|_| Failure::failed(format!("the daemon answered {status}"))))
}
