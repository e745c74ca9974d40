//! Every packet that was sent is seen by the program or counted by the wire as refused, and every packet that was seen
//! has a reason.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use xdpgate_tests::account::Account;
use xdpgate_tests::flood::{Bounds, Generator, Sources};
use xdpgate_tests::veth::{GUARDED_IPV4, GUARDED_IPV6};
use xdpgate_tests::{frame, kernel_or_skip, prerequisites, senders};

use crate::stage::Stage;

/// A port on which the guarded host receives and throws away.
const PORT: u16 = 9000;
const BOUNDS: Bounds = Bounds { frames: 1_000_000, time: Duration::from_secs(20), per_second: u64::MAX };

#[test]
fn no_packet_of_an_ipv4_flood_is_missing() -> Result<()> {
    if !kernel_or_skip("no_packet_of_an_ipv4_flood_is_missing") {
        return Ok(());
    }
    flood(GUARDED_IPV4.into(), "198.18.0.0/15")
}

#[test]
fn no_packet_of_an_ipv6_flood_is_missing() -> Result<()> {
    if !kernel_or_skip("no_packet_of_an_ipv6_flood_is_missing") {
        return Ok(());
    }
    flood(GUARDED_IPV6.into(), "2001:db8:f100::/62")
}

/// As fast as the generator can, beside packets of the network stack: the ring between the two ends overflows.
fn flood(to: IpAddr, sources: &str) -> Result<()> {
    let stage = Stage::set()?;
    let Stage { daemon, wire, .. } = &stage;
    let _discard = senders::bind_udp(&wire.guarded, (to, PORT).into())?;
    let sources = Sources::evenly([sources.parse()?])?;
    let flood = frame::udp((to, PORT).into(), &[0; 18])?;
    let generator = Generator::load(&prerequisites::flood_object()?, wire, &sources, flood)?;
    let account = Account::open(wire, daemon, vec![generator.sent()])?;

    let stop = Arc::default();
    let outside = if to.is_ipv4() { "192.0.2.1" } else { "2001:db8::1" }.parse()?;
    let stack = senders::send_udp(&wire.outside, outside, (to, PORT).into(), 10_000, Arc::clone(&stop));
    senders::join(generator.start(wire, BOUNDS, Arc::clone(&stop)))?;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let of_stack = senders::join(stack)?.packets;

    let balance = account.at_rest(wire, daemon)?;
    let counters = &balance.counters;
    assert_eq!(balance.flooded, BOUNDS.frames, "the generator sends what it was asked for");
    assert!(balance.sent >= BOUNDS.frames + of_stack, "{balance:?}: packets of the stack are missing");
    assert_eq!(counters.seen + balance.lost, balance.sent, "{balance:?}");
    assert_eq!(counters.decided(), counters.seen, "{balance:?}");
    assert!(
        counters.dropped.contains_key("packet-limit"),
        "{balance:?}: the stack's source is over its limit"
    );
    Ok(())
}
