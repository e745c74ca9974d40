use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::list_content::{ListContent, Place, open, read_files};
use super::{Inputs, LoadedAsn};
use crate::api::Failure;
use crate::api::types::Origin;
use crate::config::{Dangerous, Except, ListConfig, ListFrom, ListGuard, Mode, Name};
use crate::daemon::clock;
use crate::daemon::host::Host;
use crate::feeds::{self, BadLines, Guard, ParsedList, Reading, lines_covering, parse_list};
use crate::store::{FeedRecord, ListRecord, Store};

/// Where a list comes from, and what was read of it.
#[derive(Clone, Debug)]
pub struct ListSource {
    /// Its name.
    pub name: Name,
    /// Whether it drops or only counts.
    pub mode: Mode,
    /// Who named it.
    pub origin: Origin,
    /// The file, folder, server or other lists.
    pub from: ListFrom,
    /// How it is read.
    pub reading: Reading,
    /// What it may not hold.
    pub guard: ListGuard,
    /// What is taken out of it.
    pub except: Vec<Except>,
    /// How often its source is looked at; absent: only when somebody says so.
    pub every: Option<std::time::Duration>,
    /// What it is of.
    pub label: Option<Name>,
    /// Since when it is there; orders the lists of operators.
    pub added: Timestamp,
    /// What was read; nothing for a list of lists, and before the first fetch.
    pub content: Arc<ListContent>,
    /// The copy that the content is of, if it was fetched.
    pub copy: Option<Arc<FeedRecord>>,
}

/// A line of a list that names an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLine {
    /// The file of the line.
    pub file: PathBuf,
    /// Its number, from 1.
    pub line: u32,
    /// Its beginning.
    pub text: String,
}

impl ListSource {
    pub(super) fn of_policy(list: &ListConfig) -> Self {
        Self {
            name: list.name.clone(),
            mode: list.mode,
            origin: Origin::Policy,
            from: list.from.clone(),
            reading: list.reading.clone(),
            guard: list.guard,
            except: list.except.clone(),
            every: list.every,
            label: list.label.clone(),
            added: clock::now(),
            content: Arc::default(),
            copy: None,
        }
    }

    /// A list that an operator added.
    #[must_use]
    pub fn of_operator(list: &ListRecord, path: PathBuf) -> Self {
        let bad = if list.skip_bad { BadLines::Skip } else { BadLines::Refuse };
        Self {
            name: list.name.clone(),
            mode: list.mode,
            origin: Origin::Operator,
            from: ListFrom::File(path),
            reading: bad.into(),
            guard: ListGuard::of_operators(),
            except: Vec::new(),
            every: None,
            label: None,
            added: list.added,
            content: Arc::default(),
            copy: None,
        }
    }

    /// The list as the store has it.
    pub(super) fn record(&self) -> ListRecord {
        let files = self.files();
        let file = files.first().and_then(|path| path.file_name());
        ListRecord {
            name: self.name.clone(),
            mode: self.mode,
            skip_bad: self.reading.bad == BadLines::Skip,
            entries: self.content.entries as u64,
            added: self.added,
            file: file.map(|file| file.to_string_lossy().into_owned()).unwrap_or_default(),
        }
    }

