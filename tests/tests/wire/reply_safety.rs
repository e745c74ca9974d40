//! A host that lets nobody in but its own country still fetches, resolves and synchronises anywhere: who is denied may answer,
//! and not ask.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use xdpgate_tests::veth::{GUARDED_IPV4, GUARDED_IPV6};
use xdpgate_tests::{kernel_or_skip, senders};

use crate::stage::{BURST, PORT, Stage, counted, hosts};

const HTTP: u16 = 80;
const DNS: u16 = 53;
const NTP: u16 = 123;
const PATIENCE: Duration = Duration::from_secs(10);
/// For a connection that must not come about: less than until a SYN is sent again.
const KNOCK: Duration = Duration::from_millis(200);
/// More than fits into one window, so that the answer takes several round trips.
const PAGE: usize = 300_000;
/// Hosts 1 are in a country that is not allowed, hosts 2 in one that is; nobody knows where hosts 3 are.
const COUNTRIES: &str = "198.51.100.1,198.51.100.1,KP\n198.51.100.2,198.51.100.2,DE\n\
    2001:db8:100:1::,2001:db8:100:1:ffff:ffff:ffff:ffff,KP\n2001:db8:100:2::,2001:db8:100:2:ffff:ffff:ffff:ffff,DE\n";
/// The host's own services have limits as well, which replies must not meet either.
const POLICY: &str = "[geo]\ndatabase = \"countries.csv\"\n\
    [country]\nallow_only = [\"DE\"]\nunknown = \"drop\"\n\
    [[limit]]\nname = \"opens\"\nrate = \"1 connections/h\"\nburst = 1\n\
    [[limit]]\nname = \"asks\"\nrate = \"1 packets/h\"\nburst = 20\n\
    [[service]]\nname = \"web\"\nports = [443]\nlimits = [\"opens\"]\n\
    [[service]]\nname = \"quic\"\nprotocol = \"udp\"\nports = [53, 443]\nlimits = [\"asks\"]\n";

#[test]
fn the_denied_answer_and_cannot_ask() -> Result<()> {
    if !kernel_or_skip("the_denied_answer_and_cannot_ask") {
        return Ok(());
    }
    let mut stage = Stage::prepare()?;
    stage.write("countries.csv", COUNTRIES)?;
    stage.start_under(POLICY)?;
    let here = [IpAddr::from(GUARDED_IPV4), GUARDED_IPV6.into()];
    // The guarded host serves, so that nothing but the rule stands in the way.
    let listeners = stage
        .wire
        .guarded
        .within(|| Ok([TcpListener::bind((here[0], PORT))?, TcpListener::bind((here[1], PORT))?]))?;
    let resolvers: Vec<_> = here
        .into_iter()
        .map(|address| senders::bind_udp(&stage.wire.guarded, (address, DNS).into()))
        .collect::<Result<_>>()?;

    let before = stage.counters()?;
    // Of a country that is denied, of one that is allowed, and of none that is known.
    for (there, here) in (1..=3).flat_map(|host| hosts(host).into_iter().zip(here)) {
        fetch(&stage, here, there).with_context(|| format!("cannot fetch from {there}"))?;
        ask(&stage, here, (there, DNS).into(), 40)
            .with_context(|| format!("cannot resolve through {there}"))?;
        ask(&stage, here, (there, NTP).into(), 48)
            .with_context(|| format!("cannot synchronise with {there}"))?;
    }
    stage.at_rest()?;
    let answered = stage.counters()?.since(&before);
    let answers = answered.passed.get("default-pass").copied().unwrap_or(0);
    println!("{answers} packets of answers passed, none was dropped");
    // 6 servers: the handshake and the end of a connection, some data, and two datagrams each.
    ensure!(answers >= 6 * 5, "{answered:?}");
    assert_eq!(answered, counted(&[("default-pass", answers)], &[]), "no answer met a rule or a limit");

    for (host, reason) in [(1, "country-denied"), (3, "country-unknown")] {
        for (from, here) in hosts(host).into_iter().zip(here) {
            let change = stage.change(1 + 2 * BURST, || {
                knock(&stage, from, (here, PORT).into(), false)?;
                [PORT, DNS].into_iter().try_for_each(|port| {
                    senders::send_datagrams(&stage.wire.outside, from, (here, port).into(), BURST)
                })
            })?;
            assert_eq!(change, counted(&[], &[(reason, 1 + 2 * BURST)]), "from {from}");
            assert_eq!(stage.arrived(from), 0, "{from} got through");
        }
    }
    // The same knocks of a country that is allowed open connections, and meet the limits.
    for (from, here) in hosts(2).into_iter().zip(here) {
        knock(&stage, from, (here, PORT).into(), true)?;
        let change = stage.change(2 * BURST, || {
            [PORT, DNS].into_iter().try_for_each(|port| {
                senders::send_datagrams(&stage.wire.outside, from, (here, port).into(), BURST)
            })
        })?;
        assert_eq!(change, counted(&[("within-limit", BURST)], &[("packet-limit", BURST)]), "from {from}");
    }
    drop((listeners, resolvers));
    Ok(())
}

fn knock(stage: &Stage, from: IpAddr, to: SocketAddr, opens: bool) -> Result<()> {
    let within = if opens { PATIENCE } else { KNOCK };
    // Kept until it is known: closing it would send another packet.
    let connection = stage.wire.outside.within(|| Ok(senders::connect(from, to, within).ok()))?;
    assert_eq!(connection.is_some(), opens, "{from} to {to}");
    if opens {
        // Until what belongs to the end of the connection is on the wire, which is counted before what follows.
        drop(connection);
        stage.at_rest()?;
    }
    Ok(())
}

/// The guarded host fetches a page of a server there.
fn fetch(stage: &Stage, here: IpAddr, there: IpAddr) -> Result<()> {
    let listener = stage.wire.outside.within(|| Ok(TcpListener::bind((there, HTTP))?))?;
    let server: JoinHandle<Result<()>> = thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            request.extend(byte);
        }
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {PAGE}\r\nConnection: close\r\n\r\n")?;
        Ok(stream.write_all(&vec![b'.'; PAGE])?)
    });
    let page = stage.wire.guarded.within(|| {
        let mut stream = TcpStream::connect_timeout(&(there, HTTP).into(), PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "GET / HTTP/1.1\r\nHost: {here}\r\n\r\n")?;
        let mut page = Vec::new();
        stream.read_to_end(&mut page)?;
        Ok(page)
    })?;
    ensure!(page.starts_with(b"HTTP/1.1 200 OK") && page.len() > PAGE, "{} bytes came", page.len());
    senders::join(server)
}

/// The guarded host asks a server there, in one datagram each way.
fn ask(stage: &Stage, here: IpAddr, there: SocketAddr, bytes: usize) -> Result<()> {
    let socket = senders::bind_udp(&stage.wire.outside, there)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let server: JoinHandle<Result<()>> = thread::spawn(move || {
        let mut question = [0; 512];
        let (length, from) = socket.recv_from(&mut question)?;
        socket.send_to(&question[..length], from)?;
        Ok(())
    });
    let question = vec![0x1b; bytes];
    let (answer, from) = stage.wire.guarded.within(|| {
        let socket = UdpSocket::bind((here, 0))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.send_to(&question, there)?;
        let mut answer = [0; 512];
        let (length, from) = socket.recv_from(&mut answer)?;
        Ok((answer[..length].to_vec(), from))
    })?;
    ensure!(answer == question && from == there, "{from} answered {} bytes", answer.len());
    senders::join(server)
}
