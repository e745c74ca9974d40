//! What the machine's memory costs: one load that needs the one before, over more and more memory. No goal: where a row of
//! look-ups or verdicts costs as much as one of these, the processor's cache is what decides it.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::effort::Effort;
use crate::prefixes::Random;
use crate::rounds::interleave;
use crate::row::Measured;

/// MiB that are walked.
const SIZES: [usize; 6] = [1, 2, 4, 8, 16, 64];
/// The size of the row's own figure.
const LARGEST: usize = SIZES.len() - 1;
/// Lines of cache in a MiB.
const LINES: usize = 1 << 14;
const LOADS: u32 = 1_000_000;

/// One line; its first word is the number of the next one.
type Line = [u32; 16];

pub(crate) fn measure(effort: &Effort) -> Result<Vec<Measured>> {
    let walks: Vec<_> = SIZES.iter().map(|mebibytes| cycle(mebibytes * LINES)).collect::<Result<_>>()?;
    let samples = interleave(effort.rounds, walks.len(), |who, _| Ok(walk(&walks[who])))?;
    let largest = samples.of(LARGEST);
    let row = Measured::new("memory-latency", largest.median, "ns").spread(largest.middle, largest.count);
    let sizes = SIZES.iter().enumerate().take(LARGEST);
    Ok(vec![sizes.fold(row, |row, (who, mib)| row.with(&format!("{mib}_mib"), samples.of(who).median))])
}

/// Lines that lead through all of them in random order (Sattolo's shuffle).
fn cycle(count: usize) -> Result<Vec<Line>> {
    let mut random = Random(1);
    let mut lines = (0..u32::try_from(count)?).map(|next| [next; 16]).collect::<Vec<_>>();
    for last in (1..count).rev() {
        let other = usize::try_from(random.next() % last as u64)?;
        let (one, two) = (lines[last][0], lines[other][0]);
        (lines[last][0], lines[other][0]) = (two, one);
    }
    lines.first().context("no lines")?;
    Ok(lines)
}

/// Nanoseconds of each load.
fn walk(lines: &[Line]) -> f64 {
    let mut at = 0_u32;
    let start = Instant::now();
    for _ in 0..LOADS {
        at = lines.get(at as usize).map_or(0, |line| line[0]);
    }
    black_box(at);
    start.elapsed().as_secs_f64() * 1e9 / f64::from(LOADS)
}
