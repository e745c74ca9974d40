use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use super::replace::Change;
use super::{Gate, lockout};
use crate::api::Failure;
use crate::api::types::{
    Changed, CountryEntry, Geo, GeoLookup, GeoRule, GeoRuleRequest, Origin, RuleWord, ServiceRule,
};
use crate::daemon::inputs::modes;
use crate::daemon::{Caller, Inputs, LoadedGeo};

impl Gate {
    /// The country rules, the databases, and what was counted by country.
    ///
    /// # Errors
    /// When the kernel's counters cannot be read.
    pub fn geo(&self) -> Result<Geo, Failure> {
        self.geo_after(None)
    }

    /// Which country an address is in, and which autonomous system announces it.
    ///
    /// # Errors
    /// When there is no geo database.
    pub fn geo_lookup(&self, address: IpAddr) -> Result<GeoLookup, Failure> {
        let live = self.live();
        let (geo, asn) = (live.inputs.geo.as_ref(), live.inputs.asn.as_ref());
        if geo.is_none() && asn.is_none() {
            return Err(no_database());
        }
        let address = address.to_canonical();
        Ok(GeoLookup {
            address,
            country: geo.and_then(|geo| geo.database.lookup(address)),
            database: geo.map(|geo| geo.info()),
            system: asn.and_then(|asn| asn.system(address)),
            asn_database: asn.map(|asn| asn.info()),
        })
    }

    /// Sets the country rule in place of the policy file's.
    ///
    /// # Errors
    /// When it names no country, there is no geo database, the operator would lock himself out, or the kernel or the
    /// disk refuses.
    pub fn set_geo_rule(&self, request: &GeoRuleRequest, caller: &Caller) -> Result<Geo, Failure> {
        let inputs = self.live().inputs.clone();
        let rule = GeoRule::requested(request, &inputs.config.country)?;
        if rule.rule != RuleWord::Off {
            self.refuse_unknown_countries(&rule)?;
        }
        self.change_geo_rule(Some(rule), request.force, caller)
    }

    /// Goes back to the policy file's country rule.
    ///
    /// # Errors
    /// As [`Gate::set_geo_rule`].
    pub fn reset_geo_rule(&self, caller: &Caller) -> Result<Geo, Failure> {
        self.change_geo_rule(None, false, caller)
    }

    /// Names another geo database, or goes back to the policy file's.
    ///
    /// # Errors
    /// When it is not valid, the operator would lock himself out, or the kernel or the disk refuses.
    pub fn set_geo_database(
        &self,
        path: Option<&Path>,
        force: bool,
        caller: &Caller,
    ) -> Result<Geo, Failure> {
        let named = match path {
            Some(path) if path.is_relative() => {
                return Err(Failure::usage(format!("{} is no absolute path", path.display())));
            }
            Some(path) => Some((path.to_owned(), Origin::Operator)),
            None => {
                let live = self.live();
                live.inputs.config.geo.database.clone().map(|path| (path, Origin::Policy))
            }
        };
        // Read before the lock: a large database takes a while.
        let geo = named.map(|(path, origin)| LoadedGeo::open(&path, origin)).transpose()?.map(Arc::new);
        let only = self.policy_change()?;
        let live = self.live();
        let in_words = |geo: &Option<Arc<LoadedGeo>>| {
            geo.as_ref().map_or_else(|| "none".to_owned(), |geo| geo.path.display().to_string())
        };
        let change =
            Change::new(caller, "geo database", "").between(in_words(&live.inputs.geo), in_words(&geo));
        let after = Inputs { geo, ..live.inputs.clone() };
        let approve = |image: &_| lockout::check_image(&live.inputs, &after, image, caller, force);
        let changed = self.replace(&only, after.clone(), approve, &change)?;
        self.geo_after(Some(changed))
    }

    fn change_geo_rule(&self, rule: Option<GeoRule>, force: bool, caller: &Caller) -> Result<Geo, Failure> {
        let only = self.policy_change()?;
        let live = self.live();
        let action = if rule.is_some() { "geo rule" } else { "geo reset" };
        // Whoever sets the rule says its mode, or takes the file's.
        let after = Inputs { country: rule, ..live.inputs.clone() }.without_mode(modes::COUNTRY);
        let in_words = |inputs: &Inputs| GeoRule::from(&inputs.country_rule()).summary();
        let change = Change::new(caller, action, "").between(in_words(&live.inputs), in_words(&after));
        let approve = |image: &_| lockout::check_image(&live.inputs, &after, image, caller, force);
        let changed = self.replace(&only, after.clone(), approve, &change)?;
        tracing::info!(rule = self.rule().summary(), "country rule changed");
        self.geo_after(Some(changed))
    }

    /// A misspelt country would deny nobody, or allow nobody.
    fn refuse_unknown_countries(&self, rule: &GeoRule) -> Result<(), Failure> {
        let live = self.live();
        let geo = live.inputs.geo.as_ref().ok_or_else(no_database)?;
        let known = geo.database.countries();
        let strange: Vec<_> =
            rule.countries.iter().filter(|code| !known.contains_key(code)).map(ToString::to_string).collect();
        if strange.is_empty() {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "{} does not know {}; countries are written as ISO 3166 codes, such as DE or GB",
            geo.path.display(),
            strange.join(", ")
        )))
    }

    pub(super) fn rule(&self) -> GeoRule {
        GeoRule::from(&self.live().inputs.country_rule())
    }

    fn geo_after(&self, changed: Option<Changed>) -> Result<Geo, Failure> {
        let live = self.live();
        let rule = self.rule();
        let known = live.inputs.geo.as_ref().map(|geo| geo.database.countries());
        let countries = rule.countries.iter().map(|country| {
            let (ipv4, ipv6) = known.and_then(|known| known.get(country)).copied().unwrap_or_default();
            CountryEntry { country: *country, ipv4_ranges: ipv4 as u64, ipv6_ranges: ipv6 as u64 }
        });
        let services = live.inputs.config.services.iter().filter_map(|service| {
            let rule = GeoRule::from(&live.inputs.service_country_rule(service)?);
            Some(ServiceRule { service: service.name.clone(), rule })
        });
        Ok(Geo {
            countries: countries.collect(),
            services: services.collect(),
            counted: self.country_stats()?,
            rule,
            rule_origin: if live.inputs.country.is_some() { Origin::Operator } else { Origin::Policy },
            database: live.inputs.geo.as_ref().map(|geo| geo.info()),
            asn_database: live.inputs.asn.as_ref().map(|asn| asn.info()),
            changed,
        })
    }
}

pub(super) fn no_database() -> Failure {
    Failure::not_found(
        "there is no geo database; name one: `xdpgate geo database PATH`, or `database` under [geo] in the policy file",
    )
}
