//! What a second CPU adds, at the same table of buckets and the same sources.

use std::thread;

use anyhow::{Result, anyhow};

use super::verdict::{ACTIVE, Setting};
use crate::driver::{Driver, Plan};
use crate::effort::Effort;
use crate::frames;
use crate::rounds::interleave;
use crate::row::{Better, Measured};
use crate::subjects::{SourceLimit, Subject};

/// Whole verdicts in a second of one CPU, and of two at once.
pub(crate) fn measure(effort: &Effort) -> Result<Vec<Measured>> {
    let setting = Setting::prepare(SourceLimit::NEVER_REACHED)?;
    let mut driver = Driver::load(1)?;
    let (program, frame) = (setting.ours.program()?, frames::ipv4()?);
    let samples = interleave(effort.rounds, 2, |more, _| {
        driver.prepare(&program, Plan::Draw(ACTIVE), 0)?;
        // The second CPU first: one alone is the one that all other rows run on.
        each_second(&driver, &frame, effort.frames, &[1, 0][..=more])
    })?;
    let (one, two) = (samples.of(0), samples.of(1));
    let row = Measured::new("2-cpus", two.median, "packets/s")
        .against("1 CPU", one.median, Better::Higher)
        .spread(two.middle, two.count)
        .with("dropped_rounds", samples.dropped);
    Ok(vec![row])
}

fn each_second(driver: &Driver, frame: &[u8], frames: u32, cpus: &[usize]) -> Result<f64> {
    thread::scope(|scope| {
        let send = |cpu: &usize| {
            let cpu = *cpu;
            scope.spawn(move || driver.go("driver", frame, frames, cpu))
        };
        let threads: Vec<_> = cpus.iter().map(send).collect();
        threads.into_iter().try_fold(0.0, |sum, thread| {
            let ns = thread.join().map_err(|_| anyhow!("a thread panicked"))??;
            Ok(sum + 1e9 / ns)
        })
    })
}
