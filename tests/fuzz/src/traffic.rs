//! Packets: alone, as the decision reads them, and in captures.

use std::path::Path;

use xdpgate::captures::{Capture, MAX_PACKET};
use xdpgate::daemon::Inputs;
use xdpgate::policy::Model;
use xdpgate_ebpf::decide::decide;
use xdpgate_ebpf::packet::{Packet, View};
use xdpgate_ebpf::verdict::Verdict;

/// A policy with something of most kinds.
const POLICY: &str = r#"
default_action = "drop"

[[service]]
name = "dns"
protocol = "udp"
ports = [53]

[[service]]
name = "web"
protocol = "tcp"
ports = [80, 443]
"#;

/// In nanoseconds.
const NOW: u64 = 3_600_000_000_000;

thread_local! {
    static MODEL: Option<Model> = model();
}

fn model() -> Option<Model> {
    let config = xdpgate::config::parse(POLICY, Path::new("fuzz.toml")).ok()?;
    let image = Inputs::load(config, None).ok()?.compile(1).ok()?;
    Some(Model::new(image))
}

/// What the decision makes of a frame.
fn judge(frame: &impl View, length: u32) -> (Option<Verdict>, Packet) {
    let mut packet = Packet::unread(length);
    let verdict = MODEL.with(|model| model.as_ref().map(|model| decide(frame, &mut packet, model, &NOW)));
    assert!(verdict.is_some(), "the policy is valid");
    (verdict, packet)
}

/// A frame.
pub fn packet(data: &[u8]) {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let ((verdict, packet), (again, same)) = (judge(&data, length), judge(&data, length));
    assert_eq!(packet, same, "a frame is read in one way");
    let reason = |verdict: Option<Verdict>| verdict.map(|verdict| verdict.reason);
    assert_eq!(reason(verdict), reason(again), "without limits nothing depends on what was before");
}

/// A capture, to its end.
pub fn capture(data: &[u8]) {
    let Ok(mut capture) = Capture::open(data) else { return };
    let mut packets = 0;
    while let Ok(record) = capture.next_packet() {
        packets += 1;
        assert!(record.bytes.len() <= MAX_PACKET as usize && record.bytes.len() <= data.len());
        assert!(record.number >= packets);
        judge(&record.frame(), record.length);
    }
    assert!(capture.packets() >= packets);
}
