//! Any number of sets of addresses, overlapping or not, become disjoint segments: one lookup answers for all of them.

use xdpgate_ebpf::abi::AttributeSet;

use super::attributes::AttributeSets;
use super::error::CompileError;
use super::image::Segment;
use crate::feeds::{Address, Range, merged};

/// One thing that is known about some sources.
#[derive(Clone, Debug)]
pub(super) struct Layer<A> {
    /// What changes at the border of the ranges, as a difference of bits (XOR): the ranges of a layer are made disjoint,
    /// so that entering and leaving one is the same change.
    pub(super) change: AttributeSet,
    /// Where it holds, in any order.
    pub(super) ranges: Vec<Range<A>>,
}

/// Sweeps over the borders of all layers, in O(n log n). Segments come out sorted and disjoint, no two neighbours could
/// be one, and what is as `outside` is left out.
pub(super) fn flatten<A: Address>(
    layers: Vec<Layer<A>>,
    outside: AttributeSet,
    sets: &mut AttributeSets,
) -> Result<Vec<Segment<A>>, CompileError> {
    let changes: Vec<AttributeSet> = layers.iter().map(|layer| layer.change).collect();
    let mut segments = Vec::new();
    let mut sweep = Sweep { start: A::MIN, here: outside, outside };
    let mut borders = borders(layers).into_iter().peekable();
    while let Some((position, layer)) = borders.next() {
        let mut after = sweep.here;
        toggle(&mut after, changes.get(usize::from(layer)));
        while let Some((_, layer)) = borders.next_if(|(next, _)| *next == position) {
            toggle(&mut after, changes.get(usize::from(layer)));
        }
        if after != sweep.here {
            segments.extend(sweep.segment(position.predecessor(), sets)?);
            sweep = Sweep { start: position, here: after, outside };
        }
    }
    segments.extend(sweep.segment(Some(A::MAX), sets)?);
    segments.shrink_to_fit();
    Ok(segments)
}

struct Sweep<A> {
    start: A,
    here: AttributeSet,
    outside: AttributeSet,
}

impl<A: Address> Sweep<A> {
    /// What holds from the start of the sweep to `last`; no `last` means that the start is the family's first address.
    fn segment(&self, last: Option<A>, sets: &mut AttributeSets) -> Result<Option<Segment<A>>, CompileError> {
        match last {
            Some(last) if self.here != self.outside => {
                Ok(Some(Segment { first: self.start, last, set: sets.number(self.here)? }))
            }
            _ => Ok(None),
        }
    }
}

/// Every address at which a layer changes, in order, and the layer's index.
fn borders<A: Address>(layers: Vec<Layer<A>>) -> Vec<(A, u16)> {
    let mut borders = Vec::with_capacity(layers.iter().map(|layer| 2 * layer.ranges.len()).sum());
    // 64 lists and the countries of two letters are far less than 16 bits hold.
    for (index, layer) in (0_u16..).zip(layers) {
        for range in merged(layer.ranges) {
            borders.push((range.first, index));
            // A range that reaches the last address is never left.
            borders.extend(range.last.successor().map(|after| (after, index)));
        }
    }
    borders.sort_unstable();
    borders
}

fn toggle(set: &mut AttributeSet, change: Option<&AttributeSet>) {
    let Some(change) = change else { return };
    set.lists ^= change.lists;
    set.flags ^= change.flags;
    set.country = [set.country[0] ^ change.country[0], set.country[1] ^ change.country[1]];
}

#[cfg(test)]
mod tests;
