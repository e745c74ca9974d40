//! Writing services, plans and limits into the slot of a generation.

use std::sync::atomic::Ordering;

use xdpgate_ebpf::abi::{
    DESTINATION_CLASSES, Destinations, LimitRow, MAX_LIMITS, MAX_PLANS, MAX_SERVICES, PORT_CLASSES, Rule,
    ServiceRow, port_place,
};

use super::error::KernelError;
use super::memory::Memory;
use super::pins::Pins;
use crate::policy::RuleTables;

const WORD: usize = size_of::<u64>();
const PORT_WORDS: usize = port_place::PLACES as usize / WORD;
const DESTINATION_WORDS: usize = size_of::<Destinations>() / WORD;
const SERVICE_WORDS: usize = (DESTINATION_CLASSES * PORT_CLASSES) as usize / WORD;
const SERVICE_ROW_WORDS: usize = MAX_SERVICES as usize * size_of::<ServiceRow>() / WORD;
const RULE_WORDS: usize = (MAX_SERVICES * MAX_PLANS) as usize;
const ROW_WORDS: usize = size_of::<LimitRow>() / WORD;
const LIMIT_WORDS: usize = MAX_LIMITS as usize * ROW_WORDS;

/// The memory of these tables, with both slots.
pub(super) struct RuleMemory {
    ports: Memory,
    destinations: Memory,
    services: Memory,
    service_rows: Memory,
    rules: Memory,
    limits: Memory,
}

impl RuleMemory {
    pub(super) fn open(pins: &Pins) -> Result<Self, KernelError> {
        Ok(Self {
            ports: Memory::of_pin(pins, "SERVICE_PORTS")?,
            destinations: Memory::of_pin(pins, "DESTINATIONS")?,
            services: Memory::of_pin(pins, "SERVICES")?,
            service_rows: Memory::of_pin(pins, "SERVICE_ROWS")?,
            rules: Memory::of_pin(pins, "RULES")?,
            limits: Memory::of_pin(pins, "LIMITS")?,
        })
    }

    /// Writes what the data path can reach. What a policy without services leaves in the tables is out of its reach.
    pub(super) fn write(&self, slot: u32, tables: &RuleTables) {
        let slot = slot as usize;
        if let Some(services) = &tables.services {
            store(&self.ports, slot * PORT_WORDS, words(&services.ports));
            store(&self.services, slot * SERVICE_WORDS, words(&services.services));
            let rows = tables.service_rows.iter().flat_map(ServiceRow::words);
            store(&self.service_rows, slot * SERVICE_ROW_WORDS, rows);
            let Destinations { high, low, classes } = &*services.destinations;
            let all = high.iter().chain(low).copied().chain(words(classes));
            store(&self.destinations, slot * DESTINATION_WORDS, all);
        }
        let none = std::iter::repeat(0);
        store(
            &self.rules,
            slot * RULE_WORDS,
            tables.rules.iter().map(Rule::word).chain(none).take(RULE_WORDS),
        );
        for (number, row) in &tables.limits {
            store(
                &self.limits,
                slot * LIMIT_WORDS + usize::from(*number) * ROW_WORDS,
                row.words().into_iter(),
            );
        }
    }
}

fn store(memory: &Memory, start: usize, values: impl Iterator<Item = u64>) {
    for (word, value) in memory.words().iter().skip(start).zip(values) {
        word.store(value, Ordering::Relaxed);
    }
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    let (words, _) = bytes.as_chunks::<WORD>();
    words.iter().map(|word| u64::from_ne_bytes(*word))
}
