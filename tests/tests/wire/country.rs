//! Countries: who starts something is judged, replies to the guarded host's own connections are not.

use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use xdpgate_tests::veth::{GUARDED_IPV4, GUARDED_IPV6};
use xdpgate_tests::{geo, kernel_or_skip, senders};

use crate::stage::{BURST, PORT, Stage, counted, hosts};

const SERVER_PORT: u16 = 8443;
const DNS: u16 = 53;
const PATIENCE: Duration = Duration::from_secs(5);
/// For a connection that must not come about.
const KNOCK: Duration = Duration::from_millis(300);
/// Hosts 1 are in North Korea and hosts 2 in Germany; nobody knows where the others are.
const DATABASE: &str = "198.51.100.1,198.51.100.1,KP\n198.51.100.2,198.51.100.2,DE\n\
    2001:db8:100:1::,2001:db8:100:1:ffff:ffff:ffff:ffff,KP\n2001:db8:100:2::,2001:db8:100:2:ffff:ffff:ffff:ffff,DE\n";

fn stage() -> Result<Stage> {
    let stage = Stage::under("")?;
    let file = stage.write("countries.csv", DATABASE)?;
    stage.cli(&format!("geo database {}", file.display()))?;
    Ok(stage)
}

#[test]
fn rules_are_set_changed_and_ended_and_survive_a_restart() -> Result<()> {
    if !kernel_or_skip("rules_are_set_changed_and_ended_and_survive_a_restart") {
        return Ok(());
    }
    let mut stage = stage()?;
    let [[kp, kp6], [de, de6], [unknown, unknown6]] = [1, 2, 3].map(hosts);
    let lookup = stage.json(&format!("geo lookup {kp6}"))?;
    assert_eq!(lookup["country"], "KP", "{lookup}");
    assert!(stage.json(&format!("geo lookup {unknown}"))?["country"].is_null());
    for source in [kp, kp6, de, unknown6] {
        stage.assert_passed(source, "default-pass")?;
    }

    stage.cli("geo deny KP")?;
    let denied = |stage: &Stage| {
        [kp, kp6].into_iter().try_for_each(|host| stage.assert_dropped(host, "country-denied"))?;
        [de, de6, unknown, unknown6]
            .into_iter()
            .try_for_each(|host| stage.assert_passed(host, "default-pass"))
    };
    denied(&stage)?;
    stage.daemon.kill()?;
    stage.daemon.start_again()?;
    denied(&stage)?;
    assert!(stage.cli("status")?.contains("deny KP"), "{}", stage.cli("status")?);

    stage.cli("geo allow-only DE --unknown drop")?;
    for source in [kp, kp6] {
        stage.assert_dropped(source, "country-denied")?;
    }
    for source in [unknown, unknown6] {
        stage.assert_dropped(source, "country-unknown")?;
    }
    for source in [de, de6] {
        stage.assert_passed(source, "default-pass")?;
    }

    stage.cli("geo deny KP --mode monitor")?;
    stage.assert_passed(kp, "default-pass")?;
    let stats = stage.json("stats --once")?;
    assert_eq!(stats["interfaces"][0]["monitored"]["country-denied"]["packets"], BURST, "{stats}");

    stage.cli("geo off")?;
    for source in [kp, kp6, unknown] {
        stage.assert_passed(source, "default-pass")?;
    }
    let refused = stage.refused("geo deny XX")?;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.message.contains("XX"), "{refused:?}");
    Ok(())
}

