//! Packet bytes, helpers of the kernel and the counter: everything here that needs `unsafe`.
#![expect(
    unsafe_code,
    reason = "the verifier checks every access below; each block says which check it relies on"
)]

use aya_ebpf::helpers::{bpf_get_prandom_u32, bpf_redirect};
use aya_ebpf::maps::PerCpuArray;
use aya_ebpf::programs::XdpContext;

use crate::source::{self, Pattern};

const ETHERNET: usize = 14;
const UDP: u8 = 17;
/// Ethernet, IPv4 without options, UDP.
const IPV4_FRAME: usize = ETHERNET + 20 + 8;
/// Ethernet, IPv6 without extension headers, UDP.
const IPV6_FRAME: usize = ETHERNET + 40 + 8;

/// Thirty-two random bits.
#[inline(always)]
pub(crate) fn random() -> u32 {
    // SAFETY: the helper takes nothing and reads only the CPU's own random state.
    unsafe { bpf_get_prandom_u32() }
}

/// Asks the kernel to send the frame out of `interface`; the action to return.
#[inline(always)]
pub(crate) fn redirect(interface: u32) -> u32 {
    // SAFETY: the helper takes two integers; an interface that does not exist makes the later redirect fail.
    let action = unsafe { bpf_redirect(interface, 0) };
    u32::try_from(action).unwrap_or(0)
}

/// Counts one frame.
#[inline(always)]
pub(crate) fn count(counter: &PerCpuArray<u64>) -> Option<()> {
    let value = counter.get_ptr_mut(0)?;
    // SAFETY: the pointer is this CPU's element, checked for null by `get_ptr_mut`; a test run does not migrate.
    unsafe { *value += 1 };
    Some(())
}

/// Gives the frame another source address and keeps its checksums right. Pages are used again with what the last run
/// wrote into them, so a checksum goes from the frame's present source to the new one.
#[inline(always)]
pub(crate) fn rewrite_source(ctx: &XdpContext, pattern: &Pattern) -> Option<()> {
    match frame::<IPV4_FRAME>(ctx) {
        Some(frame) if frame[12..14] == [0x08, 0x00] => rewrite_ipv4(frame, pattern),
        Some(_) => rewrite_ipv6(frame::<IPV6_FRAME>(ctx)?, pattern),
        None => None,
    }
}

#[inline(always)]
fn rewrite_ipv4(frame: &mut [u8; IPV4_FRAME], pattern: &Pattern) -> Option<()> {
    let old = [frame[26], frame[27], frame[28], frame[29]];
    let new = source::ipv4(pattern, random);
    let sum = adjust([frame[24], frame[25]], &old, &new);
    frame[24..26].copy_from_slice(&sum);
    frame[26..30].copy_from_slice(&new);
    if frame[23] == UDP {
        // IPv4 allows UDP without a checksum, and zero says so.
        frame[40..42].copy_from_slice(&[0, 0]);
    }
    Some(())
}

#[inline(always)]
fn rewrite_ipv6(frame: &mut [u8; IPV6_FRAME], pattern: &Pattern) -> Option<()> {
    if frame[12..14] != [0x86, 0xdd] || frame[20] != UDP {
        return None;
    }
    let mut old = [0; 16];
    old.copy_from_slice(&frame[22..38]);
    let new = source::ipv6(pattern, random);
    let sum = match adjust([frame[60], frame[61]], &old, &new) {
        // Zero would say that there is none, which IPv6 forbids.
        [0, 0] => [0xff, 0xff],
        sum => sum,
    };
    frame[60..62].copy_from_slice(&sum);
    frame[22..38].copy_from_slice(&new);
    Some(())
}

/// The checksum after `old` became `new` (RFC 1624, equation 3).
#[inline(always)]
fn adjust<const N: usize>(checksum: [u8; 2], old: &[u8; N], new: &[u8; N]) -> [u8; 2] {
    let mut sum = u32::from(!u16::from_be_bytes(checksum));
    let mut at = 0;
    while at < N {
        sum += u32::from(!u16::from_be_bytes([old[at], old[at + 1]]));
        sum += u32::from(u16::from_be_bytes([new[at], new[at + 1]]));
        at += 2;
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    (!(sum as u16)).to_be_bytes()
}

/// The first `N` bytes of the packet, if it has them.
#[inline(always)]
fn frame<const N: usize>(ctx: &XdpContext) -> Option<&mut [u8; N]> {
    let start = ctx.data();
    if start + N > ctx.data_end() {
        return None;
    }
    // SAFETY: the bytes from `data` to `data_end` belong to this run alone, and N of them are there.
    Some(unsafe { &mut *(start as *mut [u8; N]) })
}
