//! What a policy is compiled from, read and checked.

mod databases;
pub(super) mod list_content;
mod list_source;
pub(super) mod modes;
mod resolve;
mod system_lists;

use std::collections::BTreeMap;
use std::fs::File;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use ipnet::IpNet;
use jiff::Timestamp;

pub(super) use self::databases::Database;
pub use self::databases::{Loaded, LoadedAsn, LoadedGeo};
pub(super) use self::list_content::ListContent;
pub(super) use self::list_source::{FoundLine, ListSource};

use super::clock;
use crate::api::Failure;
use crate::api::types::{GeoRule, Origin};
use crate::config::{Config, CountryRule, ListFrom, Mode, Name, PlanConfig, ServiceConfig};
use crate::feeds::{ReadListError, Reading, read_list};
use crate::policy::{self, Image, LimitNumbers, LoadedList, LoadedPlan, OperatorChanges};
use crate::store::{AllowRecord, OperatorState, PolicyText, Setting, Snapshot, Store};

/// Everything that a policy is compiled from. Cheap to clone: a change replaces one part.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The text of the policy.
    pub policy: Arc<PolicyText>,
    /// What it says, with the command line of the daemon laid over it.
    pub config: Arc<Config>,
    /// When the file was read.
    pub loaded: Timestamp,
    /// What operators put on the allowlist.
    pub allow: Arc<Vec<AllowRecord>>,
    /// The country rule that an operator set.
    pub country: Option<GeoRule>,
    /// Modes that operators set in place of those that were written.
    pub modes: Arc<BTreeMap<Name, Mode>>,
    /// The blocklists, the policy's first.
    pub lists: Arc<Vec<LoadedList>>,
    /// Where each of `lists` comes from, in the same order.
    pub list_sources: Arc<Vec<ListSource>>,
    /// The geo database.
    pub geo: Option<Arc<LoadedGeo>>,
    /// The database of autonomous systems.
    pub asn: Option<Arc<LoadedAsn>>,
    /// The plans, in the order of the policy.
    pub plans: Arc<Vec<LoadedPlan>>,
    /// The numbers of limits before this policy.
    pub numbers: Arc<LimitNumbers>,
}

impl Inputs {
    /// Reads what a policy names, without anything of operators.
    ///
    /// # Errors
    /// When a list or a database cannot be read or is not valid.
    pub fn load(config: Config, store: Option<&Store>) -> Result<Self, Failure> {
        let state = store.map_or_else(|| Ok(OperatorState::default()), Store::operator_state)?;
        Self::read(None, PolicyText::default(), config, &state, store)
    }

    /// Reads what a policy and the operators name, but takes over what was read `before` of files that have not changed
    /// since.
    ///
    /// # Errors
    /// As [`Inputs::load`].
    pub(super) fn of_store(
        before: Option<&Self>,
        policy: PolicyText,
        config: Config,
        state: &OperatorState,
        store: &Store,
    ) -> Result<Self, Failure> {
        Self::read(before, policy, config, state, Some(store))
    }

    fn read(
        before: Option<&Self>,
        policy: PolicyText,
        config: Config,
        state: &OperatorState,
        store: Option<&Store>,
    ) -> Result<Self, Failure> {
        let file = |file: &str| store.map_or_else(|| file.into(), |store| store.list_path(file));
        let mut sources: Vec<_> = config.lists.iter().map(ListSource::of_policy).collect();
        for list in &state.lists {
            if let Some(named) = config.lists.iter().find(|named| named.name == list.name) {
                return Err(Failure::invalid(format!(
                    "the list {} is in the policy file (line {}) and was also added by an operator; rename the one \
                     in the file, or remove the other: xdpgate list del {}",
                    list.name, named.line, list.name
                )));
            }
            if let Some((what, line)) = config.named(&list.name) {
                return Err(Failure::invalid(format!(
                    "{} is the name of a {what} of the policy file (line {line}) and of a list that an operator added; rename \
                     the {what}, or remove the list: xdpgate list del {}",
                    list.name, list.name
                )));
            }
            sources.push(ListSource::of_operator(list, file(&list.file)));
        }
        let geo = geo_path(&config, state).map(|(path, origin)| {
            LoadedGeo::open_after(before.and_then(|before| before.geo.as_ref()), &path, origin)
        });
        let geo = geo.transpose()?;
        let asn = config.geo.asn_database.as_ref().map(|path| {
            LoadedAsn::open_after(before.and_then(|before| before.asn.as_ref()), path, Origin::Policy)
        });
        let asn = asn.transpose()?;
        sources.iter_mut().try_for_each(|source| source.load(before, store, asn.as_ref()))?;
        let plans = config.plans.iter().map(read_plan);
        let numbers = match before {
            Some(before) => (*before.numbers).clone(),
            None => store.map_or_else(|| Ok(LimitNumbers::default()), stored_numbers)?,
        };
        let mut inputs = Self {
            plans: Arc::new(plans.collect::<Result<_, _>>()?),
            numbers: Arc::new(numbers),
            policy: Arc::new(policy),
            config: Arc::new(config),
            loaded: clock::now(),
            allow: Arc::new(state.allow.clone()),
            country: stored_country(state)?,
            modes: Arc::new(state.modes.clone()),
            lists: Arc::new(resolve::resolve(&sources)),
            list_sources: Arc::new(sources),
            geo,
            asn,
        };
        inputs.drop_modes_of_nothing();
        Ok(inputs)
    }

