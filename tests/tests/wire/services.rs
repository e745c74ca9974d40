//! Services, plans and their limits, with real sockets over both address families. Each test states all that is counted.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use xdpgate_tests::veth::{GUARDED, GUARDED_IPV4, GUARDED_IPV6, GUARDED_MAC, OUTSIDE};
use xdpgate_tests::{kernel_or_skip, senders};

use crate::stage::{PORT, Stage, hosts};
use crate::tally::{self, Tally};

/// A second address of the guarded host in each family.
const SECOND: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 3)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 3))];
/// A host outside that is in no network of another.
const ELSEWHERE: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(198, 51, 101, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0x101, 0, 0, 0, 0, 1)),
];
const FIRST: [IpAddr; 2] = [IpAddr::V4(GUARDED_IPV4), IpAddr::V6(GUARDED_IPV6)];
const PATIENCE: Duration = Duration::from_secs(10);
/// For a connection that must not come about: less than until a SYN is sent again.
const KNOCK: Duration = Duration::from_millis(200);

/// Nothing comes back within a test.
fn limit(name: &str, burst: u64, more: &str) -> String {
    format!("[[limit]]\nname = \"{name}\"\nrate = \"1 packets/h\"\nburst = {burst}\n{more}\n")
}

/// The guarded host with both of its addresses.
fn stage(policy: &str) -> Result<Stage> {
    let mut stage = Stage::prepare()?;
    stage.write("countries.csv", countries())?;
    stage.wire.add_outside_hosts(&ELSEWHERE)?;
    let mac = GUARDED_MAC.map(|byte| format!("{byte:02x}")).join(":");
    for address in SECOND {
        let length = if address.is_ipv4() { 32 } else { 128 };
        let flags = if address.is_ipv4() { "" } else { "nodad" };
        stage.wire.guarded.ip(&format!("address add {address}/{length} dev {GUARDED} {flags}\n"))?;
        let neighbour = format!("neighbour replace {address} lladdr {mac} nud permanent dev {OUTSIDE}\n");
        stage.wire.outside.ip(&neighbour)?;
    }
    stage.start_under(policy)?;
    Ok(stage)
}

/// Hosts 1 and 2 are in France and host 3 in Japan; nobody knows where host 4 is.
fn countries() -> String {
    let line = |address: IpAddr, country: &str| format!("{address},{address},{country}\n");
    let of = |family: usize| {
        [(1, "FR"), (2, "FR"), (3, "JP")].map(|(host, country)| line(hosts(host)[family], country)).concat()
    };
    of(0) + &of(1)
}

/// One host sends so many datagrams to a port, over both families.
fn send(stage: &Stage, host: u8, to: [IpAddr; 2], port: u16, datagrams: u64) -> Result<()> {
    hosts(host).into_iter().zip(to).try_for_each(|(source, to)| {
        senders::send_datagrams(&stage.wire.outside, source, (to, port).into(), datagrams)
    })
}

#[test]
fn port_destination_and_plan_choose_the_limits() -> Result<()> {
    if !kernel_or_skip("port_destination_and_plan_choose_the_limits") {
        return Ok(());
    }
    let [[gold4, gold6], [partner4, partner6]] = [1, 2].map(hosts);
    let [inner4, inner6] = SECOND;
    let policy = format!(
        "{}{}{}\
         [[plan]]\nname = \"gold\"\nprefixes = [\"{gold4}\", \"{gold6}\"]\n\
         [[plan]]\nname = \"partner\"\nprefixes = [\"{partner4}\", \"{partner6}\"]\n\
         [[service]]\nname = \"web\"\nprotocol = \"tcp+udp\"\nports = [{PORT}, \"8000-8003\"]\nlimits = [\"two\"]\n\
         [service.plans]\ngold = [\"five\"]\npartner = []\n\
         [[service]]\nname = \"inner\"\nprotocol = \"udp\"\nports = [{PORT}]\n\
         destinations = [\"{inner4}\", \"{inner6}\"]\nlimits = [\"one\"]\n",
        limit("one", 1, ""),
        limit("two", 2, ""),
        limit("five", 5, "")
    );
    let stage = stage(&policy)?;
    let change = Tally::change(&stage, 2 * 8 * 6, || {
        (1..=3).try_for_each(|host| send(&stage, host, FIRST, PORT, 8))?;
        (1..=2).try_for_each(|host| send(&stage, host, SECOND, PORT, 8))?;
        send(&stage, 4, FIRST, 8004, 8)
    })?;
    let expected = Tally::of(
        // Without a limit: the partner, and a port of no service.
        &[("within-limit", 2 * (5 + 2 + 1 + 1)), ("default-pass", 2 * (8 + 8))],
        &[("packet-limit", 2 * (3 + 6 + 7 + 7))],
        // A destination of its own counts for plans too that it does not name.
        &[("web/gold/five", (10, 6, 0)), ("web/-/two", (4, 12, 0)), ("inner/-/one", (4, 28, 0))],
    );
    assert_eq!(change, expected);

    // Another port of the same service is the same bucket, and TCP too.
    let change = Tally::change(&stage, 6, || {
        send(&stage, 3, FIRST, 8003, 2)?;
        knock(&stage, 3, PORT)
    })?;
    assert_eq!(change, Tally::of(&[], &[("packet-limit", 6)], &[("web/-/two", (0, 6, 0))]));
    Ok(())
}

