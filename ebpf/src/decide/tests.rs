use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;
use crate::abi::{
    Access, BUCKET_SET_WORDS, Ban, EventBudget, Limit, LimitRow, MIN_BUCKET_BITS, Meter, Rule, ServiceRow,
    SourceLimits, access_flag, bucket_class, family, fragments, limit_flag, limit_key, limit_number,
    limit_unit, mode, service,
};
use crate::buckets::{BucketKey, HostTable, Shape};
use crate::packet;
use crate::packet::{Source, TCP_ACK, TCP_SYN, widen};
use crate::rules::LimitCount;
use crate::verdict::{Action, ListNumber};

const NOW_NS: u64 = 1_000_000_000_000;
const GENERATION: u64 = 3;
/// One packet, and no other for a long time.
const ONE: Limit = Limit { cost: 1 << 50, burst: 1 << 34 };

/// Tables that know one source only: every question about a source gets the same answer.
struct Stub {
    paused: bool,
    generation: u64,
    settings: Settings,
    attributes: AttributeSet,
    ban: Option<Ban>,
    buckets: HostTable<Vec<AtomicU64>>,
    return_at: u64,
    /// By service and plan. The service of a packet is the lower byte of its destination port.
    rules: BTreeMap<(u8, u8), Rule>,
    limits: BTreeMap<u16, LimitRow>,
    counted: RefCell<Vec<(u16, LimitCount)>>,
}

/// An empty table. One without sets has no room for anybody.
fn buckets(sets: usize) -> HostTable<Vec<AtomicU64>> {
    let words = std::iter::repeat_with(AtomicU64::default).take(sets * BUCKET_SET_WORDS);
    HostTable::new(words.collect(), Shape { seed: 1, bits: MIN_BUCKET_BITS })
}

impl Tables for Stub {
    type Buckets = HostTable<Vec<AtomicU64>>;

    fn paused(&self) -> bool {
        self.paused
    }

    fn generation(&self) -> u64 {
        self.generation
    }

    fn settings(&self, generation: u64) -> Option<&Settings> {
        (generation == GENERATION).then_some(&self.settings)
    }

    fn attributes(&self, _: u64, _: &Source) -> AttributeSet {
        self.attributes
    }

    fn ban(&self, _: &Source) -> Option<Ban> {
        self.ban
    }

    fn buckets(&self) -> &Self::Buckets {
        &self.buckets
    }

    fn return_at(&self) -> u64 {
        self.return_at
    }

    fn port_class(&self, _: u64, place: u32) -> u8 {
        place.to_le_bytes()[0]
    }

    fn border(&self, _: u64, _: u32) -> (u64, u64) {
        (u64::MAX, u64::MAX)
    }

    fn destination_class(&self, _: u64, borders: u32) -> u8 {
        u8::try_from(borders).unwrap()
    }

    fn service(&self, _: u64, _: u8, ports: u8) -> u8 {
        ports
    }

    fn service_row(&self, _: u64, service: u8) -> ServiceRow {
        ServiceRow { salt: service.into(), ..ServiceRow::NONE }
    }

    fn rule(&self, _: u64, service: u8, plan: u8) -> Rule {
        self.rules.get(&(service, plan)).copied().unwrap_or(Rule::UNLIMITED)
    }

    fn limit(&self, _: u64, number: u16) -> Option<&LimitRow> {
        self.limits.get(&number)
    }

    fn count_limit(&self, number: u16, count: LimitCount, _: u32) {
        self.counted.borrow_mut().push((number, count));
    }
}

const NO_LIMITS: SourceLimits = SourceLimits { packets: Limit::NONE, bytes: Limit::NONE };

/// Passes everything.
fn stub() -> Stub {
    Stub {
        paused: false,
        generation: GENERATION,
        settings: Settings {
            generation: GENERATION,
            source: NO_LIMITS,
            events: EventBudget { cost: 0, burst: 0 },
            ipv4_key: [0xff; 4],
            reserved: [0; 4],
            ipv6_key: [0xff; 16],
            management_ports: [[0; 2]; 8],
            udp_services: [[0; 2]; 16],
            default_action: action::PASS,
            fragments: fragments::PASS,
            modes: 0,
            rules: 0,
            spare: [0; 4],
            access: [Access::OPEN; MAX_SERVICES as usize],
        },
        attributes: AttributeSet::EMPTY,
        ban: None,
        buckets: buckets(1 << MIN_BUCKET_BITS),
        return_at: 0,
        rules: BTreeMap::new(),
        limits: BTreeMap::new(),
        counted: RefCell::default(),
    }
}

