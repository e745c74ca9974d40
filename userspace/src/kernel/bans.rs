//! Bans, changed in place: they never wait for a policy to be compiled.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use aya::maps::lpm_trie::Key;
use aya::maps::{HashMap, MapData, MapError};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use xdpgate_ebpf::abi::{Ban, NEVER_EXPIRES, control};

use super::error::{KernelError, map_errno};
use super::tables::{Tables, found};
use super::{Kernel, lock};

impl Kernel {
    /// Bans a source or a prefix until `expires_ns` of `CLOCK_MONOTONIC`, or for good; a ban that is there is changed. Host
    /// bits of a prefix do not matter, here and below.
    ///
    /// # Errors
    /// The table is full; nothing is evicted to make room.
    pub fn ban(&self, prefix: IpNet, expires_ns: Option<u64>) -> Result<(), KernelError> {
        let prefix = prefix.trunc();
        let ban = Ban { expires_ns: expires_ns.unwrap_or(NEVER_EXPIRES) };
        if is_exact(&prefix) {
            return self.tables().insert_exact(prefix.addr(), ban);
        }
        let mut bans = lock(&self.prefix_bans);
        let mut tables = self.tables();
        bans.insert(&mut tables, prefix, ban)
    }

    /// Lifts a ban. False: there was none.
    ///
    /// # Errors
    /// The table can't be written.
    pub fn unban(&self, prefix: IpNet) -> Result<bool, KernelError> {
        let prefix = prefix.trunc();
        if is_exact(&prefix) {
            return self.tables().remove_exact(prefix.addr());
        }
        let mut bans = lock(&self.prefix_bans);
        let mut tables = self.tables();
        bans.remove(&mut tables, prefix)
    }

    /// When a ban of exactly this prefix ends, in `CLOCK_MONOTONIC`: `None` without such a ban, `Some(None)` never.
    ///
    /// # Errors
    /// The table can't be read.
    pub fn ban_end(&self, prefix: IpNet) -> Result<Option<Option<u64>>, KernelError> {
        let prefix = prefix.trunc();
        let ban = if is_exact(&prefix) {
            self.tables().exact_ban(prefix.addr())?
        } else {
            lock(&self.prefix_bans).own.get(&prefix).copied()
        };
        Ok(ban.map(end))
    }

    /// The bans in the kernel, with the end of each.
    ///
    /// # Errors
    /// The tables can't be read.
    pub fn bans(&self) -> Result<Vec<(IpNet, Option<u64>)>, KernelError> {
        let mut bans = self.tables().exact_bans()?;
        bans.extend(lock(&self.prefix_bans).own.iter().map(|(prefix, ban)| (*prefix, *ban)));
        Ok(bans.into_iter().map(|(prefix, ban)| (prefix, end(ban))).collect())
    }

    /// Makes the kernel's bans those of `wanted`: adds and changes first, then lifts what is not wanted, so that a ban
    /// in both is in force throughout.
    ///
    /// # Errors
    /// A table is full, or can't be written.
    pub fn replace_bans(&self, wanted: &[(IpNet, Option<u64>)]) -> Result<(), KernelError> {
        for (prefix, expires_ns) in wanted {
            self.ban(*prefix, *expires_ns)?;
        }
        let keep: std::collections::HashSet<IpNet> =
            wanted.iter().map(|(prefix, _)| prefix.trunc()).collect();
        for (prefix, _) in self.bans()? {
            if !keep.contains(&prefix) {
                self.unban(prefix)?;
            }
        }
        Ok(())
    }
}

/// Prefix bans as they were asked for. The kernel's trie answers with the longest prefix only, so each prefix holds
/// there the latest end of itself and of all banned prefixes around it.
#[derive(Debug)]
pub(super) struct PrefixBans {
    own: BTreeMap<IpNet, Ban>,
}

