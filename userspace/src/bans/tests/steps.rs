//! What a reader can meet in the middle of a change: every store of the writer is recorded, and the lookup of the data
//! path runs over every state between them, also when the state changes once between any two of its loads.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use ipnet::IpNet;
use proptest::prelude::*;
use xdpgate_ebpf::abi::Ban;
use xdpgate_ebpf::bans::{BanLine, BanMemory, find};
use xdpgate_ebpf::packet::{Source, widen};

use super::*;

thread_local! {
    static STORES: RefCell<Vec<(*const AtomicU64, u64)>> = const { RefCell::new(Vec::new()) };
}

/// Called at each store.
pub(in crate::bans) fn stored(word: &AtomicU64, value: u64) {
    STORES.with_borrow_mut(|stores| stores.push((word, value)));
}

/// Called where the writer waits: no look goes on from before to after.
pub(in crate::bans) fn waited() {
    STORES.with_borrow_mut(|stores| stores.push((std::ptr::null(), 0)));
}

/// The words before some changes, and each store of the changes.
struct Film<'w> {
    words: &'w HeapWords,
    before: HashMap<*const AtomicU64, u64>,
    stores: Vec<(*const AtomicU64, u64)>,
}

impl<'w> Film<'w> {
    fn of(bans: &'w mut Bans<HeapWords>, change: impl FnOnce(&mut Bans<HeapWords>)) -> Self {
        let before = each_word(bans.words()).map(|word| (std::ptr::from_ref(word), load(word))).collect();
        STORES.take();
        change(bans);
        Self { words: bans.words(), before, stores: STORES.take() }
    }

    /// What a look finds that begins after `first` stores and, after `loads` of its own, goes on after `then` stores.
    fn look(&self, address: IpAddr, first: usize, then: usize, loads: usize) -> (Option<Ban>, usize) {
        let look = Look { film: self, first, then, loads, done: Cell::new(0) };
        let (octets, family) = match address {
            IpAddr::V4(address) => (widen(address.octets()), 4),
            IpAddr::V6(address) => (address.octets(), 6),
        };
        (find(&look, &Source { address: octets, family }), look.done.get())
    }

    /// Whatever can be found while the changes are made.
    fn found(&self, address: IpAddr) -> Vec<Option<Ban>> {
        let mut found = Vec::new();
        for first in 0..=self.stores.len() {
            let (ban, loads) = self.look(address, first, first, 0);
            found.push(ban);
            let until_wait = self.stores[first..].iter().take_while(|(word, _)| !word.is_null()).count();
            for then in first + 1..=first + until_wait {
                // The look may take another way when the state changes, but not a much longer one.
                found.extend((1..loads + 8).map(|loads| self.look(address, first, then, loads).0));
            }
        }
        found.sort_by_key(|ban| ban.map(|ban| ban.expires_ns));
        found.dedup();
        found
    }
}

struct Look<'f> {
    film: &'f Film<'f>,
    first: usize,
    then: usize,
    loads: usize,
    done: Cell<usize>,
}

struct LineOf<'l>(&'l Look<'l>, &'l [AtomicU64; WORDS]);

impl Look<'_> {
    fn load(&self, word: &AtomicU64) -> u64 {
        let seen = if self.done.get() < self.loads { self.first } else { self.then };
        self.done.set(self.done.get() + 1);
        let word = std::ptr::from_ref(word);
        let last = self.film.stores[..seen].iter().rev().find(|(at, _)| *at == word);
        last.map_or_else(|| self.film.before[&word], |(_, value)| *value)
    }
}

impl BanMemory for Look<'_> {
    type Line<'a>
        = LineOf<'a>
    where
        Self: 'a;

    fn word(&self, index: usize) -> u64 {
        self.load(&self.film.words.control()[index])
    }

    fn line(&self, table: BanTable, index: u32) -> Option<LineOf<'_>> {
        Some(LineOf(self, &super::memory::lines(self.film.words, table)[index as usize]))
    }
}

impl BanLine for LineOf<'_> {
    fn word(&self, index: usize) -> u64 {
        self.0.load(&self.1[index])
    }
}

fn each_word(words: &HeapWords) -> impl Iterator<Item = &AtomicU64> {
    words.control().iter().chain(BanTable::ALL.into_iter().flat_map(|table| words.table(table)))
}

