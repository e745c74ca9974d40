//! A layout that changed under an unchanged version would make a daemon misread maps that an older one pinned.
//!
//! `FINGERPRINT` holds the version and a hash of every source that crosses. A change shows up as a changed file in the
//! commit, and after a release it needs a new version.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::command;
use crate::workspace::Workspace;

const FOLDER: &str = "ebpf/src/abi";
/// The order of the reasons is the order of the counters.
const REASONS: &str = "ebpf/src/reason.rs";
const FINGERPRINT: &str = "ebpf/src/abi/FINGERPRINT";

/// Whether the committed fingerprint is that of the sources.
pub(super) fn check(workspace: &Workspace) -> Result<()> {
    let (now, committed) = (Fingerprint::of_sources(workspace)?, Fingerprint::committed(workspace)?);
    ensure!(
        committed.as_ref() == Some(&now),
        "{FOLDER} or {REASONS} changed. If a layout, an order or a meaning changed since the last release, raise \
         ABI_VERSION; then run:\n  cargo xtask check --bless-abi"
    );
    Ok(())
}

/// Writes the fingerprint of the sources.
pub(super) fn bless(workspace: &Workspace) -> Result<()> {
    let (now, committed) = (Fingerprint::of_sources(workspace)?, Fingerprint::committed(workspace)?);
    if committed.as_ref() == Some(&now) {
        println!("{FINGERPRINT} is up to date");
        return Ok(());
    }
    if let Some((release, of_release)) = released(workspace)
        && of_release.version == now.version
        && of_release != now
    {
        bail!(
            "{release} has another layout under ABI_VERSION {}: raise it in {FOLDER}/mod.rs first",
            now.version
        );
    }
    let path = workspace.root().join(FINGERPRINT);
    fs::write(&path, format!("{now}\n")).with_context(|| format!("cannot write {}", path.display()))?;
    println!("wrote {FINGERPRINT}: {now}");
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
struct Fingerprint {
    version: u64,
    hash: u64,
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {:016x}", self.version, self.hash)
    }
}

impl Fingerprint {
    fn committed(workspace: &Workspace) -> Result<Option<Self>> {
        let Ok(text) = fs::read_to_string(workspace.root().join(FINGERPRINT)) else { return Ok(None) };
        Self::parse(&text).map(Some).with_context(|| format!("{FINGERPRINT}: not a version and a hash"))
    }

    fn parse(text: &str) -> Option<Self> {
        let (version, hash) = text.trim().split_once(' ')?;
        Some(Self { version: version.parse().ok()?, hash: u64::from_str_radix(hash, 16).ok()? })
    }

    fn of_sources(workspace: &Workspace) -> Result<Self> {
        let mut text = String::new();
        for path in sources(workspace)? {
            let source =
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            text.push_str(&essence(&source));
        }
        let version =
            version(&text).with_context(|| format!("{FOLDER}: no `pub const ABI_VERSION: u64 = …;`"))?;
        Ok(Self { version, hash: hash(&text) })
    }
}

/// In the order of their names, which is the same everywhere.
fn sources(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let folder = workspace.root().join(FOLDER);
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut sources: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    sources.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    sources.push(workspace.root().join(REASONS));
    sources.sort();
    Ok(sources)
}

/// The source without its tests, its comments and its layout on the page.
fn essence(source: &str) -> String {
    let code = source.split_once("#[cfg(test)]").map_or(source, |(code, _)| code);
    let code = code.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    code.flat_map(str::chars).filter(|character| !character.is_whitespace()).collect()
}

fn version(essence: &str) -> Option<u64> {
    let (_, rest) = essence.split_once("pubconstABI_VERSION:u64=")?;
    rest.split_once(';')?.0.parse().ok()
}

/// FNV-1a: against mistakes, not against an attacker, and the same in every release of Rust.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The last release and its fingerprint, as far as git knows.
fn released(workspace: &Workspace) -> Option<(String, Fingerprint)> {
    let git = |arguments: &[&str]| {
        command::read(Command::new("git").current_dir(workspace.root()).args(arguments)).ok()
    };
    let tag = git(&["describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"])?.trim().to_owned();
    let fingerprint = Fingerprint::parse(&git(&["show", &format!("{tag}:{FINGERPRINT}")])?)?;
    Some((tag, fingerprint))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str =
        "/// The layout.\npub const ABI_VERSION: u64 = 7;\npub struct A { a: u64, b: u32 }\n";

    #[test]
    fn comments_layout_and_tests_do_not_count() {
        let same = "pub const ABI_VERSION: u64 = 7; // why\n\npub struct A {\n a: u64, b: u32 }\n\
            #[cfg(test)]\nmod tests {}\n";
        assert_eq!(essence(SOURCE), essence(same));
    }

    #[test]
    fn the_order_of_fields_counts() {
        let other = SOURCE.replace("a: u64, b: u32", "b: u32, a: u64");
        assert_ne!(hash(&essence(SOURCE)), hash(&essence(&other)));
    }

    #[test]
    fn version_is_read_from_the_source() {
        assert_eq!(version(&essence(SOURCE)), Some(7));
        assert_eq!(version(""), None);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let fingerprint = Fingerprint { version: 3, hash: 0x00ab };
        assert_eq!(Fingerprint::parse(&format!("{fingerprint}\n")), Some(fingerprint));
        assert_eq!(Fingerprint::parse("3"), None);
    }

    #[test]
    fn hash_is_the_published_one() {
        assert_eq!(hash("foobar"), 0x8594_4171_f739_67e8);
    }
}
