//! Ports as services name them.

use std::fmt;
use std::str::FromStr;

use super::PortRange;

/// Not a range of ports.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a range of ports; allowed: the first and the last port, from 1 to 65,535; write it like \
     \"8000-8099\", or one port without quotes"
)]
pub struct PortRangeError {
    text: String,
}

impl PortRange {
    /// One port.
    #[must_use]
    pub const fn single(port: u16) -> Self {
        Self { first: port, last: port }
    }

    /// The ports that are in both.
    #[must_use]
    pub fn common(self, other: Self) -> Option<Self> {
        let both = Self { first: self.first.max(other.first), last: self.last.min(other.last) };
        (both.first <= both.last).then_some(both)
    }
}

impl FromStr for PortRange {
    type Err = PortRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ends = text.split_once('-');
        let range = ends.and_then(|(first, last)| {
            let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            (0 < first && first <= last).then_some(Self { first, last })
        });
        range.ok_or_else(|| PortRangeError { text: text.to_owned() })
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            return self.first.fmt(formatter);
        }
        formatter.pad(&format!("{}-{}", self.first, self.last))
    }
}

/// The same ports in order, with ranges that touch joined.
pub(super) fn joined(mut ranges: Vec<PortRange>) -> Vec<PortRange> {
    ranges.sort_unstable();
    let mut joined: Vec<PortRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(before) if range.first <= before.last.saturating_add(1) => {
                before.last = before.last.max(range.last);
            }
            _ => joined.push(range),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_written() {
        let range: PortRange = "8000-8099".parse().unwrap();
        assert_eq!((range.first, range.last, range.to_string().as_str()), (8000, 8099, "8000-8099"));
        assert_eq!(PortRange::single(443).to_string(), "443");
        for text in ["", "443", "-", "0-5", "9-8", "1-65536", "a-b", "1-2-3", "1..2"] {
            assert!(text.parse::<PortRange>().is_err(), "{text}");
        }
    }

    #[test]
    fn ranges_that_touch_are_joined() {
        let range = |first, last| PortRange { first, last };
        let ranges =
            vec![range(443, 443), range(80, 81), range(82, 90), range(85, 87), range(65_000, 65_535)];
        assert_eq!(joined(ranges), [range(80, 90), range(443, 443), range(65_000, 65_535)]);
        assert_eq!(range(1, 9).common(range(5, 20)), Some(range(5, 9)));
        assert_eq!(range(1, 4).common(range(5, 20)), None);
    }
}
