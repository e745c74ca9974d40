//! Ordinary sockets that send from a given source, and the sink that says what arrived.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use rustix::net::sockopt::{Timeout, set_socket_recv_buffer_size_force, set_socket_timeout};
use rustix::net::{AddressFamily, SocketType, bind, connect as connect_socket, socket};

use crate::namespace::Namespace;

const KNOCK_PAUSE: Duration = Duration::from_millis(20);

/// What a paced sender sent.
#[derive(Clone, Copy, Debug)]
pub struct Sending {
    /// Datagrams that the kernel took.
    pub packets: u64,
    /// From just before the first datagram to just after the last.
    pub time: Duration,
}

/// Sends datagrams from `source` at an even rate until `stop` is set.
pub fn send_udp(
    namespace: &Namespace,
    source: IpAddr,
    to: SocketAddr,
    per_second: u32,
    stop: Arc<AtomicBool>,
) -> JoinHandle<Result<Sending>> {
    namespace.spawn(move || {
        let socket = UdpSocket::bind((source, 0)).with_context(|| format!("cannot send from {source}"))?;
        socket.connect(to)?;
        let start = Instant::now();
        let mut packets = 0;
        while !stop.load(Ordering::Relaxed) {
            let due = u128::from(per_second) * start.elapsed().as_micros() / 1_000_000;
            while u128::from(packets) <= due {
                send_one(&socket)?;
                packets += 1;
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(Sending { packets, time: start.elapsed() })
    })
}

/// Sends so many datagrams from `source`, one after the other.
///
/// # Errors
///
/// When the source is no address of the namespace, or the kernel takes no more.
pub fn send_datagrams(namespace: &Namespace, source: IpAddr, to: SocketAddr, datagrams: u64) -> Result<()> {
    namespace.within(|| {
        let socket = UdpSocket::bind((source, 0)).with_context(|| format!("cannot send from {source}"))?;
        socket.connect(to)?;
        (0..datagrams).try_for_each(|_| send_one(&socket))
    })
}

/// Tries to connect from `source` again and again until `stop` is set; how often, and how often it succeeded.
pub fn knock_tcp(
    namespace: &Namespace,
    source: IpAddr,
    to: SocketAddr,
    timeout: Duration,
    stop: Arc<AtomicBool>,
) -> JoinHandle<Result<Knocks>> {
    namespace.spawn(move || {
        let mut knocks = Knocks { tried: 0, connected: 0 };
        while !stop.load(Ordering::Relaxed) {
            knocks.tried += 1;
            knocks.connected += u64::from(connect(source, to, timeout).is_ok());
            // So that one who gets in does not fill the server's queue.
            thread::sleep(KNOCK_PAUSE);
        }
        Ok(knocks)
    })
}

/// Attempts to connect.
#[derive(Clone, Copy, Debug)]
pub struct Knocks {
    /// How often it was tried.
    pub tried: u64,
    /// How often there was a connection.
    pub connected: u64,
}

/// Receives datagrams and counts them by source. Stops when dropped.
#[derive(Debug)]
pub struct UdpSink {
    stop: Arc<AtomicBool>,
    received: Arc<Mutex<BTreeMap<IpAddr, u64>>>,
    thread: Option<JoinHandle<()>>,
}

impl UdpSink {
    /// Starts to receive inside `namespace`.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound.
    pub fn start(namespace: &Namespace, address: SocketAddr) -> Result<Self> {
        /// Some seconds of what a limit lets through, should the sink not get a core for so long.
        const BUFFER: usize = 16 << 20;
        let socket = bind_udp(namespace, address)?;
        set_socket_recv_buffer_size_force(&socket, BUFFER)?;
        socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        let stop = Arc::<AtomicBool>::default();
        let received = Arc::<Mutex<BTreeMap<IpAddr, u64>>>::default();
        let (stopping, counts) = (Arc::clone(&stop), Arc::clone(&received));
        let thread = thread::spawn(move || receive(&socket, &stopping, &counts));
        Ok(Self { stop, received, thread: Some(thread) })
    }

    /// Datagrams from this source.
    #[must_use]
    pub fn received_from(&self, source: IpAddr) -> u64 {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).get(&source).copied().unwrap_or(0)
    }
}

impl Drop for UdpSink {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// A socket inside `namespace` that nobody has to read: what passes ends there, instead of in an ICMP error each.
///
/// # Errors
///
/// When the address cannot be bound.
pub fn bind_udp(namespace: &Namespace, address: SocketAddr) -> Result<UdpSocket> {
    namespace.within(|| UdpSocket::bind(address).with_context(|| format!("cannot receive on {address}")))
}

/// A connection to `to` from the host's address `source`.
///
/// # Errors
///
/// When there is none within `timeout`.
pub fn connect(source: IpAddr, to: SocketAddr, timeout: Duration) -> Result<TcpStream> {
    let family = if source.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket(family, SocketType::STREAM, None)?;
    bind(&socket, &SocketAddr::new(source, 0)).with_context(|| format!("cannot send from {source}"))?;
    // Linux bounds a blocking connect by the timeout for sending.
    set_socket_timeout(&socket, Timeout::Send, Some(timeout))?;
    connect_socket(&socket, &to)?;
    Ok(TcpStream::from(socket))
}

/// The result of a thread.
///
/// # Errors
///
/// Its own, or that it panicked.
pub fn join<T>(thread: JoinHandle<Result<T>>) -> Result<T> {
    thread.join().map_err(|_| anyhow!("a thread panicked"))?
}

fn send_one(socket: &UdpSocket) -> Result<()> {
    match socket.send(&[0; 18]) {
        // An ICMP error about an earlier datagram; this one was not sent, the next will be.
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => send_one(socket),
        result => result.map(drop).context("cannot send"),
    }
}

fn receive(socket: &UdpSocket, stop: &AtomicBool, counts: &Mutex<BTreeMap<IpAddr, u64>>) {
    let mut datagram = [0; 2048];
    while !stop.load(Ordering::Relaxed) {
        // The only error of an unconnected socket here is that nothing came within the timeout.
        let Ok((_, from)) = socket.recv_from(&mut datagram) else { continue };
        *counts.lock().unwrap_or_else(PoisonError::into_inner).entry(from.ip()).or_default() += 1;
    }
}