/// Tries to open a connection, in vain.
fn knock(stage: &Stage, host: u8, port: u16) -> Result<()> {
    for (from, to) in hosts(host).into_iter().zip(FIRST) {
        let to = (to, port).into();
        let connected = stage.wire.outside.within(|| Ok(senders::connect(from, to, KNOCK).is_ok()))?;
        assert!(!connected, "{from} opened a connection");
    }
    Ok(())
}

#[test]
fn a_network_a_country_and_a_service_are_counted_together() -> Result<()> {
    if !kernel_or_skip("a_network_a_country_and_a_service_are_counted_together") {
        return Ok(());
    }
    let service = |name: &str, port: u16| {
        format!(
            "[[service]]\nname = \"{name}\"\nprotocol = \"udp\"\nports = [{port}]\nlimits = [\"of-{name}\"]\n"
        )
    };
    let policy = [
        "[geo]\ndatabase = \"countries.csv\"\n".to_owned(),
        limit("of-networks", 10, "key = \"prefix\""),
        limit("of-countries", 6, "key = \"country\""),
        limit("of-all", 9, "key = \"service\""),
        service("networks", 7001),
        service("countries", 7002),
        service("all", 7003),
    ];
    let stage = stage(&policy.concat())?;
    // Four hosts of one /24 and one /48 send 4 datagrams each, and another network of each family as many.
    let all = |port: u16| {
        (1..=4).try_for_each(|host| send(&stage, host, FIRST, port, 4))?;
        ELSEWHERE.into_iter().zip(FIRST).try_for_each(|(source, to)| {
            senders::send_datagrams(&stage.wire.outside, source, (to, port).into(), 4)
        })
    };
    for (port, name, passed) in [
        // 10 of the /24 and the /48 each, and 4 of the other two.
        (7001, "networks/-/of-networks", 28),
        // 6 of France, of Japan, and of nobody knows where, over both families.
        (7002, "countries/-/of-countries", 18),
        (7003, "all/-/of-all", 9),
    ] {
        let change = Tally::change(&stage, 40, || all(port))?;
        let expected = Tally::of(
            &[("within-limit", passed)],
            &[("packet-limit", 40 - passed)],
            &[(name, (passed, 40 - passed, 0))],
        );
        assert_eq!(change, expected);
    }
    Ok(())
}

#[test]
fn connections_over_the_limit_fail_and_those_there_are_go_on() -> Result<()> {
    if !kernel_or_skip("connections_over_the_limit_fail_and_those_there_are_go_on") {
        return Ok(());
    }
    let stage = stage(&format!(
        "[[limit]]\nname = \"opens\"\nrate = \"1 connections/h\"\nburst = 3\n\
         [[service]]\nname = \"web\"\nports = [{PORT}]\nlimits = [\"opens\"]\n"
    ))?;
    let servers: Vec<_> =
        FIRST.into_iter().map(|address| echo(&stage, (address, PORT).into(), 3)).collect::<Result<_>>()?;
    let mut open = Vec::new();
    let change = Tally::change(&stage, 8, || {
        for (from, to) in hosts(1).into_iter().zip(FIRST) {
            for _ in 0..3 {
                let to = (to, PORT).into();
                let connect = || senders::connect(from, to, PATIENCE);
                open.push(stage.wire.outside.within(connect).context("within the limit")?);
            }
        }
        knock(&stage, 1, PORT)?;
        open.iter_mut().try_for_each(talk)
    })?;
    // What belongs to a connection is not counted by the limit; how many segments that takes is up to the kernel.
    let mut counters = change.counters.clone();
    let segments = counters.passed.remove("default-pass").context("nothing was said")?;
    counters.seen -= segments;
    let opened = Tally::of(&[("within-limit", 6)], &[("connection-limit", 2)], &[("web/-/opens", (6, 2, 0))]);
    assert_eq!(Tally { counters, ..change }, opened);

    // Nor does it matter to them that others were refused meanwhile.
    open.iter_mut().try_for_each(talk)?;
    drop(open);
    servers.into_iter().try_for_each(senders::join)
}

