//! What a policy is compiled from, read and checked.

use std::fs::File;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ipnet::IpNet;
use jiff::Timestamp;

use super::clock;
use super::file_stamp::FileStamp;
use crate::api::Failure;
use crate::api::types::{GeoRule, Origin};
use crate::config::{Config, CountryRule, Mode, Name, PlanConfig};
use crate::feeds::{BadLineReport, BadLines, GeoDatabase, ParsedList, parse_list, read_list};
use crate::policy::{self, Image, LimitNumbers, LoadedList, LoadedPlan, OperatorChanges};
use crate::store::{AllowRecord, Setting, Store};

/// Everything that a policy is compiled from. Cheap to clone: a change replaces one part.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The policy file, with the command line of the daemon laid over it.
    pub config: Arc<Config>,
    /// When the file was read.
    pub loaded: Timestamp,
    /// What operators put on the allowlist.
    pub allow: Arc<Vec<AllowRecord>>,
    /// The country rule that an operator set.
    pub country: Option<GeoRule>,
    /// The blocklists, the policy's first.
    pub lists: Arc<Vec<LoadedList>>,
    /// Where each of `lists` comes from, in the same order.
    pub list_sources: Arc<Vec<ListSource>>,
    /// The geo database.
    pub geo: Option<Arc<LoadedGeo>>,
    /// The plans, in the order of the policy.
    pub plans: Arc<Vec<LoadedPlan>>,
    /// The numbers of limits before this policy.
    pub numbers: Arc<LimitNumbers>,
}

/// Where a list comes from.
#[derive(Clone, Debug)]
pub struct ListSource {
    /// Its name.
    pub name: Name,
    /// Whether it drops or only counts.
    pub mode: Mode,
    /// Who named it.
    pub origin: Origin,
    /// The file.
    pub path: PathBuf,
    /// Whether bad lines are left out.
    pub skip_bad: bool,
    /// How many were.
    pub skipped: BadLineReport,
    /// Since when it is there; orders the lists of operators.
    pub added: Timestamp,
    /// When it was read.
    pub loaded: Timestamp,
    /// What the file was like then.
    pub(super) stamp: Option<FileStamp>,
}

/// The geo database in use.
#[derive(Debug)]
pub struct LoadedGeo {
    /// The file.
    pub path: PathBuf,
    /// Who named it.
    pub origin: Origin,
    /// What is in it.
    pub database: GeoDatabase,
    /// What the file was like when it was read.
    stamp: Option<FileStamp>,
}

impl Inputs {
    /// Reads what the policy file and the operators name.
    ///
    /// # Errors
    /// When a list or a database cannot be read or is not valid.
    pub fn load(config: Config, store: Option<&Store>) -> Result<Self, Failure> {
        Self::load_after(None, config, store)
    }

    /// As [`Inputs::load`], but takes over what was read before of files that have not changed since.
    ///
    /// # Errors
    /// As [`Inputs::load`].
    pub fn reload(&self, config: Config, store: Option<&Store>) -> Result<Self, Failure> {
        Self::load_after(Some(self), config, store)
    }

    fn load_after(before: Option<&Self>, config: Config, store: Option<&Store>) -> Result<Self, Failure> {
        let mut sources: Vec<_> = config.lists.iter().map(ListSource::of_policy).collect();
        if let Some(store) = store {
            for list in store.lists()? {
                if let Some(named) = config.lists.iter().find(|named| named.name == list.name) {
                    return Err(Failure::invalid(format!(
                        "the list {} is in the policy file (line {}) and was also added by an operator; rename the one \
                         in the file, or remove the other: xdpgate list del {}",
                        list.name, named.line, list.name
                    )));
                }
                sources.push(ListSource::of_operator(&list, store.list_path(&list.name)));
            }
        }
        let read = |source: &mut ListSource| match before.and_then(|before| source.take_over(before)) {
            Some(list) => Ok(list),
            None => source.read(),
        };
        let lists = sources.iter_mut().map(read).collect::<Result<Vec<_>, _>>()?;
        let geo = geo_path(&config, store)?;
        let geo = geo.map(|(path, origin)| LoadedGeo::open_after(before, &path, origin)).transpose()?;
        let plans = config.plans.iter().map(read_plan);
        let numbers = match before {
            Some(before) => (*before.numbers).clone(),
            None => store.map_or_else(|| Ok(LimitNumbers::default()), stored_numbers)?,
        };
        Ok(Self {
            plans: Arc::new(plans.collect::<Result<_, _>>()?),
            numbers: Arc::new(numbers),
            config: Arc::new(config),
            loaded: clock::now(),
            allow: Arc::new(store.map_or_else(|| Ok(Vec::new()), Store::allow)?),
            country: store.map_or(Ok(None), stored_country)?,
            lists: Arc::new(lists),
            list_sources: Arc::new(sources),
            geo,
        })
    }

