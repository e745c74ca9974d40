//! Geo databases: what is read is in order, and found again.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;

use xdpgate::feeds::GeoDatabase;

/// Lines of `start,end,country`.
pub fn csv(data: &[u8]) {
    check(data, "fuzz.csv");
}

/// `MaxMind`'s binary format.
pub fn mmdb(data: &[u8]) {
    check(data, "fuzz.mmdb");
}

fn check(data: &[u8], name: &str) {
    let Ok(database) = GeoDatabase::parse(data.to_vec(), Path::new(name)) else { return };
    let ipv4: Vec<_> = database.ranges4().collect();
    let ipv6: Vec<_> = database.ranges6().collect();
    assert!(ipv4.iter().all(|found| found.range.first <= found.range.last));
    assert!(ipv6.iter().all(|found| found.range.first <= found.range.last));
    assert!(ipv4.windows(2).all(|pair| matches!(pair, [one, next] if one.range.last < next.range.first)));
    assert!(ipv6.windows(2).all(|pair| matches!(pair, [one, next] if one.range.last < next.range.first)));
    for found in ipv4.iter().take(100) {
        for end in [found.range.first, found.range.last] {
            assert_eq!(database.lookup(Ipv4Addr::from_bits(end).into()), Some(found.country));
        }
    }
    for found in ipv6.iter().take(100) {
        let end = Ipv6Addr::from_bits(found.range.last);
        // What stands for an IPv4 address has the country of that.
        if end.to_ipv4_mapped().is_none() {
            assert_eq!(database.lookup(end.into()), Some(found.country));
        }
    }
    let counted: usize = database.countries().values().map(|(ipv4, ipv6)| ipv4 + ipv6).sum();
    assert_eq!(counted, ipv4.len() + ipv6.len());
}
