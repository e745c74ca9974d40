//! Where the program is attached, and that the daemon says so truly.

use std::net::{Ipv4Addr, UdpSocket};

use anyhow::{Context, Result};
use xdpgate_tests::counters::Counters;
use xdpgate_tests::kernel_or_skip;
use xdpgate_tests::senders::{self, UdpSink};
use xdpgate_tests::veth::{GUARDED, GUARDED_IPV4, OUTSIDE};

use crate::foreign::{Foreign, shown};
use crate::metrics::Endpoint;
use crate::stage::{BURST, COUNTED_WITHIN, PORT, Stage, counted, hosts, wait};

const BRIDGE: &str = "bridge0";

#[test]
fn veth_is_guarded_in_the_driver() -> Result<()> {
    if !kernel_or_skip("veth_is_guarded_in_the_driver") {
        return Ok(());
    }
    let stage = Stage::set()?;
    says(&stage, GUARDED, "native")
}

/// Multi-buffer programs are taken at any MTU, so that nothing falls back here on a kernel that has them.
#[test]
fn a_large_mtu_is_guarded_as_the_daemon_says() -> Result<()> {
    if !kernel_or_skip("a_large_mtu_is_guarded_as_the_daemon_says") {
        return Ok(());
    }
    for mtu in [9000, 65535] {
        let mut stage = Stage::prepare()?;
        stage.wire.outside.ip(&format!("link set {OUTSIDE} mtu {mtu}\n"))?;
        stage.wire.guarded.ip(&format!("link set {GUARDED} mtu {mtu}\n"))?;
        stage.start_under("")?;
        let mode = shown(&stage.wire.guarded, GUARDED)?.mode;
        println!("MTU {mtu}: {mode}");
        says(&stage, GUARDED, mode)?;
        if stage.json("status")?["kernel"]["fragments"] == true {
            assert_eq!(mode, "native", "MTU {mtu}");
        }
        // One datagram that fills the MTU is one packet for the program.
        let [source, other] = hosts(1);
        let large = vec![0; mtu - 28 - 8];
        let change = stage.change(1, || {
            stage.wire.outside.within(|| {
                let socket = UdpSocket::bind((source, 0))?;
                socket.send_to(&large, (GUARDED_IPV4, PORT))?;
                Ok(())
            })
        })?;
        assert_eq!(change, counted(&[("default-pass", 1)], &[]), "MTU {mtu}");
        stage.cli(&format!("ban add {other}"))?;
        stage.assert_dropped(other, "banned")?;
    }
    Ok(())
}

#[test]
fn a_device_without_xdp_is_guarded_in_generic_mode() -> Result<()> {
    if !kernel_or_skip("a_device_without_xdp_is_guarded_in_generic_mode") {
        return Ok(());
    }
    let mut stage = Stage::prepare()?;
    // The guarded host's addresses move to a bridge, which has no XDP of its own.
    stage.wire.guarded.ip(&format!(
        "link add {BRIDGE} type bridge mcast_snooping 0\nlink set {BRIDGE} address 02:00:00:00:00:02 up\n\
         address flush dev {GUARDED}\nlink set {GUARDED} master {BRIDGE}\n\
         address add {GUARDED_IPV4}/24 dev {BRIDGE}\nroute add default via 192.0.2.1 dev {BRIDGE}\n\
         neighbour replace 192.0.2.1 lladdr 02:00:00:00:00:01 nud permanent dev {BRIDGE}\n"
    ))?;
    stage.daemon.start_with(&["--interface", BRIDGE])?;
    says(&stage, BRIDGE, "generic")?;
    let log = stage.daemon.whole_log()?;
    assert!(log.contains("guarded in generic mode"), "{log}");
    assert!(log.contains("the driver has no XDP"), "{log}");

    let [source, _] = hosts(1);
    stage.cli(&format!("ban add {source}"))?;
    let before = Counters::read(&stage.daemon, BRIDGE)?;
    assert_eq!(stage.arrive(source)?, 0);
    let change = Counters::read(&stage.daemon, BRIDGE)?.since(&before);
    assert_eq!(change, counted(&[], &[("banned", BURST)]));
    stage.cli(&format!("ban del {source}"))?;
    assert_eq!(stage.arrive(source)?, BURST);

    stage.daemon.terminate()?;
    stage.cli(&format!("detach --bpffs {}", stage.daemon.pins().display()))?;
    let refused = stage.daemon.refused_start(&[], &["--interface", BRIDGE, "--attach", "native"])?;
    assert_eq!(refused.code, 7, "{refused:?}");
    assert!(refused.message.contains(BRIDGE) && refused.message.contains("no XDP"), "{refused:?}");
    assert_eq!(shown(&stage.wire.guarded, BRIDGE)?.mode, "none");
    Ok(())
}

