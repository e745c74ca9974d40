mod churn;
mod concurrent;
mod full;
mod random;
mod steps;

pub(super) use self::steps::{stored, waited};

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use xdpgate_ebpf::abi::EXPIRY_SHIFT;
use xdpgate_ebpf::bans::{BanTable, Seed, filter_lines, last_line};

use super::memory::{Line, zeroes};
use super::*;

/// What [`zeroes`] and lines are counted in.
const WORDS: usize = xdpgate_ebpf::abi::BAN_LINE_WORDS;
const SEED: Seed = Seed([0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210]);
/// A time that tables hold exactly.
const HOUR: u64 = 53_644 << EXPIRY_SHIFT;

fn bans(capacity: u32) -> Bans<HeapWords> {
    let shape = BanShape::new(capacity);
    Bans::open(HeapWords::new(shape), shape, SEED).unwrap()
}

/// Far more bans than lines: nearly all of them lie behind others.
fn crowded() -> HeapWords {
    HeapWords { control: zeroes(8), tables: BanTable::ALL.map(|_| zeroes(9 * WORDS)) }
}

fn net(text: &str) -> ipnet::IpNet {
    text.parse().unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The generator known as splitmix: the same in every run, and without a dependency.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn ipv4(&mut self) -> IpAddr {
        Ipv4Addr::from_bits(u32::try_from(self.next() >> 32).unwrap()).into()
    }

    fn ipv6(&mut self) -> IpAddr {
        Ipv6Addr::from_bits(u128::from(self.next()) << 64 | u128::from(self.next())).into()
    }
}

/// The filter of a table, and its other lines.
fn parts(words: &HeapWords, table: BanTable) -> (&[Line], &[Line]) {
    let lines = super::memory::lines(words, table);
    let last = last_line(super::shape::shift(words, table).unwrap());
    lines.split_at(filter_lines(last) as usize)
}

fn all_words(words: &HeapWords) -> impl Iterator<Item = u64> {
    let words = BanTable::ALL.into_iter().flat_map(|table| words.table(table));
    words.map(|word| word.load(std::sync::atomic::Ordering::Relaxed))
}

#[test]
fn exact_and_prefix_bans_are_found_in_both_families() {
    let mut bans = bans(1024);
    for (prefix, within, outside) in [
        ("192.0.2.7/32", "192.0.2.7", "192.0.2.6"),
        ("198.51.100.0/24", "198.51.100.255", "198.51.101.0"),
        ("0.0.0.0/32", "0.0.0.0", "0.0.0.1"),
        ("2001:db8::7/128", "2001:db8::7", "2001:db8::6"),
        ("2001:db8:7::/48", "2001:db8:7:ffff::1", "2001:db8:8::"),
        ("2001:db8:9:1::/64", "2001:db8:9:1:ffff::", "2001:db8:9:2::"),
        ("2001:db8:a:1:8000::/65", "2001:db8:a:1:ffff::", "2001:db8:a:1:7fff::"),
        ("::/128", "::", "::1"),
    ] {
        assert_eq!(bans.find(address(within)), None, "{prefix}");
        assert_eq!(bans.ban(net(prefix), Some(HOUR)), Ok(true), "{prefix}");
        assert_eq!(bans.find(address(within)).map(|ban| ban.expires_ns), Some(HOUR), "{prefix}");
        assert_eq!(bans.find(address(outside)), None, "{prefix}");
        assert_eq!(bans.ban(net(prefix), None), Ok(false), "{prefix}");
        assert_eq!(bans.find(address(within)).map(|ban| ban.expires_ns), Some(u64::MAX), "{prefix}");
        assert_eq!(bans.end(net(prefix)), Some(None), "{prefix}");
        assert_eq!(bans.iter().collect::<Vec<_>>(), [(net(prefix), None)]);
        assert!(bans.lift(net(prefix)), "{prefix}");
        assert!(!bans.lift(net(prefix)), "{prefix}");
        assert_eq!(bans.find(address(within)), None, "{prefix}");
        assert!(bans.is_empty());
        assert_eq!(bans.words().control()[0].load(std::sync::atomic::Ordering::Relaxed), 0, "{prefix}");
    }
}