    /// The files that its entries are in.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        if let ListFrom::File(path) = &self.from {
            return vec![path.clone()];
        }
        self.content.files.iter().map(|file| file.path.clone()).collect()
    }

    /// Whether it is fetched, and never was.
    #[must_use]
    pub const fn is_awaited(&self) -> bool {
        matches!(self.from, ListFrom::Url(_)) && self.copy.is_none()
    }

    /// Reads what the list consists of, or takes over what was read `before` of the same.
    pub(super) fn load(
        &mut self,
        before: Option<&Inputs>,
        store: Option<&Store>,
        asn: Option<&Arc<LoadedAsn>>,
    ) -> Result<(), Failure> {
        if let ListFrom::Systems(systems) = self.from.clone() {
            return self.load_systems(&systems, asn);
        }
        if let ListFrom::Url(source) = &self.from {
            let copy = store.map(|store| store.feed(&self.name, source.url.as_str())).transpose()?.flatten();
            self.load_copy(before, copy, store);
            return Ok(());
        }
        let Some(files) = self.from.files().map_err(|error| self.refused(&error))? else { return Ok(()) };
        if let Some(known) = self.known(before).filter(|known| known.content.is_of(&files)) {
            self.content = Arc::clone(&known.content);
            return Ok(());
        }
        let read = read_files(&files, &self.reading, &self.guard(), None, Place::File);
        self.content = Arc::new(read.map_err(|error| self.refused(&error))?);
        Ok(())
    }

    /// A copy was good when it came. Where this host is another by now, only what would harm it is left out; a copy that is
    /// gone is as good as none, and no reason to enforce nothing else.
    fn load_copy(&mut self, before: Option<&Inputs>, copy: Option<FeedRecord>, store: Option<&Store>) {
        let Some((copy, store)) = copy.zip(store) else { return };
        let known = self.known(before);
        let same = known.filter(|known| known.copy.as_ref().is_some_and(|known| known.file == copy.file));
        if let Some(known) = same {
            self.content = Arc::clone(&known.content);
            self.copy = Some(Arc::new(copy));
            return;
        }
        let guard = self.guard();
        let dangerous = match guard.dangerous {
            feeds::Dangerous::Refuse | feeds::Dangerous::LeaveOut => feeds::Dangerous::LeaveOut,
            feeds::Dangerous::Take => feeds::Dangerous::Take,
        };
        let guard = Guard { dangerous, ratio: None, ..guard };
        match read_files(&[store.list_path(&copy.file)], &self.reading, &guard, None, Place::File) {
            Ok(content) => {
                self.content = Arc::new(ListContent { loaded: copy.fetched, ..content });
                self.copy = Some(Arc::new(copy));
            }
            Err(error) => {
                tracing::error!(list = %self.name, %error, "the last good copy can't be read; the list is empty until it is fetched");
            }
        }
    }

    /// Reads the text of the list; `origin` is where the text came from, for the message.
    ///
    /// # Errors
    /// When the text is no list.
    pub fn parse(&mut self, text: &[u8], origin: &str) -> Result<(), Failure> {
        let parsed = parse_list(text, &self.reading)
            .and_then(ParsedList::addresses_only)
            .map_err(|error| Failure::invalid(format!("list {}: {origin}: {error}", self.name)))?;
        self.content = Arc::new(ListContent::of(parsed, text.len() as u64));
        Ok(())
    }

    /// What the list may not hold on this host.
    #[must_use]
    pub fn guard(&self) -> Guard {
        let ListGuard { dangerous, widest_ipv4, widest_ipv6, ratio } = self.guard;
        let dangerous = match dangerous {
            Dangerous::Refuse => feeds::Dangerous::Refuse,
            Dangerous::LeaveOut => feeds::Dangerous::LeaveOut,
            Dangerous::Take => feeds::Dangerous::Take,
        };
        let own = match dangerous {
            feeds::Dangerous::Take => Vec::new(),
            feeds::Dangerous::Refuse | feeds::Dangerous::LeaveOut => Host::now(&[]).own,
        };
        let own = own.into_iter().map(ipnet::IpNet::from).collect();
        Guard { widest_ipv4, widest_ipv6, own, dangerous, ratio: ratio.map(f64::from) }
    }

    /// The first lines of its own files that name the address. Files may have gone or changed since they were read: then
    /// there are none.
    #[must_use]
    pub fn lines_covering(&self, address: std::net::IpAddr) -> Vec<FoundLine> {
        let mut found = Vec::new();
        for file in self.files() {
            let lines = open(&file).and_then(|text| lines_covering(text, &self.reading, address));
            let lines = lines.unwrap_or_default().into_iter();
            found.extend(lines.map(|(line, text)| FoundLine { file: file.clone(), line, text }));
        }
        found
    }

    /// The same list as it was before, if it is read in the same way.
    fn known<'a>(&self, before: Option<&'a Inputs>) -> Option<&'a Self> {
        let mut known = before?.list_sources.iter();
        known.find(|known| {
            known.from == self.from && known.reading == self.reading && known.guard == self.guard
        })
    }

    /// Whether what was read of the one is good for the other.
    pub(in crate::daemon) fn is_read_as(&self, other: &Self) -> bool {
        self.name == other.name
            && self.from == other.from
            && self.reading == other.reading
            && self.guard == other.guard
    }

    fn refused(&self, error: &impl std::fmt::Display) -> Failure {
        Failure::invalid(format!("list {}: {error}", self.name))
    }
}
