//! An axis: where values lie, and which of them are named.

use super::series::Series;
use crate::replay::timeline::Timeline;

/// Roughly so many names on an axis.
const TICKS: f64 = 8.0;
/// Seconds, and what they are called.
const UNITS: [(f64, &str); 5] =
    [(86_400.0, "days"), (3_600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"), (1e-3, "milliseconds")];

pub(super) struct Axis {
    /// The end of the axis. It begins at zero.
    end: f64,
    /// From one name to the next.
    step: f64,
    /// What a value is divided by to be named, and what it is named in.
    unit: (f64, &'static str),
}

impl Axis {
    /// Seconds, to the end of the last bin that has anything.
    #[expect(clippy::cast_precision_loss, reason = "pixels")]
    pub(super) fn of_time(elapsed_ns: u64, timeline: &Timeline) -> Self {
        let end = (elapsed_ns.max(timeline.width_ns())) as f64 / 1e9;
        let unit = UNITS.into_iter().find(|(seconds, _)| end >= 2.0 * seconds).unwrap_or(UNITS[4]);
        Self { end, step: nice(end / unit.0 / TICKS) * unit.0, unit }
    }

    /// Packets each second, with a little room above.
    pub(super) fn of_rate(shown: &[Series]) -> Self {
        let highest = shown.iter().flat_map(|part| &part.upper).copied().fold(0.0, f64::max);
        let end = if highest > 0.0 { highest * 1.05 } else { 1.0 };
        let unit = match highest {
            high if high >= 2e6 => (1e6, "M"),
            high if high >= 2e3 => (1e3, "k"),
            _ => (1.0, ""),
        };
        Self { end, step: nice(end / TICKS), unit }
    }

    /// What the names are in.
    pub(super) const fn unit(&self) -> &'static str {
        self.unit.1
    }

    /// Where a value lies, from 0 to 1.
    pub(super) fn share(&self, value: f64) -> f64 {
        (value / self.end).clamp(0.0, 1.0)
    }

    /// Values and their names.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let letter = if self.unit.1.len() == 1 { self.unit.1 } else { "" };
        let decimals = decimals(self.step / self.unit.0);
        let mut ticks = Vec::new();
        let mut value = 0.0;
        while value <= self.end {
            let letter = if value > 0.0 { letter } else { "" };
            let shown = value / self.unit.0;
            let decimals = if value > 0.0 { decimals } else { 0 };
            ticks.push((value, format!("{shown:.decimals$}{letter}")));
            value += self.step;
        }
        ticks
    }
}

/// The next of 1, 2 and 5 times a power of ten.
fn nice(step: f64) -> f64 {
    let power = 10_f64.powf(step.max(1e-9).log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= step);
    factor.unwrap_or(10.0) * power
}

fn decimals(step: f64) -> usize {
    [1.0, 0.1, 0.01, 0.001].into_iter().position(|least| step >= least * 0.999).unwrap_or(4)
}
