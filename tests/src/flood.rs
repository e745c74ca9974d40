//! The packet generator: live frames of `BPF_PROG_TEST_RUN`, with a source drawn anew for each.

use std::iter::repeat_n;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use aya::maps::{Array, MapData, PerCpuArray};
use aya::programs::{TestRun, TestRunAttrs, TestRunOptions, Xdp};
use aya::{Ebpf, EbpfLoader};
use ipnet::IpNet;

use crate::veth::Wire;

/// As in the program (ebpf/src/bin/flood/source.rs).
const PATTERNS: u32 = 1024;
/// First octets of sources that a network would let through.
const FIRST_OCTETS: [u8; 8] = [5, 23, 46, 81, 103, 151, 185, 212];
/// Frames that the kernel takes from the pool and sends at once; also its default.
const BATCH: u32 = 64;
/// The most frames in one call: some tens of milliseconds, so that it is paced and stopped in time.
const MOST_IN_CALL: u32 = 1 << 16;
/// The fewest, except at the end: the kernel waits for an RCU grace period before and after each call (it makes the
/// program known to the XDP dispatcher, `net/bpf/test_run.c`), 5 to 10 ms in which nothing is sent.
const FEWEST_IN_CALL: u32 = 1 << 12;

/// Where frames come from: patterns of sources, by their shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources(Vec<[u8; 32]>);

impl Sources {
    /// A prefix of length 0 means any unicast source. Within a prefix all sources are equally likely.
    ///
    /// # Errors
    ///
    /// When there is none, when families are mixed, or when there are more shares than the generator has slots.
    pub fn new(shares: impl IntoIterator<Item = (IpNet, u32)>) -> Result<Self> {
        let shares: Vec<_> = shares.into_iter().collect();
        let Some((first, _)) = shares.first() else { bail!("a flood needs a source") };
        if shares.iter().any(|(net, _)| net.addr().is_ipv4() != first.addr().is_ipv4()) {
            bail!("a flood is of one address family");
        }
        let total: u32 = shares.iter().map(|(_, share)| share).sum();
        if total == 0 || total > PATTERNS {
            bail!("the shares of a flood add up to {total}, not to 1..={PATTERNS}");
        }
        let patterns = shares.iter().flat_map(|&(net, share)| repeat_n(pattern(net), share as usize));
        Ok(Self(patterns.collect()))
    }

    /// IPv4 sources all over the address space, all equally likely: 1,024 times two to the power of `bits`, which is 24
    /// at most. `random` gives 64 random bits.
    #[must_use]
    pub fn scattered(bits: u32, mut random: impl FnMut() -> u64) -> Self {
        let mut scatter = |_| {
            let mut mask = 0_u32;
            while mask.count_ones() < bits.min(24) {
                // Not in the first octet, so that every source is unicast.
                mask |= 1 << (random() % 24);
            }
            let [number, second, third, fourth, ..] = random().to_le_bytes();
            let first = FIRST_OCTETS[usize::from(number) % FIRST_OCTETS.len()];
            let fixed = u32::from_be_bytes([first, second, third, fourth]) & !mask;
            let mut pattern = [0; 32];
            pattern[..4].copy_from_slice(&fixed.to_be_bytes());
            pattern[16..20].copy_from_slice(&mask.to_be_bytes());
            pattern
        };
        Self((0..PATTERNS).map(&mut scatter).collect())
    }

    /// The first IPv4 addresses of all patterns, and the bits that are drawn.
    #[must_use]
    pub fn ipv4_patterns(&self) -> Vec<(u32, u32)> {
        let word = |pattern: &[u8; 32], at: usize| {
            u32::from_be_bytes([pattern[at], pattern[at + 1], pattern[at + 2], pattern[at + 3]])
        };
        self.0.iter().map(|pattern| (word(pattern, 0), word(pattern, 16))).collect()
    }

