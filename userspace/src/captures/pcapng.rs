//! The format of Wireshark: sections, each with interfaces and their packets, in blocks.

use std::io::Read;

use super::MAX_PACKET;
use super::error::End;
use super::format::SECTION;
use super::frame::Frame;
use super::link::Link;
use super::order::Order;
use super::reader::{Found, Glance, Next};
use super::time::Resolution;
use super::window::Window;

/// The number that a section header has in the byte order of its section.
const MAGIC: u32 = 0x1a2b_3c4d;
const INTERFACE: u32 = 1;
/// Of old programs: as [`ENHANCED`], with a shorter number of the interface.
const OBSOLETE: u32 = 2;
const SIMPLE: u32 = 3;
const ENHANCED: u32 = 6;

/// Type and length, and the length again at the end.
const FRAMING: usize = 12;
/// More than any program writes into one section.
const MAX_INTERFACES: usize = 1 << 16;

const OPTION_END: u16 = 0;
const OPTION_FLAGS: u16 = 2;
const OPTION_RESOLUTION: u16 = 9;
const OPTION_OFFSET: u16 = 14;
/// The two lowest bits of the flags of a packet.
const DIRECTION: u32 = 3;
const OUTBOUND: u32 = 2;

/// The section that is being read.
#[derive(Default)]
pub(super) struct PcapNg {
    /// None before the first section.
    order: Option<Order>,
    interfaces: Vec<Interface>,
}

#[derive(Clone, Copy)]
struct Interface {
    link: u16,
    snaplen: u32,
    resolution: Resolution,
}

impl PcapNg {
    pub(super) fn next<R: Read>(&mut self, window: &mut Window<R>) -> Result<Next, End> {
        let at = window.position();
        let unreadable = |source| End::Unreadable { at, source };
        let damaged = |what| End::Damaged { at, what };
        let Some(head) = window.peek(FRAMING).map_err(unreadable)? else {
            return if window.is_at_end().map_err(unreadable)? {
                Err(End::Whole)
            } else {
                Err(End::Cut { at })
            };
        };
        if head.starts_with(&SECTION) {
            let magic = |order: Order| order.word(head, 8) == MAGIC;
            let order = [Order::Little, Order::Big].into_iter().find(|order| magic(*order));
            self.order = Some(order.ok_or_else(|| damaged("a section without a byte order"))?);
            self.interfaces.clear();
        }
        let Some(order) = self.order else { return Err(damaged("a block before the first section")) };
        let (kind, length) = (order.word(head, 0), order.word(head, 4));
        let whole = length as usize;
        if whole < FRAMING || !whole.is_multiple_of(4) {
            return Err(damaged("a block of an impossible length"));
        }
        if !matches!(kind, INTERFACE | OBSOLETE | SIMPLE | ENHANCED) {
            return if window.skip(u64::from(length)).map_err(unreadable)? {
                Ok(Next::Other)
            } else {
                Err(End::Cut { at })
            };
        }
        if whole > Window::<R>::MOST {
            return Err(damaged("a block longer than any packet needs"));
        }
        let Some(block) = window.peek(whole).map_err(unreadable)? else { return Err(End::Cut { at }) };
        if order.word(block, whole - 4) != length {
            return Err(damaged("a block whose two lengths differ"));
        }
        // The length at the end is at hand no longer; what comes before it is the block's own.
        let body = block.get(8..whole - 4).unwrap_or_default();
        if kind == INTERFACE {
            if self.interfaces.len() >= MAX_INTERFACES {
                return Err(damaged("one interface too many"));
            }
            self.interfaces.push(Interface::read(order, body));
            window.skip(u64::from(length)).map_err(unreadable)?;
            return Ok(Next::Other);
        }
        let packet = match kind {
            SIMPLE => self.simple(order, body),
            ENHANCED => self.enhanced(order, body, order.word(body, 0)),
            _ => self.enhanced(order, body, u32::from(order.half(body, 0))),
        };
        packet.map(|packet| packet.next(whole)).map_err(damaged)
    }

