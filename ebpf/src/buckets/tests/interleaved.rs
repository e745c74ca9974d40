//! Two CPUs in every order: while one packet is judged, another CPU does something, before any of its reads and writes.

use std::cell::Cell as Counter;
use std::sync::LazyLock;
use std::sync::atomic::AtomicU64;

use super::*;
use crate::buckets::BucketSet;
use crate::buckets::host::HostSet;
use crate::limit::Cell;

const BURST: u64 = 5;
/// Comes back so slowly that no token does within a test.
const LIMIT: Limit = limit(1 << 40, BURST);
const NOW_NS: u64 = 1 << 40;

/// A table in which something else happens before the accesses with these numbers.
struct Interrupted<'a> {
    table: &'a Table,
    accesses: Counter<usize>,
    at: [usize; 2],
    other_cpu: &'a dyn Fn(usize),
    /// The last access changed a state.
    swapped: Counter<bool>,
    /// It happened between the two writes of a claim: the slot is in use, and by whom is not written yet.
    in_a_claim: Counter<bool>,
}

#[derive(Clone, Copy)]
struct Set<'a>(HostSet<'a>, &'a Interrupted<'a>);
struct Word<'a>(&'a AtomicU64, &'a Interrupted<'a>);

impl BucketMemory for Interrupted<'_> {
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

impl<'a> Word<'a> {
    fn reach(&self) -> &'a AtomicU64 {
        let number = self.1.accesses.get();
        self.1.accesses.set(number + 1);
        self.1.swapped.set(false);
        if let Some(which) = self.1.at.iter().position(|at| *at == number) {
            (self.1.other_cpu)(which);
        }
        self.0
    }
}

impl Cell for Word<'_> {
    fn load(&self) -> u64 {
        Cell::load(&self.reach())
    }

    fn store(&self, value: u64) {
        let in_a_claim = self.1.swapped.get() && self.1.at.contains(&self.1.accesses.get());
        self.1.in_a_claim.set(self.1.in_a_claim.get() || in_a_claim);
        Cell::store(&self.reach(), value);
    }

    fn compare_exchange(&self, current: u64, new: u64) -> Result<(), u64> {
        let swapped = Cell::compare_exchange(&self.reach(), current, new);
        self.1.swapped.set(swapped.is_ok());
        swapped
    }

    fn add(&self, amount: u64) {
        Cell::add(&self.reach(), amount);
    }
}

impl<'a> Interrupted<'a> {
    fn new(table: &'a Table, at: [usize; 2], other_cpu: &'a dyn Fn(usize)) -> Self {
        Self {
            table,
            accesses: Counter::new(0),
            at,
            other_cpu,
            swapped: Counter::new(false),
            in_a_claim: Counter::new(false),
        }
    }
}

/// Sources of which all fall on the same two sets.
fn sources() -> [BucketKey; 3] {
    static SOURCES: LazyLock<[BucketKey; 3]> = LazyLock::new(|| {
        let mut keys = keys_between(SMALLEST, 3, 8);
        [(); 3].map(|()| keys.next().unwrap())
    });
    *SOURCES
}

/// A table in which these sources had buckets that are full again.
fn used_by(keys: &[BucketKey]) -> Table {
    let table = table(SMALLEST);
    for key in keys {
        assert!(takes(&table, key, &LIMIT, 1));
    }
    table
}

/// What each source got in the end, when all have tried more than their burst.
struct Account {
    admitted: [Counter<u64>; 3],
}

impl Account {
    fn take(&self, memory: &impl BucketMemory, source: usize, times: u64) {
        for _ in 0..times {
            if takes(memory, &sources()[source], &LIMIT, NOW_NS) {
                self.admitted[source].set(self.admitted[source].get() + 1);
            }
        }
    }

    /// Each source has got its burst, but for a packet of the first one.
    fn check(&self, in_a_claim: bool, when: &str) {
        let [first, others @ ..] = self.admitted.each_ref().map(Counter::get);
        if in_a_claim {
            // A CPU that is stopped just there for as long as a burst takes: a second burst for one source, and none for
            // the one whose bucket it used up.
            assert!(first <= 2 * BURST, "{first} of the first source, {when}");
            assert!(others.iter().all(|other| *other <= 2 * BURST), "{others:?} {when}");
            return;
        }
        assert!((BURST - 1..=BURST + 1).contains(&first), "{first} of the first source, {when}");
        assert_eq!(others, [BURST; 2], "{when}");
    }
}

