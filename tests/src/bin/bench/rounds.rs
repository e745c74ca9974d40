//! Rounds: everybody in turn, again and again, so that what the machine does beside hits all alike.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

/// A round is dropped when the host took more than this share of the time away.
const MOST_STOLEN: f64 = 0.01;
/// Kernel ticks of `/proc/stat` in a second (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// One figure of each contender in each round that counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples {
    /// By contender, then by round.
    figures: Vec<Vec<f64>>,
    /// Rounds that were dropped because of stolen time.
    pub(crate) dropped: usize,
}

/// Runs `contenders` in turn for so many rounds; `run` gets the contender and the round. The first round is a warm-up.
///
/// # Errors
///
/// That of a run.
pub(crate) fn interleave(
    rounds: usize,
    contenders: usize,
    mut run: impl FnMut(usize, usize) -> Result<f64>,
) -> Result<Samples> {
    let mut samples = Samples { figures: vec![Vec::new(); contenders], dropped: 0 };
    // As many may be dropped as count; then a round counts as it is.
    for round in 0..=2 * rounds {
        let (start, stolen_before) = (Instant::now(), stolen_seconds()?);
        // Another one begins each time.
        let order = (0..contenders).map(|place| (place + round) % contenders.max(1));
        let figures = order.map(|who| Ok((who, run(who, round)?))).collect::<Result<Vec<_>>>()?;
        let stolen = (stolen_seconds()? - stolen_before) / start.elapsed().as_secs_f64();
        if round == 0 {
            continue;
        }
        if stolen > MOST_STOLEN && samples.dropped < rounds {
            samples.dropped += 1;
            continue;
        }
        for (who, figure) in figures {
            samples.figures.get_mut(who).context("no such contender")?.push(figure);
        }
        if samples.len() >= rounds {
            break;
        }
    }
    Ok(samples)
}

impl Samples {
    /// Rounds that count.
    pub(crate) fn len(&self) -> usize {
        self.figures.first().map_or(0, Vec::len)
    }

    /// The figures of one contender.
    pub(crate) fn of(&self, who: usize) -> Summary {
        Summary::of(self.figures.get(who).cloned().unwrap_or_default())
    }

    /// The figures of one contender, less those of another in the same round.
    pub(crate) fn net(&self, who: usize, base: usize) -> Summary {
        self.combined(who, base, |figure, base| figure - base)
    }

    /// Two contenders' figures of the same round, combined.
    pub(crate) fn combined(&self, one: usize, other: usize, combine: impl Fn(f64, f64) -> f64) -> Summary {
        let empty = Vec::new();
        let (one, other) =
            (self.figures.get(one).unwrap_or(&empty), self.figures.get(other).unwrap_or(&empty));
        Summary::of(one.iter().zip(other).map(|(one, other)| combine(*one, *other)).collect())
    }
}

/// What the rounds say together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    /// The first and the third quartile.
    pub(crate) middle: [f64; 2],
    pub(crate) count: usize,
}

impl Summary {
    pub(crate) fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        let middle = [quantile(&figures, 0.25), quantile(&figures, 0.75)];
        Self { median: quantile(&figures, 0.5), middle, count: figures.len() }
    }
}

/// Of sorted figures; between two, in proportion. Zero where there is none.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand figures")]
    let place = share * sorted.len().saturating_sub(1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
    let below = place.floor() as usize;
    let Some(low) = sorted.get(below) else { return 0.0 };
    let high = sorted.get(below + 1).unwrap_or(low);
    low + (high - low) * (place - place.floor())
}

/// Time that the host took away from all CPUs since the machine started.
fn stolen_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("/proc/stat is empty")?;
    let ticks = line.split_whitespace().nth(8).context("no stolen time in /proc/stat")?;
    let ticks: f64 = ticks.parse()?;
    ensure!(ticks.is_finite(), "stolen time is no number");
    Ok(ticks / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_figures() {
        let summary = Summary::of(vec![4.0, 1.0, 3.0, 2.0]);
        assert_eq!((summary.median, summary.middle), (2.5, [1.75, 3.25]));
        assert_eq!(Summary::of(vec![]), Summary::default());
    }

    #[test]
    fn everybody_has_each_round_and_the_first_does_not_count() {
        let mut runs = [0; 3];
        let samples = interleave(4, 3, |who, round| {
            runs[who] += 1;
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let figure = (10 * who + round) as f64;
            Ok(figure)
        });
        let samples = samples.unwrap();
        assert_eq!(samples.len(), 4);
        assert!((samples.net(2, 1).median - 10.0).abs() < 1e-9);
        assert!(runs.iter().all(|count| *count == runs[0] && *count >= 5));
    }
}