impl PrefixBans {
    /// What an earlier daemon left. Its own ends are not known, only the latest around each, which never ends a ban too
    /// early; the daemon's store then says what is wanted.
    pub(super) fn read(tables: &Tables) -> Result<Self, KernelError> {
        let mut own = BTreeMap::new();
        for entry in &tables.ban_prefixes_v4 {
            let (key, ban) = entry.map_err(|error| KernelError::table("BAN_PREFIXES_V4", error))?;
            if let Ok(net) = Ipv4Net::new(Ipv4Addr::from(key.data()), prefix_len(key.prefix_len())) {
                own.insert(IpNet::V4(net), Ban::from_prefix(ban));
            }
        }
        for entry in &tables.ban_prefixes_v6 {
            let (key, ban) = entry.map_err(|error| KernelError::table("BAN_PREFIXES_V6", error))?;
            if let Ok(net) = Ipv6Net::new(Ipv6Addr::from(key.data()), prefix_len(key.prefix_len())) {
                own.insert(IpNet::V6(net), Ban::from_prefix(ban));
            }
        }
        Ok(Self { own })
    }

    pub(super) fn len(&self) -> usize {
        self.own.len()
    }

    fn insert(&mut self, tables: &mut Tables, prefix: IpNet, ban: Ban) -> Result<(), KernelError> {
        let before = self.own.insert(prefix, ban);
        if let Err(error) = self.write_around(tables, prefix) {
            match before {
                Some(before) => self.own.insert(prefix, before),
                None => self.own.remove(&prefix),
            };
            return Err(error);
        }
        self.write_count(tables)
    }

    fn remove(&mut self, tables: &mut Tables, prefix: IpNet) -> Result<bool, KernelError> {
        if self.own.remove(&prefix).is_none() {
            return Ok(false);
        }
        tables.remove_prefix(prefix)?;
        self.write_around(tables, prefix)?;
        self.write_count(tables)?;
        Ok(true)
    }

    /// Writes the prefix, and every banned prefix inside it, anew.
    fn write_around(&self, tables: &mut Tables, prefix: IpNet) -> Result<(), KernelError> {
        for (inner, ban) in self.own.range(prefix..).take_while(|(inner, _)| prefix.contains(*inner)) {
            tables.insert_prefix(*inner, self.latest(*inner, *ban))?;
        }
        Ok(())
    }

    /// The latest end among a prefix and those around it.
    fn latest(&self, prefix: IpNet, own: Ban) -> Ban {
        let around = std::iter::successors(prefix.supernet(), IpNet::supernet);
        let expires_ns = around
            .filter_map(|outer| self.own.get(&outer))
            .fold(own.expires_ns, |latest, ban| latest.max(ban.expires_ns));
        Ban { expires_ns }
    }

    /// Written after the first ban and before the last is gone: while it is zero the data path skips the tries.
    pub(super) fn write_count(&self, tables: &mut Tables) -> Result<(), KernelError> {
        { let _ = tables; Ok(()) }
    }
}

impl Tables {
    /// A ban that is there already is changed. New ones are told apart, so that their number is known without a walk over
    /// the table.
    fn insert_exact(&mut self, address: IpAddr, ban: Ban) -> Result<(), KernelError> {
        let (name, result) = match address {
            IpAddr::V4(address) => ("bans-ipv4", put(&mut self.bans_v4, address.octets(), ban)),
            IpAddr::V6(address) => ("bans-ipv6", put(&mut self.bans_v6, address.octets(), ban)),
        };
        if result.map_err(|error| full(name, self.ban_capacity, error))? {
            *self.exact_count(address) += 1;
        }
        Ok(())
    }

    fn exact_ban(&self, address: IpAddr) -> Result<Option<Ban>, KernelError> {
        match address {
            IpAddr::V4(address) => found(self.bans_v4.get(&address.octets(), 0)),
            IpAddr::V6(address) => found(self.bans_v6.get(&address.octets(), 0)),
        }
        .map_err(|error| KernelError::table("bans", error))
    }

