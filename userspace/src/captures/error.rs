//! What can be wrong with a capture.

use std::io;

use super::link::link_name;
use crate::thousands::grouped;

/// Not a capture that xdpgate reads.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// Nothing in it.
    #[error("it is empty; nothing was captured, or the file was not written to its end")]
    Empty,
    /// Less than the header of a file.
    #[error("it ends within its own header; the program that wrote it was stopped, or the disk was full")]
    Short,
    /// Compressed.
    #[error(
        "it is compressed with {format}; unpack it on the way: {program} FILE | xdpgate replay -, or to a file of its own"
    )]
    Compressed {
        /// With what.
        format: &'static str,
        /// What unpacks it to standard output.
        program: &'static str,
    },
    /// Something else.
    #[error("it is neither pcap nor pcapng: it begins with the bytes {}; tcpdump -w and Wireshark write both", hex(*.0))]
    Unknown([u8; 4]),
    /// Packets of a link that has no Ethernet frames and no IP packets to make some of.
    #[error(
        "its packets are of the link type {} ({number}); xdpgate reads Ethernet (1), Linux cooked (113, 276) and raw IP \
         (101, 12, 14, 228, 229)", link_name(*number)
    )]
    Link {
        /// Its number.
        number: u16,
    },
    /// It cannot be read.
    #[error("it can't be read: {0}")]
    Unreadable(#[from] io::Error),
}

/// How the packets of a capture ended.
#[derive(Debug)]
pub enum End {
    /// With the file.
    Whole,
    /// With the file, but nothing can be made of any of its packets.
    OtherLinks {
        /// The number of the link type of most of them.
        number: u16,
    },
    /// Within a packet or a block: the file was cut.
    Cut {
        /// The byte of the file at which the last, incomplete piece begins.
        at: u64,
    },
    /// With something that no capture has.
    Damaged {
        /// The byte of the file at which it begins.
        at: u64,
        /// What it is.
        what: &'static str,
    },
    /// The file could not be read any further.
    Unreadable {
        /// The byte of the file from which on.
        at: u64,
        /// Why.
        source: io::Error,
    },
}

impl End {
    /// What is wrong, after so many packets. Nothing where the capture was whole.
    #[must_use]
    pub fn problem(&self, packets: u64) -> Option<String> {
        let packets = grouped(packets);
        match self {
            Self::Whole => None,
            Self::OtherLinks { number } => Some(CaptureError::Link { number: *number }.to_string()),
            Self::Cut { at } => Some(format!(
                "the capture is cut: what begins at byte {at}, after packet {packets}, is incomplete; the report covers \
                 the packets before it"
            )),
            Self::Damaged { at, what } => Some(format!(
                "the capture is damaged: at byte {at}, after packet {packets}, there is {what}; the report covers the \
                 packets before it"
            )),
            Self::Unreadable { at, source } => Some(format!(
                "the capture can't be read from byte {at} on, after packet {packets}: {source}; the report covers the \
                 packets before it"
            )),
        }
    }
}

fn hex(bytes: [u8; 4]) -> String {
    bytes.map(|byte| format!("{byte:02x}")).join(" ")
}
