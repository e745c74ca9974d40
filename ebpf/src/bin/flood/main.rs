//! A packet generator for the lab and the tests: each live frame of `BPF_PROG_TEST_RUN` gets another source address
//! and goes out of an interface.
#![cfg_attr(target_arch = "bpf", no_std, no_main)]

#[cfg(target_arch = "bpf")]
mod packet;
#[cfg(target_arch = "bpf")]
mod source;

#[cfg(target_arch = "bpf")]
mod program {
    use aya_ebpf::bindings::xdp_action::{XDP_ABORTED, XDP_REDIRECT};
    use aya_ebpf::macros::{map, xdp};
    use aya_ebpf::maps::{Array, PerCpuArray};
    use aya_ebpf::programs::XdpContext;

    use crate::packet;
    use crate::source::{PATTERNS, Pattern};

    /// Word 0: the index of the interface that the frames leave by.
    #[map]
    static OUTPUT: Array<u32> = Array::with_max_entries(1, 0);

    /// Each frame picks one at random, so the share of slots that hold a pattern is its share of the frames.
    #[map]
    static SOURCES: Array<Pattern> = Array::with_max_entries(PATTERNS, 0);

    /// Frames handed to the redirect. Per CPU, so that generators on several CPUs do not share a line of cache.
    #[map]
    static SENT: PerCpuArray<u64> = PerCpuArray::with_max_entries(1, 0);

    /// Rewrites the frame's source and sends it.
    #[xdp]
    fn flood(ctx: XdpContext) -> u32 {
        send(&ctx).unwrap_or(XDP_ABORTED)
    }

    #[inline(always)]
    fn send(ctx: &XdpContext) -> Option<u32> {
        let interface = *OUTPUT.get(0)?;
        let pattern = SOURCES.get(packet::random() & (PATTERNS - 1))?;
        packet::rewrite_source(ctx, pattern)?;
        let action = packet::redirect(interface);
        if action == XDP_REDIRECT {
            packet::count(&SENT)?;
        }
        Some(action)
    }

    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        loop {}
    }
}

/// The program exists only for the BPF target; `cargo xtask build` makes it.
#[cfg(not(target_arch = "bpf"))]
fn main() {}
