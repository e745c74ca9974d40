use super::*;

/// What is wrong with the keys of a limit, which begin on line 7.
fn limit(keys: &str) -> Vec<String> {
    problems(&text(keys))
}

fn text(keys: &str) -> String {
    format!("[[service]]\nname = \"s\"\nports = [1]\nlimits = [\"l\"]\n[[limit]]\nname = \"l\"\n{keys}")
}

#[test]
fn keys_of_other_algorithms() {
    for (keys, expected) in [
        (
            "",
            "5: limit.rate: is missing; allowed: 1 packet/h to 100,000,000 packets/s, 1 connection/h to 100,000,000 connections/s, or 1 kB/s to 100 Gbit/s; add a line like rate = \"2000 packets/s\"",
        ),
        (
            "rate = \"1/s\"\nalgorithm = \"leaky-bucket\"\nburst = 5",
            "9: limit.burst: has no effect with algorithm = \"leaky-bucket\"; allowed: only with algorithm = \"token-bucket\"; write that algorithm, or remove this key",
        ),
        (
            "rate = \"1/s\"\ndepth = 5",
            "8: limit.depth: has no effect with algorithm = \"token-bucket\"; allowed: only with algorithm = \"leaky-bucket\"; write that algorithm, or remove this key",
        ),
        (
            "rate = \"1/s\"\nwindow = \"1 s\"",
            "8: limit.window: has no effect with algorithm = \"token-bucket\"; allowed: only with algorithm = \"fixed-window\" or \"sliding-window\"; write one of these, or remove this key",
        ),
        (
            "algorithm = \"fixed-window\"\ncount = \"5 packets\"",
            "5: limit.window: is missing; allowed: 1 ms to 1 day; add a line like window = \"1 min\"",
        ),
        (
            "algorithm = \"sliding-window\"\nwindow = \"1 s\"",
            "5: limit.count: is missing; allowed: packets, connections, or from 65,536 bytes; the most depends on the window; add a line like count = \"120 connections\"",
        ),
        (
            "algorithm = \"fixed-window\"\ncount = \"5 packets\"\nwindow = \"1 s\"\nrate = \"5/s\"",
            "10: limit.rate: has no effect with algorithm = \"fixed-window\"; allowed: only with algorithm = \"token-bucket\" or \"leaky-bucket\"; write one of these, or remove this key",
        ),
    ] {
        assert_eq!(limit(keys), [expected]);
    }
}

#[test]
fn what_cannot_be_held_is_told_the_nearest() {
    for (keys, expected) in [
        (
            "rate = \"1 connection/day\"",
            "7: limit.rate: `1 connection/day` is too slow; allowed: 1 connection/h to 100,000,000 connections/s; the nearest is `1 connection/h`",
        ),
        (
            "rate = \"200 Gbit/s\"",
            "7: limit.rate: `200 Gbit/s` is too fast; allowed: 1 kB/s to 100 Gbit/s; the nearest is `100 Gbit/s`",
        ),
        (
            "rate = \"5 requests/s\"",
            "7: limit.rate: `5 requests/s` is not a rate; allowed: packets, connections, bytes or bits in a time; write it like `2000 packets/s`, `120 connections/min` or `50 Mbit/s`",
        ),
        (
            "rate = \"1 packet/h\"\nburst = 25",
            "8: limit.burst: 25 is too large; allowed: 1 to 24 packets at this rate; the nearest is 24, or remove the key",
        ),
        (
            "algorithm = \"leaky-bucket\"\nrate = \"1 MB/s\"\ndepth = 1",
            "9: limit.depth: 1 is too small; allowed: 65,536 to 86,400,000,000 bytes at this rate; the nearest is 65536, or remove the key",
        ),
        (
            "rate = \"1 packet/s\"\nburst = \"4 MiB\"",
            "8: limit.burst: counts bytes, and the rate counts packets; allowed: 1 to 1,000,000,000 packets or connections, or from 65,536 bytes, and at most one day of the rate; write both in the same unit",
        ),
    ] {
        assert_eq!(limit(keys), [expected]);
    }
}

