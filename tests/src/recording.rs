//! A capture of millions of numbered frames of all kinds: those of many sources to several services, fragments, tags, and
//! frames that are malformed. The same seed gives the same frames.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::packets::{Extension, Ipv4, Ipv6, Mutations, Network, Payload, scenes};
use crate::raw::{NUMBER_BYTES, append_number};
use crate::veth::{GUARDED_MAC, OUTSIDE_MAC};

/// Nanoseconds, in the byte order of a little-endian host.
const PCAP_MAGIC: u32 = 0xa1b2_3c4d;
const PCAP_VERSION: [u8; 4] = [2, 0, 4, 0];
const SNAPLEN: u32 = 262_144;
const ETHERNET: u32 = 1;
/// Between two frames of the capture.
const GAP_NS: u64 = 1_000;
const START_SECONDS: u64 = 1_700_000_000;

const ADDRESSES: usize = 12;
const ETHERNET_HEADER: usize = 14;
const LONGEST: usize = 1_514 - NUMBER_BYTES;
const TAG_BYTES: usize = 4;
/// Where the source is in a frame without tags.
const IPV4_SOURCE: usize = 26;
const IPV6_SOURCE: usize = 22;
const VLANS: [&[u16]; 4] = [&[], &[], &[0x8100], &[0x88a8, 0x8100]];
/// Frames that nobody wrote.
const MUTATED: usize = 20_000;

/// Sources of one kind: consecutive IPv4 addresses, and as many consecutive /64.
struct Group {
    share: u64,
    ipv4: u32,
    ipv6: u128,
    sources: u64,
}

const fn group(share: u64, ipv4: [u8; 4], ipv6: [u16; 3], sources: u64) -> Group {
    let [a, b, c] = ipv6;
    let ipv6 = Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 1).to_bits();
    Group { share, ipv4: u32::from_be_bytes(ipv4), ipv6, sources }
}

/// Shares of 32. What each group is, the policy of the test says.
const GROUPS: [Group; 7] = [
    group(14, [198, 51, 0, 0], [0x2001, 0xdb8, 1], 12_288),
    group(4, [175, 45, 176, 0], [0x2001, 0xdb8, 0xa], 1_024),
    group(8, [203, 0, 96, 0], [0x2001, 0xdb8, 0xb], 4_096),
    group(2, [203, 1, 0, 0], [0x2001, 0xdb8, 0xc], 512),
    group(1, [192, 0, 4, 0], [0x2001, 0xdb8, 0xd], 128),
    group(2, [192, 0, 3, 0], [0x2001, 0xdb8, 0xe], 256),
    group(1, [10, 1, 0, 0], [0xfd00, 1, 0], 256),
];
/// The source of the marks between the frames, which is in no group.
pub const MARKER: Ipv4Addr = Ipv4Addr::new(192, 88, 99, 1);

/// A pcap file in memory.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The file.
    pub file: Vec<u8>,
    /// Where each frame begins and ends, by its number.
    places: Vec<(usize, usize)>,
}

/// A frame in which the source is to be written.
struct Template {
    bytes: Vec<u8>,
    source: usize,
    ipv4: bool,
}

impl Recording {
    /// So many frames; the last one of each `chunk` is from [`MARKER`].
    #[must_use]
    pub fn of(frames: u32, chunk: u32, seed: u64) -> Self {
        let (templates, strange) = (templates(), strange(seed));
        // The generator never leaves zero.
        let mut random = Random(seed | 1);
        let mut recording = Self { file: header(), places: Vec::new() };
        let mark = Ipv4::from(MARKER).carrying(&Payload::udp(40_000, 9)).ethernet().bytes;
        let mut frame = Vec::new();
        for number in 0..frames {
            frame.clear();
            if number % chunk == chunk - 1 || number == frames - 1 {
                frame.extend(&mark);
            } else if random.below(8) == 0 {
                frame.extend(random.one_of(&strange).map_or(&[][..], Vec::as_slice));
            } else if let Some(template) = random.one_of(&templates) {
                frame.extend(&template.bytes);
                write_source(&mut frame, template, &mut random);
            }
            append_number(&mut frame, number);
            recording.append(number, &frame);
        }
        recording
    }

    /// The frames of some numbers.
    #[must_use]
    pub fn frames(&self, numbers: std::ops::Range<usize>) -> Vec<&[u8]> {
        let places = self.places.get(numbers).unwrap_or_default();
        places.iter().filter_map(|(from, to)| self.file.get(*from..*to)).collect()
    }

    fn append(&mut self, number: u32, frame: &[u8]) {
        let time = u64::from(number) * GAP_NS;
        let seconds = START_SECONDS + time / 1_000_000_000;
        let length = frame.len() as u64;
        for field in [seconds, time % 1_000_000_000, length, length] {
            // Below 2^32, all of them.
            self.file.extend(&field.to_le_bytes()[..4]);
        }
        self.places.push((self.file.len(), self.file.len() + frame.len()));
        self.file.extend(frame);
    }
}

