use proptest::prelude::*;

use super::*;
use crate::feeds::merged;

/// Ranges in any order, and what changes in them.
#[derive(Clone, Debug)]
struct Known<A> {
    change: AttributeSet,
    ranges: Vec<Range<A>>,
}

fn flattened<A: Address>(
    layers: &[Known<A>],
    outside: AttributeSet,
    sets: &mut AttributeSets,
) -> Result<Vec<Segment<A>>, CompileError> {
    let layers = layers.iter().map(|Known { change, ranges }| -> Layer<'_, A> {
        Box::new(merged(ranges.clone()).into_iter().map(|range| (range, *change)))
    });
    flatten(layers.collect(), outside, sets)
}

/// Addresses where errors live: the ends of the family, a few neighbours, and anything.
fn address<A: Address + Arbitrary + From<u8>>() -> impl Strategy<Value = A> {
    let near_the_end =
        |steps: u8| (0..steps).fold(A::MAX, |address, _| address.predecessor().unwrap_or(A::MIN));
    prop_oneof![
        Just(A::MIN),
        Just(A::MAX),
        (0_u8..40).prop_map(A::from),
        (0_u8..40).prop_map(near_the_end),
        any::<A>(),
    ]
}

fn range<A: Address + Arbitrary + From<u8>>() -> impl Strategy<Value = Range<A>> {
    prop_oneof![
        (address::<A>(), 0..=A::WIDTH).prop_map(|(address, length)| Range::prefix(address, length)),
        (address::<A>(), address::<A>()).prop_map(|(a, b)| Range { first: a.min(b), last: a.max(b) }),
        address::<A>().prop_map(Range::single),
    ]
}

fn layers<A: Address + Arbitrary + From<u8>>() -> impl Strategy<Value = Vec<Known<A>>> {
    prop::collection::vec(prop::collection::vec(range::<A>(), 0..8), 0..6).prop_map(|sets| {
        let changes = [
            AttributeSet { flags: 1, ..AttributeSet::EMPTY },
            AttributeSet { flags: 12, country: *b"DE", ..AttributeSet::EMPTY },
            AttributeSet { lists: 1, ..AttributeSet::EMPTY },
            AttributeSet { lists: 1 << 63, ..AttributeSet::EMPTY },
            AttributeSet { flags: 8, ..AttributeSet::EMPTY },
            AttributeSet { flags: 2, ..AttributeSet::EMPTY },
        ];
        sets.into_iter().zip(changes).map(|(ranges, change)| Known { change, ranges }).collect()
    })
}

/// Asks every layer.
fn naive<A: Address>(layers: &[Known<A>], outside: AttributeSet, address: A) -> AttributeSet {
    let mut set = outside;
    for layer in layers.iter().filter(|layer| layer.ranges.iter().any(|range| range.contains(address))) {
        toggle(&mut set, &layer.change);
    }
    set
}

fn check<A: Address>(layers: &[Known<A>], outside: AttributeSet, extra: &[A]) {
    let mut sets = AttributeSets::new(outside);
    let segments = flattened(layers, outside, &mut sets).unwrap();
    let sets = sets.into_sets();
    let answer = |address: A| {
        let found = segments.iter().find(|segment| segment.first <= address && address <= segment.last);
        sets[found.map_or(0, |segment| usize::from(segment.set))]
    };

    let borders = layers.iter().flat_map(|layer| &layer.ranges).flat_map(|range| {
        let inside = [Some(range.first), Some(range.last)];
        inside.into_iter().chain([range.first.predecessor(), range.last.successor()]).flatten()
    });
    for address in borders.chain([A::MIN, A::MAX]).chain(extra.iter().copied()) {
        assert_eq!(answer(address), naive(layers, outside, address), "{}", address.to_ip());
    }
    for segment in &segments {
        assert!(segment.first <= segment.last && segment.set != 0, "{segment:?}");
    }
    for pair in segments.windows(2) {
        assert!(pair[0].last < pair[1].first, "not sorted or not disjoint: {pair:?}");
        let touch = pair[0].last.successor() == Some(pair[1].first);
        assert!(!touch || pair[0].set != pair[1].set, "not merged: {pair:?}");
    }
}

#[test]
fn what_everyone_is_in_is_one_segment() {
    let change = AttributeSet { lists: 1, ..AttributeSet::EMPTY };
    let layer = Known { change, ranges: vec![Range::ALL, Range::single(0_u128), Range::single(u128::MAX)] };
    let mut sets = AttributeSets::new(AttributeSet::EMPTY);
    let segments = flattened(&[layer], AttributeSet::EMPTY, &mut sets).unwrap();
    assert_eq!(segments, [Segment { first: 0, last: u128::MAX, set: 1 }]);
}

#[test]
fn a_segment_that_is_as_outside_is_left_out() {
    let outside = AttributeSet { flags: 8, ..AttributeSet::EMPTY };
    let known = Known { change: outside, ranges: vec![Range { first: 10_u32, last: 19 }] };
    let mut sets = AttributeSets::new(outside);
    let segments = flattened(&[known], outside, &mut sets).unwrap();
    assert_eq!(segments, [Segment { first: 10, last: 19, set: 1 }]);
    assert_eq!(sets.into_sets(), [outside, AttributeSet::EMPTY]);
}

#[test]
fn neighbours_that_are_alike_are_one_segment() {
    let change = AttributeSet { lists: 1, ..AttributeSet::EMPTY };
    let layer = |first, last| Known { change, ranges: vec![Range { first, last }] };
    let mut sets = AttributeSets::new(AttributeSet::EMPTY);
    let segments = flattened(&[layer(10_u32, 19), layer(20, 29)], AttributeSet::EMPTY, &mut sets).unwrap();
    assert_eq!(segments, [Segment { first: 10, last: 29, set: 1 }]);
}

#[test]
fn a_layer_may_change_at_a_border_between_its_own_ranges() {
    let set = |country: &[u8; 2]| AttributeSet { country: *country, ..AttributeSet::EMPTY };
    let ranges = [(0_u32, 9, b"DE"), (10, 19, b"FR"), (20, 29, b"FR"), (40, u32::MAX, b"DE")];
    let layer = ranges.map(|(first, last, country)| (Range { first, last }, set(country)));
    let mut sets = AttributeSets::new(AttributeSet::EMPTY);
    let segments = flatten(vec![Box::new(layer.into_iter())], AttributeSet::EMPTY, &mut sets).unwrap();
    let wanted = [(0, 9, 1), (10, 29, 2), (40, u32::MAX, 1)];
    assert_eq!(segments, wanted.map(|(first, last, set)| Segment { first, last, set }));
    assert_eq!(sets.into_sets(), [AttributeSet::EMPTY, set(b"DE"), set(b"FR")]);
}

proptest! {
    #[test]
    fn segments_answer_as_every_layer_would4(layers in layers::<u32>(), flags in 0_u16..16, extra: Vec<u32>) {
        check(&layers, AttributeSet { flags, ..AttributeSet::EMPTY }, &extra);
    }

    #[test]
    fn segments_answer_as_every_layer_would6(layers in layers::<u128>(), flags in 0_u16..16, extra: Vec<u128>) {
        check(&layers, AttributeSet { flags, ..AttributeSet::EMPTY }, &extra);
    }
}
