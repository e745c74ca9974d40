//! `[[list]]` and `[geo]`.

use std::path::Path;
use std::time::Duration;

use super::conditions::require;
use super::daemon::path;
use super::{asn, choice, integer, names};
use crate::config::entry::Entry;
use crate::config::error::Report;
use crate::config::prefix::parse_prefix;
use crate::config::reference::{self, COMPANIONS, Key, LIST_SOURCES, one_of};
use crate::config::section::Section;
use crate::config::{Except, GeoConfig, ListConfig, ListFrom, ListGuard, Name, UrlSource};
use crate::country::CountryCode;
use crate::feeds::{BadLines, Reading};
use crate::http::parse_url;

mod related;

/// How often a server is asked where nothing is written.
const EVERY: Duration = Duration::from_hours(1);
const TIMEOUT: Duration = Duration::from_secs(30);
const MAX_SIZE: u64 = 64 << 20;

/// `has_systems`: whether the policy names a database of autonomous systems, be it rightly or not.
pub(super) fn lists(
    sections: &[Section<'_>],
    folder: &Path,
    has_systems: bool,
    report: &mut Report,
) -> Vec<ListConfig> {
    names::at_most(sections, "list", "join some of them", report);
    related::refuse_unknown(sections, report);
    let before = report.count();
    let lists: Vec<_> =
        sections.iter().filter_map(|section| list(section, folder, has_systems, report)).collect();
    if report.count() == before {
        related::refuse_circles(&lists, sections, report);
    }
    lists
}

pub(super) fn geo(section: &Section<'_>, folder: &Path, report: &mut Report) -> GeoConfig {
    let default = GeoConfig::default();
    let check_every = section.get(&reference::GEO_CHECK_EVERY).and_then(|entry| entry.duration(report));
    GeoConfig {
        database: path(section, &reference::GEO_DATABASE, folder, report),
        asn_database: path(section, &reference::GEO_ASN_DATABASE, folder, report),
        check_every: check_every.unwrap_or(default.check_every),
    }
}

fn list(section: &Section<'_>, folder: &Path, has_systems: bool, report: &mut Report) -> Option<ListConfig> {
    require(section, &reference::LIST_NAME, report);
    one_source(section, report);
    companions(section, report);
    let name = section.get(&reference::LIST_NAME).and_then(|entry| entry.parse::<Name>(report));
    // All of them are read, so that all that is wrong is reported.
    let from = [
        path(section, &reference::LIST_PATH, folder, report).map(ListFrom::File),
        path(section, &reference::LIST_FOLDER, folder, report).map(ListFrom::Folder),
        url(section, folder, report).map(ListFrom::Url),
        named(section, &reference::LIST_UNION, report).map(ListFrom::Union),
        asn::systems(section, has_systems, report).map(ListFrom::Systems),
    ];
    let from = from.into_iter().flatten().next();
    let is_fetched = section.get(&reference::LIST_URL).is_some();
    let every = section.get(&reference::LIST_EVERY).map(|entry| entry.duration(report));
    let mode = choice(section, &reference::LIST_MODE, report).unwrap_or_default();
    let label = section.get(&reference::LIST_LABEL).and_then(|entry| entry.parse::<Name>(report));
    let applies = choice(section, &reference::LIST_APPLIES, report).unwrap_or_default();
    Some(ListConfig {
        mode,
        applies,
        reading: reading(section, report),
        guard: guard(section, is_fetched, report),
        except: except(section, report),
        every: every.unwrap_or(is_fetched.then_some(EVERY)),
        label,
        line: section.line(),
        name: name?,
        from: from?,
    })
}

fn url(section: &Section<'_>, folder: &Path, report: &mut Report) -> Option<UrlSource> {
    let url = section.get(&reference::LIST_URL).and_then(|entry| entry.parse_with(parse_url, report));
    let timeout = section.get(&reference::LIST_TIMEOUT).and_then(|entry| entry.duration(report));
    let max_size = section.get(&reference::LIST_MAX_SIZE).and_then(|entry| entry.size(report));
    let ca = path(section, &reference::LIST_CA, folder, report);
    let header_file = path(section, &reference::LIST_HEADER_FILE, folder, report);
    Some(UrlSource {
        url: url?,
        timeout: timeout.unwrap_or(TIMEOUT),
        max_size: max_size.unwrap_or(MAX_SIZE),
        ca,
        header_file,
    })
}

fn reading(section: &Section<'_>, report: &mut Report) -> Reading {
    let skips = section.get(&reference::LIST_SKIP_BAD).and_then(|entry| entry.flag(report));
    Reading {
        format: choice(section, &reference::LIST_FORMAT, report),
        field: section.get(&reference::LIST_FIELD).and_then(|entry| entry.text(report)).map(str::to_owned),
        country: section.get(&reference::LIST_COUNTRY).and_then(|entry| entry.parse::<CountryCode>(report)),
        bad: if skips.unwrap_or_default() { BadLines::Skip } else { BadLines::Refuse },
    }
}

fn guard(section: &Section<'_>, is_fetched: bool, report: &mut Report) -> ListGuard {
    let default = if is_fetched { ListGuard::of_others() } else { ListGuard::of_operators() };
    ListGuard {
        dangerous: choice(section, &reference::LIST_DANGEROUS, report).unwrap_or(default.dangerous),
        widest_ipv4: integer(section, &reference::LIST_WIDEST_IPV4, report).unwrap_or(default.widest_ipv4),
        widest_ipv6: integer(section, &reference::LIST_WIDEST_IPV6, report).unwrap_or(default.widest_ipv6),
        ratio: integer(section, &reference::LIST_RATIO, report).or(default.ratio),
    }
}

fn except(section: &Section<'_>, report: &mut Report) -> Vec<Except> {
    let elements = section.get(&reference::LIST_EXCEPT).and_then(|entry| entry.elements(report));
    let mut read = |element: &Entry<'_>| {
        // `192.0.2.1` would be a name too.
        let text = element.text(report)?;
        if looks_like_prefix(text) {
            return element.parse_with(parse_prefix, report).map(Except::Prefix);
        }
        element.parse::<Name>(report).map(Except::List)
    };
    elements.unwrap_or_default().iter().filter_map(&mut read).collect()
}

