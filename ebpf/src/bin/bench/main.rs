//! What `cargo xtask bench` runs in the kernel beside the program itself: a driver that gives each test frame another
//! source and tail-calls the program under test, and the small programs that others are compared with.
#![cfg_attr(target_arch = "bpf", no_std, no_main)]

#[cfg(target_arch = "bpf")]
mod frame;
#[cfg(target_arch = "bpf")]
mod maps;
#[cfg(target_arch = "bpf")]
mod prefixes;
#[cfg(target_arch = "bpf")]
mod source;
/// How the program reads a frame: what is compared with it reads the same way.
#[cfg(target_arch = "bpf")]
#[path = "../xdp/frame.rs"]
mod view;

#[cfg(target_arch = "bpf")]
mod program {
    use core::hint::black_box;

    use aya_ebpf::bindings::xdp_action::{XDP_ABORTED, XDP_DROP, XDP_PASS};
    use aya_ebpf::macros::xdp;
    use aya_ebpf::programs::XdpContext;
    use xdpgate_ebpf::abi::family;
    use xdpgate_ebpf::packet::{Packet, Source, View, parse, widen};
    use xdpgate_ebpf::prefix;

    use crate::maps::Scratch;
    use crate::prefixes::Prefixes;
    use crate::view::Frame;
    use crate::{frame, maps, source};

    /// Gives the frame the next source, then becomes the program under test.
    #[xdp]
    fn driver(ctx: XdpContext) -> u32 {
        drive(&ctx)
    }

    /// Likewise, and notes when the first and the last frame of this CPU came.
    #[xdp]
    fn timed_driver(ctx: XdpContext) -> u32 {
        maps::stamp();
        drive(&ctx)
    }

    /// What is always left to pay.
    #[xdp]
    fn bare(_ctx: XdpContext) -> u32 {
        XDP_DROP
    }

    /// The least that a peer on the wire does: it drops, and its count is one counter of this CPU.
    #[xdp]
    fn counted_drop(_ctx: XdpContext) -> u32 {
        maps::count(1);
        XDP_DROP
    }

    /// What a look-up costs beside the look-up: the source is read, the answer is added up.
    #[xdp]
    fn base4(ctx: XdpContext) -> u32 {
        with_ipv4(&ctx, u32::from_ne_bytes)
    }

    /// Likewise.
    #[xdp]
    fn base6(ctx: XdpContext) -> u32 {
        with_ipv6(&ctx, |source| u128::from_ne_bytes(source) as u32)
    }

    /// The kernel's trie alone.
    #[xdp]
    fn trie4(ctx: XdpContext) -> u32 {
        with_ipv4(&ctx, maps::trie4)
    }

    /// Likewise.
    #[xdp]
    fn trie6(ctx: XdpContext) -> u32 {
        with_ipv6(&ctx, maps::trie6)
    }

    /// Our look-up alone.
    #[xdp]
    fn ours4(ctx: XdpContext) -> u32 {
        with_ipv4(&ctx, |source| find(widen(source), family::IPV4))
    }

    /// Likewise.
    #[xdp]
    fn ours6(ctx: XdpContext) -> u32 {
        with_ipv6(&ctx, |source| find(source, family::IPV6))
    }

    /// Reads the same headers as the program, loads one word of an array and looks once into an LRU hash.
    #[xdp]
    fn parse_and_look(ctx: XdpContext) -> u32 {
        let Some(Scratch { packet, settled, .. }) = maps::scratch() else { return XDP_PASS };
        let frame = Frame::of(&ctx, settled, false);
        *packet = Packet::unread(frame.len());
        if parse(&frame, packet).is_err() {
            return XDP_PASS;
        }
        let packet = &*black_box(packet);
        let word = maps::word();
        let bucket = maps::bucket(&packet.source.address);
        if word == 0 || bucket > word { XDP_PASS } else { XDP_DROP }
    }

    #[inline(always)]
    fn drive(ctx: &XdpContext) -> u32 {
        let Some(plan) = maps::plan() else { return XDP_ABORTED };
        let Some(number) = maps::next_frame() else { return XDP_ABORTED };
        if let Some(place) = source::place(plan, number) {
            let Some(source) = maps::listed(place) else { return XDP_ABORTED };
            frame::set_listed(ctx, source);
        } else if let Some(source) = source::number(plan, number) {
            frame::set_source(ctx, source);
        }
        maps::become_program(ctx);
        XDP_ABORTED
    }

    #[inline(always)]
    fn find(address: [u8; 16], family: u8) -> u32 {
        prefix::find(&Prefixes, &Source { address, family })
    }

    #[inline(always)]
    fn with_ipv4(ctx: &XdpContext, look_up: impl FnOnce([u8; 4]) -> u32) -> u32 {
        let Some(source) = frame::ipv4_source(ctx) else { return XDP_PASS };
        maps::count(u64::from(look_up(source)));
        XDP_DROP
    }

    #[inline(always)]
    fn with_ipv6(ctx: &XdpContext, look_up: impl FnOnce([u8; 16]) -> u32) -> u32 {
        let Some(source) = frame::ipv6_source(ctx) else { return XDP_PASS };
        maps::count(u64::from(look_up(source)));
        XDP_DROP
    }

    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        loop {}
    }
}

/// The programs exist only for the BPF target; `cargo xtask bench` makes them.
#[cfg(not(target_arch = "bpf"))]
fn main() {}
