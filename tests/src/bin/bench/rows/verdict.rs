//! What a whole verdict costs: parse, look up, ask bans and limits, count.

use anyhow::{Result, ensure};
use aya::maps::{Array, HashMap};

use crate::driver::{Driver, Plan};
use crate::effort::Effort;
use crate::frames;
use crate::prefixes;
use crate::rounds::{Samples, Summary, interleave};
use crate::row::{Better, Measured};
use crate::subjects::{Baseline, Ours, Policy, SourceLimit, Subject};

pub(super) const PREFIXES: usize = 1_000_000;
/// Sources that send all the time.
pub(super) const ACTIVE: u32 = 100_000;
/// Room in the limiters: the daemon's default.
pub(super) const SOURCES: u32 = 1 << 18;
/// So that the tables of bans are asked, as they usually are.
const BANS: usize = 1_000;

/// 1 million prefixes, and every packet goes all the way: 100 thousand sources that all are active, then sources that
/// were never seen before, then one source.
pub(crate) fn measure(effort: &Effort) -> Result<Vec<Measured>> {
    let mut setting = Setting::prepare(SourceLimit::NEVER_REACHED)?;
    let active = setting.contest(effort, |_| (Plan::Draw(ACTIVE), 0))?;
    let fewer = if effort.asides { setting.fewer(effort)? } else { Vec::new() };
    setting.limit(SourceLimit::USUAL)?;
    let new = setting.contest(effort, |round| (Plan::New, u64::from(effort.frames) * round as u64))?;
    setting.limit(SourceLimit::ABOVE_ALL_SPEED)?;
    let hot = setting.contest(effort, |_| (Plan::Keep, 0))?;
    setting.forget_prefixes()?;
    let alone = setting.contest(&effort.fewer_rounds(), |_| (Plan::Keep, 0))?;

    let [active, new] = [("verdict-resident", &active), ("verdict-spoofed", &new)].map(|(name, samples)| {
        let peer = samples.net(BASELINE, BARE);
        row(name, samples, "LPM trie, hash, LRU hash", peer)
    });
    let active = fewer.iter().fold(active, |active, (sources, ours, peer)| {
        active.with(&format!("{sources}_sources"), *ours).with(&format!("peer_{sources}_sources"), *peer)
    });
    let against_resident = Measured::new("verdict-spoofed-resident", new.ours / active.ours, "×")
        .with("resident_ns", active.ours)
        .with("spoofed_ns", new.ours);
    let hot = row("verdict-hot", &hot, "parse, array, LRU look-up", hot.net(PARSER, BARE))
        .with("baseline_ns", hot.net(BASELINE, BARE).median)
        .with("without_prefixes", alone.net(OURS, BARE).median)
        .with("peer_beside_that", alone.net(PARSER, BARE).median);
    Ok(vec![active, new, against_resident, hot])
}

fn row(name: &'static str, samples: &Samples, peer: &'static str, figure: Summary) -> Measured {
    let ours = samples.net(OURS, BARE);
    Measured::new(name, ours.median, "ns")
        .against(peer, figure.median, Better::Lower)
        .spread(ours.middle, ours.count)
        .with("base_ns", samples.of(BARE).median)
        .with("peer_spread", figure.middle.to_vec())
        .with("dropped_rounds", samples.dropped)
}

/// The contenders.
const BARE: usize = 0;
const BASELINE: usize = 1;
const OURS: usize = 2;
const PARSER: usize = 3;

/// Both programs under the same policy.
pub(super) struct Setting {
    policy: Policy,
    pub(super) ours: Ours,
    baseline: Baseline,
}

impl Setting {
    pub(super) fn prepare(limit: SourceLimit) -> Result<Self> {
        let policy = Policy {
            prefixes4: prefixes::random4(PREFIXES),
            bans: prefixes::addresses(BANS, 1),
            limit,
            ..Policy::default()
        };
        let ours = Ours::load(&policy, SOURCES)?;
        Ok(Self { ours, baseline: Baseline::load(&policy, SOURCES)?, policy })
    }

    /// Gives both another limit.
    fn limit(&mut self, limit: SourceLimit) -> Result<()> {
        self.policy.limit = limit;
        self.ours.enforce(&self.policy)?;
        self.baseline.limit(limit)
    }

    /// Leaves us, not the baseline, without prefixes.
    fn forget_prefixes(&mut self) -> Result<()> {
        self.policy.prefixes4.clear();
        self.ours.enforce(&self.policy)
    }

    /// The same with fewer sources, whose buckets and prefixes stay in the cache: how many, our figure, and the peer's.
    fn fewer(&self, effort: &Effort) -> Result<Vec<(u32, f64, f64)>> {
        let measure = |sources| {
            let samples = self.contest(&effort.fewer_rounds(), |_| (Plan::Draw(sources), 0))?;
            Ok((sources, samples.net(OURS, BARE).median, samples.net(BASELINE, BARE).median))
        };
        [100, 1_000, 10_000].into_iter().map(measure).collect()
    }

    fn contest(&self, effort: &Effort, plan: impl Fn(usize) -> (Plan, u64)) -> Result<Samples> {
        let mut driver = Driver::load(1)?;
        let frame = frames::ipv4()?;
        prepare_parser(&mut driver, &frame)?;
        let programs = [
            driver.small("bare")?,
            self.baseline.program()?,
            self.ours.program()?,
            driver.small("parse_and_look")?,
        ];
        let samples = interleave(effort.rounds, programs.len(), |who, round| {
            let (plan, start) = plan(round);
            Ok(driver.run(&programs[who], plan, &frame, effort.frames, start)?.ns)
        })?;
        for counted in [self.ours.counted()?, self.baseline.counted()?] {
            ensure!(counted.admitted + BANNED >= counted.seen, "some packets left early: {counted:?}");
        }
        Ok(samples)
    }
}

/// Packets of random sources that happen to be banned: a thousand of four billion are.
const BANNED: u64 = 1_000;

/// The one source of a hot run is in its hash, as its bucket is in ours.
fn prepare_parser(driver: &mut Driver, frame: &[u8]) -> Result<()> {
    let mut key = [0; 16];
    key.iter_mut().zip(frame.iter().skip(frames::SOURCE_AT).take(4)).for_each(|(to, from)| *to = *from);
    let mut lru: HashMap<_, [u8; 16], u64> = driver.map_mut("LRU")?.try_into()?;
    lru.insert(key, 1, 0)?;
    let mut word: Array<_, u64> = driver.map_mut("WORD")?.try_into()?;
    Ok(word.set(0, 1, 0)?)
}
