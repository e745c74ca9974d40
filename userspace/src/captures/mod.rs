//! Captures: pcap and pcapng files, read packet by packet in memory of one fixed size, and their packets as the Ethernet
//! frames that the decision's parser expects.
//!
//! Whatever is in a file: no length that it claims is believed before the bytes are there, and no read goes beyond them.

mod clock;
mod error;
mod format;
mod frame;
mod link;
mod live;
mod order;
mod pcap;
mod pcapng;
mod reader;
mod time;
mod window;

pub use self::clock::CaptureClock;
pub use self::error::{CaptureError, End};
pub use self::frame::Frame;
pub use self::link::{Link, link_name};
pub use self::live::{LiveError, Seen, record};
pub use self::reader::{Capture, Record};

/// The most bytes of one packet: what capture programs write at most for these links. More means that the file is damaged.
pub const MAX_PACKET: u32 = 256 << 10;

#[cfg(test)]
pub(crate) mod tests;