    /// The packet that begins in these bytes, if it can be told already.
    pub(super) fn glance<'a>(&self, ahead: &'a [u8]) -> Option<Glance<'a>> {
        const HEADER: usize = 28;
        let (header, bytes) = ahead.split_at_checked(HEADER)?;
        let order = self.order.filter(|order| order.word(header, 0) == ENHANCED)?;
        let link = Link::of_number(self.interface(order.word(header, 8)).ok()?.link)?;
        let captured = usize::try_from(order.word(header, 20)).ok()?;
        let frame = Frame::of(link, bytes.get(..captured)?, order.word(header, 24));
        let whole = usize::try_from(order.word(header, 4)).ok()?;
        Some(Glance { frame, rest: ahead.get(whole.max(HEADER)..)? })
    }

    /// A packet with an interface, a time and options.
    fn enhanced(&self, order: Order, body: &[u8], interface: u32) -> Result<Packet, &'static str> {
        const DATA: usize = 20;
        if body.len() < DATA {
            return Err("a packet block without room for its header");
        }
        let interface = self.interface(interface)?;
        let captured = captured(order.word(body, 12), body.len() - DATA)?;
        let units = u64::from(order.word(body, 4)) << 32 | u64::from(order.word(body, 8));
        let behind = body.get(DATA + captured.next_multiple_of(4)..).unwrap_or_default();
        let flags = Options { order, rest: behind }.find(|(code, _)| *code == OPTION_FLAGS);
        Ok(Packet {
            time_ns: Some(interface.resolution.nanoseconds(units)),
            link: interface.link,
            outgoing: flags.is_some_and(|(_, value)| order.word(value, 0) & DIRECTION == OUTBOUND),
            start: 8 + DATA,
            captured,
            length: order.word(body, 16),
        })
    }

    /// A packet of the first interface, without a time.
    fn simple(&self, order: Order, body: &[u8]) -> Result<Packet, &'static str> {
        const DATA: usize = 4;
        if body.len() < DATA {
            return Err("a packet block without room for its header");
        }
        let interface = self.interface(0)?;
        let length = order.word(body, 0);
        let snaplen = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
        let captured = captured(length.min(snaplen), body.len() - DATA)?;
        Ok(Packet { time_ns: None, link: interface.link, outgoing: false, start: 8 + DATA, captured, length })
    }

    fn interface(&self, number: u32) -> Result<Interface, &'static str> {
        let found = usize::try_from(number).ok().and_then(|number| self.interfaces.get(number));
        found.copied().ok_or("a packet of an interface that was not described")
    }
}

/// The bytes that a block says it has of a packet.
fn captured(claimed: u32, room: usize) -> Result<usize, &'static str> {
    let captured = claimed as usize;
    if claimed > MAX_PACKET || captured > room {
        return Err("a packet longer than its block");
    }
    Ok(captured)
}

struct Packet {
    time_ns: Option<u64>,
    link: u16,
    outgoing: bool,
    start: usize,
    captured: usize,
    length: u32,
}

impl Packet {
    fn next(self, whole: usize) -> Next {
        let Self { time_ns, link, outgoing, start, captured, length } = self;
        match Link::of_number(link) {
            Some(link) => {
                Next::Packet { found: Found { time_ns, link, outgoing, start, captured, length }, whole }
            }
            None => Next::LeftOut { link, whole },
        }
    }
}

impl Interface {
    fn read(order: Order, body: &[u8]) -> Self {
        let mut resolution = Resolution::default();
        for (code, value) in (Options { order, rest: body.get(8..).unwrap_or_default() }) {
            match (code, value.len()) {
                (OPTION_RESOLUTION, 1) => resolution.exponent = value.first().copied().unwrap_or(6),
                (OPTION_OFFSET, 8) => resolution.offset = order.double(value, 0).cast_signed(),
                _ => {}
            }
        }
        Self { link: order.half(body, 0), snaplen: order.word(body, 4), resolution }
    }
}

/// The options at the end of a block: codes and values.
struct Options<'a> {
    order: Order,
    rest: &'a [u8],
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, behind) = self.rest.split_first_chunk::<4>()?;
        let (code, length) = (self.order.half(head, 0), usize::from(self.order.half(head, 2)));
        if code == OPTION_END {
            return None;
        }
        let value = behind.get(..length)?;
        self.rest = behind.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((code, value))
    }
}
