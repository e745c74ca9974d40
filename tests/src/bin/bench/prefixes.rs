//! Prefixes: random ones from a seed, and those of the real geo data.

use std::collections::HashSet;
use std::env;
use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use xdpgate::feeds::GeoDatabase;

const SEED: u64 = 7;

/// IPv4 prefixes: address without host bits, and length.
pub(crate) type Prefixes4 = Vec<(u32, u8)>;
/// IPv6 prefixes, likewise.
pub(crate) type Prefixes6 = Vec<(u128, u8)>;

/// So many different prefixes of /19 to /32, evenly over lengths and addresses. They cluster less than real lists.
pub(crate) fn random4(count: usize) -> Prefixes4 {
    let mut random = Random(SEED);
    distinct(count, || {
        let length = 19 + (random.next() % 14) as u8;
        (random.next32() & (u32::MAX << (32 - length)), length)
    })
}

/// So many different prefixes of /32 to /64 inside `2000::/3`.
pub(crate) fn random6(count: usize) -> Prefixes6 {
    let mut random = Random(SEED);
    distinct(count, || {
        let length = 32 + (random.next() % 33) as u8;
        let high = random.next() >> 3 | 1 << 61;
        ((u128::from(high) << 64) & (u128::MAX << (128 - length)), length)
    })
}

/// A random address inside each prefix, in the first four bytes.
pub(crate) fn inside4(prefixes: &Prefixes4) -> Vec<[u8; 16]> {
    let mut random = Random(SEED);
    let inside = |(at, length): &(u32, u8)| {
        let host = random.next32().checked_shr(u32::from(*length)).unwrap_or(0);
        u128::from(at | host) << 96
    };
    prefixes.iter().map(inside).map(u128::to_be_bytes).collect()
}

/// A random address inside each prefix.
pub(crate) fn inside6(prefixes: &Prefixes6) -> Vec<[u8; 16]> {
    let mut random = Random(SEED);
    let inside = |(at, length): &(u128, u8)| {
        let bits = u128::from(random.next()) << 64 | u128::from(random.next());
        at | bits.checked_shr(u32::from(*length)).unwrap_or(0)
    };
    prefixes.iter().map(inside).map(u128::to_be_bytes).collect()
}

/// So many different addresses that somebody on the Internet may have: none is private, so that no ban of one could
/// lock out a manager of the host.
pub(crate) fn addresses(count: usize, seed: u64) -> Vec<Ipv4Addr> {
    let mut random = Random(seed);
    let draw = || loop {
        let address = Ipv4Addr::from(random.next32());
        let [first, ..] = address.octets();
        if (1..=223).contains(&first) && ![10, 127, 172, 192].contains(&first) {
            return address;
        }
    };
    distinct(count, draw)
}

/// A list file: one prefix a line.
pub(crate) fn lines4(prefixes: &[(u32, u8)]) -> String {
    prefixes.iter().fold(String::with_capacity(19 * prefixes.len()), |mut text, (address, length)| {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{}/{length}", Ipv4Addr::from(*address));
        text
    })
}

/// The real geo data.
pub(crate) fn geo() -> Result<GeoDatabase> {
    let path = env::var_os("XDPGATE_GEO_CSV").map(PathBuf::from);
    let path = path.context("XDPGATE_GEO_CSV is not set; run this through `cargo xtask bench`")?;
    Ok(GeoDatabase::open(&path)?)
}

fn distinct<A: std::hash::Hash + Eq + Copy>(count: usize, mut draw: impl FnMut() -> A) -> Vec<A> {
    let mut seen = HashSet::with_capacity(count);
    let mut drawn = Vec::with_capacity(count);
    while drawn.len() < count {
        let one = draw();
        if seen.insert(one) {
            drawn.push(one);
        }
    }
    drawn
}

/// `SplitMix64`.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn next32(&mut self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "the other half is as good")]
        let half = self.next() as u32;
        half
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_different_and_have_no_host_bits() {
        let prefixes = random4(10_000);
        assert_eq!(prefixes.iter().collect::<HashSet<_>>().len(), 10_000);
        assert!(prefixes.iter().all(|(at, length)| (u64::from(*at) << length).trailing_zeros() >= 32));
        assert!(random6(1_000).iter().all(|(at, length)| at << length == 0 && at >> 125 == 1));
    }

    #[test]
    fn an_address_inside_a_prefix_has_its_bits() {
        let prefixes = random4(1_000);
        for ((at, length), address) in prefixes.iter().zip(inside4(&prefixes)) {
            let address = u32::from_be_bytes([address[0], address[1], address[2], address[3]]);
            assert_eq!((address ^ at).checked_shr(32 - u32::from(*length)), Some(0), "{at:x}/{length}");
        }
    }

    #[test]
    fn a_file_has_a_prefix_on_each_line() {
        assert_eq!(lines4(&[(0x0a00_0000, 8), (1, 32)]), "10.0.0.0/8\n0.0.0.1/32\n");
    }
}