#[test]
fn a_denied_country_answers_and_does_not_ask() -> Result<()> {
    if !kernel_or_skip("a_denied_country_answers_and_does_not_ask") {
        return Ok(());
    }
    let stage = stage()?;
    stage.cli("geo deny KP")?;
    let before = stage.counters()?;
    for (there, here) in hosts(1).into_iter().zip([IpAddr::from(GUARDED_IPV4), GUARDED_IPV6.into()]) {
        let server = tcp_server(&stage, (there, SERVER_PORT).into())?;
        let said = stage.wire.guarded.within(|| {
            let mut stream = TcpStream::connect_timeout(&(there, SERVER_PORT).into(), PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(b"hello")?;
            let mut said = Vec::new();
            stream.read_to_end(&mut said)?;
            Ok(said)
        })?;
        assert_eq!(said.len(), LARGE, "{there} sent all of its answer");
        senders::join(server)?;

        let resolver = udp_server(&stage, (there, DNS).into())?;
        let answer = stage.wire.guarded.within(|| {
            let socket = UdpSocket::bind((here, 0))?;
            socket.set_read_timeout(Some(PATIENCE))?;
            socket.send_to(b"where?", (there, DNS))?;
            let mut answer = [0; 16];
            let (length, from) = socket.recv_from(&mut answer)?;
            Ok((answer[..length].to_vec(), from.ip()))
        })?;
        assert_eq!(answer, (b"where?".to_vec(), there));
        senders::join(resolver)?;
    }
    let answered = stage.counters()?.since(&before);
    assert!(answered.dropped.is_empty(), "{answered:?}");
    assert_eq!(answered.decided(), answered.seen, "{answered:?}");

    // The guarded host listens, so that nothing but the rule stands in the way.
    let _listeners = stage.wire.guarded.within(|| {
        Ok([TcpListener::bind((GUARDED_IPV4, PORT))?, TcpListener::bind((GUARDED_IPV6, PORT))?])
    })?;
    let knock = |number: u8| {
        let targets = [IpAddr::from(GUARDED_IPV4), GUARDED_IPV6.into()];
        hosts(number).into_iter().zip(targets).map(move |(from, to)| (from, SocketAddr::from((to, PORT))))
    };
    for (from, to) in knock(1) {
        let connected = stage.wire.outside.within(|| Ok(senders::connect(from, to, KNOCK).is_ok()))?;
        assert!(!connected, "{from} opened a connection");
        stage.assert_dropped(from, "country-denied")?;
    }
    for (from, to) in knock(2) {
        let connected = stage.wire.outside.within(|| Ok(senders::connect(from, to, PATIENCE).is_ok()))?;
        assert!(connected, "{from} of another country opened no connection");
    }
    Ok(())
}

#[test]
fn the_whole_country_is_kept_out_where_the_scope_says_so() -> Result<()> {
    if !kernel_or_skip("the_whole_country_is_kept_out_where_the_scope_says_so") {
        return Ok(());
    }
    let stage = stage()?;
    stage.cli("geo deny KP --scope all")?;
    let [there, _] = hosts(1);
    let _server = stage.wire.outside.within(|| Ok(TcpListener::bind((there, SERVER_PORT))?))?;
    let connected = stage
        .wire
        .guarded
        .within(|| Ok(TcpStream::connect_timeout(&(there, SERVER_PORT).into(), KNOCK).is_ok()))?;
    assert!(!connected, "the answer got through");
    Ok(())
}

#[test]
fn a_real_database_is_read_and_a_corrupt_one_refused() -> Result<()> {
    if !kernel_or_skip("a_real_database_is_read_and_a_corrupt_one_refused") {
        return Ok(());
    }
    let mut stage = Stage::under("")?;
    let real = geo::database()?;
    stage.cli(&format!("geo database {}", real.display()))?;
    // Addresses whose country has been the same for decades.
    for (address, country) in [("175.45.176.1", "KP"), ("133.11.0.1", "JP"), ("2001:200::1", "JP")] {
        let found = stage.json(&format!("geo lookup {address}"))?;
        assert_eq!(found["country"], country, "{address}");
    }
    let kp: IpAddr = "175.45.176.1".parse()?;
    stage.wire.add_outside_hosts(&[kp])?;
    stage.cli("geo deny KP")?;
    stage.assert_dropped(kp, "country-denied")?;

    let whole = fs::read(&real)?;
    let half = whole.get(..whole.len() / 2).context("an empty database")?;
    // The search tree begins at the start; what follows it is data, and the metadata at the end.
    let mut trampled = whole.clone();
    trampled.get_mut(..4096).context("a short database")?.fill(0xff);
    let files =
        [("half", half), ("trampled", &trampled), ("empty", &[]), ("noise", &[0x80, 0x99, 0xab, 0xcd])];
    for (name, bytes) in files {
        let file = stage.write(&format!("{name}.mmdb"), bytes)?;
        let refused = stage.refused(&format!("geo database {}", file.display()))?;
        assert_eq!(refused.code, 5, "{name}: {refused:?}");
        assert!(refused.message.contains(&format!("{name}.mmdb")), "{name}: {refused:?}");
        if name == "half" && real.extension().is_some_and(|extension| extension == "mmdb") {
            assert!(refused.message.contains("cut short"), "{refused:?}");
        }
        stage.assert_dropped(kp, "country-denied")?;
    }

    // The file that is in use becomes corrupt: a start refuses it, and the kernel goes on enforcing.
    let used = stage.write("used.mmdb", &whole)?;
    stage.cli(&format!("geo database {}", used.display()))?;
    stage.daemon.terminate()?;
    stage.write("used.mmdb", half)?;
    let policy = stage.daemon.directory().join("policy.toml");
    let policy = policy.to_str().context("a path that is no text")?;
    let refused = stage.daemon.refused_start(&[], &["--config", policy, "--interface", "guarded0"])?;
    assert_eq!(refused.code, 5, "{refused:?}");
    assert_eq!(stage.arrive(kp)?, 0, "the kernel goes on enforcing");
    stage.write("used.mmdb", &whole)?;
    stage.daemon.start_again()?;
    let change = stage.change(BURST, || stage.send(kp))?;
    assert_eq!(change, counted(&[], &[("country-denied", BURST)]));
    Ok(())
}

/// More than fits into one window, so that the answer takes several round trips.
const LARGE: usize = 1 << 20;

/// Answers one connection.
fn tcp_server(stage: &Stage, address: SocketAddr) -> Result<JoinHandle<Result<()>>> {
    let listener = stage.wire.outside.within(|| Ok(TcpListener::bind(address)?))?;
    Ok(std::thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.read_exact(&mut [0; 5])?;
        Ok(stream.write_all(&vec![0; LARGE])?)
    }))
}

/// Sends one datagram back.
fn udp_server(stage: &Stage, address: SocketAddr) -> Result<JoinHandle<Result<()>>> {
    let socket = stage.wire.outside.within(|| Ok(UdpSocket::bind(address)?))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(std::thread::spawn(move || {
        let mut question = [0; 64];
        let (length, from) = socket.recv_from(&mut question)?;
        socket.send_to(&question[..length], from)?;
        Ok(())
    }))
}
