//! `[crowdsec]`.

use std::path::Path;
use std::time::Duration;

use super::choice;
use super::daemon::path;
use crate::config::error::Report;
use crate::config::reference::{self, Key};
use crate::config::section::Section;
use crate::config::{CrowdsecConfig, CrowdsecLogin};
use crate::http::parse_url;

/// As often as other bouncers.
const EVERY: Duration = Duration::from_secs(10);
const KEY_FILE: &str = "/etc/xdpgate/crowdsec.key";
const SCOPES: [&str; 4] = ["ip", "range", "country", "as"];

pub(super) fn crowdsec(section: &Section<'_>, folder: &Path, report: &mut Report) -> Option<CrowdsecConfig> {
    let url_entry = section.get(&reference::CROWDSEC_URL);
    let url = url_entry.as_ref().and_then(|entry| entry.parse_with(parse_url, report));
    let login = login(section, folder, report, url_entry.is_some());
    let ca = path(section, &reference::CROWDSEC_CA, folder, report);
    let every = section.get(&reference::CROWDSEC_EVERY).and_then(|entry| entry.duration(report));
    let mut words = |key| words(section, key, report);
    let scopes = words(&reference::CROWDSEC_SCOPES)
        .map(|scopes| scopes.iter().map(|scope| scope.to_lowercase()).collect());
    let origins = words(&reference::CROWDSEC_ORIGINS).unwrap_or_default();
    let scenarios_containing = words(&reference::CROWDSEC_CONTAINING).unwrap_or_default();
    let scenarios_not_containing = words(&reference::CROWDSEC_NOT_CONTAINING).unwrap_or_default();
    let mode = choice(section, &reference::CROWDSEC_MODE, report).unwrap_or_default();
    Some(CrowdsecConfig {
        url: url?,
        login: login?,
        ca,
        every: every.unwrap_or(EVERY),
        scopes: scopes.unwrap_or_else(|| SCOPES.map(str::to_owned).to_vec()),
        origins,
        scenarios_containing,
        scenarios_not_containing,
        mode,
    })
}

fn login(section: &Section<'_>, folder: &Path, report: &mut Report, has_url: bool) -> Option<CrowdsecLogin> {
    let mut file = |key: &'static Key| path(section, key, folder, report);
    let api_key = file(&reference::CROWDSEC_API_KEY_FILE);
    let (certificate, key) = (file(&reference::CROWDSEC_CERTIFICATE), file(&reference::CROWDSEC_KEY));
    match (api_key, certificate, key) {
        (path, None, None) => Some(CrowdsecLogin::Key(path.unwrap_or_else(|| folder.join(KEY_FILE)))),
        (None, Some(certificate), Some(key)) => Some(CrowdsecLogin::Certificate { certificate, key }),
        _ => {
            if has_url {
                let place = section.place_of(&reference::CROWDSEC_CERTIFICATE);
                let what = "needs crowdsec.key, and no crowdsec.api_key_file";
                report.add(&place, format!("{what}; write certificate and key, or api_key_file"));
            }
            None
        }
    }
}

/// Words that the server takes as one text with commas between them.
fn words(section: &Section<'_>, key: &'static Key, report: &mut Report) -> Option<Vec<String>> {
    let mut words = Vec::new();
    for element in section.get(key)?.elements(report)? {
        let Some(word) = element.text(report) else { continue };
        if word.is_empty() || word.contains([',', '\n', '\r']) {
            element.refuse(
                "an empty text, or one with a comma in it",
                "write one word in each pair of quotes",
                report,
            );
            continue;
        }
        words.push(word.to_owned());
    }
    Some(words)
}
