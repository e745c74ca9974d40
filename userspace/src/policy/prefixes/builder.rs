//! From boundaries to a root, tables and runs.

use xdpgate_ebpf::abi::prefix::{Entry, MAX_RUN, ROOT_BITS, ROOT_ENTRIES, Region};

use super::boundaries::Boundaries;
use super::error::PrefixError;
use super::key::Key;
use super::region::{Blocks, Full, Writer};
use super::run::{self, Span};
use super::size::FamilySize;
use crate::policy::image::Segment;

/// The longest run that is not split by a table, if tables are left. Measured; see docs/adr/0010-prefix-tables.md.
const LONGEST_RUN: usize = 56;
/// A table has one entry for about as many boundaries, as a power of two. Likewise.
const BOUNDARIES_PER_ENTRY: u32 = 4;
/// The bits of an address that runs tell apart without tails.
const DIGIT_BITS: u32 = u16::BITS;

/// The tables of one family.
pub(super) struct Family {
    pub(super) root: Box<[u32]>,
    pub(super) hot: Blocks,
    pub(super) cold: Blocks,
    pub(super) size: FamilySize,
}

pub(super) struct Builder {
    hot: Writer,
    cold: Writer,
    size: FamilySize,
}

impl Builder {
    /// Compiles the segments of a family into two regions.
    pub(super) fn compile<K: Key>(
        segments: &[Segment<K>],
        hot: Region,
        cold: Region,
    ) -> Result<Family, PrefixError> {
        let size = FamilySize { segments: segments.len(), ..FamilySize::default() };
        let mut builder = Self { hot: Writer::new(hot), cold: Writer::new(cold), size };
        let root = builder.root(segments).map_err(|Full(region)| PrefixError::Full {
            family: K::NAME,
            segments: segments.len(),
            region,
        })?;
        let (hot, cold) = (builder.hot.finish(), builder.cold.finish());
        let size = FamilySize { hot_bytes: hot.bytes(), cold_bytes: cold.bytes(), ..builder.size };
        Ok(Family { root, hot, cold, size })
    }

    fn root<K: Key>(&mut self, segments: &[Segment<K>]) -> Result<Box<[u32]>, Full> {
        let mut boundaries = Boundaries::of(segments);
        let mut root = Vec::with_capacity(ROOT_ENTRIES);
        // Of one root entry at a time: they stay in the cache from here until they are written.
        let (mut keys, mut sets) = (Vec::new(), Vec::new());
        let mut before = 0;
        while let Some(next) = boundaries.peek() {
            let index = next.bits(0, ROOT_BITS);
            keys.clear();
            sets.clear();
            while let Some((key, set)) = boundaries.next_if(|key: K| key.bits(0, ROOT_BITS) == index) {
                keys.push(key);
                sets.push(set);
            }
            self.size.boundaries += keys.len();
            let span = Span { depth: ROOT_BITS, before, keys: &keys, sets: &sets };
            root.resize(usize::from(index), Entry::leaf(before).to_bits());
            root.push(self.entry(span, 0)?.to_bits());
            before = sets.last().copied().unwrap_or(before);
        }
        root.resize(ROOT_ENTRIES, Entry::leaf(before).to_bits());
        Ok(root.into_boxed_slice())
    }

    /// What leads to a span, behind some tables.
    fn entry<K: Key>(&mut self, span: Span<'_, K>, tables: u32) -> Result<Entry, Full> {
        let span = span.without_start();
        if span.keys.is_empty() {
            return Ok(Entry::leaf(span.before));
        }
        if let Some(stride) = stride(&span, tables) {
            return self.table(span, stride, tables);
        }
        self.size.runs += 1;
        self.size.longest_run = self.size.longest_run.max(span.keys.len());
        self.size.deepest = self.size.deepest.max(tables);
        run::write(span, &mut self.hot, &mut self.cold)
    }

    fn table<K: Key>(&mut self, span: Span<'_, K>, stride: u32, tables: u32) -> Result<Entry, Full> {
        let entries = 1_usize << stride;
        // Before what it leads to, so that the two are near each other.
        let (position, _) = self.hot.reserve(entries * size_of::<u32>())?;
        self.size.tables += 1;
        let mut rest = span;
        for index in 0..entries {
            let ours = rest.keys.iter().take_while(|key| usize::from(key.bits(span.depth, stride)) == index);
            let (part, behind) = rest.split(ours.count());
            let entry = self.entry(Span { depth: span.depth + stride, ..part }, tables + 1)?;
            self.hot.set_word(position, index, entry.to_bits());
            rest = behind;
        }
        Ok(Entry::table(stride, position))
    }
}

impl<K: Key> Span<'_, K> {
    /// A boundary at the first address of the span is no boundary in it.
    fn without_start(self) -> Self {
        match (self.keys, self.sets) {
            ([first, keys @ ..], [before, sets @ ..]) if first.ends_at(self.depth) => {
                Self { before: *before, keys, sets, ..self }
            }
            _ => self,
        }
    }

    /// The first boundaries, and the others.
    fn split(self, count: usize) -> (Self, Self) {
        let (keys, later_keys) = self.keys.split_at_checked(count).unwrap_or((self.keys, &[]));
        let (sets, later_sets) = self.sets.split_at_checked(count).unwrap_or((self.sets, &[]));
        let before = sets.last().copied().unwrap_or(self.before);
        (Self { keys, sets, ..self }, Self { before, keys: later_keys, sets: later_sets, ..self })
    }
}

/// How many bits a table for the span consumes; none where a run does better.
fn stride<K: Key>(span: &Span<'_, K>, tables: u32) -> Option<u32> {
    let count = span.keys.len();
    let tables_left = K::MAX_TABLES.saturating_sub(tables);
    if count <= LONGEST_RUN || tables_left == 0 {
        return None;
    }
    let wanted = count.ilog2().saturating_sub(BOUNDARIES_PER_ENTRY).max(1);
    let bits_left = u32::from(K::WIDTH) - span.depth;
    // More than a run holds must be split until it does not, with the tables that are left.
    let needed =
        if count > MAX_RUN as usize { bits_left.saturating_sub(DIGIT_BITS).div_ceil(tables_left) } else { 0 };
    Some(wanted.max(needed).min(Entry::MAX_STRIDE).min(bits_left))
}
