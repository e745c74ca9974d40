//! From boundaries to a root, tables, paths and runs.

use xdpgate_ebpf::abi::prefix::{
    DIGIT_BITS, Entry, MAX_RUN, ROOT_BITS, ROOT_ENTRIES, Region, UNIT_BYTES, path,
};

use super::boundaries::Parts;
use super::error::PrefixError;
use super::key::Key;
use super::region::{Blocks, Full, Writer};
use super::run::Run;
use super::size::FamilySize;
use super::span::Span;
use crate::policy::image::Segment;

/// The longest run that is not split by a table: its groups' first digits are a group themselves. Measured, as the
/// others here: see docs/adr/0010-prefix-tables.md.
const LONGEST_RUN: usize = 256;
/// A table has an entry for two to this power boundaries or prefixes.
const RUN_BITS: u32 = 7;
/// Bits that all addresses share make a path, instead of a table that would not tell them apart.
const PATH_BEFORE_TABLE: u32 = 8;
/// With fewer bits, a run without a path tells addresses apart by their digits.
const PATH_BEFORE_RUN: u32 = DIGIT_BITS;

/// The tables of one family.
pub(super) struct Family {
    pub(super) root: Box<[u32]>,
    pub(super) hot: Blocks,
    pub(super) cold: Blocks,
    pub(super) size: FamilySize,
}

pub(super) struct Builder<K> {
    hot: Writer,
    cold: Writer,
    size: FamilySize,
    prefixes: Prefixes<K>,
}

/// The prefixes of one run; kept, so that each run uses the same memory.
struct Prefixes<K> {
    keys: Vec<K>,
    lengths: Vec<u8>,
    sets: Vec<u16>,
}

impl<K: Key> Builder<K> {
    /// Compiles the segments of a family into two regions.
    pub(super) fn compile(segments: &[Segment<K>], hot: Region, cold: Region) -> Result<Family, PrefixError> {
        let size = FamilySize { segments: segments.len(), ..FamilySize::default() };
        let prefixes = Prefixes { keys: Vec::new(), lengths: Vec::new(), sets: Vec::new() };
        let mut builder = Self { hot: Writer::new(hot), cold: Writer::new(cold), size, prefixes };
        let root = builder.root(segments).map_err(|Full(region)| PrefixError::Full {
            family: K::NAME,
            segments: segments.len(),
            region,
        })?;
        let (hot, cold) = (builder.hot.finish(), builder.cold.finish());
        let size = FamilySize { hot_bytes: hot.bytes(), cold_bytes: cold.bytes(), ..builder.size };
        Ok(Family { root, hot, cold, size })
    }

    fn root(&mut self, segments: &[Segment<K>]) -> Result<Box<[u32]>, Full> {
        let mut parts = Parts::of(segments);
        let (bits, _) = K::ROOT_FOR;
        let root = if bits == 0 || segments.is_empty() {
            self.root_entries(&mut parts, K::MIN)
        } else {
            self.root_and_others(&mut parts)
        };
        self.size.boundaries = parts.taken();
        root
    }

    /// The root, and a table for the addresses that it is not for.
    fn root_and_others(&mut self, parts: &mut Parts<'_, K>) -> Result<Box<[u32]>, Full> {
        let (bits, root_for) = K::ROOT_FOR;
        // First of all, or it would not be where look-ups expect it: `Entry::OTHERS`.
        let (position, _) = self.hot.reserve(size_of::<u32>() << bits)?;
        let mut root = Box::default();
        for first in 0..1 << bits {
            let around = K::MIN.with_first(bits, first);
            if first == root_for {
                root = self.root_entries(parts, around)?;
            } else {
                let entry = self.entry(parts.next(bits, around), 1)?;
                self.hot.set(position, first * UNIT_BYTES, entry.to_bits().to_le_bytes());
            }
        }
        Ok(root)
    }

    /// The root, for addresses that begin as this one does.
    fn root_entries(&mut self, parts: &mut Parts<'_, K>, around: K) -> Result<Box<[u32]>, Full> {
        let mut root = Vec::with_capacity(ROOT_ENTRIES);
        let (bits, _) = K::ROOT_FOR;
        while let Some(next) = parts.peek().filter(|next| next.shared_bits(around) >= bits) {
            root.resize(next.bits(bits, ROOT_BITS).into(), Entry::leaf(parts.before()).to_bits());
            let entry = self.entry(parts.next(bits + ROOT_BITS, next), 0)?;
            root.push(entry.to_bits());
        }
        root.resize(ROOT_ENTRIES, Entry::leaf(parts.before()).to_bits());
        Ok(root.into_boxed_slice())
    }

