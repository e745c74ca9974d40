//! The usual design, which `cargo xtask bench` compares with: the same decision over the kernel's own maps. A trie
//! tells what is known of a source, a hash holds the bans, an LRU hash the buckets.
//!
//! It is as fast as that design can be. It leaves out what the program does beside: monitor mode, fragments, the
//! counters of each list, sampled events.
#![cfg_attr(target_arch = "bpf", no_std, no_main, feature(core_intrinsics))]
#![cfg_attr(
    target_arch = "bpf",
    expect(internal_features, reason = "the only way to compare-and-swap on this target")
)]

#[cfg(target_arch = "bpf")]
mod bucket;
#[cfg(target_arch = "bpf")]
mod decide;
/// How the program reads a frame: what is compared with it reads the same way.
#[cfg(target_arch = "bpf")]
#[path = "../xdp/frame.rs"]
mod frame;
#[cfg(target_arch = "bpf")]
mod maps;

#[cfg(target_arch = "bpf")]
mod program {
    use core::hint::black_box;

    use aya_ebpf::bindings::xdp_action::{XDP_DROP, XDP_PASS};
    use aya_ebpf::macros::xdp;
    use aya_ebpf::programs::XdpContext;
    use xdpgate_ebpf::packet::{Packet, Unparsed, View, parse};

    use crate::decide::{Exit, decide};
    use crate::frame::Frame;
    use crate::maps::{self, Scratch};

    /// For drivers that hand over a frame in one buffer.
    #[xdp]
    fn baseline(ctx: XdpContext) -> u32 {
        let Some(Scratch { packet, settled, keys }) = maps::scratch() else { return XDP_PASS };
        let frame = Frame::of(&ctx, settled, false);
        *packet = Packet::unread(frame.len());
        let parsed = parse(&frame, packet);
        let packet = &*black_box(packet);
        let exit = match parsed {
            Ok(()) => decide(packet, keys),
            Err(Unparsed::NotIp) => Exit::NotIp,
            Err(Unparsed::Malformed | Unparsed::TooDeep) => Exit::Malformed,
        };
        maps::count(exit, packet.bytes);
        if exit.drops() { XDP_DROP } else { XDP_PASS }
    }

    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        loop {}
    }
}

/// The program exists only for the BPF target; `cargo xtask bench` makes it.
#[cfg(not(target_arch = "bpf"))]
fn main() {}