    /// All of it, as the store keeps it.
    ///
    /// # Errors
    /// When the country rule can't be written as JSON.
    pub(super) fn snapshot(&self) -> Result<Snapshot, Failure> {
        let of_operators = |source: &&ListSource| source.origin == Origin::Operator;
        let lists = self.list_sources.iter().filter(of_operators);
        let country =
            self.country.as_ref().map(serde_json::to_string).transpose().map_err(Failure::failed)?;
        let geo = self.geo.as_ref().filter(|geo| geo.origin == Origin::Operator);
        Ok(Snapshot {
            policy: PolicyText::clone(&self.policy),
            state: OperatorState {
                allow: self.allow.to_vec(),
                lists: lists.map(ListSource::record).collect(),
                country,
                geo_database: geo.map(|geo| geo.path.clone()),
                modes: BTreeMap::clone(&self.modes),
            },
        })
    }

    /// The country rule in force.
    #[must_use]
    pub fn country_rule(&self) -> CountryRule {
        let written = self.written_country_rule();
        CountryRule { mode: self.mode(modes::COUNTRY, written.mode), ..written }
    }

    /// The country rule in force of a service that has one of its own.
    pub(super) fn service_country_rule(&self, service: &ServiceConfig) -> Option<CountryRule> {
        let written = service.country.clone()?;
        Some(CountryRule { mode: self.mode(&service.country_rule(), written.mode), ..written })
    }

    pub(super) fn written_country_rule(&self) -> CountryRule {
        let file = &self.config.country;
        self.country.as_ref().map_or_else(|| file.clone(), GeoRule::in_policy)
    }

    /// The same policy with other lists.
    #[must_use]
    pub(super) fn with_lists(&self, sources: Vec<ListSource>) -> Self {
        Self { lists: Arc::new(resolve::resolve(&sources)), list_sources: Arc::new(sources), ..self.clone() }
    }

    /// The lines because of which an address is on a list, also of those that it consists of.
    #[must_use]
    pub(super) fn lines_covering(&self, list: &Name, address: IpAddr) -> Vec<FoundLine> {
        let Some(source) = self.list_sources.iter().find(|source| source.name == *list) else {
            return Vec::new();
        };
        match &source.from {
            ListFrom::Union(names) => {
                names.iter().flat_map(|name| self.lines_covering(name, address)).collect()
            }
            ListFrom::File(_) | ListFrom::Folder(_) | ListFrom::Url(_) | ListFrom::Systems(_) => {
                source.lines_covering(address)
            }
        }
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
        // The operator's rules go where the file's would be: they may also change scope and mode.
        let config = self.config_in_force();
        let lists = self.lists_in_force();
        take(&policy::Sources {
            config: &config,
            changes: &changes,
            lists: &lists,
            geo: self.geo.as_ref().map(|geo| &geo.database),
            plans: &self.plans,
            numbers: &self.numbers,
        })
    }
}

fn geo_path(config: &Config, state: &OperatorState) -> Option<(PathBuf, Origin)> {
    let by_operator = state.geo_database.clone().map(|path| (path, Origin::Operator));
    by_operator.or_else(|| config.geo.database.clone().map(|path| (path, Origin::Policy)))
}

/// A plan with the sources of its file.
fn read_plan(plan: &PlanConfig) -> Result<LoadedPlan, Failure> {
    let mut prefixes: Vec<IpNet> = plan.prefixes.iter().map(|prefix| prefix.value).collect();
    if let Some(path) = &plan.path {
        let invalid = |error| Failure::invalid(format!("plan {}: {}: {error}", plan.name, path.display()));
        let file = File::open(path).map_err(|error| invalid(error.to_string()))?;
        let read = read_list(file, &Reading::default());
        let read = read.and_then(|list| list.addresses_only().map_err(ReadListError::from));
        let read = read.map_err(|error| invalid(error.to_string()))?;
        prefixes.extend(read.ranges.nets());
    }
    Ok(LoadedPlan { name: plan.name.clone(), prefixes: Arc::new(prefixes) })
}

/// What can't be read is as good as nothing: limits get new numbers, and their counters start anew.
fn stored_numbers(store: &Store) -> Result<LimitNumbers, Failure> {
    let stored = store.setting(Setting::LimitNumbers)?;
    Ok(stored.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default())
}

fn stored_country(state: &OperatorState) -> Result<Option<GeoRule>, Failure> {
    let rule = state.country.as_ref().map(|json| serde_json::from_str(json)).transpose();
    rule.map_err(|error| {
        Failure::failed(format!(
            "the country rule that an operator set can't be read ({error}); remove it from the database: \
             sqlite3 xdpgate.db \"DELETE FROM settings WHERE key = 'country-rule'\""
        ))
    })
}

#[cfg(test)]
mod tests;
