//! Bans, changed in place: they never wait for a policy to be compiled.

use std::net::IpAddr;

use ipnet::IpNet;
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

    /// Whether the data path drops packets from this address because of a ban now.
    #[must_use]
    pub fn is_banned(&self, address: IpAddr) -> bool {
        lock(&self.bans).find(address).is_some_and(|ban| ban.holds(super::monotonic_ns()))
    }

    /// The bans in the kernel, with the end of each.
    #[must_use]
    pub fn bans(&self) -> Vec<(IpNet, Option<u64>)> {
        lock(&self.bans).iter().collect()
    }

    /// How many bans the kernel has, those among them that have ended a moment ago.
    #[must_use]
    pub fn count_bans(&self) -> u64 {
        lock(&self.bans).len()
    }

    /// Bans all of these, or none; a ban that is there is changed. Returns how many are new.
    ///
    /// # Errors
    /// A table is full.
    pub fn ban_all(&self, bans: &[(IpNet, Option<u64>)]) -> Result<usize, KernelError> {
        Ok(lock(&self.bans).ban_all(bans)?)
    }

    /// The prefixes among these that the kernel bans for longer.
    #[must_use]
    pub fn held_longer(&self, bans: &[(IpNet, Option<u64>)]) -> Vec<IpNet> {
        lock(&self.bans).held_longer(bans)
    }

    /// Makes the kernel's bans those of `wanted`: adds and changes first, then lifts what is not wanted, so that a ban
    /// in both is in force throughout.
    ///
    /// # Errors
    /// A table is full.
    pub fn replace_bans(&self, wanted: &[(IpNet, Option<u64>)]) -> Result<(), KernelError> {
        Ok(lock(&self.bans).replace(wanted)?)
    }

    /// Makes room of what was lifted a second ago or earlier; to be called about once a second.
    pub fn clean_bans(&self) {
        lock(&self.bans).clean();
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