/// Which service a test is about.
const SERVICE: u8 = 80;

impl Stub {
    /// What holds for packets of no service.
    fn access(&mut self) -> &mut Access {
        &mut self.settings.access[0]
    }

    fn limit_fragments(&mut self, limit: Limit, flags: u8) {
        let number = limit_number::FRAGMENTS;
        self.rules.insert((service::FRAGMENTS, 0), Rule { limits: [number, 0, 0, 0] });
        self.limits.insert(
            number,
            LimitRow {
                meter: Meter::bucket(limit),
                ipv6_key: [0xff; 8],
                ipv4_key: [0xff; 4],
                class: u16::try_from(bucket_class::FRAGMENTS).unwrap(),
                unit: limit_unit::FRAGMENTS,
                key: limit_key::ADDRESS,
                flags,
                spare: [0; 7],
            },
        );
    }
}

fn ethernet(ether_type: u16, packet: &[u8]) -> Vec<u8> {
    [&[0; 12][..], &ether_type.to_be_bytes(), packet].concat()
}

fn tcp(destination_port: u16, flags: u8) -> Vec<u8> {
    let mut packet = vec![0; 40];
    packet[0] = 0x45;
    packet[3] = 40;
    packet[9] = packet::protocol::TCP;
    packet[22..24].copy_from_slice(&destination_port.to_be_bytes());
    packet[32] = 0x50;
    packet[33] = flags;
    ethernet(0x0800, &packet)
}

fn later_fragment() -> Vec<u8> {
    let mut frame = tcp(80, TCP_SYN);
    frame[21] = 9;
    frame
}

fn neighbour() -> Vec<u8> {
    let mut packet = vec![0; 48];
    packet[0] = 0x60;
    packet[5] = 8;
    packet[6] = packet::protocol::ICMPV6;
    packet[7] = 255;
    packet[40] = 135;
    ethernet(0x86dd, &packet)
}

fn judge(tables: &Stub, frame: &[u8]) -> Verdict {
    let mut packet = Packet::unread(0);
    decide(&frame, &mut packet, tables, &NOW_NS)
}

fn reason(tables: &Stub, frame: &[u8]) -> Reason {
    judge(tables, frame).reason
}

/// Everything speaks against the packet; what is taken away step by step shows the order of the steps.
#[test]
fn the_steps_come_in_their_order() {
    let syn = tcp(22, TCP_SYN);
    let mut tables = stub();
    tables.paused = true;
    tables.generation = 0;
    tables.attributes = AttributeSet {
        lists: 0b110,
        flags: attribute::ALLOWED | attribute::MANAGEMENT,
        country: *b"AQ",
        denied: 0b10,
        ..AttributeSet::EMPTY
    };
    tables.settings.management_ports[7] = 22u16.to_be_bytes();
    *tables.access() =
        Access { lists_enforced: 0b100, lists_monitored: 0b010, country: 0b10, ..Access::OPEN };
    tables.settings.default_action = action::DROP;
    tables.settings.source.packets = ONE;
    tables.ban = Some(Ban { expires_ns: NOW_NS + 1 });

    assert_eq!(reason(&tables, &syn), Reason::Paused);
    tables.paused = false;
    assert_eq!(reason(&tables, &syn), Reason::NoPolicy);
    tables.generation = GENERATION + 1;
    assert_eq!(reason(&tables, &syn), Reason::NoPolicy);
    tables.generation = GENERATION;
    assert_eq!(reason(&tables, &syn), Reason::Allowed);
    tables.attributes.flags &= !attribute::ALLOWED;
    assert_eq!(reason(&tables, &neighbour()), Reason::Neighbour);
    assert_eq!(reason(&tables, &syn), Reason::Management);
    tables.attributes.flags &= !attribute::MANAGEMENT;
    assert_eq!(reason(&tables, &syn), Reason::Banned);
    tables.ban = Some(Ban { expires_ns: NOW_NS });
    let verdict = judge(&tables, &syn);
    assert_eq!((verdict.reason, verdict.list.map(ListNumber::bit)), (Reason::Blocklisted, Some(2)));
    assert_eq!((verdict.lists_monitored, verdict.monitored), (0b010, Reason::Blocklisted.bit()));
    assert_eq!(verdict.country, *b"AQ");
    tables.attributes.lists = 0;
    assert_eq!(reason(&tables, &syn), Reason::CountryDenied);
    tables.attributes.country = [0; 2];
    assert_eq!(reason(&tables, &syn), Reason::CountryUnknown);
    tables.attributes.denied = 0;
    assert_eq!(reason(&tables, &later_fragment()), Reason::Fragment);
    assert_eq!(reason(&tables, &syn), Reason::DefaultDrop);
    let untouched = tables.buckets.words().iter().all(|word| word.load(Ordering::Relaxed) == 0);
    assert!(untouched, "what is dropped anyway is not charged");
    tables.settings.default_action = action::PASS;
    assert_eq!(reason(&tables, &syn), Reason::WithinLimit);
    tables.settings.source = NO_LIMITS;
    assert_eq!(reason(&tables, &syn), Reason::DefaultPass);
}

