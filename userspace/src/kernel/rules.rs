//! Writing services, plans and limits into the slot of a generation.

use xdpgate_ebpf::abi::{
    DESTINATION_CLASSES, Destinations, LimitRow, MAX_LIMITS, MAX_PLANS, MAX_SERVICES, PORT_CLASSES, Rule,
    ServiceRow, port_place,
};

use super::error::KernelError;
use super::memory::{Memory, Pen};
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
    pub(super) fn write(&self, slot: u32, tables: &RuleTables, pen: &mut Pen) {
        let slot = slot as usize;
        if let Some(services) = &tables.services {
            put(&self.ports, slot * PORT_WORDS, words(&services.ports), pen);
            put(&self.services, slot * SERVICE_WORDS, words(&services.services), pen);
            let rows = tables.service_rows.iter().flat_map(ServiceRow::words);
            put(&self.service_rows, slot * SERVICE_ROW_WORDS, rows, pen);
            let Destinations { high, low, classes } = &*services.destinations;
            let all = high.iter().chain(low).copied().chain(words(classes));
            put(&self.destinations, slot * DESTINATION_WORDS, all, pen);
        }
        let none = std::iter::repeat(0);
        let rules = tables.rules.iter().map(Rule::word).chain(none).take(RULE_WORDS);
        put(&self.rules, slot * RULE_WORDS, rules, pen);
        for (number, row) in &tables.limits {
            let place = slot * LIMIT_WORDS + usize::from(*number) * ROW_WORDS;
            put(&self.limits, place, row.words().into_iter(), pen);
        }
    }
}

fn put(memory: &Memory, start: usize, values: impl Iterator<Item = u64>, pen: &mut Pen) {
    for (word, value) in memory.words().iter().skip(start).zip(values) {
        pen.put(word, value);
    }
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    let (words, _) = bytes.as_chunks::<WORD>();
    words.iter().map(|word| u64::from_ne_bytes(*word))
}
