//! Map access: the declarations, and every dereference of a pointer that the kernel handed out.
//!
//! Rules that make the reads here sound: words of `CONTROL` are 8 bytes, aligned, and stored whole. A generation's
//! settings, attributes, roots and blocks are written while no packet can see them (userspace waits for the running
//! programs before it writes to a slot). Bans and buckets change under the reader, one aligned word at a time. What is per
//! CPU belongs to this one: an XDP program is neither preempted by another one nor moved.

mod bans;
mod buckets;
mod control;
mod counters;
mod events;
mod generation;
mod limits;
mod prefixes;
mod scratch;

pub(crate) use bans::Bans;
pub(crate) use buckets::Buckets;
pub(crate) use control::{ControlWords, interface_slot, monotonic_ns, tick};
pub(crate) use counters::{count_country, count_lists, counters};
pub(crate) use events::{event_counters, write_event, write_excess};
pub(crate) use generation::{attribute_set, settings};
pub(crate) use limits::{
    border, count_limit, destination_class, limit, port_class, rule, service, service_row,
};
pub(crate) use prefixes::Prefixes;
pub(crate) use scratch::{LastReading, Scratch, TOLD, Told, scratch};

/// `BPF_F_MMAPABLE` (kernel 5.5): userspace reads and writes the table as plain memory.
const MMAPABLE: usize = 1 << 10;

/// What the kernel asks before it lends its helpers (`license_is_gpl_compatible` in linux/license.h): of this project's
/// licences, the one that it has a word for.
#[expect(unsafe_code, reason = "a section of the object, not a place in memory")]
#[expect(clippy::undocumented_unsafe_blocks, reason = "an attribute, not a block")]
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
