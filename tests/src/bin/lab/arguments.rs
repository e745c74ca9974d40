//! The command line of the lab.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// See xdpgate at work: real clients and a spoofed flood against the real daemon, in network namespaces of their own.
#[derive(Debug, Parser)]
#[command(name = "lab", max_term_width = 100)]
pub(crate) struct Arguments {
    /// How long to send: a number and ms, s or m. At least 2s, at most 10m.
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = duration)]
    pub(crate) duration: Duration,
    /// Print one JSON object at the end, and nothing else.
    #[arg(long)]
    pub(crate) json: bool,
    /// Also draw the final table into this SVG file.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

fn duration(text: &str) -> Result<Duration, String> {
    const LEAST: Duration = Duration::from_secs(2);
    const MOST: Duration = Duration::from_mins(10);
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| "write a number and a unit, such as 15s".to_owned())?;
    let milliseconds = match unit {
        "ms" => Some(number),
        "s" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        _ => return Err("the unit is ms, s or m, as in 15s".into()),
    };
    let duration = milliseconds.map(Duration::from_millis).filter(|time| (LEAST..=MOST).contains(time));
    duration.ok_or_else(|| "between 2s and 10m".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("15s"), Ok(Duration::from_secs(15)));
        assert_eq!(duration("2500ms"), Ok(Duration::from_millis(2500)));
        assert_eq!(duration("1m"), Ok(Duration::from_mins(1)));
        for bad in
            ["", "s", "15", "15h", "1s", "11m", "99999999999999999999m", "-5s", "18446744073709551615m"]
        {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
