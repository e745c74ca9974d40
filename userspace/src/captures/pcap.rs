//! The format of tcpdump: one header, then packets.

use std::io::Read;

use super::MAX_PACKET;
use super::error::{CaptureError, End};
use super::frame::Frame;
use super::link::Link;
use super::order::Order;
use super::reader::{Found, Glance, Next};
use super::time::from_parts;
use super::window::Window;

const HEADER: usize = 24;
const PACKET: usize = 16;

pub(super) struct Pcap {
    order: Order,
    /// Nanoseconds in a unit of the part of a second.
    unit: u64,
    link: Link,
}

impl Pcap {
    pub(super) fn open<R: Read>(
        window: &mut Window<R>,
        order: Order,
        unit: u64,
    ) -> Result<Self, CaptureError> {
        let Some((header, _)) = window.take(HEADER)? else { return Err(CaptureError::Short) };
        // The upper half of the word has the length of a checksum and other rare things.
        let link = order.word(header, 20).to_le_bytes();
        let number = u16::from_le_bytes([link[0], link[1]]);
        let link = Link::of_number(number).ok_or(CaptureError::Link { number })?;
        Ok(Self { order, unit, link })
    }

    pub(super) fn next<R: Read>(&self, window: &mut Window<R>) -> Result<Next, End> {
        let at = window.position();
        let unreadable = |source| End::Unreadable { at, source };
        let Some(header) = window.peek(PACKET).map_err(unreadable)? else {
            return if window.is_at_end().map_err(unreadable)? {
                Err(End::Whole)
            } else {
                Err(End::Cut { at })
            };
        };
        let time_ns = from_parts(self.order.word(header, 0), self.order.word(header, 4), self.unit);
        let (captured, length) = (self.order.word(header, 8), self.order.word(header, 12));
        if captured > MAX_PACKET {
            return Err(End::Damaged { at, what: "a packet longer than any" });
        }
        let found = Found {
            time_ns: Some(time_ns),
            link: self.link,
            outgoing: false,
            start: PACKET,
            captured: captured as usize,
            length,
        };
        Ok(Next::Packet { found, whole: PACKET + captured as usize })
    }

    /// The packet that begins in these bytes, if it can be told already.
    pub(super) fn glance<'a>(&self, ahead: &'a [u8]) -> Option<Glance<'a>> {
        let (header, rest) = ahead.split_at_checked(PACKET)?;
        let captured = usize::try_from(self.order.word(header, 8)).ok()?;
        let (bytes, rest) = rest.split_at_checked(captured)?;
        Some(Glance { frame: Frame::of(self.link, bytes, self.order.word(header, 12)), rest })
    }
}