    /// What leads to a span, behind some tables and paths.
    fn entry(&mut self, span: Span<'_, K>, steps: u32) -> Result<Entry, Full> {
        let span = span.without_start();
        if span.keys.is_empty() {
            self.size.deepest = self.size.deepest.max(steps);
            return Ok(Entry::leaf(span.before));
        }
        let as_prefixes = span.as_prefixes();
        let count = as_prefixes.map_or(span.keys.len(), |(_, count)| count);
        let steps_left = K::MAX_STEPS.saturating_sub(steps);
        let bits_left = u32::from(K::WIDTH) - span.depth;

        let shared = span.shared_bits().min(path::MAX_BITS);
        let worth = if count > LONGEST_RUN { PATH_BEFORE_TABLE } else { PATH_BEFORE_RUN };
        if K::IS_LONG && shared >= worth && steps_left > 1 {
            let needed = stride_needed::<K>(count, bits_left - shared, steps_left - 1);
            if needed <= Entry::MAX_STRIDE {
                return self.path(span, shared, steps);
            }
        }
        if count <= LONGEST_RUN || steps_left == 0 {
            let run = match as_prefixes {
                Some((outside, _)) => self.prefixes.of(span, outside),
                None => span.as_run(),
            };
            if bits_left <= Run::<K>::REACH || run.fits() {
                self.size.runs += 1;
                self.size.longest_run = self.size.longest_run.max(count);
                self.size.deepest = self.size.deepest.max(steps);
                return run.write(&mut self.hot, &mut self.cold);
            }
        }
        let wanted = count.ilog2().saturating_sub(RUN_BITS).max(1);
        let stride = wanted.max(stride_needed::<K>(count, bits_left, steps_left));
        self.table(span, stride.min(Entry::MAX_STRIDE).min(bits_left), steps)
    }

    fn path(&mut self, span: Span<'_, K>, bits: u32, steps: u32) -> Result<Entry, Full> {
        let (position, _) = self.hot.reserve(path::BYTES as usize)?;
        self.size.paths += 1;
        let on_path = span.keys.first().map_or(0, |key| key.double(span.depth));
        let end = span.depth + bits;
        let inside = span
            .keys
            .iter()
            .take_while(|key| key.double(span.depth) >> (u64::BITS - bits) == on_path >> (u64::BITS - bits));
        let (part, _) = span.split(inside.count());
        let entry = self.entry(Span { depth: end, ..part }, steps + 1)?;
        let low = u64::from(path::MAX_BITS.next_power_of_two() - 1);
        self.hot.set(position, path::BITS, (on_path & !low | u64::from(bits)).to_le_bytes());
        self.hot.set(position, path::ENTRY, entry.to_bits().to_le_bytes());
        self.hot.set(position, path::BEFORE, span.before.to_le_bytes());
        self.hot.set(position, path::AFTER, span.after().to_le_bytes());
        Ok(Entry::path(position))
    }

    fn table(&mut self, span: Span<'_, K>, stride: u32, steps: u32) -> Result<Entry, Full> {
        let entries = 1_u32 << stride;
        // Before what it leads to, so that the two are near each other.
        let (position, _) = self.hot.reserve(entries as usize * size_of::<u32>())?;
        self.size.tables += 1;
        let mut rest = span;
        for index in 0..entries {
            let ours = rest.keys.iter().take_while(|key| u32::from(key.bits(span.depth, stride)) == index);
            let (part, behind) = rest.split(ours.count());
            let entry = self.entry(Span { depth: span.depth + stride, ..part }, steps + 1)?;
            self.hot.set(position, index * UNIT_BYTES, entry.to_bits().to_le_bytes());
            rest = behind;
        }
        Ok(Entry::table(stride, position))
    }
}

impl<K: Key> Prefixes<K> {
    /// The prefixes of a span that are not outside.
    fn of(&mut self, span: Span<'_, K>, outside: u16) -> Run<'_, K> {
        let Self { keys, lengths, sets } = self;
        keys.clear();
        lengths.clear();
        sets.clear();
        for (range, set) in span.ranges().filter(|(_, set)| *set != outside) {
            for (key, length) in range.prefixes() {
                keys.push(key);
                #[expect(clippy::cast_possible_truncation, reason = "a depth is at most 128")]
                lengths.push(length - span.depth as u8);
                sets.push(set);
            }
        }
        Run { depth: span.depth, outside, keys, lengths: Some(lengths), sets }
    }
}

/// The least stride of each of the steps that are left, so that behind them a run tells all addresses apart, and is not
/// longer than a run may be.
fn stride_needed<K: Key>(count: usize, bits_left: u32, steps_left: u32) -> u32 {
    let told_apart = if count > MAX_RUN as usize { DIGIT_BITS } else { Run::<K>::REACH };
    bits_left.saturating_sub(told_apart).div_ceil(steps_left.max(1))
}