#[test]
fn generic_mode_can_be_asked_for() -> Result<()> {
    if !kernel_or_skip("generic_mode_can_be_asked_for") {
        return Ok(());
    }
    let mut stage = Stage::prepare()?;
    stage.daemon.start_with(&["--interface", GUARDED, "--attach", "generic"])?;
    says(&stage, GUARDED, "generic")?;
    let [source, source6] = hosts(1);
    stage.cli(&format!("ban add {source} {source6}"))?;
    stage.assert_dropped(source, "banned")?;
    stage.assert_dropped(source6, "banned")?;
    stage.daemon.kill()?;
    stage.daemon.start_again()?;
    says(&stage, GUARDED, "generic")?;
    stage.assert_dropped(source, "banned")
}

#[test]
fn each_interface_counts_for_itself() -> Result<()> {
    if !kernel_or_skip("each_interface_counts_for_itself") {
        return Ok(());
    }
    let second = "guarded1";
    let (outside, inside) = (Ipv4Addr::new(203, 0, 113, 1), Ipv4Addr::new(203, 0, 113, 2));
    let mut stage = Stage::prepare()?;
    let namespace = stage.wire.guarded.name();
    stage.wire.outside.ip(&format!("link add outside1 type veth peer name {second} netns {namespace}\n"))?;
    stage.wire.guarded.ip(&format!("address add {inside}/24 dev {second}\nlink set {second} up\n"))?;
    stage.wire.outside.ip(&format!("address add {outside}/24 dev outside1\nlink set outside1 up\n"))?;
    let sink = UdpSink::start(&stage.wire.guarded, (inside, PORT).into())?;
    stage.daemon.start_with(&["--interface", GUARDED, "--interface", second])?;
    says(&stage, GUARDED, "native")?;
    says(&stage, second, "native")?;

    // The first datagram waits for ARP, whose frames are counted too.
    let send = || senders::send_datagrams(&stage.wire.outside, outside.into(), (inside, PORT).into(), BURST);
    let (first_before, before) = (stage.counters()?, Counters::read(&stage.daemon, second)?);
    send()?;
    wait("datagrams arrive", COUNTED_WITHIN, || Ok(sink.received_from(outside.into()) == BURST))?;
    let change = Counters::read(&stage.daemon, second)?.since(&before);
    assert_eq!(change.passed.get("within-limit"), Some(&BURST), "{change:?}");
    assert!(change.dropped.is_empty(), "{change:?}");
    assert_eq!(change.decided(), change.seen, "{change:?}");
    assert_eq!(stage.counters()?.since(&first_before), counted(&[], &[]), "the other interface counted");

    stage.cli(&format!("ban add {outside}"))?;
    let before = Counters::read(&stage.daemon, second)?;
    send()?;
    wait("datagrams are counted", COUNTED_WITHIN, || {
        let change = Counters::read(&stage.daemon, second)?.since(&before);
        Ok(change.dropped.get("banned") == Some(&BURST))
    })?;
    assert_eq!(sink.received_from(outside.into()), BURST);

    stage.cli(&format!("detach --interface {second}"))?;
    assert_eq!(shown(&stage.wire.guarded, second)?.mode, "none");
    assert_eq!(shown(&stage.wire.guarded, GUARDED)?.mode, "native");
    let [source, _] = hosts(1);
    stage.assert_passed(source, "within-limit")
}

