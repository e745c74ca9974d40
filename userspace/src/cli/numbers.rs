//! Numbers, times and durations as people read them.

use std::time::Duration;

use jiff::Timestamp;

pub(super) use crate::thousands::grouped;

/// A number and what it counts: `1 ban`, `2 bans`.
pub(super) fn counted(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// Three digits and a letter: `1.23M`. Never more than six characters below 10^18.
pub(super) fn short(number: f64) -> String {
    const LETTERS: [&str; 6] = ["k", "M", "G", "T", "P", "E"];
    // What would round up to 1000 belongs to the next letter.
    if number < 999.5 {
        return format!("{number:.0}");
    }
    let mut scaled = number;
    let mut letter = "";
    for next in LETTERS {
        scaled /= 1_000.0;
        letter = next;
        if scaled < 999.5 {
            break;
        }
    }
    let decimals = usize::from(scaled < 9.995) + usize::from(scaled < 99.95);
    format!("{scaled:.decimals$}{letter}")
}

/// Bytes in powers of 1024.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub(super) fn bytes(number: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if number < 1024 {
        return format!("{number} B");
    }
    let mut scaled = number as f64;
    let mut unit = "";
    for next in UNITS {
        scaled /= 1024.0;
        unit = next;
        if scaled < 1023.95 {
            break;
        }
    }
    format!("{scaled:.1} {unit}")
}

/// The two largest units: `3 h 12 min`.
pub(super) fn duration(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (size, unit) in UNITS {
        if rest >= size {
            parts.push(format!("{} {unit}", rest / size));
            rest %= size;
        }
        // The unit after the largest one is shown even if it is a smaller part of the time.
        if parts.len() == 2 {
            break;
        }
    }
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

/// To the second, in UTC.
pub(super) fn time(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

/// How long ago.
pub(super) fn since(time: Timestamp) -> String {
    let seconds = Timestamp::now().duration_since(time).as_secs();
    duration(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)).as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_three_digits() {
        let shown = [0.0, 999.4, 999.6, 1_234.0, 12_345.0, 999_600.0, 5.3e6, 1e18].map(short);
        assert_eq!(shown, ["0", "999", "1.00k", "1.23k", "12.3k", "1.00M", "5.30M", "1.00E"]);
    }

    #[test]
    fn bytes_have_a_unit() {
        assert_eq!(
            [0, 1023, 1024, 1_572_864, u64::MAX].map(bytes),
            ["0 B", "1023 B", "1.0 KiB", "1.5 MiB", "16.0 EiB"]
        );
    }

    #[test]
    fn durations_have_two_units() {
        assert_eq!(
            [0, 59, 60, 3_661, 90_000, 864_005].map(duration),
            ["0 s", "59 s", "1 min", "1 h 1 min", "1 d 1 h", "10 d 5 s"]
        );
    }
}
