//! Any number of sets of addresses, overlapping or not, become disjoint segments: one lookup answers for all of them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use xdpgate_ebpf::abi::AttributeSet;

use super::attributes::AttributeSets;
use super::error::CompileError;
use super::image::Segment;
use crate::feeds::{Address, Range};

/// What is known about some sources: disjoint ranges in order, each with what changes at its two borders, as a
/// difference of bits (XOR). So entering and leaving a range is the same change.
pub(super) type Layer<'a, A> = Box<dyn Iterator<Item = (Range<A>, AttributeSet)> + 'a>;

/// Sweeps over the borders of all layers, in O(n log l) for n ranges in l layers. Segments come out sorted and disjoint,
/// no two neighbours could be one, and what is as `outside` is left out.
pub(super) fn flatten<A: Address>(
    layers: Vec<Layer<'_, A>>,
    outside: AttributeSet,
    sets: &mut AttributeSets,
) -> Result<Vec<Segment<A>>, CompileError> {
    let largest = layers.iter().map(|layer| layer.size_hint().0).max().unwrap_or(0);
    let mut sweep = Sweep::new(outside, sets, largest);
    let mut borders: Vec<Borders<'_, A>> = layers.into_iter().map(Borders::of).collect();
    let first = borders.iter_mut().enumerate();
    let mut next: BinaryHeap<_> =
        first.filter_map(|(layer, borders)| Some(Reverse((borders.advance()?, layer)))).collect();
    while let Some(mut nearest) = next.peek_mut() {
        let Reverse((border, layer)) = *nearest;
        let Some(borders) = borders.get_mut(layer) else { break };
        sweep.change(border, &borders.change)?;
        match borders.advance() {
            Some(border) => *nearest = Reverse((border, layer)),
            None => drop(PeekMut::pop(nearest)),
        }
    }
    sweep.finish()
}

/// The borders of one layer.
struct Borders<'a, A> {
    ranges: Layer<'a, A>,
    /// What changes at the border that was given last.
    change: AttributeSet,
    /// Where the range that was entered is left. One that reaches the last address never is.
    leave: Option<A>,
}

impl<'a, A: Address> Borders<'a, A> {
    fn of(ranges: Layer<'a, A>) -> Self {
        Self { ranges, change: AttributeSet::EMPTY, leave: None }
    }

    fn advance(&mut self) -> Option<A> {
        if let Some(leave) = self.leave.take() {
            return Some(leave);
        }
        let (range, change) = self.ranges.next()?;
        self.change = change;
        self.leave = range.last.successor();
        Some(range.first)
    }
}

/// Goes from the first address to the last.
struct Sweep<'a, A> {
    outside: AttributeSet,
    sets: &'a mut AttributeSets,
    segments: Vec<Segment<A>>,
    /// What holds from `start` up to `border`.
    here: AttributeSet,
    start: A,
    /// What holds from there on, as far as is known: several layers may have a border at one address.
    beyond: AttributeSet,
    border: A,
}

impl<'a, A: Address> Sweep<'a, A> {
    fn new(outside: AttributeSet, sets: &'a mut AttributeSets, segments: usize) -> Self {
        Self {
            outside,
            sets,
            segments: Vec::with_capacity(segments),
            here: outside,
            start: A::MIN,
            beyond: outside,
            border: A::MIN,
        }
    }

    fn change(&mut self, border: A, change: &AttributeSet) -> Result<(), CompileError> {
        if border != self.border {
            self.pass_border()?;
            self.border = border;
        }
        toggle(&mut self.beyond, change);
        Ok(())
    }

    fn pass_border(&mut self) -> Result<(), CompileError> {
        if self.here == self.beyond {
            return Ok(());
        }
        self.end_segment(self.border.predecessor())?;
        self.here = self.beyond;
        self.start = self.border;
        Ok(())
    }

    /// No `last` means that the border is the family's first address.
    fn end_segment(&mut self, last: Option<A>) -> Result<(), CompileError> {
        if let Some(last) = last.filter(|_| self.here != self.outside) {
            let set = self.sets.number(self.here)?;
            self.segments.push(Segment { first: self.start, last, set });
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Segment<A>>, CompileError> {
        self.pass_border()?;
        self.end_segment(Some(A::MAX))?;
        Ok(self.segments)
    }
}

/// Adds a difference of bits to a set, or takes it away again.
pub(super) const fn toggle(set: &mut AttributeSet, change: &AttributeSet) {
    set.lists ^= change.lists;
    set.flags ^= change.flags;
    set.plan ^= change.plan;
    set.denied ^= change.denied;
    set.country = [set.country[0] ^ change.country[0], set.country[1] ^ change.country[1]];
}

#[cfg(test)]
mod tests;
