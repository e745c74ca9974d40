//! Interfaces that lose the program while the daemon runs: it says so, and guards them again.

use std::fs;
use std::time::Duration;

use anyhow::Result;
use xdpgate_tests::kernel_or_skip;
use xdpgate_tests::veth::{GUARDED, OUTSIDE};

use crate::foreign::{self, Foreign, shown};
use crate::metrics::Endpoint;
use crate::stage::{BURST, Stage, hosts, wait};

/// The daemon looks every three seconds.
const NOTICED_WITHIN: Duration = Duration::from_secs(8);

fn stage(endpoint: &Endpoint) -> Result<Stage> {
    let mut stage = Stage::prepare()?;
    stage.daemon.start_with(&["--interface", GUARDED, "--metrics", &endpoint.address()])?;
    Ok(stage)
}

#[test]
fn an_interface_that_lost_the_program_is_guarded_again() -> Result<()> {
    if !kernel_or_skip("an_interface_that_lost_the_program_is_guarded_again") {
        return Ok(());
    }
    let endpoint = Endpoint::default();
    let stage = stage(&endpoint)?;
    let [source, _] = hosts(1);
    stage.cli(&format!("ban add {source}"))?;
    stage.assert_dropped(source, "banned")?;
    let before = stage.counters()?;

    // Removing the last reference to the link takes the program off.
    fs::remove_file(stage.daemon.pins().join("links/0"))?;
    let status = stage.json("status")?;
    if shown(&stage.wire.guarded, GUARDED)?.id.is_none() {
        assert_eq!((&status["ready"], &status["interfaces"][0]["enforcing"]), (&false.into(), &false.into()));
    }
    let again =
        wait("guarded again", NOTICED_WITHIN, || Ok(shown(&stage.wire.guarded, GUARDED)?.id.is_some()))?;
    println!("guarded again after {again:?}");
    wait("the log says it", NOTICED_WITHIN, || Ok(stage.daemon.log().contains("guarded again")))?;
    assert!(stage.daemon.log().contains("WARN"), "{}", stage.daemon.log());
    assert_eq!(stage.json("status")?["ready"], true);
    stage.assert_dropped(source, "banned")?;
    assert!(stage.counters()?.seen >= before.seen + BURST, "counters go on");
    Ok(())
}

#[test]
fn an_interface_that_somebody_took_is_reported_until_it_is_free() -> Result<()> {
    if !kernel_or_skip("an_interface_that_somebody_took_is_reported_until_it_is_free") {
        return Ok(());
    }
    let endpoint = Endpoint::default();
    let stage = stage(&endpoint)?;
    let ready = endpoint.get(&stage, "/-/ready")?;
    assert_eq!(ready.status, 200, "{ready:?}");
    let other = Foreign::load(&stage.daemon)?;
    // The daemon may be faster than this, and takes the interface back: then again.
    wait("the interface is taken", NOTICED_WITHIN, || {
        let links = stage.daemon.pins().join("links");
        for link in fs::read_dir(links)? {
            fs::remove_file(link?.path())?;
        }
        Ok(other.attach(&stage.wire.guarded, GUARDED).is_ok())
    })?;

    wait("the log says it", NOTICED_WITHIN, || Ok(stage.daemon.log().contains("NOT GUARDED")))?;
    let log = stage.daemon.log();
    assert!(log.contains("flood") && log.contains(GUARDED), "names the program: {log}");
    let status = stage.json("status")?;
    assert_eq!((&status["ready"], &status["interfaces"][0]["enforcing"]), (&false.into(), &false.into()));
    assert!(status["problems"].to_string().contains(GUARDED), "{status}");
    assert!(stage.cli("status")?.contains("NOT ENFORCING"), "{}", stage.cli("status")?);
    let page = endpoint.metrics(&stage)?;
    assert!(page.value("xdpgate_enforcing", &[("interface", GUARDED)])?.abs() < f64::EPSILON);
    let ready = endpoint.get(&stage, "/-/ready")?;
    assert_eq!(ready.status, 503, "{ready:?}");
    assert!(ready.body.contains(GUARDED), "{ready:?}");
    assert_eq!(endpoint.get(&stage, "/-/healthy")?.status, 200);
    assert_eq!(shown(&stage.wire.guarded, GUARDED)?.id, Some(other.id()?), "untouched");

    foreign::detach(&stage.wire.guarded, GUARDED)?;
    wait("guarded again", NOTICED_WITHIN, || Ok(stage.json("status")?["ready"] == true))?;
    assert_eq!(endpoint.get(&stage, "/-/ready")?.status, 200);
    assert_eq!(
        stage.daemon.whole_log()?.matches("NOT GUARDED").count(),
        1,
        "said once, not every three seconds"
    );
    let [source, _] = hosts(1);
    stage.assert_passed(source, "within-limit")
}

#[test]
fn an_interface_that_comes_back_is_guarded_again() -> Result<()> {
    if !kernel_or_skip("an_interface_that_comes_back_is_guarded_again") {
        return Ok(());
    }
    let mut stage = Stage::prepare()?;
    let namespace = stage.wire.guarded.name();
    let pair = format!("link add outside1 type veth peer name guarded1 netns {namespace}\n");
    stage.wire.outside.ip(&pair)?;
    stage.daemon.start_with(&["--interface", GUARDED, "--interface", "guarded1"])?;
    stage.wire.outside.ip("link delete outside1\n")?;
    wait("the loss is noticed", NOTICED_WITHIN, || Ok(stage.json("status")?["ready"] == false))?;
    wait("the log says it", NOTICED_WITHIN, || Ok(stage.daemon.log().contains("NOT GUARDED")))?;
    let [source, _] = hosts(1);
    stage.assert_passed(source, "within-limit")?;

    stage.wire.outside.ip(&pair)?;
    wait("guarded again", NOTICED_WITHIN, || Ok(stage.json("status")?["ready"] == true))?;
    assert_eq!(shown(&stage.wire.guarded, "guarded1")?.mode, "native");

    // Also when it comes back while no daemon runs.
    stage.daemon.kill()?;
    stage.wire.outside.ip(&format!("link delete outside1\n{pair}"))?;
    assert_eq!(shown(&stage.wire.guarded, "guarded1")?.mode, "none");
    stage.daemon.start_again()?;
    assert_eq!(shown(&stage.wire.guarded, "guarded1")?.mode, "native");
    assert_eq!(stage.json("status")?["ready"], true);
    stage.wire.outside.ip(&format!("link set {OUTSIDE} up\n"))?;
    stage.assert_passed(source, "within-limit")
}