    /// All with the same share.
    ///
    /// # Errors
    ///
    /// As [`Sources::new`].
    pub fn evenly(nets: impl IntoIterator<Item = IpNet>) -> Result<Self> {
        Self::new(nets.into_iter().map(|net| (net, 1)))
    }

    fn patterns(&self) -> impl Iterator<Item = [u8; 32]> + '_ {
        self.0.iter().copied().cycle().take(PATTERNS as usize)
    }
}

/// How much a generator may send. Both bounds hold.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The most frames.
    pub frames: u64,
    /// The longest time.
    pub time: Duration,
    /// The most frames in a second.
    pub per_second: u64,
}

/// A loaded generator.
pub struct Generator {
    program: Ebpf,
    sent: SentFrames,
    frame: Vec<u8>,
}

/// Reads how many frames a generator has handed to the wire, also while it runs.
#[derive(Clone)]
pub struct SentFrames(Arc<PerCpuArray<MapData, u64>>);

impl SentFrames {
    /// The frames until now.
    ///
    /// # Errors
    ///
    /// When the map cannot be read.
    pub fn total(&self) -> Result<u64> {
        Ok(self.0.get(&0, 0)?.iter().sum())
    }
}

impl Generator {
    /// Loads the program of `object` with these sources; `frame` is what it sends (see [`crate::frame`]).
    ///
    /// # Errors
    ///
    /// When the object cannot be read or the kernel refuses it.
    pub fn load(object: &Path, wire: &Wire, sources: &Sources, frame: Vec<u8>) -> Result<Self> {
        let mut program = EbpfLoader::new()
            .load_file(object)
            .with_context(|| format!("cannot load {}", object.display()))?;
        let mut output: Array<_, u32> = program.map_mut("OUTPUT").context("no map OUTPUT")?.try_into()?;
        output.set(0, wire.outside_index()?, 0)?;
        let mut slots: Array<_, [u8; 32]> =
            program.map_mut("SOURCES").context("no map SOURCES")?.try_into()?;
        for (slot, pattern) in (0..PATTERNS).zip(sources.patterns()) {
            slots.set(slot, pattern, 0)?;
        }
        let sent = SentFrames(Arc::new(program.take_map("SENT").context("no map SENT")?.try_into()?));
        let flood: &mut Xdp = program.program_mut("flood").context("no program flood")?.try_into()?;
        flood.load()?;
        Ok(Self { program, sent, frame })
    }

    /// The counter of this generator.
    #[must_use]
    pub fn sent(&self) -> SentFrames {
        self.sent.clone()
    }

    /// Sends from a thread of the outside, until a bound is reached or `stop` is set.
    pub fn start(self, wire: &Wire, bounds: Bounds, stop: Arc<AtomicBool>) -> JoinHandle<Result<()>> {
        // The kernel looks for the interface in the namespace of the thread that calls it.
        wire.outside.spawn(move || self.send(bounds, &stop))
    }

    /// Sends so many frames from the calling thread, which must be of the outside's namespace, as fast as it goes: in one
    /// call, so that nothing waits in between.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn send_at_once(&self, frames: u32) -> Result<()> {
        let flood: &Xdp = self.program.program("flood").context("no program flood")?.try_into()?;
        self.call(flood, frames)
    }

    fn call(&self, flood: &Xdp, frames: u32) -> Result<()> {
        let options = TestRunOptions {
            data_in: Some(&self.frame),
            repeat: frames,
            attrs: TestRunAttrs::new().xdp_live_frames(BATCH),
            ..TestRunOptions::new()
        };
        flood.test_run(options).map(drop).context("the generator cannot send")
    }

    fn send(&self, bounds: Bounds, stop: &AtomicBool) -> Result<()> {
        let flood: &Xdp = self.program.program("flood").context("no program flood")?.try_into()?;
        let start = Instant::now();
        let mut asked = 0;
        while !stop.load(Ordering::Relaxed) && start.elapsed() < bounds.time && asked < bounds.frames {
            let due = due(bounds, start.elapsed());
            let missing = due.saturating_sub(asked);
            if missing < u64::from(FEWEST_IN_CALL) && due < bounds.frames {
                thread::sleep(Duration::from_millis(1));
                continue;
            }
            let frames = u32::try_from(missing).unwrap_or(MOST_IN_CALL).min(MOST_IN_CALL);
            self.call(flood, frames)?;
            asked += u64::from(frames);
        }
        Ok(())
    }
}