/// Sends a packet of source 0, in a table where the sources of `before` have had buckets. Before two of its accesses, each
/// pair of them in turn, other CPUs send: the sources of `others`, `packets` each.
fn in_every_order(
    before: &[usize],
    others: [&[usize]; 2],
    packets: u64,
    check: impl Fn(&Account, bool, &str),
) {
    let had: Vec<_> = before.iter().map(|source| sources()[*source]).collect();
    let interrupted = |at: [usize; 2]| {
        let table = used_by(&had);
        let account = Account { admitted: [0, 0, 0].map(Counter::new) };
        let other_cpu =
            |which: usize| others[which].iter().for_each(|source| account.take(&table, *source, packets));
        let memory = Interrupted::new(&table, at, &other_cpu);
        account.take(&memory, 0, 1);
        (0..3).for_each(|source| account.take(&table, source, 2 * BURST));
        check(&account, memory.in_a_claim.get(), &format!("{before:?}, {others:?} before {at:?}"));
        memory.accesses.get()
    };
    let mut first = 0;
    let mut accesses = interrupted([first, first]);
    while first < accesses {
        let mut second = first;
        while second < accesses {
            accesses = accesses.max(interrupted([first, second]));
            second += 1;
        }
        first += 1;
    }
    assert!(accesses > 4, "there was something to interrupt");
}

/// The slot that source 0 is about to take is in use again, by its owner. The owner gets no second burst.
#[test]
fn a_claim_takes_no_bucket_that_is_charged_meanwhile() {
    for packets in [1, BURST, 2 * BURST] {
        in_every_order(&[1], [&[1], &[]], packets, Account::check);
        in_every_order(&[1, 2], [&[2], &[1]], packets, Account::check);
    }
}

/// The bucket that source 0 is about to charge is full, and goes to somebody else.
#[test]
fn a_charge_does_not_follow_the_slot_to_its_next_owner() {
    for packets in [1, BURST, 2 * BURST] {
        in_every_order(&[0], [&[1], &[2]], packets, Account::check);
        in_every_order(&[0], [&[1, 2], &[1, 2]], packets, Account::check);
    }
}

/// Two or three CPUs see a source for the first time, or again after a long time.
#[test]
fn a_source_on_several_cpus_gets_one_bucket() {
    for before in [&[][..], &[0], &[1, 2], &[1, 0, 2]] {
        for packets in [1, BURST, 2 * BURST] {
            in_every_order(before, [&[0], &[]], packets, Account::check);
            in_every_order(before, [&[0, 1], &[2, 0]], packets, Account::check);
        }
    }
}

/// However often a charge loses its race, it is made. Only where others took the last of the burst meanwhile there is one
/// packet more.
#[test]
fn a_lost_race_costs_no_less() {
    in_every_order(&[0], [&[0], &[0]], 1, |account, _, when| {
        assert_eq!(account.admitted[0].get(), BURST, "{when}");
    });
    in_every_order(&[0], [&[0], &[0]], BURST, Account::check);
}

/// A packet with two limits, one of which another CPU uses up meanwhile, is charged to none.
#[test]
fn what_was_charged_to_one_limit_is_given_back() {
    let key = sources()[0];
    let due = |class| Due { limit: &LIMIT, class, charge: LIMIT.charge(1), over: class };
    let (one, other) = (bucket_class::PACKETS, bucket_class::BYTES);
    for before in [&[][..], &[0], &[1]] {
        for (used_up, spared) in [(one, other), (other, one)] {
            let had: Vec<_> = before.iter().map(|source| sources()[*source]).collect();
            for at in 0..100 {
                let table = used_by(&had);
                let sets = Sets::new(&table, Home::of(&key, SMALLEST));
                let other_cpu = |_| (0..9).for_each(|_| _ = charge(&sets, &[due(used_up)], ticks(NOW_NS)));
                let memory = Interrupted::new(&table, [at, usize::MAX], &other_cpu);
                let sets = Sets::new(&memory, Home::of(&key, SMALLEST));
                let outcome = charge(&sets, &[due(other), due(one)], ticks(NOW_NS));
                if memory.accesses.get() <= at {
                    assert!(at > 10, "there was something to interrupt");
                    break;
                }
                let used = |class| table.state(&key, class).unwrap_or(0).saturating_sub(ticks(NOW_NS));
                let when = format!("{had:?} before access {at}: {outcome:?}");
                match outcome {
                    Outcome::Over(class) => assert_eq!((class, used(spared)), (used_up, 0), "{when}"),
                    Outcome::Admitted => assert_eq!(used(spared), LIMIT.charge(1), "{when}"),
                    Outcome::NoRoom => panic!("{when}"),
                }
                assert!(used(used_up) == LIMIT.burst || memory.in_a_claim.get(), "{when}");
            }
        }
    }
}