#[test]
fn windows() {
    for (algorithm, count, window, expected) in [
        (
            "fixed-window",
            "5 packets",
            "0 s",
            "9: limit.window: `0 s` is out of range; allowed: 1 ms to 1 day; the nearest is `1 ms`",
        ),
        (
            "fixed-window",
            "5 packets",
            "2 days",
            "9: limit.window: `2 days` is out of range; allowed: 1 ms to 1 day; the nearest is `1 day`",
        ),
        (
            "fixed-window",
            "5 packets",
            "60",
            "9: limit.window: `60` is not a time; allowed: whole numbers with ms, s, min, h, day or week; write it like `10 min`, `500 ms` or `1h30m`",
        ),
        (
            "fixed-window",
            "5",
            "1 s",
            "8: limit.count: `5` is not an amount; allowed: packets, connections, or bytes with B, kB, MB, GB, KiB, MiB or GiB; write it like `2000 packets`, `120 connections` or `10 MiB`",
        ),
        (
            "fixed-window",
            "0 packets",
            "1 ms",
            "8: limit.count: `0 packets` is too small; allowed: 1 to 8,388,351 packets in 1 ms; the nearest is `1 packet`",
        ),
        (
            "fixed-window",
            "32 MiB",
            "3 ms",
            "8: limit.count: `32 MiB` is too large; allowed: 65,536 to 31,457,279 bytes in 3 ms; the nearest is `31457279 bytes`",
        ),
        (
            "sliding-window",
            "32512 connections",
            "1 ms",
            "8: limit.count: `32512 connections` is too large; allowed: 1 to 32,511 connections in 1 ms; the nearest is `32511 connections`",
        ),
        (
            "sliding-window",
            "1 MB",
            "60 ms",
            "9: limit.window: `60 ms` is too short to count bytes; allowed: 68 ms to 1 day with algorithm = \"sliding-window\"; the nearest is `68 ms`",
        ),
    ] {
        let keys = format!("algorithm = \"{algorithm}\"\ncount = \"{count}\"\nwindow = \"{window}\"");
        assert_eq!(limit(&keys), [expected]);
    }
    checked(&text("algorithm = \"sliding-window\"\ncount = \"65536 bytes\"\nwindow = \"68 ms\""));
    checked(&text("algorithm = \"sliding-window\"\ncount = \"32511 connections\"\nwindow = \"1 ms\""));
}

#[test]
fn keys_and_bans() {
    for (keys, expected) in [
        (
            "ipv4_prefix = 24",
            "8: limit.ipv4_prefix: has no effect with key = \"source\"; allowed: only with key = \"prefix\"; write that key, or remove this key",
        ),
        (
            "key = \"prefix\"\nipv6_prefix = 65",
            "9: limit.ipv6_prefix: 65 is out of range; allowed: 1 to 64; choose a number in that range",
        ),
        (
            "key = \"country\"",
            "8: limit.key: needs a geo database; allowed: only with geo.database; add [geo] with database = \"FILE\", or choose another key",
        ),
        (
            "ban = \"1 h\"",
            "8: limit.ban: has no effect with on_exceed = \"drop\"; allowed: only with on_exceed = \"ban\"; write that on_exceed, or remove this key",
        ),
        (
            "key = \"service\"\non_exceed = \"ban\"",
            "9: limit.on_exceed: there is no address to ban with key = \"service\"; allowed: \"ban\" only with key = \"source\" or \"prefix\"; write \"drop\", or another key",
        ),
        (
            "on_exceed = \"ban\"\nban = \"500 ms\"",
            "9: limit.ban: `500 ms` is out of range; allowed: 1 s to 365 days; the nearest is `1 s`",
        ),
        (
            "on_exceed = \"ban\"\nban = \"2 h\"\nban_longest = \"1 h\"",
            "10: limit.ban_longest: `1 h` is shorter than the first ban, which takes 2 h; allowed: 1 s to 365 days; write at least `2 h`, or a shorter ban",
        ),
    ] {
        assert_eq!(limit(&format!("rate = \"1/s\"\n{keys}")), [expected]);
    }
    let geo = "\n[geo]\ndatabase = \"geo.csv\"\n";
    let country = checked(&text(&format!("rate = \"1/s\"\nkey = \"country\"{geo}")));
    assert_eq!(country.limits[0].key, LimitKey::Country);
    let banning = checked(&text("rate = \"1/s\"\non_exceed = \"ban\"\nban = \"7 days\""));
    let week = std::time::Duration::from_hours(7 * 24);
    assert_eq!(banning.limits[0].on_exceed, OnExceed::Ban { first: week, longest: week });
}
