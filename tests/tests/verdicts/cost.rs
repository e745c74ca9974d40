//! What the program costs: the verifier's work, its size, the memory of its tables.

use std::fs;
use std::os::fd::{AsFd, AsRawFd};

use aya::maps::MapInfo;
use xdpgate_tests::kernel_or_skip;

use super::gate::{Gate, Program};

/// The verifier gives up at a million; older kernels follow more ways than newer ones.
const MOST_VERIFIED: u32 = 500_000;

#[test]
fn the_verifier_has_room_to_spare() {
    if !kernel_or_skip("the_verifier_has_room_to_spare") {
        return;
    }
    let gate = Gate::new();
    for program in Program::BOTH {
        let info = gate.program(program).info().unwrap();
        let verified = info.verified_instruction_count().unwrap();
        println!(
            "{}: {verified} instructions verified, {} bytes translated, {} bytes of machine code",
            program.name(),
            info.size_translated().unwrap(),
            info.size_jitted()
        );
        assert!(verified < MOST_VERIFIED, "{}: {verified} instructions verified", program.name());
    }
}

#[test]
fn the_tables_take_little_memory() {
    if !kernel_or_skip("the_tables_take_little_memory") {
        return;
    }
    let gate = Gate::sized(|options| (options.bans, options.sources) = (1 << 18, 1 << 18));
    let mut sizes: Vec<_> = fs::read_dir(gate.folder.maps())
        .unwrap()
        .map(|pin| {
            let pin = pin.unwrap();
            let info = MapInfo::from_pin(pin.path()).unwrap();
            (memory(&info), pin.file_name().into_string().unwrap(), info.max_entries())
        })
        .collect();
    sizes.sort_unstable_by(|one, other| other.cmp(one));
    for (bytes, name, entries) in &sizes {
        println!("{name:16} {:9.1} KiB, {entries} entries", kib(*bytes));
    }
    let total: u64 = sizes.iter().map(|(bytes, ..)| bytes).sum();
    println!("together {:.1} MiB with 262,144 bans and sources", kib(total) / 1024.0);
    assert!(total < 160 << 20, "{total} bytes");
}

/// What the kernel says that the map takes.
fn memory(map: &MapInfo) -> u64 {
    let descriptor = map.fd().unwrap();
    let path = format!("/proc/self/fdinfo/{}", descriptor.as_fd().as_raw_fd());
    let text = fs::read_to_string(path).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("memlock:")).unwrap();
    line.trim().parse().unwrap()
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn kib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0
}