#[test]
fn every_length_has_its_own_prefix() {
    let mut bans = bans(1024);
    let (ipv4, ipv6) = (address("203.0.113.85"), address("2001:db8:5555:aaaa:5555:aaaa:5555:aaaa"));
    let mut prefixes = Vec::new();
    for (address, longest) in [(ipv4, 32_u8), (ipv6, 128)] {
        for length in 0..=longest {
            let prefix = ipnet::IpNet::new(address, length).unwrap().trunc();
            assert_eq!(
                bans.ban(prefix, Some(HOUR + (u64::from(length) << EXPIRY_SHIFT))),
                Ok(true),
                "{prefix}"
            );
            prefixes.push(prefix);
        }
    }
    for (address, longest) in [(ipv4, 32), (ipv6, 128_u64)] {
        // The latest end is that of the longest prefix, so each one that is lifted shows the next.
        for length in (0..=longest).rev() {
            let end = HOUR + (length << EXPIRY_SHIFT);
            assert_eq!(bans.find(address).map(|ban| ban.expires_ns), Some(end), "{address}/{length}");
            assert!(bans.lift(ipnet::IpNet::new(address, u8::try_from(length).unwrap()).unwrap()));
        }
        assert_eq!(bans.find(address), None);
    }
    assert!(bans.is_empty());
    assert!(
        bans.words().control()[4..7].iter().all(|word| word.load(std::sync::atomic::Ordering::Relaxed) == 0)
    );
}

#[test]
fn host_bits_do_not_matter() {
    let mut bans = bans(1024);
    for (written, meant) in
        [("10.1.2.3/16", "10.1.0.0/16"), ("2001:db8::1/48", "2001:db8::/48"), ("::1/64", "::/64")]
    {
        assert_eq!(bans.ban(net(written), None), Ok(true));
        assert_eq!(bans.end(net(meant)), Some(None));
        assert_eq!(bans.iter().map(|(prefix, _)| prefix).collect::<Vec<_>>(), [net(meant)]);
        assert!(bans.lift(net(written)));
    }
}

#[test]
fn tables_of_other_sizes_are_refused() {
    let shape = BanShape::new(1024);
    let mut words = HeapWords::new(shape);
    words.tables[2] = zeroes(24 * WORDS);
    let error = Bans::open(words, shape, SEED).unwrap_err();
    assert_eq!(error.table, BanTable::ExactIpv6);
}

#[test]
fn many_bans_are_all_made_or_none() {
    let mut bans = bans(1024);
    let many = |from: u32, to: u32| -> Vec<_> {
        (from..to).map(|n| (ipnet::IpNet::from(IpAddr::from(Ipv4Addr::from_bits(n))), Some(HOUR))).collect()
    };
    assert_eq!(bans.ban_all(&many(0, 1000)), Ok(1000));
    bans.ban(net("0.0.3.237/32"), Some(2 * HOUR)).unwrap();
    assert_eq!(bans.ban_all(&many(500, 1010)), Ok(9), "those that are there are changed");
    assert_eq!(bans.end(net("0.0.3.237/32")), Some(Some(HOUR)));

    bans.ban(net("0.0.0.7/32"), None).unwrap();
    let before: std::collections::BTreeMap<_, _> = bans.iter().collect();
    let error = bans.ban_all(&many(0, 1025)).unwrap_err();
    assert_eq!((error.table, error.capacity), (BanTable::ExactIpv4, 1024));
    assert_eq!(bans.iter().collect::<std::collections::BTreeMap<_, _>>(), before);

    let twice = [(net("0.0.0.8/32"), None), (net("0.0.0.8/32"), Some(3 * HOUR))];
    assert_eq!(bans.ban_all(&twice), Ok(0));
    assert_eq!(bans.end(net("0.0.0.8/32")), Some(Some(3 * HOUR)), "the last one holds");
}

#[test]
fn bans_are_replaced() {
    let mut bans = bans(1024);
    let wanted = |prefixes: &[&str]| prefixes.iter().map(|prefix| (net(prefix), None)).collect::<Vec<_>>();
    bans.replace(&wanted(&["192.0.2.1/32", "2001:db8::/32", "10.0.0.0/8"])).unwrap();
    bans.replace(&wanted(&["192.0.2.2/32", "2001:db8::/32"])).unwrap();
    let mut left: Vec<_> = bans.iter().collect();
    left.sort();
    assert_eq!(left, wanted(&["192.0.2.2/32", "2001:db8::/32"]));
}
