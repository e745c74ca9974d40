//! Who was seen of late: the limiter's table remembers it, and so do the sampled events.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use xdpgate_ebpf::abi::{MAX_PLANS, Settings, bucket_class, family, limit_key};
use xdpgate_ebpf::limit::ticks;

use crate::daemon::EventLog;
use crate::kernel::{Kernel, monotonic_ns};
use crate::policy::Image;

/// Who was seen, as the limits tell sources apart, and for each the tick at which its last bucket is full again.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) sources: HashMap<IpNet, u64>,
    pub(super) in_limiter: u64,
    pub(super) in_events: u64,
    /// Buckets of limits that count others than sources, or that are no longer in the policy.
    pub(super) others: u64,
}

/// How a class of buckets tells sources apart.
#[derive(Clone, Copy, Debug)]
struct Class {
    salt: u64,
    ipv4: u8,
    ipv6: u8,
}

impl Seen {
    /// Whose buckets were in use within this time, and who was sampled.
    pub(super) fn of(kernel: &Kernel, image: &Image, events: &EventLog, within: Duration) -> Self {
        let classes = classes(image);
        let mut seen = Self::default();
        let nanoseconds = u64::try_from(within.as_nanos()).unwrap_or(u64::MAX);
        let now_ns = monotonic_ns();
        for (owner, state) in kernel.buckets_since(now_ns.saturating_sub(nanoseconds)) {
            let source = classes.get(&owner.class).and_then(|class| {
                let key = owner.key(class.salt);
                source(key.family, key.high, class)
            });
            match source {
                Some(source) => {
                    let last = seen.sources.entry(source).or_default();
                    *last = state.max(*last);
                }
                None => seen.others += 1,
            }
        }
        seen.in_limiter = seen.sources.len() as u64;
        let since = SignedDuration::try_from(within)
            .ok()
            .and_then(|within| Timestamp::now().checked_sub(within).ok())
            .unwrap_or(Timestamp::UNIX_EPOCH);
        let (last, _) = events.last_and_live(usize::MAX);
        let mut sampled: Vec<IpAddr> =
            last.into_iter().filter(|event| event.time >= since).filter_map(|event| event.source).collect();
        sampled.sort_unstable();
        sampled.dedup();
        seen.in_events = sampled.len() as u64;
        for address in sampled {
            seen.sources.entry(IpNet::from(address)).or_insert(ticks(now_ns));
        }
        seen
    }
}

/// The classes whose buckets are those of single sources. What the class says of a key is what inverts it.
fn classes(image: &Image) -> HashMap<u64, Class> {
    let Settings { ipv4_key, ipv6_key, .. } = &image.settings;
    let mut classes = HashMap::new();
    // Longer keys of IPv6 are mixed, and can't be told.
    let of_source = Class { salt: 0, ipv4: ones(ipv4_key), ipv6: ones(ipv6_key) };
    for class in [bucket_class::PACKETS, bucket_class::BYTES, bucket_class::FRAGMENTS] {
        classes.insert(class, of_source);
    }
    let rules = &image.rules;
    for (position, service) in (1_u8..).zip(rules.service_rows.iter().skip(1)) {
        for plan in (0..MAX_PLANS).filter_map(|plan| u8::try_from(plan).ok()) {
            for number in rules.rule(position, plan).limits {
                let Some(row) = rules.limits.get(&number).filter(|row| row.key == limit_key::ADDRESS) else {
                    continue;
                };
                let class =
                    Class { salt: service.salt, ipv4: ones(&row.ipv4_key), ipv6: ones(&row.ipv6_key) };
                classes.insert(row.class.into(), class);
            }
        }
    }
    classes
}

fn ones(mask: &[u8]) -> u8 {
    let ones: u32 = mask.iter().map(|byte| byte.count_ones()).sum();
    u8::try_from(ones).unwrap_or(u8::MAX)
}

fn source(of: u8, high: u64, class: &Class) -> Option<IpNet> {
    let (address, length): (IpAddr, u8) = if of == family::IPV4 {
        (Ipv4Addr::from_bits(u32::try_from(high).ok()?).into(), class.ipv4)
    } else {
        if class.ipv6 > 64 {
            return None;
        }
        (Ipv6Addr::from_bits(u128::from(high) << 64).into(), class.ipv6)
    };
    let net = IpNet::new(address, length).ok()?;
    // What the class would not have written is no key of it.
    (net.trunc() == net).then_some(net)
}
