use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use xdpgate_ebpf::abi::EXPIRY_SHIFT;
use xdpgate_ebpf::bans::Seed;

use super::*;
use crate::bans::{BanShape, Bans, HeapWords};
use crate::daemon::clock::now;
use crate::kernel::monotonic_ns;

/// The kernel's tables in this process.
pub(in crate::daemon::gate::bans) struct Model(pub(in crate::daemon::gate::bans) Mutex<Bans<HeapWords>>);

impl Enforcer for Model {
    fn ban_all(&self, bans: &[(IpNet, Option<u64>)]) -> Result<usize, KernelError> {
        Ok(self.0.lock().unwrap().ban_all(bans)?)
    }

    fn unban(&self, prefix: IpNet) -> bool {
        self.0.lock().unwrap().lift(prefix)
    }

    fn ban_end(&self, prefix: IpNet) -> Option<u64> {
        self.0.lock().unwrap().end(prefix).map(|end| end.unwrap_or(NEVER_EXPIRES))
    }

    fn held_longer(&self, bans: &[(IpNet, Option<u64>)]) -> Vec<IpNet> {
        self.0.lock().unwrap().held_longer(bans)
    }
}

pub(in crate::daemon::gate::bans) struct Stage {
    directory: TempDir,
    pub(in crate::daemon::gate::bans) model: Model,
    pub(in crate::daemon::gate::bans) store: Store,
    pub(in crate::daemon::gate::bans) register: BanRegister,
}

impl Stage {
    pub(in crate::daemon::gate::bans) fn new() -> Self {
        Self::sized(64)
    }

    pub(in crate::daemon::gate::bans) fn sized(bans: u32) -> Self {
        let directory = TempDir::new().unwrap();
        let shape = BanShape::new(bans);
        let bans = Bans::in_memory(shape, Seed([1, 2]));
        let store = Store::open(directory.path()).unwrap();
        Self { directory, model: Model(bans.into()), store, register: BanRegister::default() }
    }

    pub(in crate::daemon::gate::bans) fn ban(
        &self,
        prefixes: &[&str],
        expires: Option<Timestamp>,
    ) -> Result<usize, Failure> {
        self.ban_by("test", prefixes, expires)
    }

    pub(in crate::daemon::gate::bans) fn ban_by(
        &self,
        source: &str,
        prefixes: &[&str],
        expires: Option<Timestamp>,
    ) -> Result<usize, Failure> {
        let (reason, source, note) = (String::new(), source.to_owned(), String::new());
        let note = BanNote { expires, reason, source, note, created: now() };
        let prefixes = prefixes.iter().map(|prefix| net(prefix)).collect();
        self.register.ban(&self.model, &self.store, vec![NewBans { note, prefixes }])
    }

    pub(in crate::daemon::gate::bans) fn unban(&self, prefixes: &[&str]) -> Result<Vec<IpNet>, Failure> {
        self.register.unban(&self.model, &self.store, &nets(prefixes))
    }

    fn unban_by(&self, source: &str, prefixes: &[&str]) -> Vec<IpNet> {
        self.register.unban_of(&self.model, &self.store, source, &nets(prefixes)).unwrap()
    }

    /// Seconds until the tables let a prefix pass; `None`: they do.
    fn held_for(&self, prefix: &str) -> Option<u64> {
        let end = self.model.ban_end(net(prefix))?;
        Some(if end == NEVER_EXPIRES { FOR_GOOD } else { (end - monotonic_ns() + SECOND / 2) / SECOND })
    }

    fn sources_of(&self, prefix: &str) -> Vec<String> {
        let records = self.register.with_waiting(|| Ok(self.store.bans()?), |_| true).unwrap();
        let of = records.into_iter().filter(|ban| ban.prefix == net(prefix));
        let mut sources: Vec<_> = of.map(|ban| ban.note.source.clone()).collect();
        sources.sort();
        sources
    }

    fn sweep_at(&self, now: Timestamp, monotonic_now: u64) -> usize {
        self.register.sweep(&self.model, &self.store, now, monotonic_now).unwrap()
    }

