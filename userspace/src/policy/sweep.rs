//! Two images side by side: where they know different things, in time linear in the number of their segments.

use super::image::Segment;
use crate::feeds::{Address, Range};

/// Goes over all addresses of a family in order, and says which attribute sets two images have there. Both are constant in
/// each range; set 0 is that of a source in no segment.
pub fn sweep<A: Address>(
    before: &[Segment<A>],
    after: &[Segment<A>],
    mut each: impl FnMut(Range<A>, u16, u16),
) {
    let (mut before, mut after) = (Cursor(before), Cursor(after));
    let mut first = A::MIN;
    loop {
        let (old, new) = (before.at(first), after.at(first));
        let last = old.last.min(new.last);
        each(Range { first, last }, old.set, new.set);
        match last.successor() {
            Some(next) => first = next,
            None => return,
        }
    }
}

/// The segments that are not behind.
struct Cursor<'a, A>(&'a [Segment<A>]);

impl<A: Address> Cursor<'_, A> {
    /// What holds from `address` on, and how far. Addresses come in order.
    fn at(&mut self, address: A) -> Segment<A> {
        let nothing = |last| Segment { first: address, last, set: 0 };
        while let [next, rest @ ..] = self.0 {
            if next.last < address {
                self.0 = rest;
            } else if next.first <= address {
                return *next;
            } else {
                return nothing(next.first.predecessor().unwrap_or(A::MIN));
            }
        }
        nothing(A::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Disjoint segments in order.
    fn segments() -> impl Strategy<Value = Vec<Segment<u32>>> {
        proptest::collection::btree_map(0..60_u32, (0..4_u32, 0..3_u16), 0..12).prop_map(|starts| {
            let mut all: Vec<Segment<u32>> = Vec::new();
            for (first, (length, set)) in starts {
                // The ends of the family are ends like others.
                let (first, last) = if first > 50 {
                    (u32::MAX - (60 - first), u32::MAX - (60 - first))
                } else {
                    (first, first + length)
                };
                if all.last().is_none_or(|before| before.last < first) {
                    all.push(Segment { first, last, set });
                }
            }
            all
        })
    }

    fn set_of(segments: &[Segment<u32>], address: u32) -> u16 {
        let covering = segments.iter().find(|segment| segment.first <= address && address <= segment.last);
        covering.map_or(0, |segment| segment.set)
    }

    proptest! {
        #[test]
        fn every_address_comes_once_with_its_sets(before in segments(), after in segments()) {
            let mut next = Some(0);
            sweep(&before, &after, |range, old, new| {
                assert_eq!(next, Some(range.first), "no gap and no overlap");
                for address in [range.first, range.last] {
                    assert_eq!((set_of(&before, address), set_of(&after, address)), (old, new));
                }
                next = range.last.successor();
            });
            prop_assert_eq!(next, None, "to the last address");
        }
    }

    #[test]
    fn ranges_are_as_long_as_both_are_constant() {
        let before = [Segment { first: 10, last: 19, set: 1 }];
        let after = [Segment { first: 15, last: u32::MAX, set: 2 }];
        let mut seen = Vec::new();
        sweep(&before, &after, |range, old, new| seen.push((range.first, range.last, old, new)));
        assert_eq!(seen, [(0, 9, 0, 0), (10, 14, 1, 0), (15, 19, 1, 2), (20, u32::MAX, 0, 2)]);
    }
}
