//! Tables at their capacity.

use ipnet::IpNet;

use super::*;

/// Bans of the kind that a table holds, all different.
fn distinct(table: BanTable, n: u32) -> IpNet {
    let spread = n.wrapping_mul(0x9e37_79b1);
    match table {
        BanTable::ExactIpv4 => IpNet::from(IpAddr::from(Ipv4Addr::from_bits(spread))),
        BanTable::PrefixIpv4 => IpNet::new(Ipv4Addr::from_bits(n << 8).into(), 24).unwrap(),
        BanTable::ExactIpv6 => {
            IpNet::from(IpAddr::from(Ipv6Addr::from_bits(u128::from(spread) << 70 | u128::from(n))))
        }
        BanTable::PrefixIpv6 => IpNet::new(Ipv6Addr::from_bits(u128::from(n) << 80).into(), 48).unwrap(),
    }
}

#[test]
fn a_table_holds_what_it_is_said_to_hold_and_no_more() {
    for capacity in [1, 8, 1024, 1000, 1 << 15] {
        for table in BanTable::ALL {
            let mut bans = bans(capacity);
            let capacity = BanShape::new(capacity).capacity(table);
            for n in 0..capacity {
                assert_eq!(bans.ban(distinct(table, n), None), Ok(true), "{table:?} of {capacity}, {n}");
            }
            let full = TableFull { table, capacity };
            assert_eq!(bans.ban(distinct(table, capacity), None), Err(full));
            let used = bans.uses().into_iter().find(|used| used.table == table).unwrap();
            assert_eq!((used.used, used.capacity), (capacity, capacity));
            for n in 0..capacity {
                assert!(bans.find(distinct(table, n).addr()).is_some(), "{table:?} of {capacity}, {n}");
            }
            assert_eq!(bans.find(distinct(table, capacity).addr()), None);
            // What is there can be changed, and the room of one that is lifted can be used.
            assert_eq!(bans.ban(distinct(table, 0), Some(HOUR)), Ok(false));
            assert!(bans.lift(distinct(table, 0)));
            assert_eq!(bans.ban(distinct(table, capacity), None), Ok(true));
            assert_eq!(bans.ban(distinct(table, 0), None), Err(full));
        }
    }
}

/// Neighbours are what attackers and networks have: they must not crowd lines, whatever the seed.
#[test]
fn neighbours_spread_over_the_lines() {
    let mut random = Random(1);
    for _ in 0..5 {
        let shape = BanShape::new(1 << 13);
        let seed = Seed([random.next(), random.next()]);
        let mut bans = Bans::open(HeapWords::new(shape), shape, seed).unwrap();
        for n in 0..1 << 13 {
            let ipv4 = Ipv4Addr::from_bits(0xC633_0000 + n);
            assert_eq!(bans.ban(IpAddr::from(ipv4).into(), None), Ok(true), "{seed:x?}");
            let ipv6 = Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(n) << 64 | 1);
            assert_eq!(bans.ban(IpAddr::from(ipv6).into(), None), Ok(true), "{seed:x?}");
        }
        let continuing = |table, layout: super::line::Layout| {
            parts(bans.words(), table).1.iter().filter(|line| layout.continues(line)).count()
        };
        let (ipv4, ipv6) = (
            continuing(BanTable::ExactIpv4, super::line::Layout::Ipv4),
            continuing(BanTable::ExactIpv6, super::line::Layout::Ipv6),
        );
        // By chance one in 900 and one in 12 do.
        assert!(ipv4 < 60 && ipv6 < 1_000, "{ipv4} and {ipv6} lines continue with {seed:x?}");
    }
}

#[test]
fn the_filter_lets_few_through_that_are_not_banned() {
    let mut bans = bans(1 << 14);
    // Of eight bits a byte, for two bans or for one on average.
    for (table, most) in [
        (BanTable::ExactIpv4, 0.24),
        (BanTable::PrefixIpv4, 0.24),
        (BanTable::ExactIpv6, 0.13),
        (BanTable::PrefixIpv6, 0.13),
    ] {
        let capacity = BanShape::new(1 << 14).capacity(table);
        for n in 0..capacity {
            bans.ban(distinct(table, n), None).unwrap();
        }
        let (filter, lines) = parts(bans.words(), table);
        let words = filter.iter().flatten().map(|word| word.load(std::sync::atomic::Ordering::Relaxed));
        let set: u32 = words.map(u64::count_ones).sum();
        let share = f64::from(set) / f64::from(u32::try_from(8 * lines.len()).unwrap());
        assert!((most - 0.04..most).contains(&share), "{table:?}: {share}");
    }
}
