//! Bans, changed in place: they never wait for a policy to be compiled.

use ipnet::IpNet;
use std::collections::HashSet;
use xdpgate_ebpf::bans::BanTable;

use super::error::KernelError;
use super::{Kernel, lock};
use crate::bans::TableFull;

impl Kernel {
    /// Bans a source or a prefix until `expires_ns` of `CLOCK_MONOTONIC`, or for good; a ban that is there is changed. Host
    /// bits of a prefix do not matter, here and below.
    ///
    /// # Errors
    /// The table is full; nothing is evicted to make room.
    pub fn ban(&self, prefix: IpNet, expires_ns: Option<u64>) -> Result<(), KernelError> {
        lock(&self.bans).ban(prefix, expires_ns)?;
        Ok(())
    }

    /// Lifts a ban. False: there was none.
    pub fn unban(&self, prefix: IpNet) -> bool {
        lock(&self.bans).lift(prefix)
    }

    /// When a ban of exactly this prefix ends, in `CLOCK_MONOTONIC`: `None` without such a ban, `Some(None)` never.
    #[must_use]
    pub fn ban_end(&self, prefix: IpNet) -> Option<Option<u64>> {
        lock(&self.bans).end(prefix)
    }

    /// The bans in the kernel, with the end of each.
    #[must_use]
    pub fn bans(&self) -> Vec<(IpNet, Option<u64>)> {
        lock(&self.bans).iter().collect()
    }

    /// Makes the kernel's bans those of `wanted`: adds and changes first, then lifts what is not wanted, so that a ban
    /// in both is in force throughout.
    ///
    /// # Errors
    /// A table is full.
    pub fn replace_bans(&self, wanted: &[(IpNet, Option<u64>)]) -> Result<(), KernelError> {
        for (prefix, expires_ns) in wanted {
            self.ban(*prefix, *expires_ns)?;
        }
        let keep: HashSet<IpNet> = wanted.iter().map(|(prefix, _)| prefix.trunc()).collect();
        for (prefix, _) in self.bans() {
            if !keep.contains(&prefix) {
                self.unban(prefix);
            }
        }
        Ok(())
    }
}

/// The names that operators know the tables by.
pub(super) const fn table_name(table: BanTable) -> &'static str {
    match table {
        BanTable::ExactIpv4 => "bans-ipv4",
        BanTable::PrefixIpv4 => "ban-prefixes-ipv4",
        BanTable::ExactIpv6 => "bans-ipv6",
        BanTable::PrefixIpv6 => "ban-prefixes-ipv6",
    }
}

impl From<TableFull> for KernelError {
    fn from(TableFull { table, capacity }: TableFull) -> Self {
        Self::TableFull {
            table: table_name(table),
            capacity: u64::from(capacity),
            way_out: "lift bans, ban wider prefixes, or raise tables.bans and restart after `xdpgate detach`",
        }
    }
}
