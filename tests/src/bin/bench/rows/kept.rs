//! Who is still limited after a flood of sources that were never seen before.
//!
//! Some thousand offenders send until they are over their limit. Then the flood comes, each of its sources with two
//! packets: an LRU hash holds on to what was seen twice, so with one it would take the flood's for the less useful. Then the offenders send a whole burst again: one that is still limited gets what came back meanwhile, one
//! that was forgotten gets all of it.

use anyhow::{Context, Result};

use crate::driver::{Driver, Plan};
use crate::effort::Effort;
use crate::frames;
use crate::row::Measured;
use crate::subjects::{Baseline, Ours, Period, Policy, SourceLimit, Subject};

/// A packet costs 10 ms, a burst 40 s: longer than the flood takes.
const LIMIT: SourceLimit = SourceLimit { packets: 100, per: Period::Second, burst: 4_000 };
/// Room in the limiters: the daemon's default.
const SOURCES: u32 = 1 << 18;

/// Half bursts until the offenders must have reached their limit, even on a slow day.
const MOST_CHARGES: u32 = 20;

pub(crate) fn measure(effort: &Effort) -> Result<Vec<Measured>> {
    let policy = Policy { limit: LIMIT, ..Policy::default() };
    let ours = kept(effort, &Ours::load(&policy, SOURCES)?, Plan::Twice)?;
    let peer = kept(effort, &Baseline::load(&policy, SOURCES)?, Plan::Twice)?;
    let mut row = Measured::new("sources-kept", ours.percent, "%")
        .against("LRU hash", peer.percent, crate::row::Better::Higher)
        .with("offenders", effort.offenders)
        .with("spoofed_sources", effort.spoofed)
        .with("flood_seconds", ours.seconds)
        .with("peer_flood_seconds", peer.seconds)
        .with("active_at_once", ours.active)
        .with("passed_without_room", ours.full);
    if effort.asides {
        let ours = kept(effort, &Ours::load(&policy, SOURCES)?, Plan::New)?;
        let peer = kept(effort, &Baseline::load(&policy, SOURCES)?, Plan::New)?;
        row = row.with("one_packet_each", ours.percent).with("peer_one_packet_each", peer.percent);
    }
    Ok(vec![row])
}

struct Kept {
    percent: f64,
    seconds: f64,
    /// Sources of the flood and offenders whose bucket was not full at one moment.
    active: f64,
    full: u64,
}

fn kept(effort: &Effort, subject: &impl Subject, flood: Plan) -> Result<Kept> {
    let mut driver = Driver::load(1)?;
    let (program, frame) = (subject.program()?, frames::ipv4()?);
    let packets = if flood == Plan::Twice { 2 * effort.spoofed } else { effort.spoofed };
    let burst = effort.offenders * LIMIT.burst;
    let offend = Plan::Walk(effort.offenders);
    // Until half of what they send is over their limit: they all send alike, so each of them is limited then.
    let mut charged = None;
    for _ in 0..MOST_CHARGES {
        let before = subject.counted()?;
        let span = driver.run_timed(&program, offend, &frame, burst / 2, 0)?;
        if subject.counted()?.since(before).limited > u64::from(burst / 4) {
            charged = Some(span);
            break;
        }
    }
    let charged = charged.context("the offenders do not reach their limit")?;

    // The offenders' numbers and the flood's come from the same counter: the flood begins behind them.
    let flooded = driver.run_timed(&program, flood, &frame, packets, 2 * u64::from(effort.offenders))?;
    let seconds = flooded.end - flooded.start;
    let before = subject.counted()?;

    let asked = driver.run_timed(&program, offend, &frame, burst, 0)?;
    let after = subject.counted()?.since(before);
    let packet = LIMIT.packet_ns() / 1e9;
    // What came back to each, and one packet that may have been on its way.
    let returned = (asked.end - charged.end) / packet + 1.0;
    let each = to_f64(after.admitted) / f64::from(effort.offenders);
    let forgotten = ((each - returned) / (f64::from(LIMIT.burst) - returned)).clamp(0.0, 1.0);
    Ok(Kept {
        percent: 100.0 * (1.0 - forgotten),
        seconds,
        active: f64::from(effort.offenders) + f64::from(effort.spoofed) / seconds * packet,
        full: before.full + after.full,
    })
}

#[expect(clippy::cast_precision_loss, reason = "millions of packets")]
const fn to_f64(count: u64) -> f64 {
    count as f64
}
