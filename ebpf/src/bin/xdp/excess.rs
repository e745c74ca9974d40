//! Sources that are over a limit which bans: userspace bans them, the kernel only tells.

use xdpgate_ebpf::abi::{EXCESS_AGAIN_NS, Excess};
use xdpgate_ebpf::packet::Packet;
use xdpgate_ebpf::tables::Clock;
use xdpgate_ebpf::verdict::Verdict;

use crate::maps::{self, TOLD, Told};

/// Odd, with well spread bits: the golden ratio in 64 bits.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Tells of the packet's source, unless that was just done. Where the ring has no room, the next packet tells.
#[inline(always)]
pub(crate) fn tell<C: Clock>(verdict: &Verdict, packet: &Packet, told: &[Told; TOLD], clock: &C) {
    let now_ns = clock.now_ns();
    let address = u128::from_ne_bytes(packet.source.address);
    let halves = address as u64 ^ ((address >> 64) as u64).rotate_left(32);
    let key = (halves ^ u64::from(verdict.limit)).wrapping_mul(SPREAD);
    let last = &told[(key >> 56) as usize & (TOLD - 1)];
    if last.key.get() == key && now_ns - last.time_ns.get() < EXCESS_AGAIN_NS {
        return;
    }
    let excess = Excess {
        time_ns: now_ns,
        source: packet.source.address,
        limit: verdict.limit,
        family: packet.source.family,
        spare: [0; 5],
    };
    if maps::write_excess(excess) {
        last.key.set(key);
        last.time_ns.set(now_ns);
    }
}