fn header() -> Vec<u8> {
    let words = |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|word| word.to_le_bytes()).collect() };
    [words(&[PCAP_MAGIC]), PCAP_VERSION.to_vec(), words(&[0, 0, SNAPLEN, ETHERNET])].concat()
}

/// Packets to the services of the policy and to ports of none, with and without tags, some of them fragments.
fn templates() -> Vec<Template> {
    let tcp = |port, flags| Payload::tcp(40_000, port, flags);
    let payloads = [
        tcp(443, 0x02),
        tcp(443, 0x10),
        tcp(443, 0x18),
        tcp(22, 0x02),
        tcp(8_443, 0x02),
        tcp(8_443, 0x12),
        Payload::udp(40_000, 53),
        Payload::udp(40_000, 443),
        Payload::udp(40_000, 443).of_length(400),
        Payload::udp(53, 40_000),
        Payload::udp(40_000, 9_999),
        Payload::other(47),
    ];
    let mut templates = Vec::new();
    // The place of the source in the frame without tags tells the families apart.
    let mut add = |packet: &Network, untagged: usize| {
        for tags in VLANS {
            let (bytes, source) = (packet.tagged(tags).bytes, untagged + tags.len() * TAG_BYTES);
            templates.push(Template { bytes, source, ipv4: untagged == IPV4_SOURCE });
        }
    };
    let (ipv4, ipv6) = (Ipv4::from(MARKER), Ipv6::from(Ipv6Addr::UNSPECIFIED));
    for payload in &payloads {
        add(&ipv4.carrying(payload), IPV4_SOURCE);
        add(&ipv4.options(3).carrying(payload), IPV4_SOURCE);
        add(&ipv6.carrying(payload), IPV6_SOURCE);
        add(
            &ipv6.extensions(&[Extension::HopByHop(0), Extension::Destination(1)]).carrying(payload),
            IPV6_SOURCE,
        );
    }
    add(&ipv4.carrying(&Payload::icmp(8)), IPV4_SOURCE);
    add(&ipv6.carrying(&Payload::icmpv6(128)), IPV6_SOURCE);
    for (offset, more) in [(0, true), (185, true), (370, false)] {
        add(&ipv4.fragment(offset, more).carrying(&payloads[7]), IPV4_SOURCE);
        add(&ipv6.extensions(&[Extension::Fragment(offset, more)]).carrying(&payloads[7]), IPV6_SOURCE);
    }
    templates
}

/// The frames of the packet table, and what becomes of them when bytes are changed, cut and inserted.
fn strange(seed: u64) -> Vec<Vec<u8>> {
    let scenes = scenes();
    let table: Vec<_> = scenes.iter().flat_map(|scene| &scene.rows).map(|row| &row.frame).collect();
    let mutated = Mutations::new(table.clone(), seed).take(MUTATED);
    let frames = table.iter().map(|frame| frame.bytes.clone()).chain(mutated);
    let fits = |frame: &Vec<u8>| frame.len() >= shortest(frame) && frame.len() <= LONGEST;
    let mut frames: Vec<_> = frames.filter(fits).collect();
    for frame in &mut frames {
        // Or the guarded end would not take it.
        frame.splice(..ADDRESSES, [GUARDED_MAC, OUTSIDE_MAC].concat());
    }
    frames
}

/// The kernel takes tags out of a frame before anybody sees it come out, and must not take the number with them.
fn shortest(frame: &[u8]) -> usize {
    let is_tagged = matches!(frame.get(ADDRESSES..ETHERNET_HEADER), Some([0x81, 0] | [0x88, 0xa8]));
    ETHERNET_HEADER + if is_tagged { 2 * TAG_BYTES } else { 0 }
}

fn write_source(frame: &mut [u8], template: &Template, random: &mut Random) {
    let mut share = random.below(GROUPS.iter().map(|group| group.share).sum());
    let mut groups = GROUPS.iter();
    let group = loop {
        let Some(group) = groups.next() else { return };
        match share.checked_sub(group.share) {
            Some(rest) => share = rest,
            None => break group,
        }
    };
    // A few send much, and many send little.
    let loud = if random.below(2) == 0 { 16 } else { group.sources };
    let number = random.below(loud);
    let place = frame.iter_mut().skip(template.source);
    if template.ipv4 {
        let address = u64::from(group.ipv4) + number;
        place.zip(&address.to_be_bytes()[4..]).for_each(|(byte, value)| *byte = *value);
    } else {
        let address = group.ipv6 + (u128::from(number) << 64);
        place.zip(address.to_be_bytes()).for_each(|(byte, value)| *byte = value);
    }
}

/// Xorshift, which is even enough.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound.max(1)
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(usize::try_from(self.below(all.len() as u64)).unwrap_or(0))
    }
}
