//! What prefix tables hold, and how much memory they take.

use xdpgate_ebpf::abi::prefix::ROOT_ENTRIES;

/// Of both families.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PrefixSize {
    /// IPv4.
    pub ipv4: FamilySize,
    /// IPv6.
    pub ipv6: FamilySize,
}

/// Of one family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FamilySize {
    /// Ranges of addresses that were compiled.
    pub segments: usize,
    /// Addresses at which the attribute set changes.
    pub boundaries: usize,
    /// Tables between the root and the runs.
    pub tables: usize,
    /// Paths, likewise.
    pub paths: usize,
    /// Runs of boundaries or prefixes.
    pub runs: usize,
    /// Boundaries or prefixes of the longest run.
    pub longest_run: usize,
    /// The most tables and paths on the way from the root.
    pub deepest: u32,
    /// Bytes of tables, paths and runs.
    pub hot_bytes: usize,
    /// Bytes of tails.
    pub cold_bytes: usize,
}

impl FamilySize {
    /// All of it, the root included.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        ROOT_ENTRIES * size_of::<u32>() + self.hot_bytes + self.cold_bytes
    }
}
