//! Packet reads: every access to the frame's memory, each within the bounds that the verifier sees.
#![expect(unsafe_code, reason = "the frame is raw memory between two pointers of the context")]

use core::cell::UnsafeCell;
use core::ptr::{read_volatile, write_volatile};

use aya_ebpf::bindings::xdp_md;
use aya_ebpf::helpers::generated::bpf_xdp_get_buff_len;
use aya_ebpf::programs::XdpContext;
use xdpgate_ebpf::packet::{Bytes, View};

/// The farthest offset that any header can begin at: link header, 4 VLAN tags, IPv6, and 6 extension headers of the
/// greatest length (2,048 bytes). It bounds the offset for the verifier.
const MAX_OFFSET: u32 = (1 << 14) - 1;

/// The first buffer of a frame.
pub(crate) struct Frame<'a> {
    start: usize,
    end: usize,
    settled: &'a Settled,
    /// The program is one that takes frames in several buffers.
    frags: Option<*mut xdp_md>,
}

/// A word of this CPU in a map.
pub(crate) struct Settled(UnsafeCell<u32>);

impl<'a> Frame<'a> {
    #[inline(always)]
    pub(crate) fn of(ctx: &XdpContext, settled: &'a Settled, frags: bool) -> Self {
        Self { start: ctx.data(), end: ctx.data_end(), settled, frags: frags.then_some(ctx.ctx) }
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
    fn frame_len(&self) -> u32 {
        let Some(ctx) = self.frags else { return self.len() };
        // SAFETY: the context that the kernel gave to this run; the helper is as old as the several buffers (5.18).
        #[expect(clippy::cast_possible_truncation, reason = "a frame is shorter than 4 GiB")]
        let length = unsafe { bpf_xdp_get_buff_len(ctx) } as u32;
        length
    }

    #[inline(always)]
    fn settle(&self, offset: u32) -> u32 {
        // Masked here, at its source: Linux 6.1 does not carry a bound from a comparison over to every copy that the
        // compiler makes of the number. No header begins beyond the mask, so it changes nothing.
        self.settled.round_trip(offset) & MAX_OFFSET
    }
}

impl Settled {
    /// The same number, of which neither the compiler nor the verifier knows any more where it comes from.
    #[inline(always)]
    pub(crate) fn round_trip(&self, number: u32) -> u32 {
        let word = self.0.get();
        // SAFETY: an aligned word that belongs to this CPU; volatile, or the compiler would see through the round trip.
        unsafe {
            write_volatile(word, number);
            read_volatile(word)
        }
    }
}
