//! The tables of rules, and how they are put together.

use std::collections::{BTreeMap, HashMap};

use xdpgate_ebpf::abi::{
    Destinations, LimitRow, MAX_PLANS, MAX_SERVICES, Rule, ServiceRow, bucket_class, limit_key, limit_number,
    limit_unit, port_place, service,
};

use super::numbers::{LimitNumbers, LimitUse};
use super::{destinations, ports, row, services};
use crate::config::{Config, LimitConfig, Mode, Name, Rate, ServiceConfig, SourceLimitConfig};
use crate::policy::error::{CompileError, LimitProblem};

/// The rules of one generation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleTables {
    /// By service and plan, [`MAX_PLANS`] for each service. Empty: no service has limits.
    pub rules: Vec<Rule>,
    /// What is known of each service, by number.
    pub service_rows: Vec<ServiceRow>,
    /// Rows of limits by their number, which is never zero.
    pub limits: BTreeMap<u16, LimitRow>,
    /// What is there where the policy has services.
    pub services: Option<ServiceTables>,
    /// What the numbers of rows and classes stand for.
    pub numbers: LimitNumbers,
    /// By number.
    pub uses: BTreeMap<u16, LimitUse>,
}

/// From ports and destinations to services.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceTables {
    /// Classes of ports, by [`port_place`].
    pub ports: Box<[u8]>,
    /// Classes of destinations.
    pub destinations: Box<Destinations>,
    /// Numbers of services, by class of destinations and of ports.
    pub services: Box<[u8]>,
}

impl RuleTables {
    /// What is known of a service.
    #[must_use]
    pub fn service_row(&self, service: u8) -> ServiceRow {
        self.service_rows.get(usize::from(service)).copied().unwrap_or(ServiceRow::NONE)
    }

    /// The rule of a service for a plan.
    #[must_use]
    pub fn rule(&self, service: u8, plan: u8) -> Rule {
        let place = usize::from(service) * MAX_PLANS as usize + usize::from(plan);
        self.rules.get(place).copied().unwrap_or(Rule::UNLIMITED)
    }
}

/// Puts the tables together.
pub(super) struct Builder<'a> {
    before: &'a LimitNumbers,
    tables: RuleTables,
}

impl<'a> Builder<'a> {
    pub(super) fn new(before: &'a LimitNumbers) -> Self {
        Self { before, tables: RuleTables::default() }
    }

    pub(super) fn finish(self) -> RuleTables {
        self.tables
    }

    /// Both limits of each source, for what is of no service.
    pub(super) fn source_limits(&mut self, limits: &SourceLimitConfig) -> Result<(), CompileError> {
        let both = [
            (
                &limits.bytes,
                "limits.source.bytes",
                limit_unit::BYTES,
                bucket_class::BYTES,
                limit_number::SOURCE_BYTES,
            ),
            (
                &limits.packets,
                "limits.source.packets",
                limit_unit::PACKETS,
                bucket_class::PACKETS,
                limit_number::SOURCE_PACKETS,
            ),
        ];
        let mut rule = Rule::UNLIMITED;
        for (place, (rate, key, unit, class, number)) in rule.limits.iter_mut().zip(both) {
            let Some(rate) = rate else { continue };
            let row = row::of_source(rate, unit, class, limits.mode, limits);
            self.tables.limits.insert(number, row.map_err(|problem| limit_error(key, problem))?);
            *place = number;
        }
        (0..MAX_PLANS).for_each(|plan| self.set_rule(service::NONE, plan, rule));
        Ok(())
    }

    pub(super) fn fragments(
        &mut self,
        rate: &Rate,
        mode: Mode,
        source: &SourceLimitConfig,
    ) -> Result<(), CompileError> {
        let row = row::of_source(rate, limit_unit::FRAGMENTS, bucket_class::FRAGMENTS, mode, source);
        let row = row.map_err(|problem| limit_error("fragments.rate", problem))?;
        self.tables.limits.insert(limit_number::FRAGMENTS, row);
        let mut rule = Rule::UNLIMITED;
        rule.limits[0] = limit_number::FRAGMENTS;
        (0..MAX_PLANS).for_each(|plan| self.set_rule(service::FRAGMENTS, plan, rule));
        Ok(())
    }

