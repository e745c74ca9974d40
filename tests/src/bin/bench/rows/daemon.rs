//! Memory of the daemon.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::load::enforce_list;
use crate::effort::Effort;
use crate::house::House;
use crate::prefixes;
use crate::row::Measured;

const PREFIXES: usize = 1_000_000;
/// Reloads until the allocator has settled.
const SETTLED_AFTER: usize = 3;
/// A daemon that reloads slowly gets fewer of them.
const LONGEST: Duration = Duration::from_mins(10);

/// With 1 million prefixes; then over many reloads.
pub(crate) fn measure(effort: &Effort) -> Result<Vec<Measured>> {
    let house = House::start(PREFIXES, 1 << 18)?;
    let prefixes = prefixes::random4(PREFIXES);
    let idle = house.memory("VmRSS")?;
    enforce_list(&house, &prefixes)?;
    let first_peak = house.memory("VmHWM")?;
    // From here on one list of a million takes the place of another: both are there for a moment.
    for _ in 0..SETTLED_AFTER {
        reload(&house)?;
    }
    let (peak, settled) = (house.memory("VmHWM")?, house.memory("VmRSS")?);
    let start = Instant::now();
    let mut reloads = 0;
    while reloads < effort.reloads && start.elapsed() < LONGEST {
        reload(&house)?;
        reloads += 1;
    }
    let last = house.memory("VmRSS")?;
    let memory = Measured::new("daemon-memory", peak, "MiB")
        .with("resident_after", settled)
        .with("resident_before", idle)
        .with("peak_of_first_load", first_peak)
        .with("peak_after_all_reloads", house.memory("VmHWM")?);
    let growth = Measured::new("daemon-growth", last - settled, "MiB")
        .with("reloads", reloads)
        .with("resident_settled", settled)
        .with("resident_last", last)
        .with("seconds", start.elapsed().as_secs_f64());
    Ok(vec![memory, growth])
}

fn reload(house: &House) -> Result<()> {
    house.socket()?.post("/v1/reload?force=true", b"").map(drop)
}
