//! When the server is asked, and for what.

use std::time::Duration;

/// All decisions are asked for this often even while nothing fails: a server may let a decision last longer without telling
/// its bouncers, and answers may get lost on their way.
const ALL_EVERY: Duration = Duration::from_hours(1);
/// A server that is away is asked at least so often.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// What to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// All decisions that hold.
    All,
    /// What has changed since the last time.
    Changes,
}

/// The state between two questions. Times are of any clock that never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    failures: u32,
    all_at: Option<Duration>,
}

impl Schedule {
    /// What to ask for at `now`: after a failure nobody knows which changes were missed.
    #[must_use]
    pub fn ask(&self, now: Duration) -> Ask {
        match self.all_at {
            Some(at) if self.failures == 0 && now.saturating_sub(at) < ALL_EVERY => Ask::Changes,
            _ => Ask::All,
        }
    }

    /// The question was answered at `now`, and what it says is in force.
    pub fn answered(&mut self, asked: Ask, now: Duration) {
        self.failures = 0;
        if asked == Ask::All {
            self.all_at = Some(now);
        }
    }

    /// It was not. Returns how long to wait from the beginning of the question.
    pub fn failed(&mut self, every: Duration) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let doubled = 1_u32.checked_shl(self.failures - 1).and_then(|times| every.checked_mul(times));
        doubled.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT.max(every))
    }

    /// What is enforced may not be what the server says: everything is asked for the next time.
    pub fn in_doubt(&mut self) {
        self.all_at = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(10);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn all_comes_first_then_the_changes() {
        let mut schedule = Schedule::default();
        assert_eq!(schedule.ask(at(5)), Ask::All);
        schedule.answered(Ask::All, at(5));
        assert_eq!(schedule.ask(at(15)), Ask::Changes);
        schedule.answered(Ask::Changes, at(15));
        assert_eq!(schedule.ask(at(3_604)), Ask::Changes);
        assert_eq!(schedule.ask(at(3_605)), Ask::All, "an hour later");
        schedule.in_doubt();
        assert_eq!(schedule.ask(at(20)), Ask::All);
    }

    #[test]
    fn after_a_failure_all_is_asked_for_later_and_later() {
        let mut schedule = Schedule::default();
        schedule.answered(Ask::All, at(0));
        let waits: Vec<u64> = (0..5).map(|_| schedule.failed(EVERY).as_secs()).collect();
        assert_eq!(waits, [10, 20, 40, 60, 60]);
        assert_eq!(schedule.ask(at(1)), Ask::All);
        schedule.answered(Ask::All, at(1));
        assert_eq!(schedule.ask(at(2)), Ask::Changes);
        let rare = Duration::from_mins(10);
        assert_eq!((schedule.failed(rare), schedule.failed(rare)), (rare, rare));
        let last = (0..100).map(|_| schedule.failed(EVERY).as_secs()).last();
        assert_eq!(last, Some(60));
    }
}
