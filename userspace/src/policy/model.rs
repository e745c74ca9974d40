//! The kernel's tables, modelled on the host: what `explain` and the tests ask.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;
use std::sync::Arc;

use ipnet::IpNet;
use xdpgate_ebpf::abi::{AttributeSet, Ban, Bucket, BucketKey, NEVER_EXPIRES, Settings, family};
use xdpgate_ebpf::limit;
use xdpgate_ebpf::packet::Source;
use xdpgate_ebpf::tables::Tables;

use super::image::Image;

/// The tables of one generation, bans and buckets. The clock is the caller's.
#[derive(Clone, Debug)]
pub struct Model {
    image: Arc<Image>,
    paused: bool,
    bans: HashMap<IpAddr, Ban>,
    prefix_bans: HashMap<IpNet, Ban>,
    buckets: RefCell<HashMap<MapKey, ModelBucket>>,
}

/// The rate state of one source.
#[derive(Clone, Debug, Default)]
pub struct ModelBucket {
    packets: ModelCell,
    bytes: ModelCell,
}

/// One word of a bucket; clones share it.
#[derive(Clone, Debug, Default)]
pub struct ModelCell(Rc<Cell<u64>>);

impl Model {
    /// Tables that hold this image, no bans and full buckets.
    #[must_use]
    pub fn new(image: impl Into<Arc<Image>>) -> Self {
        Self {
            image: image.into(),
            paused: false,
            bans: HashMap::new(),
            prefix_bans: HashMap::new(),
            buckets: RefCell::default(),
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

    /// Sets the rate state of a source, as read from the kernel.
    pub fn set_bucket(&self, key: &BucketKey, state: Bucket) {
        let bucket = ModelBucket {
            packets: ModelCell::holding(state.packets),
            bytes: ModelCell::holding(state.bytes),
        };
        self.buckets.borrow_mut().insert(map_key(key), bucket);
    }

    /// The rate state of a source, if it has any.
    #[must_use]
    pub fn bucket_state(&self, key: &BucketKey) -> Option<Bucket> {
        let buckets = self.buckets.borrow();
        let bucket = buckets.get(&map_key(key))?;
        Some(Bucket { packets: bucket.packets.0.get(), bytes: bucket.bytes.0.get() })
    }
}

impl Tables for Model {
    type Bucket<'a> = ModelBucket;

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

    fn bucket(&self, key: &BucketKey) -> Option<ModelBucket> {
        Some(self.buckets.borrow_mut().entry(map_key(key)).or_default().clone())
    }
}

impl limit::Bucket for ModelBucket {
    type Cell = ModelCell;

    fn packets(&self) -> ModelCell {
        self.packets.clone()
    }

    fn bytes(&self) -> ModelCell {
        self.bytes.clone()
    }
}

impl ModelCell {
    fn holding(word: u64) -> Self {
        Self(Rc::new(Cell::new(word)))
    }
}

impl limit::Cell for ModelCell {
    fn load(&self) -> u64 {
        self.0.get()
    }

    fn compare_exchange(&self, current: u64, new: u64) -> Result<(), u64> {
        let found = self.0.get();
        if found != current {
            return Err(found);
        }
        self.0.set(new);
        Ok(())
    }

    fn add(&self, amount: u64) {
        self.0.set(self.0.get().wrapping_add(amount));
    }
}

/// A [`BucketKey`] without its spare bytes: address, family, class.
type MapKey = ([u8; 16], u32, u32);

const fn map_key(key: &BucketKey) -> MapKey {
    (key.address, key.family, key.class)
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