#[test]
fn what_cannot_be_read_is_told_apart() {
    let tables = stub();
    assert_eq!(reason(&tables, &ethernet(0x0806, &[0; 28])), Reason::NotIp);
    assert_eq!(reason(&tables, &tcp(80, 0)[..40]), Reason::Malformed);
    assert_eq!(reason(&tables, &ethernet(0x8100, &[0x81, 0, 0x81, 0].repeat(6))), Reason::TooDeep);
    // A pause passes what can't be read, too.
    assert_eq!(reason(&Stub { paused: true, ..stub() }, &[]), Reason::Paused);
    assert_eq!(reason(&Stub { generation: 0, ..stub() }, &[]), Reason::NoPolicy);
}

#[test]
fn a_limiter_without_room_passes_and_says_so() {
    let mut tables = Stub { buckets: buckets(0), ..stub() };
    tables.settings.source.packets = ONE;
    assert_eq!(reason(&tables, &tcp(80, 0)), Reason::LimiterFull);
    tables.settings.fragments = fragments::LIMIT;
    tables.limit_fragments(ONE, 0);
    assert_eq!(reason(&tables, &later_fragment()), Reason::LimiterFull);
    assert_eq!(Reason::LimiterFull.action(), Action::Pass);
}

/// The bucket of the stub is full, and these limits let nothing through.
#[test]
fn rules_in_monitor_mode_count_and_let_go_on() {
    const NOTHING: Limit = Limit { cost: 1 << 50, burst: 1 };
    let mut tables = stub();
    tables.settings.modes = mode::MONITOR_LIMITS | mode::MONITOR_FRAGMENTS;
    *tables.access() = Access {
        lists_monitored: 1,
        country: 1,
        flags: access_flag::COUNTRY_MONITOR | access_flag::COUNTRY_ALL,
        ..Access::OPEN
    };
    tables.settings.fragments = fragments::LIMIT;
    tables.limit_fragments(NOTHING, limit_flag::MONITOR);
    tables.settings.source.packets = NOTHING;
    tables.attributes = AttributeSet { lists: 1, denied: 1, country: *b"AQ", ..AttributeSet::EMPTY };
    let verdict = judge(&tables, &later_fragment());
    assert_eq!((verdict.reason, verdict.action()), (Reason::DefaultPass, Action::Pass));
    let rules = [Reason::Blocklisted, Reason::CountryDenied, Reason::FragmentLimit, Reason::PacketLimit];
    assert_eq!(verdict.monitored, rules.iter().fold(0, |bits, rule| bits | rule.bit()));
    assert_eq!((verdict.list, verdict.lists_monitored), (None, 1));

    tables.settings.modes = 0;
    *tables.access() = Access { country: 1, ..Access::OPEN };
    tables.limit_fragments(NOTHING, 0);
    assert_eq!(reason(&tables, &later_fragment()), Reason::FragmentLimit);
    let counted = tables.counted.borrow();
    let of_fragments = |count| (limit_number::FRAGMENTS, count);
    assert_eq!(*counted, [of_fragments(LimitCount::Monitored), of_fragments(LimitCount::Dropped)]);
    assert_eq!(reason(&tables, &tcp(80, TCP_ACK)), Reason::PacketLimit);
    tables.settings.source = SourceLimits { packets: Limit::NONE, bytes: NOTHING };
    assert_eq!(reason(&tables, &tcp(80, TCP_ACK)), Reason::ByteLimit);
}

/// Unused places of the port tables are zero; a packet to port 0 must not match them.
#[test]
fn port_zero_is_no_service() {
    let mut tables = stub();
    tables.attributes.flags = attribute::MANAGEMENT;
    assert_eq!(reason(&tables, &tcp(0, TCP_SYN)), Reason::DefaultPass);
    tables.attributes = AttributeSet { denied: 1, ..AttributeSet::EMPTY };
    tables.access().country = 1;
    let mut udp = tcp(0, 0);
    udp[23] = packet::protocol::UDP;
    assert_eq!(reason(&tables, &udp), Reason::DefaultPass);
}

