//! Decisions about countries and autonomous systems: lists of their own have the ranges.

use std::collections::BTreeSet;
use std::fmt::{Debug, Display, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

use super::Talk;
use crate::api::{Failure, FailureKind};
use crate::config::{Mode, Name};
use crate::country::CountryCode;
use crate::daemon::Caller;
use crate::daemon::gate::{Gate, NewList};
use crate::feeds::{AsnDatabase, GeoDatabase};

/// Their names in counters and on the command line.
const COUNTRIES: &str = "crowdsec-countries";
const SYSTEMS: &str = "crowdsec-systems";

/// What a list was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// The countries or systems.
    of: BTreeSet<String>,
    database: String,
    mode: Mode,
}

impl Gate {
    /// Makes the list what decisions about countries want. Returns why they are not enforced.
    pub(super) fn list_countries(
        &self,
        talk: &mut Talk,
        countries: &BTreeSet<CountryCode>,
    ) -> Option<String> {
        let geo = self.live().inputs.geo.clone();
        let wanted = wanted(countries, geo.as_ref().map(|geo| geo.info()), talk.config.mode);
        let text = geo.map(|geo| move || of_countries(&geo.database, countries));
        self.make_listed(COUNTRIES, &mut talk.listed_countries, wanted, text.ok_or("geo"))
    }

    /// Likewise for autonomous systems.
    pub(super) fn list_systems(&self, talk: &mut Talk, systems: &BTreeSet<u32>) -> Option<String> {
        let asn = self.live().inputs.asn.clone();
        let wanted = wanted(systems, asn.as_ref().map(|asn| asn.info()), talk.config.mode);
        let text = asn.map(|asn| move || of_systems(&asn.database, systems));
        self.make_listed(SYSTEMS, &mut talk.listed_systems, wanted, text.ok_or("ASN"))
    }

    /// Removes both lists, if they are there.
    pub(super) fn unlist(&self) -> Result<(), Failure> {
        self.unlist_one(COUNTRIES).and_then(|()| self.unlist_one(SYSTEMS))
    }

    fn make_listed(
        &self,
        name: &str,
        listed: &mut Option<Listed>,
        wanted: Listed,
        text: Result<impl FnOnce() -> String, &str>,
    ) -> Option<String> {
        if listed.as_ref() == Some(&wanted) {
            return None;
        }
        let made = if wanted.of.is_empty() {
            self.unlist_one(name)
        } else {
            match text {
                Err(database) => return Some(format!("not enforced, no {database} database")),
                Ok(text) => self.put(name, wanted.mode, &text()),
            }
        };
        if let Err(error) = made {
            return Some(format!("not enforced: {error}"));
        }
        *listed = Some(wanted);
        None
    }

    fn put(&self, name: &str, mode: Mode, text: &str) -> Result<(), Failure> {
        let list =
            NewList { name: list_name(name)?, mode, skip_bad: false, force: false, text: text.as_bytes() };
        self.put_list(&list, &Caller::daemon()).map(drop)
    }

    fn unlist_one(&self, name: &str) -> Result<(), Failure> {
        match self.delete_list(&list_name(name)?, &Caller::daemon()) {
            Err(error) if error.kind != FailureKind::NotFound => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

fn wanted<T: ToString>(of: &BTreeSet<T>, database: Option<impl Debug>, mode: Mode) -> Listed {
    let database = database.map(|info| format!("{info:?}")).unwrap_or_default();
    Listed { of: of.iter().map(T::to_string).collect(), database, mode }
}

fn list_name(name: &str) -> Result<Name, Failure> {
    name.parse().map_err(Failure::failed)
}

fn of_countries(database: &GeoDatabase, countries: &BTreeSet<CountryCode>) -> String {
    let mut text = String::new();
    for of in database.ranges4().filter(|of| countries.contains(&of.country)) {
        line(&mut text, Ipv4Addr::from_bits(of.range.first), Ipv4Addr::from_bits(of.range.last), of.country);
    }
    for of in database.ranges6().filter(|of| countries.contains(&of.country)) {
        line(&mut text, Ipv6Addr::from_bits(of.range.first), Ipv6Addr::from_bits(of.range.last), of.country);
    }
    text
}

/// Each system for itself, so that `explain` can say which one.
fn of_systems(database: &AsnDatabase, systems: &BTreeSet<u32>) -> String {
    let mut text = String::new();
    for system in systems {
        let (ranges, name) = (database.ranges_of(&BTreeSet::from([*system])), format!("AS{system}"));
        for range in ranges.ipv4() {
            line(&mut text, Ipv4Addr::from_bits(range.first), Ipv4Addr::from_bits(range.last), &name);
        }
        for range in ranges.ipv6() {
            line(&mut text, Ipv6Addr::from_bits(range.first), Ipv6Addr::from_bits(range.last), &name);
        }
    }
    text
}

fn line<T: Display>(text: &mut String, first: T, last: T, of: impl Display) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{first}-{last} # {of}");
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn lines_have_the_ranges_and_whose_they_are() {
        let csv = b"192.0.2.0,192.0.2.127,64500,One\n192.0.2.128,192.0.2.255,64501\n2001:db8::,2001:db8::ff,64501\n";
        let asn = AsnDatabase::parse(csv.to_vec(), Path::new("asn.csv")).unwrap();
        let text = of_systems(&asn, &BTreeSet::from([64_501, 64_999]));
        assert_eq!(text, "192.0.2.128-192.0.2.255 # AS64501\n2001:db8::-2001:db8::ff # AS64501\n");
        let geo = GeoDatabase::parse(
            b"192.0.2.0,192.0.2.127,DE\n192.0.2.128,192.0.2.255,FR\n".to_vec(),
            Path::new("g"),
        );
        let text = of_countries(&geo.unwrap(), &BTreeSet::from(["FR".parse().unwrap()]));
        assert_eq!(text, "192.0.2.128-192.0.2.255 # FR\n");
    }
}