    fn remove_exact(&mut self, address: IpAddr) -> Result<bool, KernelError> {
        let gone = removed(match address {
            IpAddr::V4(address) => self.bans_v4.remove(&address.octets()),
            IpAddr::V6(address) => self.bans_v6.remove(&address.octets()),
        })?;
        if gone {
            let count = self.exact_count(address);
            *count = count.saturating_sub(1);
        }
        Ok(gone)
    }

    const fn exact_count(&mut self, address: IpAddr) -> &mut u64 {
        match address {
            IpAddr::V4(_) => &mut self.exact_bans_v4,
            IpAddr::V6(_) => &mut self.exact_bans_v6,
        }
    }

    fn exact_bans(&self) -> Result<Vec<(IpNet, Ban)>, KernelError> {
        let mut bans = Vec::new();
        for entry in &self.bans_v4 {
            let (address, ban) = entry.map_err(|error| KernelError::table("BANS_V4", error))?;
            bans.push((IpNet::from(IpAddr::from(address)), ban));
        }
        for entry in &self.bans_v6 {
            let (address, ban) = entry.map_err(|error| KernelError::table("BANS_V6", error))?;
            bans.push((IpNet::from(IpAddr::from(address)), ban));
        }
        Ok(bans)
    }

    fn insert_prefix(&mut self, prefix: IpNet, ban: Ban) -> Result<(), KernelError> {
        let capacity = self.ban_capacity;
        let value = ban.to_prefix();
        let length = u32::from(prefix.prefix_len());
        match prefix.network() {
            IpAddr::V4(network) => self
                .ban_prefixes_v4
                .insert(&Key::new(length, network.octets()), value, 0)
                .map_err(|error| full("ban-prefixes-ipv4", capacity, error)),
            IpAddr::V6(network) => self
                .ban_prefixes_v6
                .insert(&Key::new(length, network.octets()), value, 0)
                .map_err(|error| full("ban-prefixes-ipv6", capacity, error)),
        }
    }

    fn remove_prefix(&mut self, prefix: IpNet) -> Result<bool, KernelError> {
        let length = u32::from(prefix.prefix_len());
        removed(match prefix.network() {
            IpAddr::V4(network) => self.ban_prefixes_v4.remove(&Key::new(length, network.octets())),
            IpAddr::V6(network) => self.ban_prefixes_v6.remove(&Key::new(length, network.octets())),
        })
    }
}

/// Puts a ban into its table. True: there was none for this address.
fn put<A: aya::Pod>(table: &mut HashMap<MapData, A, Ban>, address: A, ban: Ban) -> Result<bool, MapError> {
    match table.insert(address, ban, NOEXIST) {
        Ok(()) => Ok(true),
        Err(error) if map_errno(&error) == Some(libc::EEXIST) => {
            table.insert(address, ban, 0).map(|()| false)
        }
        Err(error) => Err(error),
    }
}

/// `BPF_NOEXIST`.
const NOEXIST: u64 = 1;

fn is_exact(prefix: &IpNet) -> bool {
    prefix.prefix_len() == prefix.max_prefix_len()
}

const fn end(ban: Ban) -> Option<u64> {
    if ban.expires_ns == NEVER_EXPIRES { None } else { Some(ban.expires_ns) }
}

fn prefix_len(length: u32) -> u8 {
    u8::try_from(length).unwrap_or(u8::MAX)
}

/// E2BIG is a full hash, ENOSPC a full trie.
fn full(table: &'static str, capacity: u64, error: MapError) -> KernelError {
    match map_errno(&error) {
        Some(libc::E2BIG | libc::ENOSPC) => KernelError::TableFull {
            table,
            capacity,
            way_out: "lift bans, ban wider prefixes, or raise tables.bans and restart after `xdpgate detach`",
        },
        _ => KernelError::table(table, error),
    }
}

fn removed(result: Result<(), MapError>) -> Result<bool, KernelError> {
    match result {
        Ok(()) => Ok(true),
        Err(MapError::KeyNotFound) => Ok(false),
        Err(error) if map_errno(&error) == Some(libc::ENOENT) => Ok(false),
        Err(error) => Err(KernelError::table("bans", error)),
    }
}
