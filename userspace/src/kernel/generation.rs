//! Writing a compiled policy beside the live one, and flipping one word.

use std::time::{Duration, Instant};

use aya::Pod;
use aya::maps::MapError;
use aya::maps::lpm_trie::Key;
use xdpgate_ebpf::abi::{AttributeSet, GENERATION_SLOTS, MAX_ATTRIBUTE_SETS, control};

use super::error::{KernelError, map_errno};
use super::tables::{PolicyTables, PrefixTrie};
use super::{Kernel, lock};
use crate::policy::Image;

/// What an installed generation holds, and what it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallReport {
    /// Its number.
    pub generation: u64,
    /// IPv4 prefixes.
    pub prefixes_v4: u64,
    /// IPv6 prefixes.
    pub prefixes_v6: u64,
    /// Different attribute sets.
    pub attribute_sets: u64,
    /// From the first write to the flip.
    pub took: Duration,
}

impl Kernel {
    /// Writes an image into the slot that no packet reads, then makes it live with one 8-byte store. Installations
    /// must not overlap; the daemon's lock on changes sees to that.
    ///
    /// # Errors
    /// A table is full or can't be written; the live generation is then still live.
    pub fn install(&self, image: &Image) -> Result<InstallReport, KernelError> {
        let started = Instant::now();
        let generation = image.settings.generation;
        let live = self.live_generation()?;
        if live != 0 && (generation ^ live) & (GENERATION_SLOTS - 1) == 0 {
            return Err(KernelError::SlotInUse { generation, live });
        }
        let (prefixes_v4, v4) =
            self.build("prefixes-ipv4", image.prefixes4(), |(address, length, set)| {
                (Key::new(u32::from(length), u32::to_be_bytes(address)), u32::from(set))
            })?;
        let (prefixes_v6, v6) =
            self.build("prefixes-ipv6", image.prefixes6(), |(address, length, set)| {
                (Key::new(u32::from(length), u128::to_be_bytes(address)), u32::from(set))
            })?;

        let mut tables = lock(&self.policy);
        let slot = (generation & (GENERATION_SLOTS - 1)) as u32;
        // Replacing an inner map waits until no running program can still see the old one (bpf_map_fd_put_ptr and
        // maybe_wait_bpf_programs, kernel/bpf): after this, no packet reads the slot that is written below.
        tables.prefixes_v4.set(slot, &v4, 0).map_err(|error| KernelError::table("PREFIXES_V4", error))?;
        tables.prefixes_v6.set(slot, &v6, 0).map_err(|error| KernelError::table("PREFIXES_V6", error))?;
        for (index, set) in image.attributes.iter().enumerate() {
            let index = slot * MAX_ATTRIBUTE_SETS + u32::try_from(index).unwrap_or(u32::MAX);
            write_set(&mut tables, index, *set)?;
        }
        tables
            .settings
            .set(slot, image.settings, 0)
            .map_err(|error| KernelError::table("SETTINGS", error))?;
        self.tables().set_word(control::LIVE_GENERATION, generation)?;
        drop(tables);

        let report = InstallReport {
            generation,
            prefixes_v4,
            prefixes_v6,
            attribute_sets: image.attributes.len() as u64,
            took: started.elapsed(),
        };
        *lock(&self.installed) = Some(report.clone());
        Ok(report)
    }

    /// Fills a trie that nothing refers to yet.
    fn build<K: Pod, P>(
        &self,
        name: &'static str,
        prefixes: impl Iterator<Item = P>,
        entry: impl Fn(P) -> (Key<K>, u32),
    ) -> Result<(u64, PrefixTrie<K>), KernelError> {
        let capacity = self.options.prefixes;
        // The kernel allocates nodes as they come, so room costs nothing.
        let mut trie = PrefixTrie::<K>::create(capacity, NO_PREALLOC)
            .map_err(|error| KernelError::table("PREFIXES", error))?;
        let mut count = 0;
        for prefix in prefixes {
            let (key, set) = entry(prefix);
            trie.insert(&key, set, 0).map_err(|error| full(name, capacity, error))?;
            count += 1;
        }
        Ok((count, trie))
    }
}

/// `BPF_F_NO_PREALLOC`, which a trie must have.
const NO_PREALLOC: u32 = 1;

fn write_set(tables: &mut PolicyTables, index: u32, set: AttributeSet) -> Result<(), KernelError> {
    tables.attributes.set(index, set, 0).map_err(|error| KernelError::table("ATTRIBUTES", error))
}

fn full(table: &'static str, capacity: u32, error: MapError) -> KernelError {
    match map_errno(&error) {
        Some(libc::ENOSPC | libc::E2BIG) => KernelError::TableFull {
            table,
            capacity: u64::from(capacity),
            way_out: "drop a list, or raise tables.prefixes and restart; the policy before stays in force",
        },
        _ => KernelError::table(table, error),
    }
}
