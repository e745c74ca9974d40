//! Packet after packet.

use std::collections::BTreeMap;
use std::io::Read;
use std::iter;

use super::error::{CaptureError, End};
use super::format::Format;
use super::frame::Frame;
use super::link::Link;
use super::window::Window;

/// A capture that is being read.
pub struct Capture<R> {
    window: Window<R>,
    format: Format,
    packets: u64,
    time_ns: u64,
    left_out: BTreeMap<u16, u64>,
}

/// One packet.
pub struct Record<'a> {
    /// Its number in the capture, from 1, as other programs count them.
    pub number: u64,
    /// When it was captured, in nanoseconds since 1970. A packet without a time has that of the one before.
    pub time_ns: u64,
    /// Its link.
    pub link: Link,
    /// The bytes that were captured, from the header of the link on.
    pub bytes: &'a [u8],
    /// The bytes that were there.
    pub length: u32,
    /// The host sent it, as far as the format says so.
    pub outgoing: bool,
    ahead: Ahead<'a>,
}

/// What follows a packet, as far as it is at hand.
#[derive(Clone, Copy)]
struct Ahead<'a> {
    format: &'a Format,
    bytes: &'a [u8],
}

/// A packet that was looked at before its turn.
pub(super) struct Glance<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) rest: &'a [u8],
}

/// Where the next packet lies in the window.
pub(super) struct Found {
    pub(super) time_ns: Option<u64>,
    pub(super) link: Link,
    pub(super) outgoing: bool,
    /// From the window's position on.
    pub(super) start: usize,
    pub(super) captured: usize,
    pub(super) length: u32,
}

/// What comes next in a capture.
pub(super) enum Next {
    /// A packet, and the bytes of its record or block.
    Packet { found: Found, whole: usize },
    /// A packet of a link that nothing can be made of.
    LeftOut { link: u16, whole: usize },
    /// Something else, which was read.
    Other,
}

impl<R: Read> Capture<R> {
    /// Begins to read.
    ///
    /// # Errors
    /// When it is no capture, or one of another link.
    pub fn open(reader: R) -> Result<Self, CaptureError> {
        let mut window = Window::new(reader);
        let format = Format::recognise(&mut window)?;
        Ok(Self { window, format, packets: 0, time_ns: 0, left_out: BTreeMap::new() })
    }

    /// Lends the next packet, until there is none.
    ///
    /// # Errors
    /// Why there is none: [`End::Whole`] is the usual end.
    pub fn next_packet(&mut self) -> Result<Record<'_>, End> {
        loop {
            let next = match &mut self.format {
                Format::Pcap(pcap) => pcap.next(&mut self.window),
                Format::PcapNg(pcapng) => pcapng.next(&mut self.window),
            };
            let next = match next {
                Ok(next) => next,
                Err(End::Whole) => return Err(self.end()),
                Err(end) => return Err(end),
            };
            match next {
                Next::Packet { found, whole } => return self.lend(&found, whole),
                Next::LeftOut { link, whole } => {
                    self.take(whole)?;
                    self.packets += 1;
                    *self.left_out.entry(link).or_default() += 1;
                }
                Next::Other => {}
            }
        }
    }

    /// Packets so far, also those that were left out.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.packets
    }

    /// Packets that were left out, by the number of the link type of which nothing can be made.
    #[must_use]
    pub const fn left_out(&self) -> &BTreeMap<u16, u64> {
        &self.left_out
    }

    /// The end of a whole file.
    fn end(&self) -> End {
        let most = self.left_out.iter().max_by_key(|(_, packets)| **packets);
        match most {
            Some((number, _)) if self.left_out.values().sum::<u64>() == self.packets => {
                End::OtherLinks { number: *number }
            }
            _ => End::Whole,
        }
    }

    fn lend(&mut self, found: &Found, whole: usize) -> Result<Record<'_>, End> {
        let at = self.window.position();
        let taken = self.window.take(whole).map_err(|source| End::Unreadable { at, source })?;
        let (taken, ahead) = taken.ok_or(End::Cut { at })?;
        let bytes = taken.get(found.start..).and_then(|bytes| bytes.get(..found.captured));
        let bytes = bytes.ok_or(End::Cut { at })?;
        let ahead = Ahead { format: &self.format, bytes: ahead };
        self.packets += 1;
        self.time_ns = found.time_ns.unwrap_or(self.time_ns);
        let (number, time_ns) = (self.packets, self.time_ns);
        Ok(Record {
            number,
            time_ns,
            link: found.link,
            bytes,
            length: found.length,
            outgoing: found.outgoing,
            ahead,
        })
    }

    fn take(&mut self, whole: usize) -> Result<(), End> {
        let at = self.window.position();
        match self.window.take(whole) {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(End::Cut { at }),
            Err(source) => Err(End::Unreadable { at, source }),
        }
    }
}

impl<'a> Record<'a> {
    /// It as an Ethernet frame.
    #[must_use]
    pub fn frame(&self) -> Frame<'a> {
        Frame::of(self.link, self.bytes, self.length)
    }

    /// The packets that follow, as far as they are at hand: for those who load what these will need before their turn.
    /// They may turn out to be damaged.
    pub fn frames_ahead(&self) -> impl Iterator<Item = Frame<'a>> + use<'a> {
        let Ahead { format, bytes: mut rest } = self.ahead;
        iter::from_fn(move || {
            let glance = match format {
                Format::Pcap(pcap) => pcap.glance(rest),
                Format::PcapNg(pcapng) => pcapng.glance(rest),
            }?;
            rest = glance.rest;
            Some(glance.frame)
        })
    }
}
