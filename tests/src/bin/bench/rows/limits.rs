//! What limits of a service cost: four of them against one.

use anyhow::{Result, ensure};

use super::verdict::{ACTIVE, PREFIXES, SOURCES};
use crate::driver::{Driver, Plan};
use crate::effort::Effort;
use crate::frames;
use crate::prefixes;
use crate::rounds::{Samples, interleave};
use crate::row::Measured;
use crate::subjects::{Ours, Policy, SourceLimit, Subject};

/// A limit that nobody reaches, for each source: what most services have.
const ONE: &str = r#"
[[limit]]
name = "packets"
rate = "100 packets/s"
burst = 8000000
[[service]]
name = "api"
protocol = "udp"
ports = [5000]
limits = ["packets"]
"#;

/// For each source in packets and in bytes, for each network, and for the service: two lines of a source's own, one of its
/// network's, which is another one for nearly every source here, and one that all packets share.
const FOUR: &str = r#"
[[limit]]
name = "packets"
rate = "100 packets/s"
burst = 8000000
[[limit]]
name = "bytes"
rate = "100 kB/s"
burst = "8 GB"
[[limit]]
name = "network"
rate = "100 packets/s"
burst = 8000000
key = "prefix"
[[limit]]
name = "everybody"
rate = "100000000 packets/s"
burst = 1000000000
key = "service"
[[service]]
name = "api"
protocol = "udp"
ports = [5000]
limits = ["packets", "bytes", "network", "everybody"]
"#;

/// The contenders.
const BARE: usize = 0;
const SOURCE: usize = 1;
const ONE_OF_SERVICE: usize = 2;
const FOUR_OF_SERVICE: usize = 3;

/// 1 million prefixes; 100 thousand sources that all are active, then one source at full speed.
pub(crate) fn measure(effort: &Effort) -> Result<Vec<Measured>> {
    let mut policy = Policy {
        prefixes4: prefixes::random4(PREFIXES),
        limit: SourceLimit::NEVER_REACHED,
        ..Policy::default()
    };
    let services = ["", ONE, FOUR].map(str::to_owned);
    let mut ours = Vec::new();
    for services in &services {
        ours.push(Ours::load(&Policy { services: services.clone(), ..policy.clone() }, SOURCES)?);
    }
    let active = contest(&ours, effort, Plan::Draw(ACTIVE))?;
    policy.limit = SourceLimit::ABOVE_ALL_SPEED;
    for (ours, services) in ours.iter_mut().zip(&services) {
        ours.enforce(&Policy { services: above_all_speed(services), ..policy.clone() })?;
    }
    let hot = contest(&ours, effort, Plan::Keep)?;
    let net = |samples: &Samples, who| samples.net(who, BARE).median;
    let times = net(&active, FOUR_OF_SERVICE) / net(&active, SOURCE);
    Ok(vec![
        Measured::new("verdict-4-limits", times, "×")
            .with("one_ns", net(&active, SOURCE))
            .with("one_of_service_ns", net(&active, ONE_OF_SERVICE))
            .with("four_ns", net(&active, FOUR_OF_SERVICE))
            .with("hot_one_ns", net(&hot, SOURCE))
            .with("hot_one_of_service_ns", net(&hot, ONE_OF_SERVICE))
            .with("hot_four_ns", net(&hot, FOUR_OF_SERVICE)),
    ])
}

/// The same limits, at rates that not even one source at full speed reaches.
fn above_all_speed(services: &str) -> String {
    let fast = "rate = \"100000000 packets/s\"\nburst = 1000000\n";
    services
        .replace("rate = \"100 packets/s\"\nburst = 8000000\n", fast)
        .replace("rate = \"100 kB/s\"", "rate = \"100 Gbit/s\"")
}

fn contest(ours: &[Ours], effort: &Effort, plan: Plan) -> Result<Samples> {
    let mut driver = Driver::load(1)?;
    let frame = frames::ipv4()?;
    let mut programs = vec![driver.small("bare")?];
    for ours in ours {
        programs.push(ours.program()?);
    }
    let samples = interleave(effort.rounds, programs.len(), |who, _| {
        Ok(driver.run(&programs[who], plan, &frame, effort.frames, 0)?.ns)
    })?;
    for counted in ours.iter().map(Subject::counted) {
        let counted = counted?;
        ensure!(counted.admitted == counted.seen, "some packets left early: {counted:?}");
    }
    Ok(samples)
}
