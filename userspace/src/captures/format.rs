//! Which format a file has.

use std::io::Read;

use super::error::CaptureError;
use super::order::Order;
use super::pcap::Pcap;
use super::pcapng::PcapNg;
use super::window::Window;

/// The section header of pcapng: the same in both byte orders.
pub(super) const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// How compressed files begin, and what unpacks them.
const COMPRESSED: [(&[u8], &str, &str); 5] = [
    (&[0x1f, 0x8b], "gzip", "zcat"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "zstd", "zstdcat"),
    (&[0xfd, b'7', b'z', b'X'], "xz", "xzcat"),
    (b"BZh", "bzip2", "bzcat"),
    (&[0x04, 0x22, 0x4d, 0x18], "lz4", "lz4cat"),
];

pub(super) enum Format {
    Pcap(Pcap),
    PcapNg(PcapNg),
}

impl Format {
    /// Reads what tells the formats apart, and the header of a pcap file.
    pub(super) fn recognise<R: Read>(window: &mut Window<R>) -> Result<Self, CaptureError> {
        if window.is_at_end()? {
            return Err(CaptureError::Empty);
        }
        let start = match window.peek(4)? {
            Some(start) => start.first_chunk().copied().unwrap_or_default(),
            None => [window.peek(1)?.and_then(|byte| byte.first()).copied().unwrap_or_default(), 0, 0, 0],
        };
        if let Some((_, format, program)) = COMPRESSED.iter().find(|(magic, ..)| start.starts_with(magic)) {
            return Err(CaptureError::Compressed { format, program });
        }
        // As numbers of a little-endian machine: 0xa1b2c3d4 with microseconds, 0xa1b23c4d with nanoseconds.
        let (order, nanoseconds) = match start {
            SECTION => return Ok(Self::PcapNg(PcapNg::default())),
            [0xd4, 0xc3, 0xb2, 0xa1] => (Order::Little, 1_000),
            [0xa1, 0xb2, 0xc3, 0xd4] => (Order::Big, 1_000),
            [0x4d, 0x3c, 0xb2, 0xa1] => (Order::Little, 1),
            [0xa1, 0xb2, 0x3c, 0x4d] => (Order::Big, 1),
            _ => return Err(CaptureError::Unknown(start)),
        };
        Pcap::open(window, order, nanoseconds).map(Self::Pcap)
    }
}