    /// The country rule in force.
    #[must_use]
    pub fn country_rule(&self) -> CountryRule {
        let file = &self.config.country;
        self.country.as_ref().map_or_else(|| file.clone(), |rule| rule.laid_over(file))
    }

    /// The names of the lists, in the order of their bits.
    #[must_use]
    pub fn list_names(&self) -> Vec<Name> {
        self.lists.iter().map(|list| list.name.clone()).collect()
    }

    /// The image of this policy.
    ///
    /// # Errors
    /// When the parts do not fit together, or are too many for the kernel's tables.
    pub fn compile(&self, generation: u64) -> Result<Image, Failure> {
        self.with_sources(|sources| Ok(policy::compile(sources, generation)?))
    }

    /// The image of this policy as far as one address is concerned. See [`policy::compile_for`].
    ///
    /// # Errors
    /// As [`Inputs::compile`].
    pub fn compile_for(&self, generation: u64, address: IpAddr) -> Result<Image, Failure> {
        self.with_sources(|sources| Ok(policy::compile_for(sources, generation, address)?))
    }

    /// Lends everything in the shape in which the compiler takes it.
    pub(super) fn with_sources<T>(&self, take: impl FnOnce(&policy::Sources<'_>) -> T) -> T {
        let changes =
            OperatorChanges { allow: self.allow.iter().map(|entry| entry.prefix).collect(), country: None };
        // The operator's rule goes where the file's would be: it may also change scope and mode.
        let config = Config { country: self.country_rule(), ..(*self.config).clone() };
        take(&policy::Sources {
            config: &config,
            changes: &changes,
            lists: &self.lists,
            geo: self.geo.as_ref().map(|geo| &geo.database),
            plans: &self.plans,
            numbers: &self.numbers,
        })
    }
}

impl ListSource {
    fn of_policy(list: &crate::config::ListConfig) -> Self {
        Self {
            name: list.name.clone(),
            mode: list.mode,
            origin: Origin::Policy,
            path: list.path.clone(),
            skip_bad: list.skip_bad,
            skipped: BadLineReport::default(),
            added: clock::now(),
            loaded: clock::now(),
            stamp: None,
        }
    }

    /// A list that an operator added.
    #[must_use]
    pub fn of_operator(list: &crate::store::ListRecord, path: PathBuf) -> Self {
        Self {
            name: list.name.clone(),
            mode: list.mode,
            origin: Origin::Operator,
            path,
            skip_bad: list.skip_bad,
            skipped: BadLineReport::default(),
            added: list.added,
            loaded: clock::now(),
            stamp: None,
        }
    }

    /// The list as it was read before, if its file is the same and is to be read in the same way.
    fn take_over(&mut self, before: &Inputs) -> Option<LoadedList> {
        let mut pairs = before.list_sources.iter().zip(before.lists.iter());
        let (source, list) =
            pairs.find(|(source, _)| source.path == self.path && source.skip_bad == self.skip_bad)?;
        self.stamp = source.stamp.filter(|stamp| stamp.is_of(&self.path));
        self.stamp?;
        self.skipped = source.skipped.clone();
        self.loaded = source.loaded;
        let (name, mode) = (self.name.clone(), self.mode);
        Some(LoadedList { name, mode, ranges: Arc::clone(&list.ranges), entries: list.entries })
    }

