//! Numbered frames past both network stacks: handed to the wire byte for byte, and told apart where they come out.
//!
//! A frame's number is in its last bytes, where no verdict depends on it. Frames of one sender stay in order on a wire with
//! one queue ([`Wire::of_one_queue`]).

use std::io::IoSlice;
use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_recv_buffer_size_force, set_socket_timeout};
use rustix::net::{
    AddressFamily, MMsgHdr, RecvFlags, SendAncillaryBuffer, SendFlags, SocketAddrAny, SocketFlags,
    SocketType, eth, recv, recvfrom, sendmmsg, sendto, socket_with,
};
use xdpgate::kernel::monotonic_ns;

use crate::veth::{GUARDED_IPV4, GUARDED_MAC, Wire};

/// Before the number, so that nothing else on the wire is taken for one of these frames.
const MARK: [u8; 4] = *b"#no:";
/// How many bytes of a frame its number takes.
pub const NUMBER_BYTES: usize = MARK.len() + size_of::<u32>();
/// Frames in one system call.
const BATCH: usize = 64;
/// What waits at the exit should its reader not get a core.
const RECEIVE_BUFFER: usize = 1 << 30;
const PATIENCE: Duration = Duration::from_secs(20);

/// Writes a number behind a frame.
pub fn append_number(frame: &mut Vec<u8>, number: u32) {
    frame.extend(MARK);
    frame.extend(number.to_be_bytes());
}

/// The number at the end of a frame.
#[must_use]
pub fn number_of(frame: &[u8]) -> Option<u32> {
    let (before, number) = frame.split_last_chunk::<4>()?;
    before.ends_with(&MARK).then(|| u32::from_be_bytes(*number))
}

/// Puts frames on the wire from the outside.
#[derive(Debug)]
pub struct Entrance {
    socket: OwnedFd,
    device: SocketAddrAny,
}

impl Entrance {
    /// Opens one.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn open(wire: &Wire) -> Result<Self> {
        wire.outside.within(|| {
            // The address of a device cannot be written without `unsafe`, but the kernel says it of every packet there.
            let listener = packet_socket(true)?;
            set_socket_timeout(&listener, Timeout::Recv, Some(PATIENCE))?;
            UdpSocket::bind(("0.0.0.0", 0))?.send_to(b"where", (GUARDED_IPV4, 9))?;
            let (_, _, device) = recvfrom(&listener, &mut [0; 64][..], RecvFlags::empty())?;
            let device = device.context("a packet of no device")?;
            // For no protocol: it receives nothing.
            Ok(Self { socket: packet_socket(false)?, device })
        })
    }

    /// Sends one frame.
    ///
    /// # Errors
    ///
    /// When the kernel does not take it.
    pub fn send(&self, frame: &[u8]) -> Result<()> {
        sendto(&self.socket, frame, SendFlags::empty(), &self.device).context("cannot send a frame")?;
        Ok(())
    }

    /// Sends frames in their order.
    ///
    /// # Errors
    ///
    /// When the kernel does not take one.
    pub fn send_all(&self, frames: &[&[u8]]) -> Result<()> {
        for batch in frames.chunks(BATCH) {
            let slices: Vec<_> = batch.iter().map(|frame| [IoSlice::new(frame)]).collect();
            let mut control: Vec<_> = batch.iter().map(|_| SendAncillaryBuffer::default()).collect();
            let messages = slices.iter().zip(&mut control);
            let mut messages: Vec<_> = messages
                .map(|(slice, control)| MMsgHdr::new_with_addr(&self.device, slice, control))
                .collect();
            let mut sent = 0;
            while sent < messages.len() {
                let left = messages.get_mut(sent..).context("more sent than there was")?;
                sent += sendmmsg(&self.socket, left, SendFlags::empty()).context("cannot send frames")?;
            }
        }
        Ok(())
    }
}

/// Sees what comes out at the guarded end, behind XDP and before the network stack. Stops when dropped.
#[derive(Debug)]
pub struct Exit {
    stop: Arc<AtomicBool>,
    /// One more than the number of the latest frame.
    latest: Arc<AtomicU64>,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
    thread: Option<JoinHandle<()>>,
}

/// A frame that came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its number.
    pub number: u32,
    /// A moment of `CLOCK_MONOTONIC` at which it was out.
    pub at_ns: u64,
}

impl Exit {
    /// Begins to look.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn watch(wire: &Wire) -> Result<Self> {
        let socket = wire.guarded.within(|| packet_socket(true))?;
        set_socket_recv_buffer_size_force(&socket, RECEIVE_BUFFER)?;
        set_socket_timeout(&socket, Timeout::Recv, Some(Duration::from_millis(50)))?;
        let (stop, latest) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let arrivals = Arc::<Mutex<Vec<_>>>::default();
        let (stopping, newest, list) = (Arc::clone(&stop), Arc::clone(&latest), Arc::clone(&arrivals));
        let thread = thread::spawn(move || look(&socket, &stopping, &newest, &list));
        Ok(Self { stop, latest, arrivals, thread: Some(thread) })
    }

    /// Waits until this frame is out. All that were sent before it have been decided about by then.
    ///
    /// # Errors
    ///
    /// When it does not come.
    pub fn wait_for(&self, number: u32) -> Result<()> {
        let start = Instant::now();
        while self.latest.load(Ordering::Acquire) <= u64::from(number) {
            ensure!(start.elapsed() < PATIENCE, "frame {number} did not come out within {PATIENCE:?}");
            thread::yield_now();
        }
        Ok(())
    }

    /// What has come out since it was last asked, in this order.
    #[must_use]
    pub fn take(&self) -> Vec<Arrival> {
        std::mem::take(&mut self.arrivals.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Exit {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn look(socket: &OwnedFd, stop: &AtomicBool, latest: &AtomicU64, arrivals: &Mutex<Vec<Arrival>>) {
    let mut frame = [0; 2048];
    while !stop.load(Ordering::Relaxed) {
        let length = match recv(socket, &mut frame[..], RecvFlags::empty()) {
            Ok((length, _)) => length,
            Err(Errno::AGAIN | Errno::INTR) => continue,
            Err(_) => return,
        };
        let at_ns = monotonic_ns();
        let frame = frame.get(..length).unwrap_or_default();
        // The socket also sees what the guarded host sends.
        if let Some(number) = number_of(frame).filter(|_| frame.starts_with(&GUARDED_MAC)) {
            arrivals.lock().unwrap_or_else(PoisonError::into_inner).push(Arrival { number, at_ns });
            latest.fetch_max(u64::from(number) + 1, Ordering::Release);
        }
    }
}

fn packet_socket(receives: bool) -> Result<OwnedFd> {
    let protocol = receives.then_some(eth::ALL);
    socket_with(AddressFamily::PACKET, SocketType::RAW, SocketFlags::CLOEXEC, protocol)
        .context("cannot open a packet socket")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_back() {
        let mut frame = vec![1, 2, 3];
        assert_eq!(number_of(&frame), None);
        append_number(&mut frame, 70_000);
        assert_eq!((number_of(&frame), frame.len()), (Some(70_000), 3 + NUMBER_BYTES));
        frame.push(0);
        assert_eq!(number_of(&frame), None);
    }
}
