//! The well-behaved client: some requests a second, one connection each, every byte of the answer compared.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::{HEAD_LIMIT, page};
use crate::namespace::Namespace;
use crate::senders;

/// Generous: the question is whether the page comes, on a machine whose cores are busy with a flood.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What a client saw.
#[derive(Clone, Debug, Default)]
pub struct ClientReport {
    /// Requests that ended, well or not.
    pub requests: u64,
    /// Requests that did not bring the whole page.
    pub failed: u64,
    /// The longest time from connecting to the last byte.
    pub slowest: Duration,
    /// Why the first failed request failed.
    pub first_failure: Option<String>,
}

/// A running client.
#[derive(Debug)]
pub struct Client {
    requests: Arc<AtomicU64>,
    failed: Arc<AtomicU64>,
    thread: JoinHandle<Result<ClientReport>>,
}

impl Client {
    /// Starts a client inside `namespace` that fetches from `server`, from its own address `source`, with `pause`
    /// between the requests, until `stop` is set.
    pub fn start(
        namespace: &Namespace,
        source: IpAddr,
        server: SocketAddr,
        pause: Duration,
        stop: Arc<AtomicBool>,
    ) -> Self {
        let (requests, failed) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let (counted, counted_failed) = (Arc::clone(&requests), Arc::clone(&failed));
        let thread = namespace.spawn(move || {
            let mut report = ClientReport::default();
            while !stop.load(Ordering::Relaxed) {
                let start = Instant::now();
                let result = fetch(source, server, report.requests);
                report.requests += 1;
                report.slowest = report.slowest.max(start.elapsed());
                counted.store(report.requests, Ordering::Relaxed);
                if let Err(error) = result {
                    report.failed += 1;
                    counted_failed.store(report.failed, Ordering::Relaxed);
                    report.first_failure.get_or_insert(format!("{source} → {server}: {error:#}"));
                }
                thread::sleep(pause.saturating_sub(start.elapsed()));
            }
            Ok(report)
        });
        Self { requests, failed, thread }
    }

    /// Requests and failed requests until now.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        (self.requests.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }

    /// Waits until the client has seen that it should stop.
    ///
    /// # Errors
    ///
    /// When it could not even start.
    pub fn finish(self) -> Result<ClientReport> {
        senders::join(self.thread)
    }
}

fn fetch(source: IpAddr, server: SocketAddr, number: u64) -> Result<()> {
    let mut stream = senders::connect(source, server, TIMEOUT).context("cannot connect")?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let request = format!("GET /{number} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).context("cannot send the request")?;
    let answer = read_all(&mut stream).context("cannot read the answer")?;
    let end =
        answer.windows(4).position(|window| window == b"\r\n\r\n").context("an answer without a head")?;
    let (head, body) = answer.split_at(end + 4);
    ensure!(head.starts_with(b"HTTP/1.1 200 "), "not 200: {}", String::from_utf8_lossy(head));
    ensure!(body == page(number), "{} bytes came that are not the page", body.len());
    Ok(())
}

fn read_all(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let most = HEAD_LIMIT + page(u64::MAX).len();
    let mut answer = Vec::new();
    let read = stream.take(most as u64 + 1).read_to_end(&mut answer)?;
    if read > most {
        bail!("the answer does not end");
    }
    Ok(answer)
}
