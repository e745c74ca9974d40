//! Packets of an interface as they come, written as a capture.

use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{
    AddressFamily, LinkAddr, SockFlag, SockProtocol, SockType, bind, recvfrom, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike as _};

use crate::config::InterfaceName;

/// Why packets can't be watched.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// No interface of this name.
    #[error("{0}: there is no such interface here; `ip link` shows all")]
    NoInterface(InterfaceName),
    /// No right to a packet socket.
    #[error("watching {0} needs CAP_NET_RAW; run it as root")]
    NotPermitted(InterfaceName),
    /// The kernel refuses.
    #[error("{interface} can't be watched: {source}")]
    Refused {
        /// The interface.
        interface: InterfaceName,
        /// Why.
        source: io::Error,
    },
    /// What was seen can't be written down.
    #[error("what was seen can't be written: {0}")]
    Unwritable(#[from] io::Error),
}

/// What was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Packets that came in, and are in the capture.
    pub packets: u64,
    /// Packets that the host sent, and are not.
    pub outgoing: u64,
}

/// As many bytes of a packet as headers may have; nobody's data is kept.
const KEPT_BYTES: usize = 128;
/// The largest packet that receive offload makes of several.
const LARGEST: usize = 1 << 18;
/// So that a busy machine has time to read.
const RECEIVE_BUFFER: usize = 64 << 20;
/// How long one wait lasts: then the time is looked at.
const WAIT_MILLISECONDS: i64 = 100;
/// `PACKET_OUTGOING` of `linux/if_packet.h`.
const OUTGOING: u8 = 4;

/// Writes what comes in on an interface to `out`, as a pcap file with times in nanoseconds, until the time is over or `most`
/// packets were seen.
///
/// # Errors
/// When there is no such interface, the kernel refuses, or `out` does.
pub fn record(
    interface: &InterfaceName,
    time: Duration,
    most: u64,
    out: &mut impl Write,
) -> Result<Seen, LiveError> {
    let refused = |source: Errno| {
        let interface = interface.clone();
        if [Errno::EPERM, Errno::EACCES].contains(&source) {
            return LiveError::NotPermitted(interface);
        }
        LiveError::Refused { interface, source: source.into() }
    };
    let link =
        link_of(interface).map_err(refused)?.ok_or_else(|| LiveError::NoInterface(interface.clone()))?;
    let socket = open(&link).map_err(refused)?;
    write_header(out)?;
    let (mut seen, mut buffer) = (Seen::default(), vec![0; LARGEST]);
    let start = Instant::now();
    while start.elapsed() < time && seen.packets < most {
        let (length, from) = match recvfrom::<LinkAddr>(socket.as_raw_fd(), &mut buffer) {
            Ok(received) => received,
            Err(Errno::EAGAIN | Errno::EINTR) => continue,
            Err(error) => return Err(refused(error)),
        };
        // Until the socket was bound it took packets of every interface.
        let Some(from) = from.filter(|from| from.ifindex() == link.ifindex()) else { continue };
        if from.pkttype() == OUTGOING {
            seen.outgoing += 1;
            continue;
        }
        write_packet(out, buffer.get(..length).unwrap_or_default())?;
        seen.packets += 1;
    }
    out.flush()?;
    Ok(seen)
}

/// The link address of an interface. It can't be made up without `unsafe`, but the kernel lists all.
fn link_of(interface: &InterfaceName) -> Result<Option<LinkAddr>, Errno> {
    let mut all = getifaddrs()?.filter(|address| address.interface_name == interface.as_str());
    Ok(all.find_map(|address| address.address?.as_link_addr().copied()))
}

fn open(link: &LinkAddr) -> Result<OwnedFd, Errno> {
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll)?;
    bind(socket.as_raw_fd(), link)?;
    setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::milliseconds(WAIT_MILLISECONDS))?;
    // Without the right to it the usual size has to do.
    let _ = setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER);
    Ok(socket)
}

/// The header of a pcap file: nanoseconds, version 2.4, Ethernet.
fn write_header(out: &mut impl Write) -> io::Result<()> {
    const NANOSECONDS: u32 = 0xa1b2_3c4d;
    const ETHERNET: u32 = 1;
    out.write_all(&NANOSECONDS.to_le_bytes())?;
    out.write_all(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0])?;
    out.write_all(&u32::try_from(KEPT_BYTES).unwrap_or(u32::MAX).to_le_bytes())?;
    out.write_all(&ETHERNET.to_le_bytes())
}

fn write_packet(out: &mut impl Write, packet: &[u8]) -> io::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let kept = packet.get(..KEPT_BYTES).unwrap_or(packet);
    let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    // The format has 32 bits for seconds.
    let seconds = u32::try_from(now.as_secs()).unwrap_or(u32::MAX);
    for word in [seconds, now.subsec_nanos(), number(kept.len()), number(packet.len())] {
        out.write_all(&word.to_le_bytes())?;
    }
    out.write_all(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::captures::Capture;

    #[test]
    fn what_is_written_is_a_capture() {
        let mut file = Vec::new();
        write_header(&mut file).unwrap();
        write_packet(&mut file, &[7; 60]).unwrap();
        write_packet(&mut file, &[9; 1500]).unwrap();
        assert_eq!(file.len(), 24 + 16 + 60 + 16 + KEPT_BYTES);
        let mut capture = Capture::open(&file[..]).unwrap();
        let mut lengths = Vec::new();
        while let Ok(record) = capture.next_packet() {
            lengths.push(record.length);
        }
        assert_eq!(lengths, [60, 1500], "the length on the wire counts");
    }

    #[test]
    fn an_interface_that_is_not_there_is_named() {
        let error = record(&"no-such-if".parse().unwrap(), Duration::ZERO, 1, &mut io::sink()).unwrap_err();
        assert!(error.to_string().starts_with("no-such-if: there is no such interface"), "{error}");
    }
}