/// Answers what it is told, on so many connections.
fn echo(stage: &Stage, address: SocketAddr, connections: usize) -> Result<JoinHandle<Result<()>>> {
    let listener = stage.wire.guarded.within(|| Ok(TcpListener::bind(address)?))?;
    Ok(thread::spawn(move || {
        let talks: Vec<_> = listener
            .incoming()
            .take(connections)
            .map(|stream| {
                let mut stream = stream?;
                Ok(thread::spawn(move || Ok(std::io::copy(&mut stream.try_clone()?, &mut stream).map(drop)?)))
            })
            .collect::<Result<_>>()?;
        talks.into_iter().try_for_each(senders::join)
    }))
}

/// Says something and hears it back.
fn talk(stream: &mut TcpStream) -> Result<()> {
    let said = [7; 5_000];
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&said)?;
    let mut heard = [0; 5_000];
    stream.read_exact(&mut heard).context("an open connection stands still")?;
    assert_eq!(said, heard);
    Ok(())
}

#[test]
fn what_is_monitored_and_what_is_dropped_never_mix() -> Result<()> {
    if !kernel_or_skip("what_is_monitored_and_what_is_dropped_never_mix") {
        return Ok(());
    }
    let policy = [
        limit("watched", 2, "mode = \"monitor\""),
        limit("five", 5, ""),
        format!(
            "[[service]]\nname = \"web\"\nprotocol = \"udp\"\nports = [{PORT}]\nlimits = [\"watched\", \"five\"]\n"
        ),
        "[[service]]\nname = \"other\"\nprotocol = \"udp\"\nports = [8000]\nlimits = [\"watched\"]\n"
            .to_owned(),
    ];
    let mut stage = stage(&policy.concat())?;
    // Eight datagrams of one host over each family to one service, and as many to the other.
    let eight = |stage: &Stage, host: u8| {
        Tally::change(stage, 32, || {
            send(stage, host, FIRST, PORT, 8)?;
            send(stage, host, FIRST, 8000, 8)
        })
    };
    let watched = Tally::of(
        &[("within-limit", 10 + 4), ("default-pass", 12)],
        &[("packet-limit", 6)],
        &[("web/-/watched", (4, 0, 12)), ("web/-/five", (10, 6, 0)), ("other/-/watched", (4, 0, 12))],
    )
    .with_monitored("packet-limit", 24);
    assert_eq!(eight(&stage, 1)?, watched);

    stage.cli("enforce watched")?;
    let spent = [("web/-/watched", (0, 16, 0)), ("other/-/watched", (0, 16, 0))];
    assert_eq!(
        eight(&stage, 1)?,
        Tally::of(&[], &[("packet-limit", 32)], &spent),
        "its buckets are as they were"
    );
    let enforced = Tally::of(
        &[("within-limit", 8)],
        &[("packet-limit", 24)],
        &[("web/-/watched", (4, 12, 0)), ("web/-/five", (4, 0, 0)), ("other/-/watched", (4, 12, 0))],
    );
    assert_eq!(eight(&stage, 2)?, enforced);

    stage.cli("monitor five")?;
    stage.cli("monitor watched")?;
    let both = Tally::of(
        &[("within-limit", 10 + 4), ("default-pass", 6 + 12)],
        &[],
        &[("web/-/watched", (4, 0, 12)), ("web/-/five", (10, 0, 6)), ("other/-/watched", (4, 0, 12))],
    )
    .with_monitored("packet-limit", 24);
    assert_eq!(eight(&stage, 3)?, both);

    stage.cli("enforce five")?;
    assert_eq!(eight(&stage, 4)?, watched, "as at the beginning");

    let all = tally::limits(&stage.json("stats --once")?)?;
    stage.daemon.kill()?;
    stage.daemon.start_again()?;
    assert_eq!(tally::limits(&stage.json("stats --once")?)?, all, "another daemon reads the same");
    assert_eq!(eight(&stage, 4)?.limits["web/-/five"], (0, 16, 0), "and the modes are as they were set");
    Ok(())
}
