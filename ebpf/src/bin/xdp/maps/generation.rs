//! What the live generation says beside its prefixes.
#![expect(clippy::undocumented_unsafe_blocks, reason = "btf_map expands to an unsafe attribute")]

use aya_ebpf::btf_maps::{Array, ArrayOfMaps};
use aya_ebpf::macros::btf_map;
use xdpgate_ebpf::abi::{AttributeSet, GENERATION_SLOTS, MAX_ATTRIBUTE_SETS, Settings};

use super::MMAPABLE;

const SLOTS: usize = GENERATION_SLOTS as usize;

#[btf_map]
static SETTINGS: Array<Settings, SLOTS> = Array::new();
#[btf_map]
static ATTRIBUTES: Array<AttributeSet, { SLOTS * MAX_ATTRIBUTE_SETS as usize }, MMAPABLE> = Array::new();
/// No packet reads it: userspace sets its entry to wait for the programs that run.
#[btf_map]
static GRACE: ArrayOfMaps<Array<u64, 1>, 1> = ArrayOfMaps::new();

/// The slot that holds a generation.
#[inline(always)]
pub(super) const fn slot(generation: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "masked")]
    let slot = (generation & (GENERATION_SLOTS - 1)) as u32;
    slot
}

#[inline(always)]
pub(crate) fn settings(generation: u64) -> Option<&'static Settings> {
    SETTINGS.get(slot(generation))
}

#[inline(always)]
pub(crate) fn attribute_set(generation: u64, set: u32) -> AttributeSet {
    let index = slot(generation) * MAX_ATTRIBUTE_SETS + (set & (MAX_ATTRIBUTE_SETS - 1));
    match ATTRIBUTES.get(index) {
        Some(attributes) => *attributes,
        None => AttributeSet::EMPTY,
    }
}
