//! The kernel's tables, modelled on the host: what `explain` and the tests ask. Bans and buckets are the kernel's own
//! tables in ordinary memory, read and written by the same code.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use ipnet::IpNet;
use xdpgate_ebpf::abi::{
    AttributeSet, BUCKET_SET_WORDS, Ban, LimitCounters, LimitRow, MIN_BUCKET_BITS, PORT_CLASSES, Rule,
    ServiceRow, Settings, family,
};
use xdpgate_ebpf::bans::{self, Seed};
use xdpgate_ebpf::buckets::{BucketKey, HostTable, Shape};
use xdpgate_ebpf::packet::Source;
use xdpgate_ebpf::prefix;
use xdpgate_ebpf::rules::LimitCount;
use xdpgate_ebpf::tables::Tables;

use super::image::Image;
use super::limit_counts::LimitCounts;
use super::prefixes::{PrefixError, PrefixTables};
use crate::bans::{BanShape, Bans, HeapWords, Reader, TableFull};

/// Room for bans of each kind.
const BANS: u32 = 1 << 10;

/// The tables of one generation, bans and buckets. The clock is the caller's.
#[derive(Debug)]
pub struct Model {
    image: Arc<Image>,
    /// What answers faster than the image does, where many are asked about.
    prefixes: Option<PrefixTables>,
    paused: bool,
    bans: Bans<HeapWords>,
    buckets: HostTable<Box<[AtomicU64]>>,
    counters: LimitCounts,
}

impl Model {
    /// Tables that hold this image, no bans and full buckets.
    #[must_use]
    pub fn new(image: impl Into<Arc<Image>>) -> Self {
        Self::with_buckets(image.into(), MIN_BUCKET_BITS)
    }

    /// Tables for as many sources at once as a policy's `tables.sources` says, made for many packets.
    ///
    /// # Errors
    /// Where the image needs more than the kernel's prefix tables hold.
    pub fn for_traffic(image: impl Into<Arc<Image>>, sources: u32) -> Result<Self, PrefixError> {
        let image = image.into();
        let prefixes = PrefixTables::compile(&image.ipv4, &image.ipv6)?;
        Ok(Self { prefixes: Some(prefixes), ..Self::with_buckets(image, Shape::bits_for(sources)) })
    }

    fn with_buckets(image: Arc<Image>, bits: u32) -> Self {
        // Nobody aims at the tables of a model; equal models give equal answers.
        let shape = Shape { seed: 1, bits };
        let words = (0..shape.sets() as usize * BUCKET_SET_WORDS).map(|_| AtomicU64::new(0)).collect();
        Self {
            image,
            prefixes: None,
            paused: false,
            bans: Bans::in_memory(BanShape::new(BANS), Seed([1, 2])),
            buckets: HostTable::new(words, shape),
            counters: LimitCounts::default(),
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
        self.prefixes = None;
    }

    /// Pauses or resumes.
    pub const fn pause(&mut self, on: bool) {
        self.paused = on;
    }

    /// Bans a prefix, or an address as a prefix of full length. `None` never expires; times are `CLOCK_MONOTONIC`, and are
    /// rounded as the kernel's tables do.
    ///
    /// # Errors
    /// A model has room for some hundreds of bans.
    pub fn add_ban(&mut self, prefix: IpNet, expires_ns: Option<u64>) -> Result<(), TableFull> {
        self.bans.ban(prefix, expires_ns).map(drop)
    }

    /// Lifts a ban; false if there was none.
    pub fn lift_ban(&mut self, prefix: IpNet) -> bool {
        self.bans.lift(prefix)
    }

    /// What a limit has counted, by the number of its row.
    #[must_use]
    pub fn limit_counters(&self, number: u16) -> LimitCounters {
        self.counters.get(number)
    }

    /// Sets the state of a source's bucket, in ticks, as read from the kernel.
    pub fn set_bucket(&self, key: &BucketKey, class: u64, state: u64) {
        // A model of one source's buckets has room for them.
        let _ = self.buckets.set_state(key, class, state);
    }

    /// The state of a source's bucket, if it has one.
    #[must_use]
    pub fn bucket_state(&self, key: &BucketKey, class: u64) -> Option<u64> {
        self.buckets.state(key, class)
    }
}

impl Tables for Model {
    type Buckets = HostTable<Box<[AtomicU64]>>;

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
        if generation != self.generation() {
            return AttributeSet::EMPTY;
        }
        if let Some(prefixes) = &self.prefixes {
            let set = self.image.attributes.get(prefix::find(prefixes, source) as usize);
            return set.copied().unwrap_or(AttributeSet::EMPTY);
        }
        address(source).map_or(AttributeSet::EMPTY, |address| self.image.attributes_of(address))
    }

    fn ban(&self, source: &Source) -> Option<Ban> {
        bans::find(&Reader(self.bans.words()), source)
    }

    fn buckets(&self) -> &Self::Buckets {
        &self.buckets
    }

    fn return_at(&self) -> u64 {
        0
    }

    fn port_class(&self, _: u64, place: u32) -> u8 {
        let services = self.image.rules.services.as_ref();
        services.and_then(|services| services.ports.get(place as usize)).copied().unwrap_or(0)
    }

    fn border(&self, _: u64, number: u32) -> (u64, u64) {
        let table = self.image.rules.services.as_ref().map(|services| &services.destinations);
        let halves =
            table.and_then(|table| table.high.get(number as usize).zip(table.low.get(number as usize)));
        halves.map_or((u64::MAX, u64::MAX), |(high, low)| (*high, *low))
    }

    fn destination_class(&self, _: u64, borders: u32) -> u8 {
        let table = self.image.rules.services.as_ref().map(|services| &services.destinations);
        table.and_then(|table| table.classes.get(borders as usize)).copied().unwrap_or(0)
    }

    fn service(&self, _: u64, destinations: u8, ports: u8) -> u8 {
        let place = usize::from(destinations) * PORT_CLASSES as usize + usize::from(ports);
        let services = self.image.rules.services.as_ref();
        services.and_then(|services| services.services.get(place)).copied().unwrap_or(0)
    }

    fn service_row(&self, _: u64, service: u8) -> ServiceRow {
        self.image.rules.service_row(service)
    }

    fn rule(&self, _: u64, service: u8, plan: u8) -> Rule {
        self.image.rules.rule(service, plan)
    }

    fn limit(&self, _: u64, number: u16) -> Option<&LimitRow> {
        self.image.rules.limits.get(&number)
    }

    fn count_limit(&self, number: u16, count: LimitCount, bytes: u32) {
        self.counters.count(number, count, bytes);
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