    /// The store that the next process opens after this one was killed.
    fn killed(self) -> (TempDir, Store) {
        std::mem::forget(self.store);
        let store = Store::open(self.directory.path()).unwrap();
        (self.directory, store)
    }

    fn in_force(&self) -> Vec<IpNet> {
        let mut bans: Vec<_> = self.model.0.lock().unwrap().iter().map(|(prefix, _)| prefix).collect();
        bans.sort();
        bans
    }

    /// When all is where it belongs.
    fn stored(&self) -> Vec<IpNet> {
        self.register.finish(&self.store);
        self.store.bans().unwrap().into_iter().map(|ban| ban.prefix).collect()
    }

    fn listed(&self) -> Vec<IpNet> {
        let records = self.register.with_waiting(|| Ok(self.store.bans()?), |_| true).unwrap();
        let mut listed: Vec<_> = records.into_iter().map(|ban| ban.prefix).collect();
        listed.sort();
        listed
    }
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn nets(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|text| net(text)).collect()
}

fn after(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

const SECOND: u64 = 1_000_000_000;

#[test]
fn what_was_answered_survives_a_kill() {
    let stage = Stage::new();
    assert_eq!(stage.ban(&["192.0.2.1/32", "2001:db8::/48"], None).unwrap(), 2);
    assert_eq!(stage.ban(&["192.0.2.1/32", "192.0.2.2/32"], Some(after(60))).unwrap(), 1);
    assert_eq!(
        stage.unban(&["2001:db8::/48", "203.0.113.1/32"]).unwrap().first(),
        Some(&net("2001:db8::/48"))
    );
    let left = nets(&["192.0.2.1/32", "192.0.2.2/32"]);
    assert_eq!((stage.in_force(), stage.stored()), (left.clone(), left.clone()));
    let (_directory, store) = stage.killed();
    assert_eq!(store.bans().unwrap().into_iter().map(|ban| ban.prefix).collect::<Vec<_>>(), left);
    assert!(store.bans().unwrap().iter().all(|ban| ban.note.expires.is_some()));
}

#[test]
fn what_was_answered_and_not_stored_yet_survives_a_kill() {
    let stage = Stage::sized(1 << 14);
    stage.ban(&["192.0.2.1/32"], None).unwrap();
    stage.ban(&["192.0.2.2/32"], Some(after(60))).unwrap();
    stage.register.finish(&stage.store);
    let many: Vec<String> = (0..10_000).map(|n| format!("10.1.{}.{}/32", n / 256, n % 256)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    stage.ban(&many, Some(after(60))).unwrap();
    stage.ban(&["192.0.2.1/32"], Some(after(60))).unwrap();
    assert_eq!(stage.store.bans().unwrap().len(), 2, "the rest is on its way");
    assert_eq!(stage.listed().len(), 10_002);
    let (_directory, store) = stage.killed();
    let bans = store.bans().unwrap();
    assert_eq!(bans.len(), 10_002);
    assert!(bans.iter().all(|ban| ban.note.expires.is_some()));
}

#[test]
fn a_kill_while_the_database_takes_them_loses_and_doubles_nothing() {
    let stage = Stage::new();
    stage.ban(&["192.0.2.1/32", "192.0.2.2/32"], None).unwrap();
    // As between the end of the transaction and all that follows it.
    stage.store.turn_spool().unwrap();
    let changes: Vec<_> = stage.register.journal.waiting();
    stage.store.change_bans(&changes.iter().map(|entry| entry.change()).collect::<Vec<_>>()).unwrap();
    stage.ban(&["192.0.2.3/32"], None).unwrap();
    let (_directory, store) = stage.killed();
    let left: Vec<_> = store.bans().unwrap().into_iter().map(|ban| ban.prefix).collect();
    assert_eq!(left, nets(&["192.0.2.1/32", "192.0.2.2/32", "192.0.2.3/32"]));
}

#[test]
fn nothing_stays_spooled_that_the_database_has() {
    let stage = Stage::new();
    let spooled = || {
        let names = ["bans.spool", "bans.spool.old"].map(|name| stage.directory.path().join(name));
        names.map(|path| path.metadata().map_or(0, |file| file.len())).iter().sum::<u64>()
    };
    stage.ban(&["192.0.2.1/32"], None).unwrap();
    assert!(spooled() > 0);
    stage.register.finish(&stage.store);
    assert_eq!(spooled(), 0);
    stage.store.refuse_changes_of_bans(true);
    stage.ban(&["192.0.2.2/32"], None).unwrap();
    stage.register.finish(&stage.store);
    stage.ban(&["192.0.2.3/32"], None).unwrap();
    stage.register.finish(&stage.store);
    stage.store.refuse_changes_of_bans(false);
    stage.register.finish(&stage.store);
    assert_eq!(spooled(), 0);
    assert_eq!(stage.stored().len(), 3);
}

#[test]
fn a_full_table_makes_none_and_stores_none() {
    let stage = Stage::new();
    let many: Vec<String> = (0..65).map(|n| format!("192.0.2.{n}/32")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let failure = stage.ban(&many, None).unwrap_err();
    assert_eq!(failure.kind, crate::api::FailureKind::TableFull);
    for part in ["none of the 65 bans", "`bans-ipv4` is full (64 entries)", "raise tables.bans"] {
        assert!(failure.message.contains(part), "{failure}");
    }
    assert!(stage.in_force().is_empty() && stage.stored().is_empty());
    assert_eq!(stage.ban(&many[..64], None).unwrap(), 64);
}

#[test]
fn a_store_that_refuses_leaves_bans_in_force_and_gets_them_later() {
    let stage = Stage::new();
    stage.ban(&["192.0.2.9/32"], None).unwrap();
    assert_eq!(stage.stored().len(), 1);
    stage.store.refuse_changes_of_bans(true);
    stage.ban(&["192.0.2.1/32"], None).unwrap();
    assert_eq!(stage.unban(&["192.0.2.9/32"]).unwrap(), nets(&["192.0.2.9/32"]));
    stage.store.refuse_spooling();
    let failure = stage.ban(&["192.0.2.1/32"], None).unwrap_err();
    for part in ["in force now, but not stored", "disk has room", "they end with the daemon"] {
        assert!(failure.message.contains(part), "{failure}");
    }
    let failure = stage.unban(&["192.0.2.9/32"]).unwrap_err();
    assert!(failure.message.contains("lifted now, but not stored"), "{failure}");
    let now_in_force = nets(&["192.0.2.1/32"]);
    assert_eq!((stage.in_force(), stage.listed()), (now_in_force.clone(), now_in_force.clone()));
    assert_eq!(stage.stored(), nets(&["192.0.2.9/32"]));
    assert!(stage.register.problem().unwrap().starts_with("4 changes"));

    assert_eq!(stage.sweep_at(now(), monotonic_ns()), 0);
    assert!(stage.register.problem().is_some(), "it still refuses");
    stage.store.refuse_changes_of_bans(false);
    stage.sweep_at(now(), monotonic_ns());
    assert_eq!(stage.register.problem(), None);
    assert_eq!((stage.stored(), stage.in_force()), (now_in_force.clone(), now_in_force));
}

#[test]
fn what_has_ended_is_cleared_away() {
    let stage = Stage::new();
    stage.ban(&["192.0.2.1/32"], Some(after(10))).unwrap();
    stage.ban(&["192.0.2.2/32", "192.0.2.3/32", "2001:db8::/48"], Some(after(10))).unwrap();
    stage.ban(&["192.0.2.4/32"], Some(after(100))).unwrap();
    stage.ban(&["192.0.2.5/32"], None).unwrap();
    // One that others have replaced.
    stage.ban(&["192.0.2.3/32"], None).unwrap();
    let at = |seconds: u64| (after(i64::try_from(seconds).unwrap()), monotonic_ns() + seconds * SECOND);
    let sweep = |seconds| stage.sweep_at(at(seconds).0, at(seconds).1);
    assert_eq!(sweep(5), 0);
    assert_eq!(sweep(11), 3);
    let left = nets(&["192.0.2.3/32", "192.0.2.4/32", "192.0.2.5/32"]);
    assert_eq!((stage.in_force(), stage.stored()), (left.clone(), left));
    assert_eq!(sweep(12), 0);
    assert_eq!(sweep(101), 1);
    assert_eq!(stage.in_force(), nets(&["192.0.2.3/32", "192.0.2.5/32"]));
    assert!(stage.store.ended_bans(after(1_000)).unwrap().is_empty(), "no notes are left behind");
}

#[test]
fn a_wall_clock_that_is_set_forward_ends_no_ban() {
    let stage = Stage::new();
    stage.ban(&["192.0.2.1/32"], Some(after(100))).unwrap();
    stage.ban(&["192.0.2.2/32", "192.0.2.3/32"], Some(after(100))).unwrap();
    let day = after(86_400);
    let monotonic = monotonic_ns();
    assert_eq!(stage.sweep_at(day, monotonic), 0);
    assert_eq!(stage.in_force().len(), 3);
    // By the wall clock as it is set now they end a hundred seconds from now, and what the kernel rounds up.
    for ban in stage.store.bans().unwrap() {
        let left = ban.note.expires.unwrap().duration_since(day).as_millis();
        assert!((99_000..=100_000 + (1 << EXPIRY_SHIFT) / 1_000_000).contains(&left), "{left} ms");
    }
    assert_eq!(stage.sweep_at(day + SignedDuration::from_secs(101), monotonic + 101 * SECOND), 3);
    assert!(stage.in_force().is_empty() && stage.stored().is_empty());
}

#[test]
fn nobody_waits_for_the_database_who_bans() {
    let stage = Stage::new();
    let (answered, answers) = mpsc::channel();
    thread::scope(|scope| {
        // As somebody who stores a million bans.
        let storing = stage.register.journal.hold();
        scope.spawn(|| stage.unban(&["192.0.2.9/32"]).unwrap());
        for n in 1..4 {
            let (stage, answered) = (&stage, answered.clone());
            scope.spawn(move || {
                stage.ban(&[&format!("192.0.2.{n}/32")], None).unwrap();
                answered.send(()).unwrap();
            });
        }
        for _ in 1..4 {
            answers.recv_timeout(Duration::from_secs(10)).unwrap();
        }
        assert!(stage.store.bans().unwrap().is_empty());
        drop(storing);
    });
    assert_eq!((stage.in_force().len(), stage.stored().len()), (3, 3));
}

#[test]
fn kernel_and_store_agree_after_changes_by_many() {
    let stage = Stage::new();
    thread::scope(|scope| {
        for thread in 0..4 {
            let stage = &stage;
            scope.spawn(move || {
                for round in 0..50 {
                    let prefix = format!("192.0.2.{}/32", (round * 7 + thread) % 5);
                    if (round + thread) % 3 == 0 {
                        stage.unban(&[&prefix]).unwrap();
                    } else {
                        stage.ban(&[&prefix], None).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(stage.in_force(), stage.stored());
    assert_eq!(stage.listed(), stage.stored());
}

const A: &str = "192.0.2.1/32";
const FOR_GOOD: u64 = u64::MAX;

#[test]
fn the_longest_ban_of_a_prefix_holds() {
    // With all of it in the database, and with all of it on its way.
    for stored in [false, true] {
        let stage = Stage::new();
        let settle = || {
            if stored {
                stage.register.finish(&stage.store);
            }
        };
        assert_eq!(stage.ban_by("one", &[A], Some(after(100))).unwrap(), 1);
        settle();
        assert_eq!(stage.ban_by("two", &[A], Some(after(50))).unwrap(), 0);
        settle();
        assert_eq!(stage.held_for(A), Some(100));
        stage.ban_by("two", &[A], Some(after(200))).unwrap();
        settle();
        assert_eq!(stage.held_for(A), Some(200));
        stage.ban_by("two", &[A], Some(after(20))).unwrap();
        settle();
        assert_eq!(stage.held_for(A), Some(100), "a source can shorten its own ban only");
        stage.ban_by("one", &[A], None).unwrap();
        settle();
        stage.ban_by("two", &[A], Some(after(300))).unwrap();
        settle();
        assert_eq!(stage.held_for(A), Some(FOR_GOOD), "for good");
        assert_eq!(stage.sources_of(A), ["one", "two"]);
        assert_eq!(stage.unban_by("one", &[A]), nets(&[A]));
        settle();
        assert_eq!((stage.held_for(A), stage.sources_of(A)), (Some(300), vec!["two".to_owned()]));
        assert!(stage.unban_by("one", &[A]).is_empty(), "it has none any more");
        assert!(stage.unban_by("three", &[A]).is_empty(), "it never had one");
        assert_eq!(stage.unban_by("two", &[A]), nets(&[A]));
        assert_eq!((stage.held_for(A), stage.stored()), (None, vec![]));
    }
}

#[test]
fn a_lift_without_a_source_is_of_all() {
    let stage = Stage::new();
    stage.ban_by("one", &[A], None).unwrap();
    stage.ban_by("two", &[A], Some(after(50))).unwrap();
    assert_eq!(stage.unban(&[A]).unwrap().first(), Some(&net(A)));
    assert_eq!((stage.held_for(A), stage.stored()), (None, vec![]));
}

#[test]
fn the_end_of_one_ban_leaves_that_of_another_source() {
    let stage = Stage::new();
    stage.ban_by("one", &[A, "192.0.2.2/32"], Some(after(10))).unwrap();
    stage.ban_by("two", &[A], Some(after(100))).unwrap();
    stage.ban_by("for good", &["192.0.2.2/32"], None).unwrap();
    let at = |seconds: u64| (after(i64::try_from(seconds).unwrap()), monotonic_ns() + seconds * SECOND);
    stage.sweep_at(at(11).0, at(11).1);
    assert_eq!((stage.held_for(A), stage.sources_of(A)), (Some(100), vec!["two".to_owned()]));
    assert_eq!((stage.held_for("192.0.2.2/32"), stage.in_force().len()), (Some(FOR_GOOD), 2));
    stage.sweep_at(at(101).0, at(101).1);
    assert_eq!((stage.in_force(), stage.stored()), (nets(&["192.0.2.2/32"]), nets(&["192.0.2.2/32"])));
}

#[test]
fn lifts_of_one_source_survive_a_kill() {
    let stage = Stage::new();
    stage.ban_by("one", &[A], None).unwrap();
    stage.ban_by("two", &[A], None).unwrap();
    stage.register.finish(&stage.store);
    stage.unban_by("one", &[A]);
    let (_directory, store) = stage.killed();
    let left: Vec<_> = store.bans().unwrap().into_iter().map(|ban| ban.note.source.clone()).collect();
    assert_eq!(left, ["two"]);
}

#[test]
fn a_wall_clock_that_is_set_back_lets_no_ban_hold_longer() {
    let stage = Stage::new();
    stage.ban_by("one", &[A], Some(after(100))).unwrap();
    stage.ban_by("two", &[A], Some(after(200))).unwrap();
    stage.register.finish(&stage.store);
    // As if the clock had been set back by an hour since: by it they end that much later.
    let late = SignedDuration::from_hours(1);
    let records = stage.store.bans().unwrap();
    let put = |ban: &BanRecord| {
        let expires = ban.note.expires.map(|expires| expires + late);
        (BanNote { expires, ..BanNote::clone(&ban.note) }, vec![ban.prefix])
    };
    stage.store.change_bans(&[&BanChange::Put(records.iter().map(put).collect())]).unwrap();
    stage.unban_by("two", &[A]);
    assert_eq!(stage.held_for(A), Some(200), "nobody knows better, and it was so long before");
    stage.ban_by("three", &[A], Some(after(10))).unwrap();
    assert_eq!(stage.held_for(A), Some(200));
}

#[test]
fn what_found_no_room_is_not_banned_by_a_lift() {
    let stage = Stage::new();
    stage.ban_by("one", &[A], Some(after(100))).unwrap();
    stage.ban_by("two", &[A], None).unwrap();
    // As at a start with a smaller table.
    stage.model.unban(net(A));
    assert_eq!(stage.unban_by("two", &[A]), nets(&[A]));
    assert_eq!((stage.held_for(A), stage.sources_of(A)), (None, vec!["one".to_owned()]));
}
