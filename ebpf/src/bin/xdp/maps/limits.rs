//! Services, plans and limits of a generation, and what limits have counted.
#![expect(unsafe_code, reason = "the kernel hands out raw pointers into maps")]
#![expect(clippy::undocumented_unsafe_blocks, reason = "btf_map expands to an unsafe attribute")]

use core::ptr::addr_of_mut;

use aya_ebpf::btf_maps::{Array, PerCpuArray};
use aya_ebpf::macros::btf_map;
use xdpgate_ebpf::abi::{
    DESTINATION_CLASSES, Destinations, GENERATION_SLOTS, LimitCounters, LimitRow, MAX_BORDERS, MAX_LIMITS,
    MAX_PLANS, MAX_SERVICES, PORT_CLASSES, Rule, ServiceRow, port_place,
};
use xdpgate_ebpf::rules::LimitCount;

use super::MMAPABLE;
use super::counters::{count, take_back};
use super::generation::slot;

const SLOTS: usize = GENERATION_SLOTS as usize;

type Ports = [u8; port_place::PLACES as usize];
type Services = [u8; (DESTINATION_CLASSES * PORT_CLASSES) as usize];
type ServiceRows = [ServiceRow; MAX_SERVICES as usize];
type Rules = [Rule; (MAX_SERVICES * MAX_PLANS) as usize];
type Limits = [LimitRow; MAX_LIMITS as usize];

#[btf_map]
static SERVICE_PORTS: Array<Ports, SLOTS, MMAPABLE> = Array::new();
#[btf_map]
static DESTINATIONS: Array<Destinations, SLOTS, MMAPABLE> = Array::new();
#[btf_map]
static SERVICES: Array<Services, SLOTS, MMAPABLE> = Array::new();
#[btf_map]
static SERVICE_ROWS: Array<ServiceRows, SLOTS, MMAPABLE> = Array::new();
#[btf_map]
static RULES: Array<Rules, SLOTS, MMAPABLE> = Array::new();
#[btf_map]
static LIMITS: Array<Limits, SLOTS, MMAPABLE> = Array::new();
#[btf_map]
static LIMIT_COUNTERS: PerCpuArray<LimitCounters, { MAX_LIMITS as usize }> = PerCpuArray::new();

#[inline(always)]
pub(crate) fn port_class(generation: u64, place: u32) -> u8 {
    match SERVICE_PORTS.get(slot(generation)) {
        // SAFETY: the index is masked to the array's length.
        Some(ports) => unsafe { *ports.as_ptr().add((place & (port_place::PLACES - 1)) as usize) },
        None => 0,
    }
}

#[inline(always)]
pub(crate) fn border(generation: u64, number: u32) -> (u64, u64) {
    let index = (number & (MAX_BORDERS - 1)) as usize;
    match DESTINATIONS.get(slot(generation)) {
        // SAFETY: as above.
        Some(table) => unsafe { (*table.high.as_ptr().add(index), *table.low.as_ptr().add(index)) },
        None => (u64::MAX, u64::MAX),
    }
}

#[inline(always)]
pub(crate) fn destination_class(generation: u64, borders: u32) -> u8 {
    match DESTINATIONS.get(slot(generation)) {
        // SAFETY: as above.
        Some(table) => unsafe { *table.classes.as_ptr().add((borders & (MAX_BORDERS - 1)) as usize) },
        None => 0,
    }
}

#[inline(always)]
pub(crate) fn service(generation: u64, destinations: u8, ports: u8) -> u8 {
    let index = u32::from(destinations) * PORT_CLASSES + u32::from(ports);
    match SERVICES.get(slot(generation)) {
        // SAFETY: two bytes are an index into this many entries.
        Some(services) => unsafe { *services.as_ptr().add(index as usize) },
        None => 0,
    }
}

#[inline(always)]
pub(crate) fn service_row(generation: u64, service: u8) -> ServiceRow {
    match SERVICE_ROWS.get(slot(generation)) {
        // SAFETY: as above.
        Some(rows) => unsafe { *rows.as_ptr().add((u32::from(service) & (MAX_SERVICES - 1)) as usize) },
        None => ServiceRow::NONE,
    }
}

#[inline(always)]
pub(crate) fn rule(generation: u64, service: u8, plan: u8) -> Rule {
    let index = u32::from(service) * MAX_PLANS + (u32::from(plan) & (MAX_PLANS - 1));
    match RULES.get(slot(generation)) {
        // SAFETY: the index is masked to the array's length.
        Some(rules) => unsafe { *rules.as_ptr().add((index & (MAX_SERVICES * MAX_PLANS - 1)) as usize) },
        None => Rule::UNLIMITED,
    }
}

#[inline(always)]
pub(crate) fn limit(generation: u64, number: u16) -> Option<&'static LimitRow> {
    let limits = LIMITS.get(slot(generation))?;
    // SAFETY: as above.
    Some(unsafe { &*limits.as_ptr().add((u32::from(number) & (MAX_LIMITS - 1)) as usize) })
}

#[inline(always)]
pub(crate) fn count_limit(number: u16, what: LimitCount, bytes: u32) {
    let Some(row) = LIMIT_COUNTERS.get_ptr_mut(u32::from(number)) else { return };
    // SAFETY: a live row that belongs to this CPU.
    let counter = unsafe {
        match what {
            LimitCount::Charged | LimitCount::TakenBack => addr_of_mut!((*row).charged),
            LimitCount::Dropped => addr_of_mut!((*row).dropped),
            LimitCount::Monitored => addr_of_mut!((*row).monitored),
        }
    };
    if what == LimitCount::TakenBack {
        take_back(counter, bytes);
    } else {
        count(counter, bytes);
    }
}
