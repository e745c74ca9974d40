//! Writes one run: its header, addresses and sets.

use xdpgate_ebpf::abi::prefix::{DIGIT_BITS, Entry, GROUP, RunHeader, Sets, Tails, length};

use super::key::Key;
use super::region::{Full, Writer};

const MEMBERS: usize = GROUP as usize;
const TAIL_BITS: u32 = u32::BITS;

/// Sorted boundaries or prefixes behind some bits that they share: one at least, and at most as many as a run holds.
#[derive(Clone, Copy)]
pub(super) struct Run<'a, K> {
    pub(super) depth: u32,
    /// The set before the first boundary, or outside of all prefixes.
    pub(super) outside: u16,
    pub(super) keys: &'a [K],
    /// Of prefixes: their lengths, less the depth.
    pub(super) lengths: Option<&'a [u8]>,
    /// From each boundary on, or in each prefix.
    pub(super) sets: &'a [u16],
}

impl<K: Key> Run<'_, K> {
    /// The bits behind the depth that a run tells apart, whatever they are.
    pub(super) const REACH: u32 = if K::IS_LONG { DIGIT_BITS + TAIL_BITS + u64::BITS } else { DIGIT_BITS };

    /// Whether a run tells these addresses apart.
    pub(super) fn fits(&self) -> bool {
        match self.lengths {
            // The bit behind the digit is beside the length, and two prefixes that differ only there come one right
            // behind the other.
            Some(_) if !K::IS_LONG => {
                let digit = |key: &K| key.bits(self.depth, DIGIT_BITS);
                self.keys.array_windows().all(|[one, next]| digit(one) != digit(next))
            }
            _ => self.all_end_at(self.depth + Self::REACH),
        }
    }

    pub(super) fn write(&self, hot: &mut Writer, cold: &mut Writer) -> Result<Entry, Full> {
        let count = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        let (header, sets) = self.header(count);
        let set_bytes = match sets {
            Sets::Two(_) | Sets::TwoOfMany => 0,
            Sets::Bytes => 1,
            Sets::Halves => 2,
        };
        let member = size_of::<u16>() + usize::from(self.lengths.is_some()) + set_bytes;
        let words = 1 + usize::from(K::IS_LONG) + usize::from(sets == Sets::TwoOfMany);
        let firsts = self.keys.len().div_ceil(MEMBERS).saturating_sub(1);
        let bytes = words * size_of::<u32>() + firsts * size_of::<u16>() + self.keys.len() * member;
        let tails = if K::IS_LONG { self.write_tails(cold)? } else { Tails::NONE };

        let (position, room) = hot.reserve(bytes)?;
        let mut room = Cursor(room);
        room.put(header.to_bits().to_le_bytes());
        if K::IS_LONG {
            room.put(tails.to_bits().to_le_bytes());
        }
        if sets == Sets::TwoOfMany {
            room.put((count - 1).to_le_bytes());
        }
        let digit = |key: &K| key.bits(self.depth, DIGIT_BITS).to_le_bytes();
        room.put_all(self.keys.iter().step_by(MEMBERS).skip(1).map(digit));
        // Behind a digit that ends with the address there is nothing.
        let behind = |key: &K| if K::IS_LONG { 0 } else { key.bits(self.depth + DIGIT_BITS, 1) };
        let last_bit = |key: &K| if behind(key) == 0 { 0 } else { length::LAST_BIT };
        let mut lengths = self.lengths.unwrap_or_default().chunks(MEMBERS);
        for (keys, sets) in self.keys.chunks(MEMBERS).zip(self.sets.chunks(MEMBERS)) {
            room.put_all(keys.iter().map(digit));
            let lengths = lengths.next().unwrap_or_default();
            room.put_all(lengths.iter().zip(keys).map(|(length, key)| [length | last_bit(key)]));
            match set_bytes {
                0 => {}
                1 => room.put_all(sets.iter().map(|set| [set.to_le_bytes()[0]])),
                _ => room.put_all(sets.iter().map(|set| set.to_le_bytes())),
            }
        }
        Ok(Entry::run(self.lengths.is_some(), sets, position))
    }

    fn header(&self, count: u32) -> (RunHeader, Sets) {
        let other = self.sets.first().copied().unwrap_or(self.outside);
        let next = if self.lengths.is_some() { other } else { self.outside };
        if self.sets.iter().zip([other, next].iter().cycle()).all(|(set, expected)| set == expected) {
            let sets = if count <= Entry::MAX_COUNT { Sets::Two(count) } else { Sets::TwoOfMany };
            return (RunHeader::two(self.outside, other), sets);
        }
        let one_byte = self.sets.iter().all(|set| u8::try_from(*set).is_ok());
        (RunHeader::many(self.outside, count), if one_byte { Sets::Bytes } else { Sets::Halves })
    }

    fn write_tails(&self, cold: &mut Writer) -> Result<Tails, Full> {
        let tails_from = self.depth + DIGIT_BITS;
        let rests_from = tails_from + TAIL_BITS;
        if self.all_end_at(tails_from) {
            return Ok(Tails::NONE);
        }
        let rests = !self.all_end_at(rests_from);
        let each = size_of::<u32>() + if rests { size_of::<u64>() } else { 0 };
        let (position, room) = cold.reserve(self.keys.len() * each)?;
        let mut room = Cursor(room);
        let tail = |key: &K| (key.double(tails_from) >> TAIL_BITS) as u32;
        room.put_all(self.keys.iter().map(|key| tail(key).to_le_bytes()));
        if rests {
            room.put_all(self.keys.iter().map(|key| key.double(rests_from).to_le_bytes()));
        }
        Ok(Tails::at(position, rests))
    }

    /// Whether what decides lies in the first `depth` bits.
    fn all_end_at(&self, depth: u32) -> bool {
        match self.lengths {
            Some(lengths) => lengths.iter().all(|length| u32::from(*length) <= depth - self.depth),
            None => self.keys.iter().all(|key| key.ends_at(depth)),
        }
    }
}

/// Reserved bytes that were not written yet.
struct Cursor<'a>(&'a mut [u8]);

impl Cursor<'_> {
    fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.put_all(std::iter::once(bytes));
    }

    fn put_all<const N: usize>(&mut self, items: impl Iterator<Item = [u8; N]>) {
        let room = std::mem::take(&mut self.0);
        let places = room.as_chunks_mut::<N>().0.iter_mut();
        let written = places.zip(items).map(|(place, item)| *place = item).count();
        self.0 = room.get_mut(written * N..).unwrap_or_default();
    }
}