/// No name has a colon or a slash; one that is an address is meant as one.
fn looks_like_prefix(text: &str) -> bool {
    text.contains([':', '/']) || text.parse::<std::net::IpAddr>().is_ok()
}

fn named(section: &Section<'_>, key: &'static Key, report: &mut Report) -> Option<Vec<Name>> {
    let elements = section.get(key)?.elements(report)?;
    Some(elements.iter().filter_map(|element| element.parse::<Name>(report)).collect())
}

fn one_source(section: &Section<'_>, report: &mut Report) {
    let mut written = LIST_SOURCES.iter().filter_map(|key| Some((*key, section.get(key)?)));
    let Some((first, _)) = written.next() else {
        let place = section.place_of(&reference::LIST_PATH);
        let allowed = one_of(LIST_SOURCES);
        return report.add(
            &place,
            format!("is missing; allowed: one of {allowed}; add a line like path = \"/etc/xdpgate/file\""),
        );
    };
    for (_, entry) in written {
        let message = format!(
            "stands beside `{}`; allowed: one of {}; make two lists of it, and a third that is their union",
            first.name,
            one_of(LIST_SOURCES)
        );
        report.add(entry.place(), message);
    }
}

fn companions(section: &Section<'_>, report: &mut Report) {
    for companion in COMPANIONS {
        let Some(entry) = section.get(companion.key) else { continue };
        if companion.beside.iter().all(|key| section.get(key).is_none()) {
            let beside = companion.written();
            report.add(
                entry.place(),
                format!("has no effect without {beside}; allowed: only with {beside}; remove this key"),
            );
        }
    }
}
