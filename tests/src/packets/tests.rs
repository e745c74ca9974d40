use std::collections::HashSet;

use xdpgate::policy::Model;
use xdpgate_ebpf::decide::decide;
use xdpgate_ebpf::packet::{Packet, protocol};
use xdpgate_ebpf::reason::Reason;
use xdpgate_ebpf::verdict::{ListNumber, Verdict};

use super::*;

/// Later than the bans that have ended.
const NOW_NS: u64 = 3_600_000_000_000;
const SEED: u64 = 20_260_101;
const GENERATED: usize = 50_000;

fn judge(model: &Model, bytes: &[u8]) -> (Verdict, Packet) {
    let mut packet = Packet::unread(0);
    let verdict = decide(&bytes, &mut packet, model, &NOW_NS);
    (verdict, packet)
}

#[test]
fn every_row_gets_its_verdict() {
    let world = World::new().unwrap();
    let mut wrong = Vec::new();
    for scene in scenes() {
        let model = world.model(&scene).unwrap();
        for (number, row) in scene.rows.iter().enumerate() {
            let (verdict, _) = judge(&model, &row.frame.bytes);
            let found = (
                verdict.reason,
                verdict.monitored,
                verdict.list.map(ListNumber::bit),
                verdict.lists_monitored,
            );
            let expected = (row.reason, row.monitored_bits(), row.list, row.lists_monitored);
            if found != expected {
                wrong.push(format!("{}, {number}, {}: {found:?}, not {expected:?}", scene.name, row.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_row_is_read_as_it_says() {
    let world = World::new().unwrap();
    let mut checked = 0;
    for scene in scenes() {
        let model = world.model(&scene).unwrap();
        for row in &scene.rows {
            let Some(expected) = row.reads else { continue };
            let (_, packet) = judge(&model, &row.frame.bytes);
            let flags_or_type =
                if packet.protocol == protocol::TCP { packet.tcp_flags } else { packet.icmp_type };
            let ports = [packet.source_port, packet.destination_port].map(u16::from_be_bytes);
            let found = Reads {
                protocol: packet.protocol,
                fragment: packet.fragment,
                ports: ports.into(),
                flags_or_type,
            };
            assert_eq!(found, expected, "{}, {}", scene.name, row.name);
            checked += 1;
        }
    }
    assert!(checked > 500, "only {checked} rows say how they are read");
}

/// Cut anywhere within its headers a frame is malformed, cut behind them it is what it was.
#[test]
fn every_cut_of_every_frame() {
    let world = World::new().unwrap();
    let mut cuts = 0;
    for scene in scenes().iter().filter(|scene| !scene.remembers && scene.state == State::Live) {
        let model = world.model(scene).unwrap();
        for row in &scene.rows {
            for length in 0..row.frame.bytes.len() {
                let expected = if length < row.frame.headers { Reason::Malformed } else { row.reason };
                let (verdict, _) = judge(&model, &row.frame.bytes[..length]);
                assert_eq!(verdict.reason, expected, "{}, {}, cut to {length}", scene.name, row.name);
                cuts += 1;
            }
        }
    }
    assert!(cuts > 100_000, "only {cuts} cuts");
}

#[test]
fn every_reason_is_reached() {
    let reached: HashSet<_> =
        scenes().iter().flat_map(|scene| scene.rows.iter().map(|row| row.reason)).collect();
    // Neither the model's table nor the kernel's LRU hash is ever full.
    let missing: Vec<_> = Reason::ALL
        .iter()
        .filter(|reason| !reached.contains(reason) && **reason != Reason::LimiterFull)
        .collect();
    assert!(missing.is_empty(), "no row leaves with {missing:?}");

    let monitored: HashSet<_> =
        scenes().iter().flat_map(|scene| scene.rows.iter().flat_map(|row| row.monitored.clone())).collect();
    assert_eq!(monitored, HashSet::from(Reason::MONITORABLE));
}

#[test]
fn every_source_is_used_and_is_one_of_a_kind() {
    let scenes = scenes();
    let usual = scenes.iter().find(|scene| scene.name == "usual").unwrap();
    for origin in origins() {
        for family in ["IPv4", "IPv6"] {
            let ending = format!("over {family} from {}", origin.name);
            assert!(usual.rows.iter().any(|row| row.name.ends_with(&ending)), "{ending}");
        }
    }
    let addresses: HashSet<_> = origins().iter().map(|origin| (origin.ipv4, origin.ipv6)).collect();
    assert_eq!(addresses.len(), origins().len());
}

/// Whatever comes: one verdict, no panic, no step that contradicts another.
#[test]
fn noise_is_judged_too() {
    let world = World::new().unwrap();
    let scenes = scenes();
    let usual = &scenes[0];
    let model = world.model(usual).unwrap();
    let frames = usual.rows.iter().map(|row| &row.frame).collect();
    let mut reasons = HashSet::new();
    for (number, bytes) in Mutations::new(frames, SEED).take(GENERATED).enumerate() {
        let (verdict, packet) = judge(&model, &bytes);
        let about = format!("frame {number} of seed {SEED}: {bytes:02x?}");
        assert_eq!(verdict.list.is_some(), verdict.reason == Reason::Blocklisted, "{about}");
        assert_eq!(
            verdict.lists_monitored != 0,
            verdict.monitored & Reason::Blocklisted.bit() != 0,
            "{about}"
        );
        assert!(packet.bytes as usize >= bytes.len(), "{about}");
        if bytes.len() < 14 {
            assert_eq!(verdict.reason, Reason::Malformed, "{about}");
        }
        reasons.insert(verdict.reason);
    }
    assert!(reasons.len() >= 10, "too tame: {reasons:?}");
}
