//! What the counters must say, kept beside the kernel with the model's verdicts.

use std::collections::BTreeMap;

use xdpgate::country::CountryCode;
use xdpgate::kernel::{CounterSums, monotonic_ns};
use xdpgate::policy::Model;
use xdpgate_ebpf::abi::{Count, CountryCounters, ListCounters, MAX_LISTS};
use xdpgate_ebpf::decide::decide;
use xdpgate_ebpf::packet::{Bytes, Packet, View};
use xdpgate_ebpf::reason::Reason;
use xdpgate_ebpf::verdict::{Action, Verdict};

use super::gate::{Gate, Program, SHORTEST, XDP_DROP, XDP_PASS};

/// Lists that scenes have; the others are compared at the end.
const LISTS_IN_USE: usize = 3;
const NO_COUNTS: ListCounters = ListCounters { dropped: Count::ZERO, monitored: Count::ZERO };

/// A gate, the model of its tables, and what its counters must say.
pub(crate) struct Ledger<'a> {
    gate: &'a Gate,
    model: &'a Model,
    first_buffer: usize,
    counted: CounterSums,
    lists: [ListCounters; MAX_LISTS],
    /// By the letters of a country; zeroes: sources of no known one.
    countries: BTreeMap<[u8; 2], CountryCounters>,
}

/// A frame as the kernel hands it over: the program reads the first buffer and may ask how long the whole is.
struct Buffered<'a> {
    visible: &'a [u8],
    whole: &'a [u8],
}

impl View for Buffered<'_> {
    fn len(&self) -> u32 {
        View::len(&self.visible)
    }

    fn frame_len(&self) -> u32 {
        View::len(&self.whole)
    }

    fn read<const N: usize>(&self, offset: u32) -> Option<Bytes<N>> {
        self.visible.read(offset)
    }
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(gate: &'a Gate, model: &'a Model) -> Self {
        let first_buffer = gate.first_buffer();
        let (counted, lists, countries) = (gate.counted(), [NO_COUNTS; MAX_LISTS], BTreeMap::new());
        Self { gate, model, first_buffer, counted, lists, countries }
    }

    /// Whether the program can be run over such a frame.
    pub(crate) const fn takes(&self, program: Program, frame: &[u8]) -> bool {
        frame.len() >= SHORTEST
            && match program {
                Program::OneBuffer => frame.len() <= self.first_buffer,
                Program::Fragments => true,
            }
    }

    /// Runs one packet through the kernel and the model and compares everything that has changed, and that has not.
    pub(crate) fn send(&mut self, program: Program, frame: &[u8], about: &dyn Fn() -> String) -> Reason {
        let answer = self.gate.run(program, frame, 1).return_value;
        let visible = frame.get(..self.first_buffer).unwrap_or(frame);
        let mut packet = Packet::unread(0);
        let verdict = decide(&Buffered { visible, whole: frame }, &mut packet, self.model, &monotonic_ns());

        let expected = match verdict.action() {
            Action::Pass => XDP_PASS,
            Action::Drop => XDP_DROP,
        };
        assert_eq!(answer, expected, "{}, {program:?}: {verdict:?}", about());
        self.enter(&verdict, visible.len(), packet.bytes);
        let counted = self.gate.counted();
        assert!(
            counted == self.counted,
            "{}, {program:?}: {verdict:?}, but {}",
            about(),
            difference(&self.counted, &counted)
        );
        for (bit, expected) in (0..).zip(self.lists.iter().take(LISTS_IN_USE)) {
            assert_eq!(self.gate.counted_by_list(bit), *expected, "{}, {program:?}: list {bit}", about());
        }
        verdict.reason
    }

    /// Compares what no single packet was compared with.
    pub(crate) fn close(&self) {
        self.gate.assert_other_slots_are_untouched();
        assert_eq!(self.gate.kernel.list_counters().unwrap(), self.lists);
        let counted = self.gate.kernel.country_counters().unwrap().into_iter();
        let by_letters = counted
            .map(|(country, counters)| (country.as_ref().map_or([0; 2], CountryCode::as_bytes), counters));
        assert_eq!(by_letters.collect::<BTreeMap<_, _>>(), self.countries);
        let decided: u64 = self.counted.decided.iter().map(|count| count.packets).sum();
        assert_eq!(decided, self.counted.seen.packets, "the reasons add up to the packets seen");
    }

    fn enter(&mut self, verdict: &Verdict, seen: usize, bytes: u32) {
        count(&mut self.counted.seen, seen as u64);
        let bytes = u64::from(bytes);
        count(&mut self.counted.decided[verdict.reason.index()], bytes);
        for reason in Reason::ALL.iter().filter(|reason| verdict.monitored & reason.bit() != 0) {
            count(&mut self.counted.monitored[reason.index()], bytes);
        }
        let by_country = Reason::CountryDenied.bit() | Reason::CountryUnknown.bit();
        if verdict.reason.bit() & by_country != 0 {
            let row = self.countries.entry(verdict.country).or_insert(CountryCounters::ZERO);
            count(&mut row.dropped, bytes);
        } else if verdict.monitored & by_country != 0 {
            let row = self.countries.entry(verdict.country).or_insert(CountryCounters::ZERO);
            count(&mut row.monitored, bytes);
        }
        for (bit, list) in self.lists.iter_mut().enumerate() {
            if verdict.list.is_some_and(|list| usize::from(list.bit()) == bit) {
                count(&mut list.dropped, bytes);
            }
            if verdict.lists_monitored & (1 << bit) != 0 {
                count(&mut list.monitored, bytes);
            }
        }
    }
}

const fn count(counter: &mut Count, bytes: u64) {
    counter.packets += 1;
    counter.bytes += bytes;
}

fn difference(expected: &CounterSums, found: &CounterSums) -> String {
    let mut lines = vec![format!("seen is {:?}, not {:?}", found.seen, expected.seen)];
    for reason in Reason::ALL {
        let (found_decided, decided) = (found.decided(*reason), expected.decided(*reason));
        if found_decided != decided {
            lines.push(format!("{reason:?} is {found_decided:?}, not {decided:?}"));
        }
        let (found_monitored, monitored) = (found.monitored(*reason), expected.monitored(*reason));
        if found_monitored != monitored {
            lines.push(format!("{reason:?} monitored is {found_monitored:?}, not {monitored:?}"));
        }
    }
    lines.join("; ")
}
