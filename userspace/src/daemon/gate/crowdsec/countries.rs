//! Decisions about countries: a list of its own has their ranges.

use std::collections::BTreeSet;
use std::fmt::{Display, Write};

use super::Talk;
use crate::api::{Failure, FailureKind};
use crate::config::{Mode, Name};
use crate::country::CountryCode;
use crate::daemon::Caller;
use crate::daemon::gate::{Gate, NewList};
use crate::feeds::{Address, GeoDatabase, GeoRange};

/// Its name in counters and on the command line.
const LIST: &str = "crowdsec-countries";

/// What the list was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    countries: BTreeSet<CountryCode>,
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
        let live = self.live();
        let geo = live.inputs.geo.clone();
        let database = geo.as_ref().map(|geo| format!("{:?}", geo.info())).unwrap_or_default();
        let wanted = Listed { countries: countries.clone(), database, mode: talk.config.mode };
        if talk.listed.as_ref() == Some(&wanted) {
            return None;
        }
        let made = match &geo {
            _ if countries.is_empty() => self.unlist_countries(),
            None => return Some("not enforced, no geo database".to_owned()),
            Some(geo) => {
                let text = text(&geo.database, countries);
                list_name().and_then(|name| {
                    let (mode, text) = (wanted.mode, text.as_bytes());
                    let list = NewList { name, mode, skip_bad: false, force: false, text };
                    self.put_list(&list, &Caller::daemon()).map(drop)
                })
            }
        };
        match made {
            Ok(()) => {
                talk.listed = Some(wanted);
                None
            }
            Err(error) => Some(format!("not enforced: {error}")),
        }
    }

    /// Removes the list, if it is there.
    pub(super) fn unlist_countries(&self) -> Result<(), Failure> {
        match self.delete_list(&list_name()?, &Caller::daemon()) {
            Err(error) if error.kind != FailureKind::NotFound => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

fn list_name() -> Result<Name, Failure> {
    LIST.parse().map_err(Failure::failed)
}

fn text(database: &GeoDatabase, countries: &BTreeSet<CountryCode>) -> String {
    let mut text = String::new();
    let (mut ipv4, mut ipv6) = (database.ranges4(), database.ranges6());
    lines(&mut text, &mut ipv4, countries, std::net::Ipv4Addr::from_bits);
    lines(&mut text, &mut ipv6, countries, std::net::Ipv6Addr::from_bits);
    text
}

fn lines<A: Address, T: Display>(
    text: &mut String,
    ranges: &mut dyn Iterator<Item = GeoRange<A>>,
    countries: &BTreeSet<CountryCode>,
    address: fn(A) -> T,
) {
    for GeoRange { range, country } in ranges.filter(|of| countries.contains(&of.country)) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}-{} # {country}", address(range.first), address(range.last));
    }
}
