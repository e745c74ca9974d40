//! What the driver does to a frame, each access within the bounds that the verifier sees.
#![expect(unsafe_code, reason = "the frame is raw memory between two pointers of the context")]

use aya_ebpf::programs::XdpContext;
use xdpgate_ebpf::packet::Bytes;

use crate::source;

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
