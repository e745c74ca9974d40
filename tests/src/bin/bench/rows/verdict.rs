//! What a whole verdict costs: parse, look up, ask bans and limits, count.

use anyhow::{Result, ensure};

use crate::driver::{Driver, Plan};
use crate::effort::Effort;
use crate::frames;
use crate::prefixes;
use crate::row::{Better, Measured};
use crate::rounds::interleave;
use crate::subjects::{Baseline, Ours, Policy, SourceLimit, Subject};

const PREFIXES: usize = 1_000_000;
/// Sources that send all the time.
const ACTIVE: u32 = 100_000;
/// Room in the limiters: the daemon's default.
const SOURCES: u32 = 1 << 18;
/// So that the tables of bans are asked, as they usually are.
const BANS: u32 = 1_000;

/// 1 million prefixes: 100 thousand sources that all are active, then sources that were never seen before.
pub(crate) fn many_sources(effort: &Effort) -> Result<Vec<Measured>> {
    let resident = Setting::prepare(PREFIXES, SourceLimit::NEVER_REACHED)?;
    let active = resident.measure(effort, |_| (Plan::Draw(ACTIVE), 0))?;
    drop(resident);
    let spoofed = Setting::prepare(PREFIXES, SourceLimit::USUAL)?;
    let new = spoofed.measure(effort, |round| (Plan::New, u64::from(effort.frames) * round as u64))?;
    let against_resident = Measured::new("verdict-spoofed-resident", new.ours / active.ours, "times")
        .with("resident_ns", active.ours)
        .with("spoofed_ns", new.ours);
    Ok(vec![active.row("verdict-resident"), new.row("verdict-spoofed"), against_resident])
}

/// One source.
pub(crate) fn hot(effort: &Effort) -> Result<Vec<Measured>> {
    const PEER: usize = 3;
    let setting = Setting::prepare(PREFIXES, SourceLimit::ABOVE_ALL_SPEED)?;
    let mut driver = Driver::load(1)?;
    let programs = [
        driver.small("bare")?,
        setting.baseline.program()?,
        setting.ours.program()?,
        driver.small("parse_and_look")?,
    ];
    let frame = frames::ipv4()?;
    prepare_lru(&mut driver, &frame)?;
    let samples = interleave(effort.rounds, programs.len(), |who, _| {
        Ok(driver.run(&programs[who], Plan::Keep, &frame, effort.frames, 0)?.ns)
    })?;
    setting.check_all_admitted()?;
    let (ours, peer) = (samples.net(OURS, BARE), samples.net(PEER, BARE));
    let row = Measured::new("verdict-hot", ours.median, "ns")
        .against("parse, array, LRU look-up", peer.median, Better::Lower)
        .spread(ours.middle, ours.count)
        .with("base_ns", samples.of(BARE).median)
        .with("baseline_ns", samples.net(BASELINE, BARE).median)
        .with("peer_spread", peer.middle.to_vec())
        .with("dropped_rounds", samples.dropped);
    Ok(vec![row])
}

const BARE: usize = 0;
const BASELINE: usize = 1;
const OURS: usize = 2;

/// The comparison finds the source in its hash, as we find its bucket.
fn prepare_lru(driver: &mut Driver, frame: &[u8]) -> Result<()> {
    let mut key = [0; 16];
    key[..4].copy_from_slice(&frame[26..30]);
    let mut lru: aya::maps::HashMap<_, [u8; 16], u64> = driver.map_mut("LRU")?.try_into()?;
    lru.insert(key, 1, 0)?;
    let mut word: aya::maps::Array<_, u64> = driver.map_mut("WORD")?.try_into()?;
    word.set(0, 1, 0)?;
    Ok(())
}

/// Both programs under the same policy.
struct Setting {
    ours: Ours,
    baseline: Baseline,
}

/// Net of the bare program, in nanoseconds.
struct Verdict {
    ours: f64,
    middle: [f64; 2],
    peer: f64,
    peer_middle: [f64; 2],
    base: f64,
    rounds: usize,
    dropped: usize,
}

impl Setting {
    fn prepare(prefixes: usize, limit: SourceLimit) -> Result<Self> {
        let policy = Policy {
            prefixes4: prefixes::random4(prefixes),
            bans: prefixes::addresses(BANS, 1),
            limit,
            ..Policy::default()
        };
        Ok(Self { ours: Ours::load(&policy, SOURCES)?, baseline: Baseline::load(&policy, SOURCES)? })
    }

    fn measure(&self, effort: &Effort, plan: impl Fn(usize) -> (Plan, u64)) -> Result<Verdict> {
        let mut driver = Driver::load(1)?;
        let programs = [driver.small("bare")?, self.baseline.program()?, self.ours.program()?];
        let frame = frames::ipv4()?;
        let samples = interleave(effort.rounds, programs.len(), |who, round| {
            let (plan, start) = plan(round);
            Ok(driver.run(&programs[who], plan, &frame, effort.frames, start)?.ns)
        })?;
        self.check_all_admitted()?;
        let (ours, peer) = (samples.net(OURS, BARE), samples.net(BASELINE, BARE));
        Ok(Verdict {
            ours: ours.median,
            middle: ours.middle,
            peer: peer.median,
            peer_middle: peer.middle,
            base: samples.of(BARE).median,
            rounds: ours.count,
            dropped: samples.dropped,
        })
    }

    /// Every packet went all the way, in both programs.
    fn check_all_admitted(&self) -> Result<()> {
        for counted in [self.ours.counted()?, self.baseline.counted()?] {
            ensure!(counted.admitted + BANNED >= counted.seen, "some packets left early: {counted:?}");
        }
        Ok(())
    }
}

/// Packets of random sources that happen to be banned: a thousand of four billion are.
const BANNED: u64 = 1_000;

impl Verdict {
    fn row(&self, name: &'static str) -> Measured {
        Measured::new(name, self.ours, "ns")
            .against("LPM trie, hash, LRU hash", self.peer, Better::Lower)
            .spread(self.middle, self.rounds)
            .with("base_ns", self.base)
            .with("peer_spread", self.peer_middle.to_vec())
            .with("dropped_rounds", self.dropped)
    }
}
