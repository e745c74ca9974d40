//! Packets: alone, as the decision reads them, and in captures.

use std::path::Path;

use xdpgate::captures::{Capture, MAX_PACKET};
use xdpgate::daemon::Inputs;
use xdpgate::policy::Model;
use xdpgate_ebpf::decide::decide;
use xdpgate_ebpf::packet::Packet;

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

// It counts, so that threads can't share one.
thread_local! {
    static MODEL: Option<Model> = model();
}

fn model() -> Option<Model> {
    let config = xdpgate::config::parse(POLICY, Path::new("fuzz.toml")).ok()?;
    let image = Inputs::load(config, None).ok()?.compile(1).ok()?;
    Some(Model::new(image))
}

/// A frame.
pub fn packet(data: &[u8]) {
    MODEL.with(|model| {
        assert!(model.is_some(), "the policy is valid");
        model.as_ref().inspect(|model| judge(data, model));
    });
}

fn judge(data: &[u8], model: &Model) {
    let judge = || {
        let mut packet = Packet::unread(u32::try_from(data.len()).unwrap_or(u32::MAX));
        (decide(&data, &mut packet, model, &NOW), packet)
    };
    let ((verdict, packet), (again, same)) = (judge(), judge());
    assert_eq!(packet, same, "a frame is read in one way");
    assert_eq!(verdict.reason, again.reason, "without limits nothing depends on what was before");
}

/// A capture, to its end.
pub fn capture(data: &[u8]) {
    let Ok(mut capture) = Capture::open(data) else { return };
    let mut packets = 0;
    while let Ok(record) = capture.next_packet() {
        packets += 1;
        assert!(record.bytes.len() <= MAX_PACKET as usize && record.bytes.len() <= data.len());
        assert!(record.number >= packets);
        let mut packet = Packet::unread(record.length);
        MODEL.with(|model| {
            model.as_ref().inspect(|model| {
                let _ = decide(&record.frame(), &mut packet, *model, &NOW);
            });
        });
    }
    assert!(capture.packets() >= packets);
}
