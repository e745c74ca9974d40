//! Every access to the frame's memory, each within the bounds that the verifier sees. The view is the program's own.
#![expect(unsafe_code, reason = "the frame is raw memory between two pointers of the context")]

use core::cell::UnsafeCell;
use core::ptr::{read_volatile, write_volatile};

use aya_ebpf::programs::XdpContext;
use xdpgate_ebpf::packet::{Bytes, View};

use crate::source;

/// The farthest offset that any header can begin at: link header, 4 VLAN tags, IPv6, and 6 extension headers of the
/// greatest length (2,048 bytes). It bounds the offset for the verifier.
const MAX_OFFSET: u32 = (1 << 14) - 1;

/// A frame in one buffer.
pub(crate) struct Frame<'a> {
    start: usize,
    end: usize,
    settled: &'a Settled,
}

/// A word of this CPU in a map.
pub(crate) struct Settled(UnsafeCell<u32>);

impl<'a> Frame<'a> {
    #[inline(always)]
    pub(crate) fn of(ctx: &XdpContext, settled: &'a Settled) -> Self {
        Self { start: ctx.data(), end: ctx.data_end(), settled }
    }
}

impl View for Frame<'_> {
    #[inline(always)]
    fn len(&self) -> u32 {
        // A buffer is at most a few pages long.
        #[expect(clippy::cast_possible_truncation, reason = "the difference of two pointers into one buffer")]
        let length = (self.end - self.start) as u32;
        length
    }

    #[inline(always)]
    fn read<const N: usize>(&self, offset: u32) -> Option<Bytes<N>> {
        if offset > MAX_OFFSET {
            return None;
        }
        let at = self.start + offset as usize;
        if at + N > self.end {
            return None;
        }
        // SAFETY: `at..at + N` lies between the context's data and data_end, which the kernel keeps readable while the
        // program runs; a byte array has no alignment.
        Some(Bytes(unsafe { *(at as *const [u8; N]) }))
    }

    #[inline(always)]
    fn settle(&self, offset: u32) -> u32 {
        let word = self.settled.0.get();
        // SAFETY: an aligned word that belongs to this CPU; volatile, or the compiler would see through the round trip.
        unsafe {
            write_volatile(word, offset);
            // Masked here, at its source: Linux 6.1 does not carry a bound from a comparison over to every copy that the
            // compiler makes of the number. No header begins beyond the mask, so it changes nothing.
            read_volatile(word) & MAX_OFFSET
        }
    }
}

const IPV4: [u8; 2] = [0x08, 0x00];
/// Ethernet, then the fixed part of the header.
const IPV4_FRAME: usize = 14 + 20;
const IPV6_FRAME: usize = 14 + 40;

/// Gives the frame this source. Checksums stay as they are: no program looks at them before the stack does.
#[inline(always)]
pub(crate) fn set_source(ctx: &XdpContext, source: u32) {
    if let Some(frame) = start::<IPV4_FRAME>(ctx)
        && frame[12..14] == IPV4
    {
        frame[26..30].copy_from_slice(&source::ipv4(source));
    } else if let Some(frame) = start::<IPV6_FRAME>(ctx) {
        frame[22..30].copy_from_slice(&source::ipv6(source));
    }
}

/// Likewise, an address as it is.
#[inline(always)]
pub(crate) fn set_listed(ctx: &XdpContext, source: &[u8; 16]) {
    if let Some(frame) = start::<IPV4_FRAME>(ctx)
        && frame[12..14] == IPV4
    {
        frame[26..30].copy_from_slice(&source[..4]);
    } else if let Some(frame) = start::<IPV6_FRAME>(ctx) {
        frame[22..38].copy_from_slice(source);
    }
}

#[inline(always)]
pub(crate) fn ipv4_source(ctx: &XdpContext) -> Option<[u8; 4]> {
    let frame = start::<IPV4_FRAME>(ctx)?;
    Some([frame[26], frame[27], frame[28], frame[29]])
}

#[inline(always)]
pub(crate) fn ipv6_source(ctx: &XdpContext) -> Option<[u8; 16]> {
    let frame = start::<IPV6_FRAME>(ctx)?;
    let mut source = Bytes([0; 16]);
    source.0.copy_from_slice(&frame[22..38]);
    Some(source.0)
}

#[inline(always)]
fn start<const N: usize>(ctx: &XdpContext) -> Option<&mut [u8; N]> {
    let start = ctx.data();
    if start + N > ctx.data_end() {
        return None;
    }
    // SAFETY: the bytes from `data` to `data_end` belong to this run alone, and N of them are there.
    Some(unsafe { &mut *(start as *mut [u8; N]) })
}
