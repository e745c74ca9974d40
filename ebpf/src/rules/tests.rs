use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use proptest::prelude::*;

use super::*;
use crate::abi::{
    Access, AttributeSet, BUCKET_SET_WORDS, Ban, EventBudget, Limit, LimitRow, MAX_SERVICES, MIN_BUCKET_BITS,
    Meter, ServiceRow, SourceLimits, family, limit_flag, limit_key, limit_unit,
};
use crate::buckets::{BucketMemory, HostTable, Shape};
use crate::limit::ticks;
use crate::packet::{Source, TCP_SYN, protocol, widen};
use crate::reason::Reason;

const NOW_NS: u64 = 86_400_000_000_000;
const SERVICE: u8 = 1;
const SHAPE: Shape = Shape { seed: 0x0123_4567_89ab_cdef, bits: MIN_BUCKET_BITS };

/// One service, whose limits are numbered from 1.
struct Host {
    buckets: HostTable<Vec<AtomicU64>>,
    rows: Vec<LimitRow>,
    counted: Mutex<BTreeMap<u16, [i64; 3]>>,
}

impl Host {
    fn new(rows: Vec<LimitRow>) -> Self {
        let words = std::iter::repeat_with(AtomicU64::default).take(SHAPE.sets() as usize * BUCKET_SET_WORDS);
        Self { buckets: HostTable::new(words.collect(), SHAPE), rows, counted: Mutex::default() }
    }

    fn judge(&self, packet: &Packet, now_ns: u64) -> RuleVerdict {
        let case = RuleCase { service: SERVICE, packet, settings: &SETTINGS, plan: 0, country: [0; 2] };
        let mut steps = Steps::NONE;
        judge(self, &now_ns, &case, &mut steps)
    }

    /// Charged, dropped and monitored, by limit.
    fn counts(&self) -> Vec<[i64; 3]> {
        let counted = self.counted.lock().unwrap();
        (1..).zip(&self.rows).map(|(number, _)| counted.get(&number).copied().unwrap_or_default()).collect()
    }

    fn state(&self, row: usize, packet: &Packet) -> u64 {
        let case = RuleCase { service: SERVICE, packet, settings: &SETTINGS, plan: 0, country: [0; 2] };
        let key = bucket_key(&self.rows[row], 0, &case);
        self.buckets.state(&key, self.rows[row].class.into()).unwrap_or(0)
    }
}

impl Tables for Host {
    type Buckets = HostTable<Vec<AtomicU64>>;

    fn paused(&self) -> bool {
        false
    }

    fn generation(&self) -> u64 {
        1
    }

    fn settings(&self, _: u64) -> Option<&Settings> {
        Some(&SETTINGS)
    }

    fn attributes(&self, _: u64, _: &Source) -> AttributeSet {
        AttributeSet::EMPTY
    }

    fn ban(&self, _: &Source) -> Option<Ban> {
        None
    }

    fn buckets(&self) -> &Self::Buckets {
        &self.buckets
    }

    fn return_at(&self) -> u64 {
        0
    }

    fn port_class(&self, _: u64, _: u32) -> u8 {
        0
    }

    fn border(&self, _: u64, _: u32) -> (u64, u64) {
        (u64::MAX, u64::MAX)
    }

    fn destination_class(&self, _: u64, _: u32) -> u8 {
        0
    }

    fn service(&self, _: u64, _: u8, _: u8) -> u8 {
        SERVICE
    }

    fn service_row(&self, _: u64, _: u8) -> ServiceRow {
        ServiceRow::NONE
    }

    fn rule(&self, _: u64, _: u8, _: u8) -> Rule {
        let mut rule = Rule::UNLIMITED;
        for (place, (number, _)) in rule.limits.iter_mut().zip((1..).zip(&self.rows)) {
            *place = number;
        }
        rule
    }

    fn limit(&self, _: u64, number: u16) -> Option<&LimitRow> {
        self.rows.get(usize::from(number).checked_sub(1)?)
    }

    fn count_limit(&self, number: u16, count: LimitCount, _: u32) {
        let mut counted = self.counted.lock().unwrap();
        let counts = counted.entry(number).or_default();
        match count {
            LimitCount::Charged => counts[0] += 1,
            LimitCount::TakenBack => counts[0] -= 1,
            LimitCount::Dropped => counts[1] += 1,
            LimitCount::Monitored => counts[2] += 1,
        }
    }
}

const SETTINGS: Settings = Settings {
    generation: 1,
    source: SourceLimits { packets: Limit::NONE, bytes: Limit::NONE },
    events: EventBudget { cost: 0, burst: 0 },
    ipv4_key: [0xff; 4],
    reserved: [0; 4],
    ipv6_key: [0xff; 16],
    management_ports: [[0; 2]; 8],
    udp_services: [[0; 2]; 16],
    default_action: 0,
    fragments: 0,
    modes: 0,
    rules: 1,
    spare: [0; 4],
    access: [Access::OPEN; MAX_SERVICES as usize],
};

