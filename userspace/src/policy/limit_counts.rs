//! What limits have counted, in a model.

use std::cell::RefCell;
use std::collections::BTreeMap;

use xdpgate_ebpf::abi::{Count, LimitCounters};
use xdpgate_ebpf::rules::LimitCount;

/// Counters of limits, by the number of the row.
#[derive(Debug, Default)]
pub(super) struct LimitCounts(RefCell<BTreeMap<u16, LimitCounters>>);

impl LimitCounts {
    pub(super) fn get(&self, number: u16) -> LimitCounters {
        self.0.borrow().get(&number).copied().unwrap_or(LimitCounters::ZERO)
    }

    pub(super) fn count(&self, number: u16, what: LimitCount, bytes: u32) {
        let mut counters = self.0.borrow_mut();
        let row = counters.entry(number).or_insert(LimitCounters::ZERO);
        let counter = match what {
            LimitCount::Charged | LimitCount::TakenBack => &mut row.charged,
            LimitCount::Dropped => &mut row.dropped,
            LimitCount::Monitored => &mut row.monitored,
        };
        let (packets, bytes) = match what {
            LimitCount::TakenBack => (1_u64.wrapping_neg(), u64::from(bytes).wrapping_neg()),
            LimitCount::Charged | LimitCount::Dropped | LimitCount::Monitored => (1, u64::from(bytes)),
        };
        *counter = Count {
            packets: counter.packets.wrapping_add(packets),
            bytes: counter.bytes.wrapping_add(bytes),
        };
    }
}
