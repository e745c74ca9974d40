//! Readers in threads of their own while the tables change.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use ipnet::IpNet;
use xdpgate_ebpf::bans::find;
use xdpgate_ebpf::packet::Source;

use super::*;

const READERS: usize = 2;
const ROUNDS: usize = 100;
const LOOKS: u64 = 20_000;

/// Words that know of their readers.
struct Watched {
    words: HeapWords,
    /// Odd while the reader looks.
    looks: [AtomicU64; READERS],
}

impl BanWords for Watched {
    fn control(&self) -> &[AtomicU64] {
        self.words.control()
    }

    fn table(&self, table: BanTable) -> &[AtomicU64] {
        self.words.table(table)
    }

    fn wait_for_readers(&self) {
        for look in &self.looks {
            let before = look.load(Ordering::SeqCst);
            while before % 2 == 1 && look.load(Ordering::SeqCst) == before {
                std::hint::spin_loop();
            }
        }
    }
}

impl Watched {
    fn find(&self, reader: usize, address: IpAddr) -> Option<xdpgate_ebpf::abi::Ban> {
        let source = match address {
            IpAddr::V4(address) => {
                Source { address: xdpgate_ebpf::packet::widen(address.octets()), family: 4 }
            }
            IpAddr::V6(address) => Source { address: address.octets(), family: 6 },
        };
        self.looks[reader].fetch_add(1, Ordering::SeqCst);
        let ban = find(&Reader(self), &source);
        self.looks[reader].fetch_add(1, Ordering::SeqCst);
        ban
    }
}

fn ipv6(high: u64, low: u64) -> IpAddr {
    Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low)).into()
}

/// In tables so small that everything is in the way of everything.
#[test]
fn a_ban_in_force_is_always_found_and_a_mixture_never() {
    let words = Watched { words: crowded(), looks: Default::default() };
    let mut bans = Bans::open(&words, BanShape::new(1_000), SEED).unwrap();
    // Bans that come and go have these halves as keys, always in pairs of equal numbers.
    let halves = |n: u64| ((0x2001_0db8_u64 << 32) + n, n + 1);
    let mut random = Random(3);
    let mut constant: Vec<IpNet> = Vec::new();
    for n in 0..6_u32 {
        constant.push(IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 + n)).into());
        constant.push(IpNet::new(Ipv4Addr::from_bits(0x0b00_0000 + (n << 8)).into(), 24).unwrap());
        constant.push(ipv6(u64::from(n) << 40 | 1 << 60, 7).into());
        constant.push(IpNet::new(ipv6(u64::from(n) << 40 | 1 << 61, 0), 48).unwrap());
    }
    // In between, so that they lie behind others that go away.
    let mut passing: Vec<IpNet> = Vec::new();
    for prefix in constant.iter().rev() {
        let other: IpNet = if prefix.addr().is_ipv4() { random.ipv4() } else { random.ipv6() }.into();
        bans.ban(other, None).unwrap();
        passing.push(other);
        bans.ban(*prefix, Some(HOUR)).unwrap();
    }

    let done = AtomicBool::new(false);
    let looked = AtomicU64::new(0);
    thread::scope(|scope| {
        for reader in 0..READERS {
            let (words, constant, done, looked) = (&words, &constant, &done, &looked);
            scope.spawn(move || {
                let mut random = Random(reader as u64);
                while !done.load(Ordering::Relaxed) {
                    let prefix = constant[random.below(constant.len())];
                    let found = words.find(reader, prefix.addr()).map(|ban| ban.expires_ns);
                    assert!(matches!(found, Some(HOUR | 0x0001_0000_0000_0000)), "{prefix}: {found:x?}");
                    let (one, other) = (random.next() % 8, random.next() % 8);
                    let mixed = ipv6(halves(one).0, halves(other).1);
                    assert!(one == other || words.find(reader, mixed).is_none(), "{mixed}");
                    looked.fetch_add(2, Ordering::Relaxed);
                }
            });
        }
        let mut round = 0;
        while round < ROUNDS || looked.load(Ordering::Relaxed) < LOOKS {
            round += 1;
            for n in 0..8 {
                let (high, low) = halves(n);
                // No room is as good an answer as any here.
                let _ = bans.ban(ipv6(high, low).into(), None);
                let _ = bans.ban(random.ipv4().into(), None);
            }
            // Another end for a ban in force.
            let changed = constant[random.below(constant.len())];
            bans.ban(changed, Some(0x0001_0000_0000_0000)).unwrap();
            bans.ban(changed, Some(HOUR)).unwrap();
            for prefix in passing.drain(..) {
                bans.lift(prefix);
            }
            let others = bans.iter().map(|(prefix, _)| prefix).filter(|prefix| !constant.contains(prefix));
            for prefix in others.collect::<Vec<_>>() {
                assert!(bans.lift(prefix));
            }
            words.wait_for_readers();
            bans.clean();
        }
        done.store(true, Ordering::Relaxed);
    });
    println!("{} looks", looked.load(Ordering::Relaxed));
}
