//! How long a ban holds, as people write it.

use std::str::FromStr;
use std::time::Duration;

use crate::config::parse_duration;

/// A time to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ttl {
    /// For good.
    Permanent,
    /// Seconds; at least one.
    Seconds(u64),
}

impl Ttl {
    pub(super) const fn seconds(self) -> Option<u64> {
        match self {
            Self::Permanent => None,
            Self::Seconds(seconds) => Some(seconds),
        }
    }
}

/// When a time began, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Since(Duration);

impl Since {
    /// What is left at `now`, since 1970 too; `None`: nothing.
    pub(super) fn left(self, ttl: Ttl, now: Duration) -> Option<Ttl> {
        let Ttl::Seconds(seconds) = ttl else { return Some(ttl) };
        let left = self.0.saturating_add(Duration::from_secs(seconds)).saturating_sub(now);
        // Rounded up: a ban may not end before the program that asks for it thinks so.
        let left = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        (left > 0).then_some(Ttl::Seconds(left.min(seconds)))
    }
}

impl FromStr for Since {
    type Err = TtlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seconds: f64 = text.parse().map_err(|_| TtlError)?;
        Duration::try_from_secs_f64(seconds).map(Self).map_err(|_| TtlError)
    }
}

/// A time that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait(u64);

impl Wait {
    pub(super) const fn seconds(self) -> u64 {
        self.0
    }
}

/// Not a time that ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a number and a unit, such as 30s, 5m, 1h or 7d")]
pub(super) struct WaitError;

impl FromStr for Wait {
    type Err = WaitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(Ttl::Seconds(seconds)) => Ok(Self(seconds)),
            Ok(Ttl::Permanent) | Err(TtlError) => Err(WaitError),
        }
    }
}

/// Not a time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a number and a unit, such as 90s, 30m, 1h30m, 7d or 2w, or `permanent`")]
pub(super) struct TtlError;

impl FromStr for Ttl {
    type Err = TtlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The latter is fail2ban's way to say it.
        if ["permanent", "-1"].contains(&text) {
            return Ok(Self::Permanent);
        }
        // fail2ban and scripts give plain seconds.
        let seconds = text.parse().ok().or_else(|| with_units(text)).ok_or(TtlError)?;
        if seconds == 0 { Err(TtlError) } else { Ok(Self::Seconds(seconds)) }
    }
}

/// The notation of the policy, in whole seconds.
fn with_units(text: &str) -> Option<u64> {
    let duration = parse_duration(text).ok()?;
    (duration.subsec_nanos() == 0).then_some(duration.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("10 min", 600),
            ("30m", 1_800),
            ("1h", 3_600),
            ("1h30m", 5_400),
            ("7d", 604_800),
            ("2w", 1_209_600),
        ] {
            assert_eq!(text.parse(), Ok(Ttl::Seconds(seconds)), "{text}");
        }
        assert_eq!("permanent".parse(), Ok(Ttl::Permanent));
        assert_eq!("-1".parse(), Ok(Ttl::Permanent), "of fail2ban");
        assert_eq!("5m".parse(), Ok(Wait(300)));
        assert_eq!("permanent".parse::<Wait>(), Err(WaitError), "it must end");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "0", "0s", "500ms", "h", "1y", "1h30", "-5m", "1.5h", "never", "99999999999999999999w", "1é"]
        {
            assert_eq!(text.parse::<Ttl>(), Err(TtlError), "{text:?}");
        }
    }

    #[test]
    fn what_began_earlier_ends_earlier() {
        let since: Since = "1700000000.25".parse().unwrap();
        let left = |ttl, now: u64| since.left(ttl, Duration::from_millis(1_700_000_000_000 + now));
        assert_eq!(left(Ttl::Seconds(60), 250), Some(Ttl::Seconds(60)));
        assert_eq!(left(Ttl::Seconds(60), 10_000), Some(Ttl::Seconds(51)), "rounded up");
        assert_eq!(left(Ttl::Seconds(60), 60_250), None);
        assert_eq!(left(Ttl::Seconds(60), 0), Some(Ttl::Seconds(60)), "a clock that went back");
        assert_eq!(left(Ttl::Permanent, 99_999_999), Some(Ttl::Permanent));
        for text in ["", "-5", "soon", "inf", "nan"] {
            assert!(text.parse::<Since>().is_err(), "{text:?}");
        }
    }
}
