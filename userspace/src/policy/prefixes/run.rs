//! Writes one run: its header, digits, sets and tails.

use xdpgate_ebpf::abi::prefix::{Entry, RunHeader, Tails};

use super::key::Key;
use super::region::{Full, Writer};

/// Boundaries that share their first `depth` bits, and the set before the first of them.
#[derive(Clone, Copy)]
pub(super) struct Span<'a, K> {
    pub(super) depth: u32,
    pub(super) before: u16,
    /// Sorted.
    pub(super) keys: &'a [K],
    /// From each key on.
    pub(super) sets: &'a [u16],
}

/// Writes a span of at least one boundary, and at most as many as a run holds, as a run.
pub(super) fn write<K: Key>(span: Span<'_, K>, hot: &mut Writer, cold: &mut Writer) -> Result<Entry, Full> {
    let Span { depth, before, keys, sets } = span;
    let (header, set_bytes) = header(before, sets);
    let count = u32::try_from(keys.len()).unwrap_or(u32::MAX);
    let long = count > Entry::MAX_COUNT;

    let words = 1 + usize::from(K::HAS_TAILS) + usize::from(long);
    let bytes = words * size_of::<u32>() + keys.len() * size_of::<u16>() + set_bytes * (sets.len() + 1);
    let tails = if K::HAS_TAILS { write_tails(span, cold)?.to_bits() } else { 0 };
    let (position, room) = hot.reserve(bytes)?;

    let mut room = Cursor(room);
    room.put(header.to_bits().to_le_bytes());
    if K::HAS_TAILS {
        room.put(tails.to_le_bytes());
    }
    if long {
        room.put(count.to_le_bytes());
    }
    room.put_all(keys.iter().map(|key| key.digit(depth).to_le_bytes()));
    let all = std::iter::once(before).chain(sets.iter().copied());
    match header {
        RunHeader::BYTES => room.put_all(all.map(|set| [set.to_le_bytes()[0]])),
        RunHeader::HALVES => room.put_all(all.map(u16::to_le_bytes)),
        _ => {}
    }
    Ok(Entry::run(count, position))
}

/// The header, and the bytes of each set that follows the digits.
fn header(before: u16, sets: &[u16]) -> (RunHeader, usize) {
    let after = sets.first().copied().unwrap_or(before);
    let turns = sets.iter().zip([after, before].iter().cycle()).all(|(set, turn)| set == turn);
    if turns && let Some(header) = RunHeader::turns(before, after) {
        return (header, 0);
    }
    let one_byte = u8::try_from(before).is_ok() && sets.iter().all(|set| u8::try_from(*set).is_ok());
    if one_byte { (RunHeader::BYTES, 1) } else { (RunHeader::HALVES, 2) }
}

fn write_tails<K: Key>(span: Span<'_, K>, cold: &mut Writer) -> Result<Tails, Full> {
    let Span { depth, keys, .. } = span;
    if keys.iter().all(|key| key.ends_at(depth + u16::BITS)) {
        return Ok(Tails::NONE);
    }
    let rests = !keys.iter().all(|key| key.ends_at(depth + u16::BITS + u32::BITS));
    let each = size_of::<u32>() + if rests { size_of::<u64>() } else { 0 };
    let (position, room) = cold.reserve(keys.len() * each)?;
    let mut room = Cursor(room);
    room.put_all(keys.iter().map(|key| key.tail(depth).to_le_bytes()));
    if rests {
        room.put_all(keys.iter().map(|key| key.rest(depth).to_le_bytes()));
    }
    Ok(Tails::at(position, rests))
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
