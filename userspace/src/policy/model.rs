//! The kernel's tables, modelled on the host: what `explain` and the tests ask.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use ipnet::IpNet;
use xdpgate_ebpf::abi::{
    AttributeSet, BUCKET_SET_WORDS, Ban, MIN_BUCKET_BITS, NEVER_EXPIRES, Settings, family,
};
use xdpgate_ebpf::buckets::{BucketKey, HostTable, Shape};
use xdpgate_ebpf::packet::Source;
use xdpgate_ebpf::tables::Tables;

use super::image::Image;

/// The tables of one generation, bans and buckets. The clock is the caller's.
#[derive(Debug)]
pub struct Model {
    image: Arc<Image>,
    paused: bool,
    bans: HashMap<IpAddr, Ban>,
    prefix_bans: HashMap<IpNet, Ban>,
    buckets: HostTable<Vec<AtomicU64>>,
}

/// The smallest table of buckets, 128 KiB. Nobody outside knows where a model's keys fall, so any seed will do.
const BUCKETS: Shape = Shape { seed: 0, bits: MIN_BUCKET_BITS };

impl Model {
    /// Tables that hold this image, no bans and full buckets.
    #[must_use]
    pub fn new(image: impl Into<Arc<Image>>) -> Self {
        let words =
            std::iter::repeat_with(AtomicU64::default).take(BUCKETS.sets() as usize * BUCKET_SET_WORDS);
        Self {
            image: image.into(),
            paused: false,
            bans: HashMap::new(),
            prefix_bans: HashMap::new(),
            buckets: HostTable::new(words.collect(), BUCKETS),
        }
    }

    /// The live image.
    #[must_use]
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// Makes another image live. Bans and buckets stay, as they do in the kernel.
    pub fn install(&mut self, image: impl Into<Arc<Image>>) {
        self.image = image.into();
    }

    /// Pauses or resumes.
    pub const fn pause(&mut self, on: bool) {
        self.paused = on;
    }

    /// Bans a prefix, or an address as a prefix of full length. `None` never expires; times are `CLOCK_MONOTONIC`.
    pub fn add_ban(&mut self, prefix: IpNet, expires_ns: Option<u64>) {
        let ban = Ban { expires_ns: expires_ns.unwrap_or(NEVER_EXPIRES) };
        if prefix.prefix_len() == prefix.max_prefix_len() {
            self.bans.insert(prefix.addr(), ban);
        } else {
            self.prefix_bans.insert(prefix.trunc(), ban);
        }
    }

    /// Lifts a ban; false if there was none.
    pub fn lift_ban(&mut self, prefix: IpNet) -> bool {
        if prefix.prefix_len() == prefix.max_prefix_len() {
            self.bans.remove(&prefix.addr()).is_some()
        } else {
            self.prefix_bans.remove(&prefix.trunc()).is_some()
        }
    }

    /// Sets the state of a source's bucket, in ticks, as read from the kernel. False: the table has no room for it.
    #[must_use]
    pub fn set_bucket(&self, key: &BucketKey, class: u64, state: u64) -> bool {
        self.buckets.set_state(key, class, state)
    }

    /// The state of a source's bucket, in ticks, if it has one.
    #[must_use]
    pub fn bucket(&self, key: &BucketKey, class: u64) -> Option<u64> {
        self.buckets.state(key, class)
    }
}

impl Tables for Model {
    type Buckets = HostTable<Vec<AtomicU64>>;

    fn paused(&self) -> bool {
        self.paused
    }

    fn generation(&self) -> u64 {
        self.image.settings.generation
    }

    fn settings(&self, generation: u64) -> Option<&Settings> {
        Some(&self.image.settings).filter(|settings| settings.generation == generation)
    }

    fn attributes(&self, generation: u64, source: &Source) -> AttributeSet {
        match address(source) {
            Some(address) if generation == self.generation() => self.image.attributes_of(address),
            _ => AttributeSet::EMPTY,
        }
    }

    fn ban(&self, source: &Source) -> Option<Ban> {
        let address = address(source)?;
        let around = self.prefix_bans.iter().filter(|(prefix, _)| prefix.contains(&address));
        self.bans
            .get(&address)
            .into_iter()
            .chain(around.map(|(_, ban)| ban))
            .max_by_key(|ban| ban.expires_ns)
            .copied()
    }

    fn buckets(&self) -> &Self::Buckets {
        &self.buckets
    }
}

fn address(source: &Source) -> Option<IpAddr> {
    match source.family {
        family::IPV4 => {
            let first = source.address.first_chunk::<4>()?;
            Some(Ipv4Addr::from_octets(*first).into())
        }
        family::IPV6 => Some(Ipv6Addr::from_octets(source.address).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
