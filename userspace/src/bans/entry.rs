//! Prefixes as the tables hold them.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use xdpgate_ebpf::abi::ban_word;
use xdpgate_ebpf::bans::{BanTable, halves_ipv6, prefix_key_ipv4, prefix_key_ipv6};

/// A prefix, without its host bits, and where it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Entry {
    pub(super) table: BanTable,
    /// An IPv4 key is in the lower 32 bits.
    pub(super) key: u128,
}

impl Entry {
    /// The ban that a slot of this table with this key is of.
    pub(super) fn prefix(self) -> IpNet {
        let (address, length) = self.address_and_length();
        // Neither can fail: the length comes from the place of a bit.
        match self.table {
            BanTable::ExactIpv4 | BanTable::PrefixIpv4 => {
                let address = Ipv4Addr::from_bits(low_32(address));
                Ipv4Net::new(address, length).unwrap_or_default().into()
            }
            BanTable::ExactIpv6 | BanTable::PrefixIpv6 => {
                Ipv6Net::new(Ipv6Addr::from_bits(address), length).unwrap_or_default().into()
            }
        }
    }

    /// The index in [`ban_word`] and the bit that stand for the length of a prefix; `None` for a single address.
    pub(super) const fn length_bit(self) -> Option<(usize, u64)> {
        // The lowest bit that is set is the marker.
        let (high, low) = halves_ipv6(self.key & self.key.wrapping_neg());
        match self.table {
            BanTable::ExactIpv4 | BanTable::ExactIpv6 => None,
            BanTable::PrefixIpv4 => Some((ban_word::IPV4_LENGTHS, low)),
            BanTable::PrefixIpv6 if high == 0 => Some((ban_word::IPV6_LENGTHS + 1, low)),
            BanTable::PrefixIpv6 => Some((ban_word::IPV6_LENGTHS, high)),
        }
    }

    fn address_and_length(self) -> (u128, u8) {
        let width = match self.table {
            BanTable::ExactIpv4 => return (self.key, 32),
            BanTable::ExactIpv6 => return (self.key, 128),
            BanTable::PrefixIpv4 => u32::BITS,
            BanTable::PrefixIpv6 => u128::BITS,
        };
        let length = width.saturating_sub(1 + self.key.trailing_zeros());
        (self.key & self.key.wrapping_sub(1), u8::try_from(length).unwrap_or(u8::MAX))
    }
}

impl From<IpNet> for Entry {
    fn from(prefix: IpNet) -> Self {
        let length = u32::from(prefix.prefix_len());
        match prefix {
            IpNet::V4(prefix) => {
                let address = prefix.addr().to_bits();
                let (table, key) = match 1_u32 << 31 >> length.min(31) {
                    _ if length == u32::BITS => (BanTable::ExactIpv4, address),
                    marker => (BanTable::PrefixIpv4, prefix_key_ipv4(address, marker)),
                };
                Self { table, key: u128::from(key) }
            }
            IpNet::V6(prefix) => {
                let address = prefix.addr().to_bits();
                if length == u128::BITS {
                    return Self { table: BanTable::ExactIpv6, key: address };
                }
                let (high, low) = halves_ipv6(address);
                let marker = 1_u64 << 63 >> (length % 64);
                let (high, low) = if length < 64 {
                    (prefix_key_ipv6(high, marker), 0)
                } else {
                    (high, prefix_key_ipv6(low, marker))
                };
                Self { table: BanTable::PrefixIpv6, key: u128::from(high) << 64 | u128::from(low) }
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "IPv4 keys have no more")]
pub(super) const fn low_32(key: u128) -> u32 {
    key as u32
}
