//! The XDP program: a thin host of the decision. It reads the frame, asks [`decide`], counts, samples, and answers.
#![cfg_attr(target_arch = "bpf", no_std, no_main, feature(core_intrinsics))]
#![cfg_attr(
    target_arch = "bpf",
    expect(internal_features, reason = "the only way to compare-and-swap on this target")
)]

#[cfg(target_arch = "bpf")]
mod clock;
#[cfg(target_arch = "bpf")]
mod events;
#[cfg(target_arch = "bpf")]
mod excess;
#[cfg(target_arch = "bpf")]
mod frame;
#[cfg(target_arch = "bpf")]
mod functions;
#[cfg(target_arch = "bpf")]
mod maps;
#[cfg(target_arch = "bpf")]
mod tables;

#[cfg(target_arch = "bpf")]
mod program {
    use core::hint::black_box;

    use aya_ebpf::bindings::xdp_action::{XDP_DROP, XDP_PASS};
    use aya_ebpf::macros::xdp;
    use aya_ebpf::programs::XdpContext;
    use xdpgate_ebpf::decide::decide;
    use xdpgate_ebpf::packet::View;
    use xdpgate_ebpf::verdict::Action;

    use crate::clock::KernelClock;
    use crate::frame::Frame;
    use crate::maps::{ControlWords, Scratch};
    use crate::tables::KernelTables;
    use crate::{events, functions, maps};

    /// For drivers that hand over a frame in one buffer.
    #[xdp]
    #[inline(always)]
    fn xdpgate(ctx: XdpContext) -> u32 {
        host(&ctx, false)
    }

    /// For drivers and kernels (5.18) that may hand over a frame in several buffers: without the flag they refuse the
    /// program at a large MTU.
    #[xdp(frags)]
    #[inline(always)]
    fn xdpgate_frags(ctx: XdpContext) -> u32 {
        host(&ctx, true)
    }

    #[inline(always)]
    fn host(ctx: &XdpContext, frags: bool) -> u32 {
        // Arrays with a row for every CPU and every slot that the loader hands out: no look-up fails.
        let Some(counters) = maps::counters() else { return XDP_PASS };
        let Some(Scratch { packet, verdict, settled, last_reading, .. }) = maps::scratch() else {
            return XDP_PASS;
        };
        let Some(control) = ControlWords::get() else { return XDP_PASS };
        let frame = Frame::of(ctx, settled, frags);
        let clock = KernelClock::new(last_reading);
        counters.seen(frame.len());

        *verdict = decide(&frame, packet, &KernelTables::of(control, settled), &clock);
        let verdict = &*black_box(verdict);

        counters.decided(verdict, packet.bytes);
        if verdict.action() == Action::Drop || verdict.monitored != 0 {
            maps::count_lists(verdict, packet.bytes);
            maps::count_country(verdict, packet.bytes);
            events::sample(verdict, packet, control, &clock);
            if verdict.ban {
                functions::tell_excess();
            }
        }
        match verdict.action() {
            Action::Pass => XDP_PASS,
            Action::Drop => XDP_DROP,
        }
    }

    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        loop {}
    }
}

/// The program exists only for the BPF target; `cargo xtask build` makes it.
#[cfg(not(target_arch = "bpf"))]
fn main() {}