/// How many frames should have been sent by now.
fn due(bounds: Bounds, elapsed: Duration) -> u64 {
    let due = u128::from(bounds.per_second) * elapsed.as_micros() / 1_000_000;
    bounds.frames.min(u64::try_from(due).unwrap_or(u64::MAX))
}

/// The network's bytes, then the bytes whose bits the program draws.
fn pattern(net: IpNet) -> [u8; 32] {
    let mut pattern = [0; 32];
    let (fixed, random) = pattern.split_at_mut(16);
    copy(net.network(), fixed);
    copy(net.hostmask(), random);
    if net.addr().is_ipv6() && net.prefix_len() == 0 {
        // The global unicast space, 2000::/3: everything else is no source that a router would let through.
        fixed[0] = 0x20;
        random[0] = 0x1f;
    }
    pattern
}

fn copy(address: IpAddr, to: &mut [u8]) {
    match address {
        IpAddr::V4(address) => to[..4].copy_from_slice(&address.octets()),
        IpAddr::V6(address) => to.copy_from_slice(&address.octets()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nets(text: &str) -> Vec<IpNet> {
        text.split(' ').map(|net| net.parse().unwrap()).collect()
    }

    #[test]
    fn a_pattern_is_the_network_and_its_host_bits() {
        let pattern = pattern("198.51.100.7/20".parse().unwrap());
        assert_eq!(pattern[..4], [198, 51, 96, 0]);
        assert_eq!(pattern[16..20], [0, 0, 15, 255]);
    }

    #[test]
    fn any_ipv6_source_is_global_unicast() {
        let pattern = pattern("::/0".parse().unwrap());
        assert_eq!((pattern[0], pattern[16]), (0x20, 0x1f));
        assert!(pattern[17..].iter().all(|byte| *byte == 0xff));
    }

    #[test]
    fn every_slot_is_filled_in_proportion() {
        let [a, b] = nets("10.0.0.0/8 11.0.0.0/8")[..] else { panic!() };
        let patterns: Vec<_> = Sources::new([(a, 3), (b, 1)]).unwrap().patterns().collect();
        assert_eq!(patterns.len(), 1024);
        assert_eq!(patterns.iter().filter(|pattern| pattern[0] == 10).count(), 768);
    }

    #[test]
    fn scattered_sources_are_as_many_as_asked_for() {
        let mut state = 1_u64;
        let sources = Sources::scattered(7, || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state >> 11
        });
        let patterns = sources.ipv4_patterns();
        assert_eq!(patterns.len(), 1024);
        assert!(patterns.iter().all(|(fixed, mask)| mask.count_ones() == 7 && fixed & mask == 0));
        assert!(patterns.iter().all(|(fixed, _)| (1..=223).contains(&(fixed >> 24))));
    }

    #[test]
    fn families_are_not_mixed() {
        assert!(Sources::evenly(nets("10.0.0.0/8 2001:db8::/32")).is_err());
        assert!(Sources::evenly([]).is_err());
    }

    #[test]
    fn what_is_due_never_passes_the_bounds() {
        let bounds = Bounds { frames: 1000, time: Duration::from_secs(1), per_second: 5000 };
        assert_eq!(due(bounds, Duration::from_millis(100)), 500);
        assert_eq!(due(bounds, Duration::from_secs(10)), 1000);
    }
}
