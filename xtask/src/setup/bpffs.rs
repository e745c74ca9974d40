//! The file system that pins live in.

use std::fs;
use std::process::Command;

use super::privileges::is_root;
use super::say;
use crate::command;

const MOUNT_POINT: &str = "/sys/fs/bpf";

/// Mounts it when it is missing. Building needs no mount, so a failure is only told.
pub(super) fn prepare() {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    if is_mounted(&mounts) {
        return;
    }
    if !is_root() {
        say(&format!("no bpffs; before you run xdpgate: sudo mount -t bpf bpf {MOUNT_POINT}"));
        return;
    }
    match command::read(Command::new("mount").args(["-t", "bpf", "bpf", MOUNT_POINT])) {
        Ok(_) => say(&format!("mounted bpffs at {MOUNT_POINT}")),
        Err(error) => say(&format!("no bpffs, so nothing can be pinned or attached here: {error:#}")),
    }
}

fn is_mounted(mounts: &str) -> bool {
    mounts.lines().any(|line| {
        let mut fields = line.split(' ').skip(1);
        fields.next() == Some(MOUNT_POINT) && fields.next() == Some("bpf")
    })
}

#[cfg(test)]
mod tests {
    use super::is_mounted;

    #[test]
    fn only_a_bpffs_at_its_own_place_counts() {
        assert!(is_mounted("sysfs /sys sysfs rw 0 0\nbpf /sys/fs/bpf bpf rw,relatime 0 0\n"));
        assert!(!is_mounted("bpf /run/bpf bpf rw 0 0\n"));
        assert!(!is_mounted("tmpfs /sys/fs/bpf tmpfs rw 0 0\n"));
        assert!(!is_mounted(""));
    }
}
