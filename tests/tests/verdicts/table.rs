//! The packet table, every cut of its frames, and frames that nobody wrote: kernel against model.

use std::collections::HashSet;
use std::env;

use xdpgate_ebpf::reason::Reason;
use xdpgate_tests::kernel_or_skip;
use xdpgate_tests::packets::{Mutations, Scene, State, World, scenes};

use super::gate::{Gate, Program, SHORTEST};
use super::ledger::Ledger;

/// Another seed for the frames that nobody wrote.
const SEED_VARIABLE: &str = "XDPGATE_TEST_SEED";
const SEED: u64 = 20_260_102;
const GENERATED: usize = 20_000;
const GENERATED_IN_OTHER_SCENES: usize = 2_000;

#[test]
fn every_row_gets_its_verdict_in_the_kernel() {
    if !kernel_or_skip("every_row_gets_its_verdict_in_the_kernel") {
        return;
    }
    let world = World::new().unwrap();
    let (mut rows, mut too_long, mut too_short) = (0, 0, 0);
    for scene in scenes() {
        for program in Program::BOTH {
            let (gate, model) = (Gate::staged(&world, &scene), world.model(&scene).unwrap());
            let mut ledger = Ledger::new(&gate, &model);
            for (number, row) in scene.rows.iter().enumerate() {
                let frame = &row.frame.bytes;
                if !ledger.takes(program, frame) {
                    if frame.len() < SHORTEST {
                        too_short += 1;
                    } else {
                        too_long += 1;
                    }
                    continue;
                }
                let about = || format!("{}, {number}, {}", scene.name, row.name);
                let reason = ledger.send(program, frame, &about);
                if ledger.takes(Program::OneBuffer, frame) {
                    assert_eq!(reason, row.reason, "{}", about());
                }
                rows += 1;
            }
            ledger.close();
        }
    }
    println!(
        "{rows} packets; the kernel does not take {too_short} shorter than {SHORTEST} bytes, \
         nor {too_long} longer than one buffer"
    );
}

#[test]
fn every_cut_of_every_frame_in_the_kernel() {
    if !kernel_or_skip("every_cut_of_every_frame_in_the_kernel") {
        return;
    }
    let world = World::new().unwrap();
    let mut cuts = 0;
    for scene in scenes().iter().filter(|scene| is_repeatable(scene)) {
        let (gate, model) = (Gate::staged(&world, scene), world.model(scene).unwrap());
        let mut ledger = Ledger::new(&gate, &model);
        for row in &scene.rows {
            // Behind the headers nothing is read, so one cut there stands for all.
            for length in SHORTEST..row.frame.bytes.len().min(row.frame.headers + 1) {
                let program = Program::BOTH[length % 2];
                let frame = &row.frame.bytes[..length];
                if !ledger.takes(program, frame) {
                    break;
                }
                let about = || format!("{}, {}, cut to {length}", scene.name, row.name);
                let reason = ledger.send(program, frame, &about);
                let expected = if length < row.frame.headers { Reason::Malformed } else { row.reason };
                if ledger.takes(Program::OneBuffer, frame) {
                    assert_eq!(reason, expected, "{}", about());
                }
                cuts += 1;
            }
        }
        ledger.close();
    }
    println!("{cuts} cuts; those under {SHORTEST} bytes are judged on the host only");
    assert!(cuts > 50_000, "only {cuts} cuts");
}

#[test]
fn noise_is_judged_as_the_model_judges_it() {
    if !kernel_or_skip("noise_is_judged_as_the_model_judges_it") {
        return;
    }
    let seed = env::var(SEED_VARIABLE).map_or(SEED, |seed| seed.parse().unwrap());
    println!("seed {seed}; set {SEED_VARIABLE} to try another one");
    let world = World::new().unwrap();
    let scenes = scenes();
    let frames: Vec<_> = scenes.iter().flat_map(|scene| scene.rows.iter().map(|row| &row.frame)).collect();
    let mut reasons = HashSet::new();
    for (scene, seed) in scenes.iter().filter(|scene| is_repeatable(scene)).zip(seed..) {
        let (gate, model) = (Gate::staged(&world, scene), world.model(scene).unwrap());
        let mut ledger = Ledger::new(&gate, &model);
        let count = if scene.name == "usual" { GENERATED } else { GENERATED_IN_OTHER_SCENES };
        for (number, frame) in Mutations::new(frames.clone(), seed).take(count).enumerate() {
            let start = &frame[..frame.len().min(SHOWN)];
            let about = || {
                format!("{}, frame {number} of seed {seed}, {} bytes: {start:02x?}", scene.name, frame.len())
            };
            for program in Program::BOTH {
                if ledger.takes(program, &frame) {
                    reasons.insert(ledger.send(program, &frame, &about));
                }
            }
        }
        ledger.close();
    }
    assert!(reasons.len() >= 12, "too tame: {reasons:?}");
}

/// As much of a frame as a message shows.
const SHOWN: usize = 96;

/// Only the first buffer is read, but all of the packet is charged.
#[test]
fn a_frame_in_several_buffers_is_charged_as_a_whole() {
    if !kernel_or_skip("a_frame_in_several_buffers_is_charged_as_a_whole") {
        return;
    }
    let world = World::new().unwrap();
    let scene = &scenes()[0];
    let (gate, model) = (Gate::staged(&world, scene), world.model(scene).unwrap());
    let mut ledger = Ledger::new(&gate, &model);
    let row = scene.rows.iter().find(|row| row.reason == Reason::WithinLimit).unwrap();
    let mut frame = row.frame.bytes.clone();
    frame.resize(9_014, 0);
    frame[16..18].copy_from_slice(&9_000u16.to_be_bytes());
    let before = gate.counted();
    ledger.send(Program::Fragments, &frame, &|| "a jumbo frame".to_owned());
    let after = gate.counted();
    let bytes = after.decided(Reason::WithinLimit).bytes - before.decided(Reason::WithinLimit).bytes;
    assert_eq!(bytes, 9_014);
    assert!(after.seen.bytes - before.seen.bytes < 9_014, "it came in one buffer");
}

fn is_repeatable(scene: &Scene) -> bool {
    !scene.remembers && scene.state == State::Live
}
