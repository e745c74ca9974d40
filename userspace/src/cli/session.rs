//! One command's talk with the daemon.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use hyper::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::{Builder, Runtime};

use super::output::{Output, Stop};
use crate::api::{Client, Failure, SshPeer};

/// After this a command shows that it waits.
const SILENT_FOR: Duration = Duration::from_secs(1);

/// A client, a place for its calls to run, and the output.
#[derive(Debug)]
pub(super) struct Session {
    runtime: Runtime,
    client: Client,
    pub(super) output: Output,
}

impl Session {
    pub(super) fn new(socket: &Path, output: Output) -> Result<Self, Stop> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, client: Client::new(socket, SshPeer::of_this_session()), output })
    }

    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.wait(self.client.get(path))
    }

    pub(super) fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.wait(self.client.send(method, path, body))
    }

    pub(super) fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T, Failure> {
        self.wait(self.client.call(method, path, body))
    }

    /// Hands over each line of an answer that does not end.
    pub(super) fn follow(&self, path: &str, line: impl FnMut(&[u8]) -> Result<(), Stop>) -> Result<(), Stop> {
        let mut line = line;
        let mut stopped = None;
        let followed = self.runtime.block_on(self.client.follow(path, |text| {
            line(text).map_err(|stop| {
                stopped = Some(stop);
                Failure::failed("stopped")
            })
        }));
        match stopped {
            Some(stop) => Err(stop),
            None => Ok(followed?),
        }
    }

    /// Waits, and after a second shows that it does.
    fn wait<T>(&self, answer: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        self.runtime.block_on(async {
            let mut answer = std::pin::pin!(answer);
            let started = Instant::now();
            let mut shown = false;
            loop {
                if let Ok(answer) = tokio::time::timeout(SILENT_FOR, &mut answer).await {
                    if shown {
                        show_progress("");
                    }
                    return answer;
                }
                if io::stderr().is_terminal() {
                    shown = true;
                    show_progress(&format!("waiting for the daemon, {} s", started.elapsed().as_secs()));
                }
            }
        })
    }
}

/// Shows what is waited for, or nothing any more.
pub(super) fn show_progress(text: &str) {
    // Back to the start of the line, and clear it.
    let _ = write!(io::stderr(), "\r\x1b[K{text}");
    let _ = io::stderr().flush();
}
