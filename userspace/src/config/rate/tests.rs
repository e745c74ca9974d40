use proptest::prelude::*;

use super::*;

fn packets(text: &str) -> Result<Rate, RateError> {
    Rate::parse(text, LimitUnit::Packets)
}

fn bytes(text: &str) -> Result<Rate, RateError> {
    Rate::parse(text, LimitUnit::Bytes)
}

fn message(result: Result<Rate, RateError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn packets_as_people_write_them() {
    for (text, units, seconds, burst) in [
        ("2000/s", 2000, 1, 2000),
        ("2000 packets/s", 2000, 1, 2000),
        ("1 packet / second", 1, 1, 1),
        ("120/min", 120, 60, 2),
        ("1/h", 1, 3600, 1),
        ("24/day", 24, 86_400, 1),
        ("100_000_000/s", 100_000_000, 1, 100_000_000),
    ] {
        let rate = Rate { units, per: Duration::from_secs(seconds), burst };
        assert_eq!(packets(text), Ok(rate), "{text}");
    }
}

#[test]
fn bytes_as_people_write_them() {
    for (text, units, seconds, burst) in [
        ("50 Mbit/s", 6_250_000, 1, 6_250_000),
        ("10 MB/s", 10_000_000, 1, 10_000_000),
        ("1 MiB/s", 1 << 20, 1, 1 << 20),
        ("1 Gbit/s", 125_000_000, 1, 125_000_000),
        ("1.5 Gbit/s", 187_500_000, 1, 187_500_000),
        ("8001 bit/s", 8001, 8, 65_536),
        ("1 kB/s", 1000, 1, 65_536),
        ("100 Gbit/s", 12_500_000_000, 1, 12_500_000_000),
    ] {
        assert_eq!(bytes(text), Ok(Rate { units, per: Duration::from_secs(seconds), burst }), "{text}");
    }
}

#[test]
fn what_is_no_rate_is_told_how_to_write_one() {
    for text in ["", "/", "2000", "2000/", "/s", "2000/fortnight", "2000 Mbit/s", "-1/s", "1e3/s", "1.5/min"]
    {
        assert!(matches!(packets(text), Err(RateError::Unreadable { .. })), "{text}");
    }
    for text in ["2000/s", "50 Mbps", "50 Mb/s", "10 mb/s", "1 packet/s"] {
        assert!(matches!(bytes(text), Err(RateError::Unreadable { .. })), "{text}");
    }
    assert_eq!(
        message(bytes("50 Mbps")),
        "`50 Mbps` is not a rate; allowed: 1 kB/s to 100 Gbit/s; write it like `50 Mbit/s`, `10 MB/s` or `1 MiB/s`"
    );
}

#[test]
fn the_range_is_named() {
    assert_eq!(
        message(packets("99999999999999999999/s")),
        "`99999999999999999999/s` is too fast; allowed: 1 packet/h to 100,000,000 packets/s; the nearest is `100000000 packets/s`"
    );
    assert_eq!(
        message(packets("23/day")),
        "`23/day` is too slow; allowed: 1 packet/h to 100,000,000 packets/s; the nearest is `1 packet/h`"
    );
    assert_eq!(
        message(bytes("0 Mbit/s")),
        "a rate of zero is not allowed; allowed: 1 kB/s to 100 Gbit/s; to switch the limit off, remove the key"
    );
    for (text, fast) in [("100000001/s", true), ("6000000001/min", true)] {
        assert_eq!(
            packets(text),
            Err(RateError::OutOfRange { text: text.into(), unit: LimitUnit::Packets, fast })
        );
    }
    for (text, fast) in [("999 B/s", false), ("7999 bit/s", false), ("12500000001 B/s", true)] {
        assert_eq!(
            bytes(text),
            Err(RateError::OutOfRange { text: text.into(), unit: LimitUnit::Bytes, fast })
        );
    }
}

#[test]
fn the_burst_fits_the_rate() {
    let slow = packets("1/h").unwrap();
    assert_eq!(slow.with_burst(24, LimitUnit::Packets).unwrap().burst, 24);
    assert_eq!(
        message(slow.with_burst(25, LimitUnit::Packets)),
        "25 is too large; allowed: 1 to 24 packets at this rate; the nearest is 24, \
         or remove the key"
    );
    assert_eq!(
        message(bytes("1 kB/s").unwrap().with_burst(65_535, LimitUnit::Bytes)),
        "65,535 is too small; allowed: 65,536 to 86,400,000 bytes at this rate; the nearest is \
         65536, or remove the key"
    );
    let fast = packets("100000000/s").unwrap();
    assert!(fast.with_burst(1_000_000_000, LimitUnit::Packets).is_ok());
    assert!(fast.with_burst(1_000_000_001, LimitUnit::Packets).is_err());
}

#[test]
fn a_rate_says_what_it_counts() {
    for (text, unit, units) in [
        ("2000/s", LimitUnit::Packets, 2000),
        ("2000 packets/s", LimitUnit::Packets, 2000),
        ("120 connections/min", LimitUnit::Connections, 120),
        ("1 connection / s", LimitUnit::Connections, 1),
        ("50 Mbit/s", LimitUnit::Bytes, 6_250_000),
        ("10 MB/s", LimitUnit::Bytes, 10_000_000),
    ] {
        let (read, rate) = Rate::parse_any(text).unwrap();
        assert_eq!((read, rate.units), (unit, units), "{text}");
    }
    assert_eq!(
        Rate::parse_any("5 requests/s").unwrap_err().to_string(),
        "`5 requests/s` is not a rate; allowed: packets, connections, bytes or bits in a time; write it like \
         `2000 packets/s`, `120 connections/min` or `50 Mbit/s`"
    );
    assert_eq!(
        Rate::parse_any("1 connection/day").unwrap_err().to_string(),
        "`1 connection/day` is too slow; allowed: 1 connection/h to 100,000,000 connections/s; the nearest is \
         `1 connection/h`"
    );
}

#[test]
fn the_nearest_rate_is_a_rate() {
    for unit in [LimitUnit::Packets, LimitUnit::Bytes, LimitUnit::Connections] {
        for fast in [true, false] {
            assert_eq!(Rate::parse_any(unit.extreme(fast)).unwrap().0, unit, "{}", unit.extreme(fast));
        }
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC*") {
        let _ = packets(&text);
        let _ = bytes(&text);
    }

    #[test]
    fn every_rate_that_is_read_is_written_the_same(
        number in 1_u64..20_000_000_000,
        decimals in 0_u32..1000,
        word in prop::sample::select(vec!["", "packets", "connections", "bit", "kbit", "Mbit", "Gibit", "B", "kB", "KiB", "MB"]),
        period in prop::sample::select(vec!["s", "min", "h", "day"]),
        burst in 1_u64..1 << 32,
    ) {
        for unit in [LimitUnit::Packets, LimitUnit::Bytes, LimitUnit::Connections] {
            for text in [format!("{number} {word}/{period}"), format!("{number}.{decimals} {word}/{period}")] {
                let Ok(rate) = Rate::parse(&text, unit) else { continue };
                prop_assert!(rate.with_burst(rate.burst, unit).is_ok(), "{}: the burst it is given is allowed", text);
                let rate = rate.with_burst(burst, unit).unwrap_or(rate);
                let again = Rate::parse(&rate.display(unit).to_string(), unit).unwrap();
                prop_assert_eq!(again.with_burst(rate.burst, unit).unwrap(), rate, "{}", text);
            }
        }
    }
}