    pub(super) fn services(&mut self, config: &Config) -> Result<(), CompileError> {
        let ports = ports::compile(&config.services)?;
        let destinations = destinations::compile(&config.services)?;
        self.tables.services = Some(ServiceTables {
            services: services::compile(&config.services, &destinations.classes, &ports.classes),
            ports: ports.places,
            destinations: destinations.table,
        });
        let limits: HashMap<&Name, &LimitConfig> =
            config.limits.iter().map(|limit| (&limit.name, limit)).collect();
        let uses = config.services.iter().flat_map(|service| uses(service, &limits));
        self.tables.numbers = self.before.renew(uses.clone())?;
        for (of, limit) in uses {
            let numbers = &self.tables.numbers;
            let (Some(number), Some(class)) = (numbers.row(&of), numbers.class(&of, limit)) else { continue };
            let row = row::of_limit(limit, class, &config.source_limits);
            let row = row.map_err(|problem| CompileError::NamedLimit {
                name: limit.name.clone(),
                line: limit.line,
                problem,
            })?;
            self.tables.limits.insert(number, row);
            self.tables.uses.insert(number, of);
        }
        self.tables.service_rows.push(ServiceRow::NONE);
        for (position, service) in (1..).zip(&config.services) {
            let named = |limits: &[Name], plan: Option<&Name>| self.tables.rule_of(service, plan, limits);
            let default = named(&service.limits, None);
            let mut rules = vec![default; MAX_PLANS as usize];
            for given in &service.plans {
                let plan = config.plans.iter().position(|plan| plan.name == given.plan);
                if let Some(place) = plan.and_then(|plan| rules.get_mut(plan + 1)) {
                    *place = named(&given.limits, Some(&given.plan));
                }
            }
            let wider = self.tables.wider_keys(default, &config.source_limits);
            self.tables.service_rows.push(ServiceRow { salt: salt(service), ..wider });
            (0..).zip(rules).for_each(|(plan, rule)| self.set_rule(position, plan, rule));
        }
        Ok(())
    }

    fn set_rule(&mut self, service: u8, plan: u32, rule: Rule) {
        if self.tables.rules.is_empty() {
            self.tables.rules = vec![Rule::UNLIMITED; (MAX_SERVICES * MAX_PLANS) as usize];
        }
        let place = u32::from(service) * MAX_PLANS + plan;
        if let Some(slot) = self.tables.rules.get_mut(place as usize) {
            *slot = rule;
        }
    }
}

impl RuleTables {
    /// The masks of the first limit by address that is not for each source.
    fn wider_keys(&self, rule: Rule, source: &SourceLimitConfig) -> ServiceRow {
        let (ipv4, ipv6) = row::masks(source.ipv4_prefix, source.ipv6_prefix);
        let rows = rule.limits.iter().filter_map(|number| self.limits.get(number));
        let mut wider = rows
            .filter(|row| row.key == limit_key::ADDRESS && (row.ipv4_key != ipv4 || row.ipv6_key != ipv6));
        let masks = |row: &LimitRow| ServiceRow {
            ipv4_key: row.ipv4_key,
            ipv6_key: row.ipv6_key,
            ..ServiceRow::NONE
        };
        wider.next().map_or(ServiceRow::NONE, masks)
    }

    fn rule_of(&self, service: &ServiceConfig, plan: Option<&Name>, limits: &[Name]) -> Rule {
        let mut rule = Rule::UNLIMITED;
        for (place, limit) in rule.limits.iter_mut().zip(limits) {
            let of = LimitUse { service: service.name.clone(), plan: plan.cloned(), limit: limit.clone() };
            *place = self.numbers.row(&of).unwrap_or(limit_number::NONE);
        }
        rule
    }
}

/// A service's own, from its name (FNV-1a): its buckets are found again however the policy orders its services.
fn salt(service: &ServiceConfig) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    service.name.as_str().bytes().fold(BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

/// Where a service uses which limit.
fn uses<'a>(
    service: &'a ServiceConfig,
    limits: &HashMap<&'a Name, &'a LimitConfig>,
) -> Vec<(LimitUse, &'a LimitConfig)> {
    let default = service.limits.iter().map(|limit| (None, limit));
    let given = service
        .plans
        .iter()
        .flat_map(|given| given.limits.iter().map(|limit| (Some(given.plan.clone()), limit)));
    let all = default.chain(given).filter_map(|(plan, name)| {
        let limit = limits.get(name)?;
        Some((LimitUse { service: service.name.clone(), plan, limit: name.clone() }, *limit))
    });
    all.collect()
}

const fn limit_error(key: &'static str, problem: LimitProblem) -> CompileError {
    CompileError::Limit { key, problem }
}

const _: () = assert!(
    port_place::PLACES as usize > port_place::PROTOCOLS as usize + u8::MAX as usize,
    "every place has a class"
);
