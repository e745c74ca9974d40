//! Pins that an earlier daemon left: whole, half-made, of another layout, or still owned.

use std::fs;

use xdpgate::kernel::{KernelError, detach_pinned};
use xdpgate_ebpf::abi::ABI_VERSION;
use xdpgate_ebpf::reason::Reason;
use xdpgate_tests::kernel_or_skip;
use xdpgate_tests::packets::{Ipv4, Payload, World, origins};

use super::gate::{Folder, Gate};

fn frame() -> Vec<u8> {
    Ipv4::from(origins()[0].ipv4).carrying(&Payload::udp(40_000, 5_000)).ethernet().bytes
}

/// Tables that a daemon made and left.
fn made() -> Folder {
    let folder = Folder::new();
    let kernel = folder.open().unwrap();
    folder.keep();
    drop(kernel);
    folder
}

#[test]
fn there_is_one_owner() {
    if !kernel_or_skip("there_is_one_owner") {
        return;
    }
    let folder = Folder::new();
    let owner = folder.open().unwrap();
    let error = folder.open().unwrap_err();
    assert!(matches!(&error, KernelError::AlreadyOwned { path } if path == folder.path()), "{error}");
    assert_eq!(error.exit_code(), 8);
    drop(owner);
    drop(folder.open().unwrap());
}

#[test]
fn pins_of_another_layout_are_left_alone() {
    if !kernel_or_skip("pins_of_another_layout_are_left_alone") {
        return;
    }
    let folder = made();
    let newer = ABI_VERSION + 1;
    folder.words("ABI").set(0, newer, 0).unwrap();
    let error = folder.open().unwrap_err();
    assert!(
        matches!(&error, KernelError::OtherAbi { found, expected, .. }
            if *found == newer && *expected == ABI_VERSION),
        "{error}"
    );
    assert_eq!(error.exit_code(), 9);
    assert_eq!(folder.words("ABI").get(&0, 0).unwrap(), newer, "what is pinned was not touched");
    // The way out that the message names.
    assert_eq!(detach_pinned(folder.path(), None).unwrap(), []);
    assert!(!folder.path().exists());
    drop(folder.open().unwrap());
}

#[test]
fn everything_outlives_the_daemon() {
    if !kernel_or_skip("everything_outlives_the_daemon") {
        return;
    }
    let gate = Gate::new();
    let policy = World::new().unwrap().compile("default_action = \"drop\"", 7).unwrap();
    gate.kernel.install(&policy).unwrap();
    let end = u64::MAX - 1;
    for prefix in ["198.51.100.10/32", "10.0.0.0/8", "2001:db8::/32"] {
        gate.kernel.ban(prefix.parse().unwrap(), Some(end)).unwrap();
    }
    assert_eq!(gate.reason_of(&frame()), Reason::Banned);
    let (mut bans, counted) = (gate.kernel.bans(), gate.counted());
    gate.folder.keep();
    let Gate { kernel, folder, .. } = gate;
    drop(kernel);

    let gate = Gate::around(folder.open().unwrap(), folder);
    assert_eq!(gate.kernel.live_generation(), 7);
    assert_eq!(gate.counted(), counted);
    let mut found = gate.kernel.bans();
    found.sort_unstable();
    bans.sort_unstable();
    assert_eq!(found, bans);
    assert_eq!(gate.reason_of(&frame()), Reason::Banned);
    assert!(gate.kernel.unban("198.51.100.10/32".parse().unwrap()));
    assert_eq!(gate.reason_of(&frame()), Reason::DefaultDrop);
}

#[test]
fn pins_that_guard_nothing_go_with_their_owner() {
    if !kernel_or_skip("pins_that_guard_nothing_go_with_their_owner") {
        return;
    }
    let folder = Folder::new();
    drop(folder.open().unwrap());
    assert!(!folder.path().exists());
    let kernel = folder.open().unwrap();
    folder.keep();
    drop(kernel);
    assert!(folder.maps().join("ABI").exists());
}

/// A daemon that was killed while it made its tables left some of them.
#[test]
fn half_made_tables_are_made_whole() {
    if !kernel_or_skip("half_made_tables_are_made_whole") {
        return;
    }
    let folder = made();
    let mut names: Vec<_> =
        fs::read_dir(folder.maps()).unwrap().map(|pin| pin.unwrap().file_name()).collect();
    names.sort_unstable();
    assert!(names.len() >= 18, "{names:?}");
    for missing in &names {
        for other in [None, Some("ABI"), Some("CONTROL"), Some("PREFIX_BLOCKS")] {
            fs::remove_file(folder.maps().join(missing)).unwrap();
            if let Some(other) = other.filter(|other| *missing != **other) {
                fs::remove_file(folder.maps().join(other)).unwrap();
            }
            if folder.maps().join("ABI").exists() {
                folder.words("ABI").set(0, 0, 0).unwrap();
            }
            drop(folder.open().unwrap_or_else(|error| panic!("without {missing:?} and {other:?}: {error}")));
        }
    }
    for name in &names {
        if name != "ABI" {
            fs::remove_file(folder.maps().join(name)).unwrap();
        }
    }
    folder.words("ABI").set(0, 0, 0).unwrap();
    let gate = Gate::around(folder.open().unwrap(), folder);
    assert_eq!(gate.folder.words("ABI").get(&0, 0).unwrap(), ABI_VERSION);
    gate.kernel.install(&World::new().unwrap().compile("default_action = \"drop\"", 1).unwrap()).unwrap();
    assert_eq!(gate.reason_of(&frame()), Reason::DefaultDrop);
}

#[test]
fn nothing_pinned_is_told_as_such() {
    if !kernel_or_skip("nothing_pinned_is_told_as_such") {
        return;
    }
    let folder = Folder::new();
    let error = xdpgate::kernel::pause_pinned(folder.path(), true).unwrap_err();
    assert!(matches!(error, KernelError::NothingPinned { .. }), "{error}");
    let error = detach_pinned(folder.path(), None).unwrap_err();
    assert!(matches!(error, KernelError::NothingPinned { .. }), "{error}");
    assert!(!folder.path().exists(), "asking makes nothing");
}
