//! What is admitted of one source that two CPUs send from at once, against an ideal token bucket.

use std::thread;

use anyhow::{Context, Result, anyhow, ensure};

use crate::driver::{Driver, Plan};
use crate::effort::Effort;
use crate::frames;
use crate::row::{Better, Measured};
use crate::subjects::{Baseline, Ours, Period, Policy, SourceLimit, Subject};

/// A burst of a second: the bucket never fills up while both threads wait for their CPU.
const LIMIT: SourceLimit = SourceLimit { packets: 20_000, per: Period::Second, burst: 20_000 };
const SOURCES: u32 = 1 << 12;
const CPUS: usize = 2;

pub(crate) fn measure(effort: &Effort) -> Result<Vec<Measured>> {
    let policy = Policy { limit: LIMIT, ..Policy::default() };
    let ours = admitted(effort, &Ours::load(&policy, SOURCES)?)?;
    let peer = admitted(effort, &Baseline::load(&policy, SOURCES)?)?;
    let row = Measured::new("accuracy", ours.error_percent(), "%")
        .against("LRU hash", peer.error_percent(), Better::Lower)
        .with("admitted", ours.admitted)
        .with("ideal", ours.ideal)
        .with("peer_admitted", peer.admitted)
        .with("peer_ideal", peer.ideal)
        .with("sent", ours.sent);
    Ok(vec![row])
}

struct Outcome {
    sent: u64,
    admitted: u64,
    ideal: f64,
}

impl Outcome {
    /// Beyond the one packet that a bucket of whole packets may differ by.
    fn error_percent(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "thousands")]
        let off = (self.admitted as f64 - self.ideal).abs();
        100.0 * (off - 1.0).max(0.0) / self.ideal
    }
}

fn admitted(effort: &Effort, subject: &impl Subject) -> Result<Outcome> {
    let frames = 10 * effort.frames;
    let mut driver = Driver::load(1)?;
    let frame = frames::ipv4()?;
    driver.prepare(&subject.program()?, Plan::Keep, 0)?;
    let (driver, frame) = (&driver, frame.as_slice());
    thread::scope(|scope| {
        let send = |cpu| scope.spawn(move || driver.go("timed_driver", frame, frames, cpu));
        let threads: Vec<_> = (0..CPUS).map(send).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?.map(drop))
    })
    .context("cannot send from two CPUs")?;
    let span = driver.span()?;
    let counted = subject.counted()?;
    ensure!(counted.limited > counted.admitted, "the source never was over its limit: {counted:?}");
    let ideal = f64::from(LIMIT.burst) + (span.end - span.start) * 1e9 / LIMIT.packet_ns();
    Ok(Outcome { sent: counted.seen, admitted: counted.admitted, ideal })
}
