//! Tables in which bans come and go for a long time do not silt up.

use ipnet::IpNet;

use super::line::Layout;
use super::*;

const CAPACITY: u32 = 2_000;
/// Each adds a ban and lifts one.
const CHANGES: usize = 1_000_000;

/// Lines on which readers have to go on.
fn continuing(bans: &Bans<HeapWords>) -> usize {
    let tables = BanTable::ALL.into_iter().map(|table| {
        parts(bans.words(), table).1.iter().filter(|line| Layout::of(table).continues(line)).count()
    });
    tables.sum()
}

#[test]
fn bans_that_come_and_go_leave_nothing_behind() {
    let mut random = Random(7);
    let mut bans = bans(CAPACITY);
    let mut held: Vec<IpNet> = Vec::new();
    let mut most = 0;
    for change in 0..CHANGES {
        let prefix = match random.below(4) {
            0 => IpNet::from(random.ipv4()),
            1 => IpNet::from(random.ipv6()),
            2 => IpNet::new(random.ipv4(), 24).unwrap(),
            _ => IpNet::new(random.ipv6(), 56).unwrap(),
        };
        if bans.ban(prefix, Some(HOUR)) == Ok(true) {
            held.push(prefix);
        }
        // About as many as fit: exact tables hold four times as many as those of prefixes.
        while held.len() > 3_200 {
            let index = random.below(held.len());
            let lifted = held.swap_remove(index);
            assert!(bans.lift(lifted), "{lifted}");
        }
        if change % 1_000 == 0 {
            bans.clean();
            most = most.max(continuing(&bans));
        }
    }
    assert_eq!(bans.len(), held.len() as u64);
    for prefix in &held {
        assert!(bans.find(prefix.addr()).is_some(), "{prefix}");
    }
    // The tables have 4,900 lines. Fresh ones that are as full have about 150 that continue.
    assert!((1..300).contains(&most), "{most} lines continue");

    for prefix in held {
        assert!(bans.lift(prefix));
    }
    bans.clean();
    bans.clean();
    assert_eq!(continuing(&bans), 0);
    assert!(all_words(bans.words()).all(|word| word == 0));
}

/// The same where every line is behind every other.
#[test]
fn crowded_lines_do_not_silt_up() {
    let mut random = Random(8);
    let mut bans = Bans::open(crowded(), BanShape::new(1_000), SEED).unwrap();
    let mut held: Vec<IpNet> = Vec::new();
    for change in 0..100_000 {
        let prefix = if random.below(2) == 0 { random.ipv4() } else { random.ipv6() }.into();
        match bans.ban(prefix, None) {
            Ok(new) => assert!(new, "{prefix} twice"),
            // 64 slots for IPv4, 24 for IPv6: full means full, since lifted ones make room.
            Err(full) if full.table == BanTable::ExactIpv4 => assert_eq!(bans.uses()[0].used, 64),
            Err(_) => assert_eq!(bans.uses()[2].used, 24),
        }
        if bans.end(prefix).is_some() {
            held.push(prefix);
        }
        if held.len() > 60 || random.below(3) == 0 && !held.is_empty() {
            let lifted = held.swap_remove(random.below(held.len()));
            assert!(bans.lift(lifted));
        }
        if change % 100 == 0 {
            for prefix in &held {
                assert!(bans.find(prefix.addr()).is_some(), "{prefix}");
            }
        }
    }
    for prefix in held {
        assert!(bans.find(prefix.addr()).is_some(), "{prefix}");
        assert!(bans.lift(prefix));
    }
    bans.clean();
    bans.clean();
    assert!(all_words(bans.words()).all(|word| word == 0));
}
