//! Lists, once they are checked: every list that another one names exists, and none consists of itself.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;

use super::{Dangerous, ListScope, Mode, Name};
use crate::feeds::{Guard, Reading};
use crate::http::{Url, shown};

/// One blocklist.
#[derive(Clone, Debug, PartialEq)]
pub struct ListConfig {
    /// Its name in counters and on the command line.
    pub name: Name,
    /// Where it comes from.
    pub from: ListFrom,
    /// Whether it drops or only counts.
    pub mode: Mode,
    /// How it is read.
    pub reading: Reading,
    /// What it may not hold.
    pub guard: ListGuard,
    /// What is taken out of it.
    pub except: Vec<Except>,
    /// How often its source is looked at; absent: at the start and by a reload alone.
    pub every: Option<Duration>,
    /// What kind of sources it names; services may name it instead of the list.
    pub label: Option<Name>,
    /// To whose packets it applies.
    pub applies: ListScope,
    /// The line of the policy that names it.
    pub line: u32,
}

/// Where a list comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListFrom {
    /// A file.
    File(PathBuf),
    /// The files of a folder.
    Folder(PathBuf),
    /// A server.
    Url(UrlSource),
    /// Other lists.
    Union(Vec<Name>),
    /// The database of autonomous systems: all that these announce. Never empty.
    Systems(BTreeSet<u32>),
}

/// How a list is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlSource {
    /// Where.
    pub url: Url,
    /// For all of it.
    pub timeout: Duration,
    /// The most bytes, unpacked.
    pub max_size: u64,
    /// The file of the only authorities that are trusted.
    pub ca: Option<PathBuf>,
    /// The file of further headers.
    pub header_file: Option<PathBuf>,
}

/// Something that is taken out of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Except {
    /// What another list holds.
    List(Name),
    /// These addresses.
    Prefix(IpNet),
}

/// What a list may not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListGuard {
    /// What becomes of entries that no list should have.
    pub dangerous: Dangerous,
    /// The shortest prefix of an IPv4 entry.
    pub widest_ipv4: u8,
    /// Likewise for IPv6.
    pub widest_ipv6: u8,
    /// How many times as many entries, or as few, it may have at once.
    pub ratio: Option<u32>,
}

impl ListGuard {
    /// How much a fetched list may grow or shrink where nothing is written.
    const RATIO: u32 = 5;

    /// Of a list whose text an operator wrote, or put there: what is in it is meant.
    #[must_use]
    pub const fn of_operators() -> Self {
        Self {
            dangerous: Dangerous::Take,
            widest_ipv4: Guard::WIDEST_IPV4,
            widest_ipv6: Guard::WIDEST_IPV6,
            ratio: None,
        }
    }

    /// Of a list that others write.
    #[must_use]
    pub const fn of_others() -> Self {
        Self { dangerous: Dangerous::Refuse, ratio: Some(Self::RATIO), ..Self::of_operators() }
    }
}

impl ListFrom {
    /// How a fetched list is fetched.
    #[must_use]
    pub const fn url(&self) -> Option<&UrlSource> {
        if let Self::Url(source) = self { Some(source) } else { None }
    }

    /// The word for it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::File(_) => "path",
            Self::Folder(_) => "folder",
            Self::Url(_) => "url",
            Self::Union(_) => "union",
            Self::Systems(_) => "asn",
        }
    }

    /// The files that such a list is to be read from now, in order; none where it is fetched, consists of others, or is in a database.
    ///
    /// # Errors
    /// When a folder can't be read.
    pub fn files(&self) -> Result<Option<Vec<PathBuf>>, FolderError> {
        match self {
            Self::File(path) => Ok(Some(vec![path.clone()])),
            Self::Folder(path) => {
                let files = files_of(path);
                files.map(Some).map_err(|source| FolderError { path: path.clone(), source })
            }
            Self::Url(_) | Self::Union(_) | Self::Systems(_) => Ok(None),
        }
    }
}

/// A folder that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: can't be read: {source}", path.display())]
pub struct FolderError {
    path: PathBuf,
    source: io::Error,
}

/// Never with the part of an address where keys are.
impl fmt::Display for ListFrom {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) | Self::Folder(path) => write!(formatter, "{}", path.display()),
            Self::Url(source) => formatter.write_str(&shown(&source.url)),
            Self::Union(names) => {
                let names: Vec<_> = names.iter().map(Name::as_str).collect();
                write!(formatter, "union of {}", names.join(", "))
            }
            Self::Systems(systems) => {
                let systems: Vec<_> = systems.iter().map(|number| format!("AS{number}")).collect();
                formatter.write_str(&systems.join(", "))
            }
        }
    }
}

impl fmt::Display for Except {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(name) => write!(formatter, "{name}"),
            Self::Prefix(prefix) => write!(formatter, "{prefix}"),
        }
    }
}

/// The regular files of a folder whose names do not begin with a point, in the order of their names.
fn files_of(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        // Also what a link leads to.
        if !is_hidden && fs::metadata(entry.path())?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort_unstable();
    Ok(files)
}
