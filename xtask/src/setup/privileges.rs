//! Who runs this.

use std::fs;
use std::os::unix::fs::MetadataExt;

/// Whether this process runs as root.
pub(crate) fn is_root() -> bool {
    // The kernel gives /proc/self the effective user of the process.
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The word that a person who is not root must put before a command.
pub(super) fn sudo() -> &'static str {
    if is_root() { "" } else { "sudo " }
}