    fn read(&mut self) -> Result<LoadedList, Failure> {
        let bad = self.bad_lines();
        let (read, stamp) = FileStamp::around(&self.path, || read_list(File::open(&self.path)?, bad));
        let parsed = read.map_err(|error| {
            Failure::invalid(format!("list {}: {}: {error}", self.name, self.path.display()))
        })?;
        self.stamp = stamp;
        Ok(self.loaded(parsed))
    }

    /// Reads the text of the list; `origin` is where the text came from, for the message.
    ///
    /// # Errors
    /// When the text is no list.
    pub fn parse(&mut self, text: &[u8], origin: &str) -> Result<LoadedList, Failure> {
        let parsed = parse_list(text, self.bad_lines())
            .map_err(|error| Failure::invalid(format!("list {}: {origin}: {error}", self.name)))?;
        Ok(self.loaded(parsed))
    }

    const fn bad_lines(&self) -> BadLines {
        if self.skip_bad { BadLines::Skip } else { BadLines::Refuse }
    }

    fn loaded(&mut self, parsed: ParsedList) -> LoadedList {
        self.skipped = parsed.skipped;
        LoadedList {
            name: self.name.clone(),
            mode: self.mode,
            ranges: Arc::new(parsed.ranges.into()),
            entries: parsed.entries,
        }
    }
}

impl LoadedGeo {
    /// Reads a database.
    ///
    /// # Errors
    /// When it cannot be read or is not valid.
    pub fn open(path: &Path, origin: Origin) -> Result<Self, Failure> {
        let (database, stamp) = FileStamp::around(path, || GeoDatabase::open(path));
        Ok(Self { path: path.to_owned(), origin, database: database?, stamp })
    }

    /// The database as it was read before, if its file is the same.
    fn open_after(before: Option<&Inputs>, path: &Path, origin: Origin) -> Result<Arc<Self>, Failure> {
        let known = before.and_then(|before| before.geo.as_ref());
        let same = known.filter(|geo| {
            geo.path == path && geo.origin == origin && geo.stamp.is_some_and(|stamp| stamp.is_of(path))
        });
        same.map_or_else(|| Self::open(path, origin).map(Arc::new), |geo| Ok(Arc::clone(geo)))
    }
}

fn geo_path(config: &Config, store: Option<&Store>) -> Result<Option<(PathBuf, Origin)>, Failure> {
    let named = store.map_or(Ok(None), |store| store.setting(Setting::GeoDatabase))?;
    if let Some(path) = named {
        return Ok(Some((path.into(), Origin::Operator)));
    }
    Ok(config.geo.as_ref().map(|geo| (geo.database.clone(), Origin::Policy)))
}

/// A plan with the sources of its file.
fn read_plan(plan: &PlanConfig) -> Result<LoadedPlan, Failure> {
    let mut prefixes: Vec<IpNet> = plan.prefixes.iter().map(|prefix| prefix.value).collect();
    if let Some(path) = &plan.path {
        let invalid = |error| Failure::invalid(format!("plan {}: {}: {error}", plan.name, path.display()));
        let file = File::open(path).map_err(|error| invalid(error.to_string()))?;
        let read = read_list(file, BadLines::Refuse).map_err(|error| invalid(error.to_string()))?;
        prefixes.extend(read.ranges.nets());
    }
    Ok(LoadedPlan { name: plan.name.clone(), prefixes: Arc::new(prefixes) })
}

/// What can't be read is as good as nothing: limits get new numbers, and their counters start anew.
fn stored_numbers(store: &Store) -> Result<LimitNumbers, Failure> {
    let stored = store.setting(Setting::LimitNumbers)?;
    Ok(stored.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default())
}

fn stored_country(store: &Store) -> Result<Option<GeoRule>, Failure> {
    let Some(json) = store.setting(Setting::CountryRule)? else { return Ok(None) };
    serde_json::from_str(&json).map(Some).map_err(|error| {
        let path = store.path().display();
        Failure::failed(format!(
            "the country rule in {path} can't be read ({error}); remove it: \
             sqlite3 {path} \"DELETE FROM settings WHERE key = 'country-rule'\""
        ))
    })
}

#[cfg(test)]
mod tests;
