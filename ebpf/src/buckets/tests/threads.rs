//! Threads at one table.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::buckets::BucketSet;
use crate::buckets::host::HostSet;
use crate::limit::Cell;

const RUN: Duration = Duration::from_millis(500);
/// How long a run goes on that has not shown enough: a busy machine may not let its threads meet.
const LONGEST_RUN: Duration = Duration::from_secs(20);
/// The fewest slots that a source has to lose and get again.
const CLAIMS: u64 = 10;
const THREADS: u64 = 2;

/// Nanoseconds since the start of a test, beginning long after zero.
fn now_ns(start: Instant) -> u64 {
    SECOND_NS + u64::try_from(start.elapsed().as_nanos()).unwrap()
}

/// How many packets `send` gets through, called by several threads for a while.
fn admitted(start: Instant, threads: u64, send: impl Fn() -> bool + Sync) -> u64 {
    admitted_until(start, threads, || true, send)
}

/// Likewise, and longer where it is not `enough` yet.
fn admitted_until(
    start: Instant,
    threads: u64,
    enough: impl Fn() -> bool + Sync,
    send: impl Fn() -> bool + Sync,
) -> u64 {
    thread::scope(|scope| {
        let count = || {
            let mut admitted = 0;
            while start.elapsed() < RUN || !enough() && start.elapsed() < LONGEST_RUN {
                admitted += u64::from(send());
            }
            admitted
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(count)).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

/// The rate, the burst, and one packet: that of a thread whose charge lost its races.
fn most(limit: &Limit, start: Instant) -> u64 {
    (limit.burst + ticks(now_ns(start)) - ticks(SECOND_NS)) / limit.charge(1) + 1
}

/// The limit itself takes all the threads can send, or little of it.
#[test]
fn two_threads_get_one_rate() {
    for charge in [ticks(20), ticks(300), ticks(10_000)] {
        let (table, key, limit) = (table(SMALLEST), ipv4(0xc000_0201), limit(charge, 100));
        let start = Instant::now();
        let admitted = admitted(start, THREADS, || takes(&table, &key, &limit, now_ns(start)));
        let most = most(&limit, start);
        assert!(admitted <= most, "{admitted} admitted, {most} allowed");
    }
}

#[test]
fn two_threads_get_one_rate_in_packets_and_one_in_bytes() {
    let (table, key) = (table(SMALLEST), ipv4(0xc000_0201));
    // What comes back in a microsecond is a packet, or a thousand bytes.
    let limits = [limit(ticks(1), 50_000), limit(ticks(1_000), 60)];
    let start = Instant::now();
    let admitted = admitted(start, THREADS, || {
        let dues = [
            Due { limit: &limits[0], class: bucket_class::BYTES, charge: limits[0].charge(1_000), over: () },
            Due { limit: &limits[1], class: bucket_class::PACKETS, charge: limits[1].charge(1), over: () },
        ];
        charge(&Sets::new(&table, Home::of(&key, SMALLEST)), &dues, ticks(now_ns(start))) == Outcome::Admitted
    });
    let bytes = Limit { cost: limits[0].cost * 1_000, ..limits[0] };
    let most = most(&bytes, start);
    assert!(admitted <= most, "{admitted} admitted, {most} allowed");
}

/// A table that counts how often one bucket gets a slot.
struct Watched<'a> {
    table: &'a Table,
    /// But for the choice of the set.
    tag: u64,
    claims: AtomicU64,
}

#[derive(Clone, Copy)]
struct Set<'a>(HostSet<'a>, &'a Watched<'a>);
struct Word<'a>(&'a AtomicU64, &'a Watched<'a>);

impl BucketMemory for Watched<'_> {
    type Set<'a>
        = Set<'a>
    where
        Self: 'a;

    fn shape(&self) -> Shape {
        self.table.shape()
    }

    fn set(&self, index: u32) -> Option<Set<'_>> {
        self.table.set(index).map(|set| Set(set, self))
    }
}

