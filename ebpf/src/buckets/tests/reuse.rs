//! Slots go from key to key, and nothing that matters is forgotten.

use std::sync::atomic::Ordering;

use super::*;
use crate::abi::BUCKET_SLOTS;
use crate::buckets::BucketSet;
use crate::limit::Cell;

/// So slow that a source which used up its burst stays limited through the whole test.
const HOURLY: Limit = limit(1 << 45, 3);
/// Slots of two sets.
const ROOM: u32 = 2 * BUCKET_SLOTS;

fn states(table: &Table) -> Vec<u64> {
    let sets = table.words().chunks(BUCKET_SET_WORDS);
    // Behind the two marks, tag and state take turns.
    let states = sets.flat_map(|set| set.iter().skip(3).step_by(2));
    states.map(|state| state.load(Ordering::Relaxed)).collect()
}

fn in_use(table: &Table, now_ns: u64) -> u64 {
    states(table).into_iter().filter(|state| *state > ticks(now_ns)).count() as u64
}

/// Ten million sources pass, each with one packet that is in use for a while. Together with those that are limited they
/// fill a quarter of the slots.
#[test]
fn a_flood_of_new_sources_frees_nobody() {
    const FLOOD: u64 = 10_000_000;
    const GAP_NS: u64 = 100;
    let table = table(SMALLEST);
    let slots = u64::from(SMALLEST.sets() * BUCKET_SLOTS);
    let limited: Vec<_> = (1..=slots * 3 / 16).map(any_key).collect();
    let start_ns = SECOND_NS;
    for key in &limited {
        assert_eq!((0..5).filter(|_| takes(&table, key, &HOURLY, start_ns)).count(), 3);
    }
    // As many at once as fill another sixteenth.
    let flood_limit = limit(ticks(GAP_NS) * slots / 16, 1);
    let mut no_room = 0;
    for number in 0..FLOOD {
        let now_ns = start_ns + number * GAP_NS;
        match take(&table, &any_key(1 << 32 | number), &flood_limit, now_ns) {
            Outcome::Admitted => {}
            Outcome::Over(()) => panic!("{number} is over a limit it never used"),
            Outcome::NoRoom => no_room += 1,
        }
    }
    let now_ns = start_ns + FLOOD * GAP_NS;
    let quarter = slots / 4;
    let used = in_use(&table, now_ns);
    assert!((quarter - 20..=quarter).contains(&used), "{used} of {slots} slots are in use");
    let kept = limited.iter().filter(|key| take(&table, key, &HOURLY, now_ns) == Outcome::Over(())).count();
    assert_eq!(kept, limited.len());
    assert!(no_room <= FLOOD / 1_000_000, "{no_room} of {FLOOD} found no room");
}

/// Whether a source with these limits, of which it has used nothing, finds no room.
fn has_no_room<const N: usize>(table: &Table, source: u32, classes: [u64; N]) -> bool {
    let sets = Sets::new(table, Home::of(&any_key(u64::from(source)), table.shape()));
    let due = |class| Due { limit: &HOURLY, class, charge: HOURLY.charge(1), over: () };
    charge(&sets, &classes.map(due), ticks(SECOND_NS)) == Outcome::NoRoom
}

/// All sources that a table is made for: two of seven slots.
#[test]
fn all_sources_of_a_full_table_have_room_for_one_limit() {
    const SOURCES: u32 = 1 << 18;
    let table = table(Shape { seed: SEED, bits: Shape::bits_for(SOURCES) });
    let no_room = (0..SOURCES).filter(|source| has_no_room(&table, *source, [bucket_class::PACKETS])).count();
    assert_eq!(no_room, 0);
}

/// Likewise with both limits: four of seven slots.
#[test]
fn nearly_all_sources_of_a_full_table_have_room_for_two_limits() {
    const SOURCES: u32 = 1 << 14;
    const BOTH: [u64; 2] = [bucket_class::BYTES, bucket_class::PACKETS];
    let table = table(Shape { seed: SEED, bits: Shape::bits_for(SOURCES) });
    let half = (0..SOURCES / 2).filter(|source| has_no_room(&table, *source, BOTH)).count();
    let all = half + (SOURCES / 2..SOURCES).filter(|source| has_no_room(&table, *source, BOTH)).count();
    assert_eq!(half, 0, "two of seven slots in use");
    assert!(all <= SOURCES as usize / 200, "{all} of {SOURCES} have no room");
}

/// The stated rule: where both sets hold only buckets in use, a new source passes, unlimited and counted, and those that are
/// limited stay so.
#[test]
fn a_source_without_room_passes_and_changes_nothing() {
    let table = table(SMALLEST);
    let mut keys = keys_between(SMALLEST, 9, 4);
    let limited: Vec<_> = keys.by_ref().take(ROOM as usize).collect();
    for key in &limited {
        assert_eq!((0..5).filter(|_| takes(&table, key, &HOURLY, SECOND_NS)).count(), 3);
    }
    assert_eq!(in_use(&table, SECOND_NS), u64::from(ROOM));
    let before = states(&table);
    for key in keys.by_ref().take(100) {
        assert_eq!(take(&table, &key, &HOURLY, SECOND_NS), Outcome::NoRoom);
    }
    assert_eq!(states(&table), before);
    assert!(limited.iter().all(|key| take(&table, key, &HOURLY, SECOND_NS) == Outcome::Over(())));

    // Until a bucket is full again.
    let full_ns = SECOND_NS + 3 * ((1 << 45) / ticks(1));
    let late = keys.next().unwrap();
    assert_eq!(take(&table, &late, &HOURLY, full_ns - 1), Outcome::NoRoom);
    assert_eq!(take(&table, &late, &HOURLY, full_ns), Outcome::Admitted);
}

/// What has room limits, even where something else has none.
#[test]
fn a_limit_with_room_holds_beside_one_without() {
    let table = table(SMALLEST);
    let mut keys = keys_between(SMALLEST, 9, 4);
    for key in keys.by_ref().take(ROOM as usize - 1) {
        assert!(takes(&table, &key, &HOURLY, SECOND_NS));
    }
    let key = keys.next().unwrap();
    let sets = Sets::new(&table, Home::of(&key, SMALLEST));
    let due = |class| Due { limit: &HOURLY, class, charge: HOURLY.charge(1), over: class };
    let dues = [due(bucket_class::BYTES), due(bucket_class::PACKETS)];
    let outcomes: Vec<_> = (0..4).map(|_| charge(&sets, &dues, ticks(SECOND_NS))).collect();
    let expected = [Outcome::NoRoom, Outcome::NoRoom, Outcome::NoRoom, Outcome::Over(bucket_class::PACKETS)];
    assert_eq!(outcomes, expected);
}

/// The order of the walk: five of the first set, five of the second, and then the reserves.
#[test]
fn both_sets_keep_a_reserve() {
    let table = table(SMALLEST);
    let placed: Vec<_> = keys_between(SMALLEST, 9, 4)
        .take(ROOM as usize)
        .map(|key| {
            assert!(takes(&table, &key, &HOURLY, SECOND_NS));
            let home = Home::of(&key, SMALLEST);
            let in_set = |index: u32| {
                let set = table.set(index).unwrap();
                (1..=BUCKET_SLOTS).any(|slot| {
                    let tag = Cell::load(&set.tag(slot));
                    tag & !bucket_tag::SECOND == home.tag
                })
            };
            assert_ne!(in_set(9), in_set(4));
            if in_set(9) { 9 } else { 4 }
        })
        .collect();
    assert_eq!(placed, [9, 9, 9, 9, 9, 4, 4, 4, 4, 4, 9, 9, 4, 4]);
}