/// Each service has lists and a country rule of its own; what holds for one says nothing of another.
#[test]
fn a_service_has_its_own_access() {
    let mut tables = stub();
    tables.settings.rules = rules::SERVICES;
    tables.attributes = AttributeSet { lists: 0b11, denied: 0b100, country: *b"AQ", ..AttributeSet::EMPTY };
    *tables.access() = Access { lists_enforced: 0b10, ..Access::OPEN };
    let row = usize::from(SERVICE);
    tables.settings.access[row] = Access { lists_monitored: 0b01, country: 0b100, ..Access::OPEN };
    let to_service = |flags| tcp(u16::from(SERVICE), flags);

    let verdict = judge(&tables, &tcp(81, TCP_SYN));
    assert_eq!((verdict.reason, verdict.lists_monitored), (Reason::DefaultPass, 0), "a service that is open");
    assert_eq!(reason(&tables, &tcp(0, TCP_SYN)), Reason::Blocklisted, "no service");
    let verdict = judge(&tables, &to_service(TCP_SYN));
    assert_eq!((verdict.reason, verdict.lists_monitored), (Reason::CountryDenied, 0b01));
    assert_eq!(reason(&tables, &to_service(TCP_ACK)), Reason::DefaultPass, "it answers");
    tables.settings.access[row].flags = access_flag::COUNTRY_ALL;
    assert_eq!(reason(&tables, &to_service(TCP_ACK)), Reason::CountryDenied);
    tables.settings.access[row].country = 0b1000;
    assert_eq!(reason(&tables, &to_service(TCP_ACK)), Reason::DefaultPass, "a rule that does not deny it");
}

/// A datagram starts something where the host serves: on the ports that the policy names, and on those of a service with a
/// country rule.
#[test]
fn a_datagram_to_a_service_starts_something() {
    let mut tables = stub();
    tables.settings.rules = rules::SERVICES;
    tables.attributes = AttributeSet { denied: 1, country: *b"AQ", ..AttributeSet::EMPTY };
    tables.settings.access = [Access { country: 1, ..Access::OPEN }; MAX_SERVICES as usize];
    let mut udp = tcp(SERVICE.into(), 0);
    udp[23] = packet::protocol::UDP;
    assert_eq!(reason(&tables, &udp), Reason::DefaultPass);
    tables.settings.access[usize::from(SERVICE)].flags = access_flag::UDP_STARTS;
    assert_eq!(reason(&tables, &udp), Reason::CountryDenied);
    tables.settings.access[usize::from(SERVICE)].flags = 0;
    tables.settings.udp_services[15] = u16::from(SERVICE).to_be_bytes();
    assert_eq!(reason(&tables, &udp), Reason::CountryDenied);
}

proptest! {
    #[test]
    fn the_lowest_list_that_enforces_drops(lists: u64, enforced: u64, monitored: u64) {
        let mut tables = stub();
        tables.attributes.lists = lists;
        let monitored = monitored & !enforced;
        *tables.access() = Access { lists_enforced: enforced, lists_monitored: monitored, ..Access::OPEN };
        let verdict = judge(&tables, &tcp(80, TCP_ACK));
        let both = lists & enforced;
        let expected = (both != 0).then(|| both.trailing_zeros());
        prop_assert_eq!(verdict.list.map(|list| u32::from(list.bit())), expected);
        prop_assert_eq!(verdict.reason == Reason::Blocklisted, both != 0);
        prop_assert_eq!(verdict.lists_monitored, lists & monitored);
    }

    #[test]
    fn a_bucket_is_keyed_by_the_bits_of_the_policy(v4: [u8; 4], v6: [u8; 16], length4 in 1u32..=32, length6 in 1u32..=128) {
        let mut settings = stub().settings;
        settings.ipv4_key = (u32::MAX << (32 - length4)).to_be_bytes();
        settings.ipv6_key = (u128::MAX << (128 - length6)).to_be_bytes();
        let source = Source { address: widen(v4), family: family::IPV4 };
        let key = bucket_key(&settings, &source);
        let masked = u32::from_be_bytes(v4) >> (32 - length4) << (32 - length4);
        prop_assert_eq!(key, BucketKey { high: u64::from(masked), low: 0, salt: 0, family: family::IPV4 });
        let source = Source { address: v6, family: family::IPV6 };
        let key = bucket_key(&settings, &source);
        let masked = u128::from_be_bytes(v6) >> (128 - length6) << (128 - length6);
        prop_assert_eq!(u128::from(key.high) << 64 | u128::from(key.low), masked);
        prop_assert_eq!(key.family, family::IPV6);
    }
}