impl<'a> BucketSet for Set<'a> {
    type Cell = Word<'a>;

    fn tag(&self, slot: u32) -> Word<'a> {
        Word(self.0.tag(slot), self.1)
    }

    fn state(&self, slot: u32) -> Word<'a> {
        Word(self.0.state(slot), self.1)
    }

    fn second_mark(&self) -> Word<'a> {
        Word(self.0.second_mark(), self.1)
    }

    fn line_mark(&self) -> Word<'a> {
        Word(self.0.line_mark(), self.1)
    }
}

impl Cell for Word<'_> {
    fn load(&self) -> u64 {
        Cell::load(&self.0)
    }

    fn store(&self, value: u64) {
        if value & !bucket_tag::SECOND == self.1.tag {
            self.1.claims.fetch_add(1, Ordering::Relaxed);
        }
        Cell::store(&self.0, value);
    }

    fn compare_exchange(&self, current: u64, new: u64) -> Result<(), u64> {
        Cell::compare_exchange(&self.0, current, new)
    }

    fn add(&self, amount: u64) {
        Cell::add(&self.0, amount);
    }
}

/// Two threads charge one source; two others send from new ones, all of them into the same fourteen slots. A thread may be
/// stopped anywhere, for as long as the system likes. So whenever the source gets a slot anew it may get a burst, but
/// never otherwise.
#[test]
fn claims_forget_no_charge() {
    let keys: Vec<_> = keys_between(SMALLEST, 9, 4).take(2_000).collect();
    let (key, others) = keys.split_first().unwrap();
    // The first time the source is limited all the time, however long a thread waits for a CPU. The second time it falls
    // silent now and then, and loses its slot.
    let steady = (limit(ticks(5_000), 10_000), Duration::ZERO);
    let silent = (limit(ticks(2_000), 10), Duration::from_micros(40));
    for (limit, pause) in [steady, silent] {
        let table = table(SMALLEST);
        let watched = Watched { table: &table, tag: Home::of(key, SMALLEST).tag, claims: AtomicU64::new(0) };
        let new = super::limit(ticks(400), 1);
        let start = Instant::now();
        let mut at_first = 0;
        while takes(&watched, key, &limit, now_ns(start)) {
            at_first += 1;
        }
        let ended = AtomicBool::new(false);
        let (admitted, most, passed) = thread::scope(|scope| {
            let flood = |first: usize| {
                let (watched, ended, new) = (&watched, &ended, &new);
                move || {
                    let mut passed = 0_u64;
                    for other in others.iter().cycle().skip(first) {
                        passed += u64::from(takes(watched, other, new, now_ns(start)));
                        if ended.load(Ordering::Relaxed) {
                            return passed;
                        }
                    }
                    passed
                }
            };
            let floods = [scope.spawn(flood(0)), scope.spawn(flood(1_000))];
            let enough = || pause.is_zero() || watched.claims.load(Ordering::Relaxed) > CLAIMS;
            let admitted = admitted_until(start, THREADS, enough, || {
                let admitted = takes(&watched, key, &limit, now_ns(start));
                if !admitted && !pause.is_zero() {
                    thread::sleep(pause);
                }
                admitted
            });
            let most = most(&limit, start);
            ended.store(true, Ordering::Relaxed);
            (admitted, most, floods.map(|flood| flood.join().unwrap()).iter().sum::<u64>())
        });
        let claims = watched.claims.load(Ordering::Relaxed);
        let admitted = at_first + admitted;
        let most = most + (claims - 1) * limit.burst / limit.charge(1);
        println!(
            "{admitted} admitted, {most} allowed, {claims} claims, beside {passed} packets of new sources"
        );
        assert!(admitted <= most, "{admitted} admitted, {most} allowed, {claims} claims");
        assert!(passed > 10_000, "{passed} packets of new sources: no flood");
        assert!(pause.is_zero() || claims > CLAIMS, "{claims} claims: nothing was shown");
    }
}
