//! Attribute sets, each kept once.

use std::collections::HashMap;

use xdpgate_ebpf::abi::AttributeSet;

use super::error::CompileError;

/// The sets of one generation. A set's number is its position.
#[derive(Debug)]
pub(super) struct AttributeSets {
    sets: Vec<AttributeSet>,
    numbers: HashMap<Key, u16>,
    /// Numbers that were asked for before, each at a place that follows from the set. A policy has far more segments
    /// than sets, so nearly every question is answered here.
    recent: Vec<(Key, u16)>,
}

/// An [`AttributeSet`] without its spare byte: flags, lists, country, who denies it, and plan.
type Key = (u16, u64, [u8; 2], u16, u8);

impl AttributeSets {
    /// Starts with set 0, that of a source in no segment.
    pub(super) fn new(outside: AttributeSet) -> Self {
        let known = (key(&outside), 0);
        Self { sets: vec![outside], numbers: HashMap::from([known]), recent: vec![known; RECENT] }
    }

    /// The number of a set, new or known.
    pub(super) fn number(&mut self, set: AttributeSet) -> Result<u16, CompileError> {
        let key = key(&set);
        let place = place(&set);
        if let Some((_, number)) = self.recent.get(place).filter(|(recent, _)| *recent == key) {
            return Ok(*number);
        }
        let number = self.numbers.get(&key).copied().map_or_else(|| self.add(set), Ok)?;
        if let Some(recent) = self.recent.get_mut(place) {
            *recent = (key, number);
        }
        Ok(number)
    }

    fn add(&mut self, set: AttributeSet) -> Result<u16, CompileError> {
        let number = u16::try_from(self.sets.len()).map_err(|_| CompileError::TooManySets)?;
        self.sets.push(set);
        self.numbers.insert(key(&set), number);
        Ok(number)
    }

    pub(super) fn into_sets(self) -> Vec<AttributeSet> {
        self.sets
    }
}

const fn key(set: &AttributeSet) -> Key {
    (set.flags, set.lists, set.country, set.denied, set.plan)
}

const RECENT_BITS: u32 = 8;
const RECENT: usize = 1 << RECENT_BITS;

/// Spreads neighbouring sets: the golden ratio in 64 bits.
const fn place(set: &AttributeSet) -> usize {
    let rest = (set.plan as u64) << 48
        | (set.denied as u64) << 32
        | (set.flags as u64) << 16
        | u16::from_le_bytes(set.country) as u64;
    let mixed = (set.lists ^ rest.rotate_right(16)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (u64::BITS - RECENT_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sets_have_one_number_and_too_many_are_refused() {
        let mut sets = AttributeSets::new(AttributeSet::EMPTY);
        assert_eq!(sets.number(AttributeSet::EMPTY), Ok(0));
        for lists in 1..=u64::from(u16::MAX) {
            assert_eq!(
                sets.number(AttributeSet { lists, ..AttributeSet::EMPTY }),
                Ok(u16::try_from(lists).unwrap())
            );
        }
        assert_eq!(sets.number(AttributeSet { lists: 7, ..AttributeSet::EMPTY }), Ok(7));
        let one_more = AttributeSet { lists: 1 << 40, ..AttributeSet::EMPTY };
        assert_eq!(sets.number(one_more), Err(CompileError::TooManySets));
        assert_eq!(sets.into_sets().len(), 65_536);
    }
}