#[test]
fn a_program_of_somebody_else_is_named_and_kept() -> Result<()> {
    if !kernel_or_skip("a_program_of_somebody_else_is_named_and_kept") {
        return Ok(());
    }
    let mut stage = Stage::prepare()?;
    let mut other = Foreign::load(&stage.daemon)?;
    other.attach(&stage.wire.guarded, GUARDED)?;
    let id = other.id()?;
    assert_eq!(shown(&stage.wire.guarded, GUARDED)?.id, Some(id));

    let refused = stage.daemon.refused_start(&[], &["--interface", GUARDED])?;
    assert_eq!(refused.code, 7, "{refused:?}");
    for part in [GUARDED, "flood", &id.to_string(), "--force"] {
        assert!(refused.message.contains(part), "no {part:?}: {refused:?}");
    }
    assert_eq!(shown(&stage.wire.guarded, GUARDED)?.id, Some(id), "untouched");

    stage.daemon.start_with(&["--interface", GUARDED, "--force"])?;
    says(&stage, GUARDED, "native")?;
    assert_ne!(shown(&stage.wire.guarded, GUARDED)?.id, Some(id), "replaced");
    let [source, _] = hosts(1);
    stage.assert_passed(source, "within-limit")?;
    stage.daemon.terminate()?;
    stage.cli(&format!("detach --bpffs {}", stage.daemon.pins().display()))?;

    other.attach_link(&stage.wire.guarded, GUARDED)?;
    for force in [&[][..], &["--force"]] {
        let refused = stage.daemon.refused_start(&[], &[&["--interface", GUARDED], force].concat())?;
        assert_eq!(refused.code, 7, "{refused:?}");
        assert!(refused.message.contains(&id.to_string()), "{refused:?}");
        assert_eq!(shown(&stage.wire.guarded, GUARDED)?.id, Some(id), "untouched");
    }
    Ok(())
}

#[test]
fn a_missing_interface_is_named() -> Result<()> {
    if !kernel_or_skip("a_missing_interface_is_named") {
        return Ok(());
    }
    let stage = Stage::prepare()?;
    let refused = stage.daemon.refused_start(&[], &["--interface", GUARDED, "--interface", "eth99"])?;
    assert_eq!(refused.code, 7, "{refused:?}");
    assert!(refused.message.contains("eth99"), "{refused:?}");
    assert_eq!(shown(&stage.wire.guarded, GUARDED)?.mode, "none", "all interfaces or none");
    Ok(())
}

#[test]
fn the_metric_says_how_it_is_attached() -> Result<()> {
    if !kernel_or_skip("the_metric_says_how_it_is_attached") {
        return Ok(());
    }
    for mode in ["native", "generic"] {
        let mut stage = Stage::prepare()?;
        let endpoint = Endpoint::default();
        stage.daemon.start_with(&[
            "--interface",
            GUARDED,
            "--attach",
            mode,
            "--metrics",
            &endpoint.address(),
        ])?;
        let page = endpoint.metrics(&stage)?;
        for candidate in ["native", "generic", "none"] {
            let labels = [("interface", GUARDED), ("mode", candidate)];
            let value = page.value("xdpgate_xdp_mode", &labels)?;
            assert!(
                (value - f64::from(u8::from(candidate == mode))).abs() < f64::EPSILON,
                "{candidate}: {value}"
            );
        }
        assert_eq!(shown(&stage.wire.guarded, GUARDED)?.mode, mode);
    }
    Ok(())
}

/// What `status` and `stats` say is what `ip` says.
#[track_caller]
fn says(stage: &Stage, interface: &str, mode: &str) -> Result<()> {
    assert_eq!(shown(&stage.wire.guarded, interface)?.mode, mode, "the kernel");
    let status = stage.json("status")?;
    let rows = status["interfaces"].as_array().context("no interfaces")?;
    let row = rows.iter().find(|row| row["name"] == interface).context("no such interface")?;
    assert_eq!((&row["mode"], &row["enforcing"]), (&mode.into(), &true.into()), "{row}");
    assert_eq!(status["ready"], true, "{status}");
    assert!(stage.cli("stats --once")?.contains(mode), "{}", stage.cli("stats --once")?);
    Ok(())
}
