//! Attribute sets, each kept once.

use std::collections::HashMap;

use xdpgate_ebpf::abi::AttributeSet;

use super::error::CompileError;

/// The sets of one generation. A set's number is its position.
#[derive(Debug)]
pub(super) struct AttributeSets {
    sets: Vec<AttributeSet>,
    numbers: HashMap<Key, u16>,
}

/// An [`AttributeSet`] without its spare bytes: flags, lists and country.
type Key = (u16, u64, [u8; 2]);

impl AttributeSets {
    /// Starts with set 0, that of a source in no segment.
    pub(super) fn new(outside: AttributeSet) -> Self {
        Self { sets: vec![outside], numbers: HashMap::from([(key(&outside), 0)]) }
    }

    /// The number of a set, new or known.
    pub(super) fn number(&mut self, set: AttributeSet) -> Result<u16, CompileError> {
        if let Some(number) = self.numbers.get(&key(&set)) {
            return Ok(*number);
        }
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
    (set.flags, set.lists, set.country)
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