fn load(word: &AtomicU64) -> u64 {
    word.load(Ordering::Relaxed)
}

/// Addresses of both families whose halves are few, so that there are all mixtures of them.
fn few() -> impl Strategy<Value = IpNet> {
    let ipv4 = (0_u32..80).prop_map(|n| IpAddr::from(Ipv4Addr::from_bits(n)).into());
    let ipv6 = (0_u128..6, 0_u128..6)
        .prop_map(|(high, low)| IpAddr::from(Ipv6Addr::from_bits(high << 64 | low)).into());
    let wide4 = (0_u32..80, 24_u8..28)
        .prop_map(|(n, length)| IpNet::new(Ipv4Addr::from_bits(n).into(), length).unwrap().trunc());
    let wide6 = (0_u128..6, 0_u128..6, 60_u8..68).prop_map(|(high, low, length)| {
        IpNet::new(Ipv6Addr::from_bits(high << 64 | low << 60).into(), length).unwrap().trunc()
    });
    prop_oneof![ipv4, ipv6, wide4, wide6]
}

#[derive(Clone, Debug)]
enum Change {
    Ban(IpNet, u64),
    Lift(IpNet),
    Clean,
}

impl Change {
    fn make(&self, bans: &mut Bans<HeapWords>) {
        match self {
            // No room is as good an answer as any here.
            Self::Ban(prefix, end) => drop(bans.ban(*prefix, Some(end << EXPIRY_SHIFT))),
            Self::Lift(prefix) => drop(bans.lift(*prefix)),
            Self::Clean => bans.clean(),
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => (few(), 3_u64..9).prop_map(|(prefix, end)| Change::Ban(prefix, end)),
        4 => few().prop_map(Change::Lift),
        1 => Just(Change::Clean),
    ]
}

fn crowded_after(changes: &[Change], seed: [u64; 2]) -> Bans<HeapWords> {
    let mut bans = Bans::open(crowded(), BanShape::new(1 << 12), Seed(seed)).unwrap();
    for change in changes {
        change.make(&mut bans);
    }
    bans
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn in_the_middle_of_a_change_it_is_made_or_not(
        earlier in prop::collection::vec(change(), 0..150),
        change in change(),
        probes in prop::collection::vec(few(), 4),
        seed in any::<[u64; 2]>(),
    ) {
        let mut bans = crowded_after(&earlier, seed);
        let mut probes: Vec<IpAddr> = probes.iter().map(IpNet::addr).collect();
        if let Change::Ban(prefix, _) | Change::Lift(prefix) = &change {
            probes.push(prefix.addr());
        }
        let before: Vec<_> = probes.iter().map(|address| bans.find(*address)).collect();
        let film = Film::of(&mut bans, |bans| change.make(bans));
        for (address, before) in probes.into_iter().zip(before) {
            let after = film.look(address, film.stores.len(), film.stores.len(), 0).0;
            for found in film.found(address) {
                prop_assert!(found == before || found == after, "{address}: {found:?}, not {before:?} or {after:?}");
            }
        }
    }

    /// A ban takes the slot of one that was lifted, in a table with as many slots as there are bans or a few more. No look
    /// goes on over two cleanings.
    #[test]
    fn mixtures_of_bans_are_never_found(
        order in Just((0..36_u128).collect::<Vec<_>>()).prop_shuffle(),
        held in 20_usize..=24,
        changes in 1_usize..3,
        cleaned_after in 0_usize..4,
        seed in any::<[u64; 2]>(),
    ) {
        let mut bans = crowded_after(&[], seed);
        let address = |n: &u128| IpAddr::from(Ipv6Addr::from_bits(((n / 6) << 64) | (n % 6)));
        let (old, new) = order.split_at(held);
        for n in old {
            bans.ban(address(n).into(), None).unwrap();
        }
        let film = Film::of(&mut bans, |bans| {
            for (n, (old, new)) in old.iter().zip(new).take(changes).enumerate() {
                assert!(bans.lift(address(old).into()));
                if n == cleaned_after {
                    bans.clean();
                }
                assert_eq!(bans.ban(address(new).into(), None), Ok(true));
            }
        });
        for innocent in new[changes..].iter().take(6) {
            prop_assert_eq!(film.found(address(innocent)), [None], "{}", address(innocent));
        }
    }
}
