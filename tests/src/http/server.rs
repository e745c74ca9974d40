//! The server: one thread, and one more for each connection.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};

use super::{HEAD_LIMIT, page};
use crate::namespace::Namespace;

const TIMEOUT: Duration = Duration::from_secs(10);
/// How often the server looks whether it should stop.
const TICK: Duration = Duration::from_millis(2);

type Accepted = Arc<Mutex<BTreeMap<IpAddr, u64>>>;

/// A running server. Stops when dropped.
#[derive(Debug)]
pub struct Server {
    stop: Arc<AtomicBool>,
    accepted: Accepted,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Server {
    /// Starts a server inside `namespace`; it listens when this returns.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound.
    pub fn start(namespace: &Namespace, address: SocketAddr) -> Result<Self> {
        let listener = namespace
            .within(|| TcpListener::bind(address).with_context(|| format!("cannot listen on {address}")))?;
        listener.set_nonblocking(true)?;
        let stop = Arc::new(AtomicBool::new(false));
        let accepted = Accepted::default();
        let (stopping, counts) = (Arc::clone(&stop), Arc::clone(&accepted));
        let thread = thread::spawn(move || serve(&listener, &stopping, &counts));
        Ok(Self { stop, accepted, thread: Some(thread) })
    }

    /// Connections that were established from this source.
    #[must_use]
    pub fn accepted_from(&self, source: IpAddr) -> u64 {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner).get(&source).copied().unwrap_or(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn serve(listener: &TcpListener, stop: &AtomicBool, accepted: &Accepted) -> Result<()> {
    while !stop.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((stream, peer)) => {
                *accepted.lock().unwrap_or_else(PoisonError::into_inner).entry(peer.ip()).or_default() += 1;
                // A client that breaks off is the client's failure, and the client counts it.
                thread::spawn(move || answer(stream));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(TICK),
            Err(error) => return Err(error).context("the server cannot accept"),
        }
    }
    Ok(())
}

fn answer(mut stream: TcpStream) -> Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let head = read_head(&mut stream)?;
    let number = head.strip_prefix("GET /").and_then(|rest| rest.split(' ').next()?.parse().ok());
    let Some(number) = number else {
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
        return Ok(());
    };
    let body = page(number);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), &body].concat())?;
    Ok(())
}

fn read_head(stream: &mut TcpStream) -> Result<String> {
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD_LIMIT {
        match stream.read(&mut part)? {
            0 => break,
            read => head.extend(part.iter().take(read)),
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