/// Ticks that a packet costs.
const COST: u64 = 1 << 24;

/// A limit of so many packets at once for each network of this length.
fn row(class: u16, burst: u64, length: u32, flags: u8) -> LimitRow {
    LimitRow {
        meter: Meter::bucket(Limit { cost: COST << 16, burst: COST * burst }),
        ipv6_key: [0xff; 8],
        ipv4_key: u32::MAX.checked_shl(32 - length).unwrap_or(0).to_be_bytes(),
        class,
        unit: limit_unit::PACKETS,
        key: limit_key::ADDRESS,
        flags,
        spare: [0; 7],
    }
}

fn from(address: [u8; 4]) -> Packet {
    let mut packet = Packet::unread(60);
    packet.source = Source { address: widen(address), family: family::IPV4 };
    packet.protocol = protocol::TCP;
    packet.tcp_flags = TCP_SYN;
    packet
}

proptest! {
    /// Against words in a map, asked first and charged after, packet for packet and count for count.
    #[test]
    fn all_limits_charge_a_packet_or_none_does(
        limits in prop::collection::vec((1_u64..12, prop::sample::select(vec![0_u32, 16, 24, 32]), any::<bool>()), 1..=4),
        packets in prop::collection::vec((0_u8..3, 0_u8..3, 0_u64..4_000_000), 1..300),
    ) {
        let rows: Vec<_> = (3..)
            .zip(&limits)
            .map(|(class, (burst, length, watched))| {
                row(class, *burst, *length, if *watched { limit_flag::MONITOR } else { 0 })
            })
            .collect();
        let host = Host::new(rows.clone());
        let mut words: BTreeMap<(usize, u32), u64> = BTreeMap::new();
        let mut expected = vec![[0_i64; 3]; rows.len()];
        let mut now_ns = NOW_NS;
        for (network, last, gap) in packets {
            now_ns += gap;
            let now = ticks(now_ns);
            let address = [192, 0, network, last];
            let key = |row: &LimitRow| u32::from_be_bytes(address) & u32::from_be_bytes(row.ipv4_key);
            let mut over = None;
            let mut charged = Vec::new();
            for (number, row) in rows.iter().enumerate() {
                let word = words.get(&(number, key(row))).copied().unwrap_or(0);
                match row.meter.admit(word, now, COST) {
                    Some(next) => charged.push((number, key(row), next)),
                    None if row.flags & limit_flag::MONITOR != 0 => expected[number][2] += 1,
                    None => {
                        expected[number][1] += 1;
                        over = Some(number);
                        break;
                    }
                }
            }
            let verdict = host.judge(&from(address), now_ns);
            if let Some(number) = over {
                prop_assert_eq!(verdict.reason(), Some(Reason::PacketLimit));
                prop_assert_eq!(usize::from(verdict.limit()), number + 1);
                continue;
            }
            let reason = if charged.is_empty() { Reason::DefaultPass } else { Reason::WithinLimit };
            prop_assert_eq!(verdict.reason(), Some(reason));
            for (number, key, next) in charged {
                words.insert((number, key), next);
                expected[number][0] += 1;
            }
        }
        prop_assert_eq!(host.counts(), expected);
    }
}

/// Whatever races are lost, what is charged to one limit is charged to all: their words say the same at the end.
#[test]
fn threads_charge_all_limits_or_none() {
    const THREADS: usize = 4;
    const TIGHTEST: u64 = 5_000;
    let rows = vec![row(3, 9_000, 32, 0), row(4, TIGHTEST, 24, 0), row(5, 7_000, 0, 0)];
    let host = Host::new(rows);
    let packet = from([192, 0, 2, 1]);
    let admitted: u64 = std::thread::scope(|scope| {
        let send = || {
            (0..4_000).filter(|_| host.judge(&packet, NOW_NS).reason() == Some(Reason::WithinLimit)).count()
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(send)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap() as u64).sum()
    });
    assert!((TIGHTEST..TIGHTEST + THREADS as u64).contains(&admitted), "{admitted}");
    let used: Vec<_> = (0..3).map(|row| (host.state(row, &packet) - ticks(NOW_NS)) / COST).collect();
    assert_eq!(used, [admitted; 3]);
    let charged: Vec<_> = host.counts().iter().map(|counts| counts[0]).collect();
    assert_eq!(charged, [i64::try_from(admitted).unwrap(); 3]);
}

#[test]
fn a_table_without_room_passes_and_says_so() {
    let host = Host { buckets: HostTable::new(Vec::new(), SHAPE), ..Host::new(vec![row(3, 1, 32, 0)]) };
    assert_eq!(host.buckets().set(0).map(|_| ()), None);
    let verdict = host.judge(&from([192, 0, 2, 1]), NOW_NS);
    assert_eq!(verdict.reason(), Some(Reason::LimiterFull));
    assert_eq!(host.counts(), [[0, 0, 0]], "nothing was charged");
}
