//! `[daemon]`.

use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::choice;
use crate::config::DaemonConfig;
use crate::config::error::Report;
use crate::config::reference::{self, Key, KeyKind};
use crate::config::section::Section;

pub(super) fn daemon(section: &Section<'_>, folder: &Path, report: &mut Report) -> DaemonConfig {
    let default = DaemonConfig::default();
    DaemonConfig {
        socket: socket(section, folder, report).unwrap_or(default.socket),
        state_dir: path(section, &reference::STATE_DIR, folder, report).unwrap_or(default.state_dir),
        bpffs: path(section, &reference::BPFFS, folder, report).unwrap_or(default.bpffs),
        metrics: metrics(section, report),
        attach: choice(section, &reference::ATTACH, report).unwrap_or(default.attach),
        verify: section
            .get(&reference::VERIFY)
            .and_then(|entry| entry.duration(report))
            .unwrap_or(default.verify),
    }
}

/// A path; a relative one begins at `folder`.
pub(super) fn path(
    section: &Section<'_>,
    key: &'static Key,
    folder: &Path,
    report: &mut Report,
) -> Option<PathBuf> {
    let entry = section.get(key)?;
    let text = entry.text(report)?;
    if text.is_empty() || text.contains('\0') {
        entry.refuse("an empty path, or one with a zero byte", "write the path", report);
        return None;
    }
    Some(folder.join(text))
}

fn socket(section: &Section<'_>, folder: &Path, report: &mut Report) -> Option<PathBuf> {
    let path = path(section, &reference::SOCKET, folder, report)?;
    let length = path.as_os_str().as_bytes().len();
    if length > KeyKind::LONGEST_SOCKET_PATH {
        let what = format!("{} has {length} bytes", path.display());
        section.get(&reference::SOCKET)?.refuse(what, "choose a shorter path, such as one in /run", report);
        return None;
    }
    Some(path)
}

fn metrics(section: &Section<'_>, report: &mut Report) -> Option<SocketAddr> {
    let entry = section.get(&reference::METRICS)?;
    let text = entry.text(report)?;
    let address = text.parse().ok().filter(|address: &SocketAddr| address.port() != 0);
    if address.is_none() {
        let what = format!("`{text}` is not an address with a port");
        entry.refuse(what, "write it like \"127.0.0.1:9919\" or \"[::1]:9919\"", report);
    }
    address
}
