//! Limits out of a capture: what sources do to each service, and what some limits would do to them.
//!
//! The capture is read three times: which services there are, what each source does at most, and then with the token
//! bucket of the data path for every limit in question. What is kept of it is bounded: [`ROOM`] pairs of service and
//! source, whatever a flood has.

mod candidates;
mod observe;
mod pass;
mod peaks;
mod report;
mod services;
mod toml;
mod trial;

use std::io::Read;

use self::observe::Observation;
use self::pass::pass;
use self::services::{Matcher, survey};
use self::trial::Trial;
use crate::api::Failure;
use crate::captures::Capture;
use crate::config::{Config, SourceLimitConfig};

pub use self::candidates::Candidate;
pub use self::peaks::{Peaks, Percentiles};
pub use self::report::{ServiceFindings, Suggestions};
pub use self::services::{Selector, SelectorError};

/// The most pairs of a service and a source that are looked at. Of further sources nothing is said.
pub const ROOM: usize = 1 << 20;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    /// The policy: its services, where it has some, and how it tells sources apart.
    pub config: &'a Config,
    /// Only these services, instead of those with the most packets.
    pub services: &'a [Selector],
    /// The share of sources that a suggested limit may touch, in percent.
    pub touch_percent: f64,
}

/// Reads the capture, which `open` opens anew each time.
///
/// # Errors
/// When it cannot be opened, or a limit cannot be expressed.
pub fn suggest<R: Read>(
    wish: &Wish<'_>,
    mut open: impl FnMut() -> Result<Capture<R>, Failure>,
) -> Result<Suggestions, Failure> {
    let services = match wish.config.services.as_slice() {
        [] if wish.services.is_empty() => survey(open()?),
        [] => services::selected(wish.services),
        named => services::of_policy(named),
    };
    let matcher = Matcher::new(services);
    let mut observation = Observation::new(&matcher, &wish.config.source_limits);
    let left = pass(open()?, |seen| observation.add(seen));
    let mut trial = Trial::new(&observation)?;
    pass(open()?, |seen| {
        if let Some(place) = observation.place(seen) {
            trial.add(place, seen);
        }
    });
    Ok(report::suggestions(wish, &observation, &trial, &left))
}

#[cfg(test)]
mod tests;
