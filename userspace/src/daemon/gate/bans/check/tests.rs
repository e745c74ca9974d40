use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use xdpgate_ebpf::abi::ban_word;
use xdpgate_ebpf::bans::BanTable;

use super::super::register::tests::{Model, Stage};
use super::*;
use crate::bans::BanWords;

impl Tables for Model {
    fn not_honoured(&self, wanted: &[(IpNet, Option<u64>)], slack_ns: u64) -> Vec<usize> {
        let bans = self.0.lock().unwrap();
        (0..)
            .zip(wanted)
            .filter(|(_, (prefix, end))| !bans.honours(*prefix, *end, slack_ns))
            .map(|(n, _)| n)
            .collect()
    }

    fn rebuild(&self) {
        self.0.lock().unwrap().rebuild();
    }

    fn count(&self) -> u64 {
        self.0.lock().unwrap().len()
    }

    fn all(&self) -> Vec<IpNet> {
        self.0.lock().unwrap().iter().map(|(prefix, _)| prefix).collect()
    }
}

const BANNED: [&str; 6] = [
    "192.0.2.1/32",
    "192.0.2.2/32",
    "198.51.100.0/24",
    "2001:db8::1/128",
    "2001:db8:1::/48",
    "2001:db8:2::/72",
];
const CLEAN: BanDrift = BanDrift { missing: 0, unexpected: 0 };

fn stage() -> Stage {
    let stage = Stage::new();
    let later = Timestamp::now() + SignedDuration::from_hours(1);
    stage.ban(&BANNED[..3], Some(later)).unwrap();
    stage.ban(&BANNED[3..], None).unwrap();
    stage
}

fn check(stage: &Stage) -> BanDrift {
    stage.register.check(&stage.model, &stage.store).unwrap()
}

/// What somebody else does to the tables.
fn write(stage: &Stage, change: impl Fn(&[AtomicU64], &[&[AtomicU64]])) {
    let bans = stage.model.0.lock().unwrap();
    change(bans.words().control(), &BanTable::ALL.map(|table| bans.words().table(table)));
}

fn all_honoured(stage: &Stage) -> bool {
    let bans = stage.model.0.lock().unwrap();
    BANNED.iter().all(|prefix| bans.find(prefix.parse::<IpNet>().unwrap().addr()).is_some())
}

#[test]
fn tables_that_nobody_touched_do_not_drift() {
    let stage = stage();
    assert_eq!(check(&stage), CLEAN);
    stage.unban(&BANNED[..1]).unwrap();
    assert_eq!(check(&stage), CLEAN);
}

#[test]
fn emptied_tables_are_filled_again() {
    let stage = stage();
    write(&stage, |_, tables| {
        tables.iter().flat_map(|words| words.iter()).for_each(|word| word.store(0, Ordering::Relaxed));
    });
    assert!(!all_honoured(&stage));
    assert_eq!(check(&stage), BanDrift { missing: 6, unexpected: 0 });
    assert!(all_honoured(&stage));
    assert_eq!(check(&stage), CLEAN);
}

#[test]
fn words_that_lead_to_the_bans_are_mended() {
    for index in 0..ban_word::WORDS {
        let stage = stage();
        write(&stage, |control, _| control[index].store(0, Ordering::Relaxed));
        let drift = check(&stage);
        // Nobody reads the capacity but the next daemon.
        let read = index != ban_word::CAPACITY;
        assert_eq!(drift.missing > 0, read, "word {index}: {drift:?}");
        assert_eq!(drift.unexpected, 0);
        assert!(all_honoured(&stage), "word {index}");
        assert_eq!(check(&stage), CLEAN);
    }
}

#[test]
fn garbage_is_cleared_away_and_takes_no_ban_with_it() {
    for garbage in [u64::MAX, 0x0123_4567_89ab_cdef, 1, 1 << 32] {
        let stage = stage();
        write(&stage, |_, tables| {
            for words in tables {
                (0..)
                    .zip(words.iter())
                    .for_each(|(number, word)| word.store(garbage.rotate_left(number), Ordering::Relaxed));
            }
        });
        let drift = check(&stage);
        assert!(drift.missing > 0, "{drift:?}");
        assert!(all_honoured(&stage));
        assert_eq!(check(&stage), CLEAN, "after {garbage:x}");
        assert_eq!(stage.model.count(), BANNED.len() as u64);
    }
}

#[test]
fn a_ban_that_nobody_asked_for_is_lifted_and_one_of_another_end_gets_its_own() {
    let stage = stage();
    {
        let mut bans = stage.model.0.lock().unwrap();
        bans.ban("203.0.113.9/32".parse().unwrap(), None).unwrap();
        bans.ban("192.0.2.1/32".parse().unwrap(), None).unwrap();
        bans.ban("2001:db8::1/128".parse().unwrap(), Some(crate::kernel::monotonic_ns() + 1_000_000_000))
            .unwrap();
    }
    assert_eq!(check(&stage), BanDrift { missing: 2, unexpected: 1 });
    assert_eq!(check(&stage), CLEAN);
}

#[test]
fn a_clock_that_was_set_is_no_drift() {
    let stage = stage();
    let mono = crate::kernel::monotonic_ns();
    let wall = Timestamp::now();
    stage.register.clocks().saw(wall, mono);
    // The daemon saw the wall clock jump by an hour and back; bans of that hour have other ends by it.
    stage.register.clocks().saw(wall + SignedDuration::from_hours(1), mono);
    {
        let mut bans = stage.model.0.lock().unwrap();
        bans.ban("192.0.2.1/32".parse().unwrap(), Some(mono + 7_100_000_000_000)).unwrap();
    }
    assert_eq!(check(&stage), CLEAN);
}
