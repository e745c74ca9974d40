//! Where in a file the addresses are, for formats with several places: columns, fields or sets.

use std::collections::BTreeSet;

use crate::feeds::list::{ListError, shown};

/// The sets that are wanted, and those that were met.
pub(super) struct Sets {
    wanted: Vec<String>,
    met: BTreeSet<String>,
    /// Those with elements.
    filled: BTreeSet<String>,
}

impl Sets {
    /// Those of a setting: names with commas between; all, if there is none.
    pub(super) fn new(field: Option<&str>) -> Self {
        let names = field.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
        Self { wanted: names.map(str::to_owned).collect(), met: BTreeSet::new(), filled: BTreeSet::new() }
    }

    /// Notes that a set is there, also one without elements.
    pub(super) fn meet(&mut self, name: &str) {
        note(&mut self.met, name);
    }

    /// Whether the elements of a set are taken. Where a set is in a table, that stands before its name: `filter/blocked`.
    pub(super) fn takes(&mut self, name: &str) -> bool {
        note(&mut self.met, name);
        let short = name.rsplit_once('/').map_or(name, |(_, short)| short);
        let takes =
            self.wanted.is_empty() || self.wanted.iter().any(|wanted| wanted == name || wanted == short);
        if takes {
            note(&mut self.filled, name);
        }
        takes
    }

    /// Refuses elements of several sets where none was named, as one of them may be an allowlist; and names of no set.
    /// Twins for IPv4 and IPv6 are one set.
    pub(super) fn check(self) -> Result<(), ListError> {
        let names =
            |set: &BTreeSet<String>| set.iter().map(|name| shown(name.as_bytes())).collect::<Vec<_>>();
        let bare: BTreeSet<String> = self.filled.iter().map(|name| without_family(name)).collect();
        if self.wanted.is_empty() && bare.len() > 1 {
            return Err(ListError::Several { what: "sets", names: names(&self.filled) });
        }
        let is_met = |wanted: &&String| {
            self.met.iter().any(|met| met == *wanted || met.ends_with(&format!("/{wanted}")))
        };
        match self.wanted.iter().find(|wanted| !is_met(wanted)) {
            Some(name) => Err(ListError::NoSuch { what: "set", name: name.clone(), names: names(&self.met) }),
            None => Ok(()),
        }
    }

    /// Whether there is any set.
    pub(super) fn is_empty(&self) -> bool {
        self.met.is_empty()
    }
}

/// Names that a message can list; a file of sets without end must not fill the memory.
const MOST_NAMES: usize = 64;
/// Characters of a name that are kept: far more than any has.
const LONGEST_NAME: usize = 200;

fn note(names: &mut BTreeSet<String>, name: &str) {
    if names.len() < MOST_NAMES && !names.contains(name) {
        names.insert(name.chars().take(LONGEST_NAME).collect());
    }
}

/// The name of a set without what tells its IPv4 twin from its IPv6 twin: `blocked4`, `blocked-v6`, `crowdsec6-bans`.
fn without_family(name: &str) -> String {
    let mut bare = name.to_ascii_lowercase();
    for family in ["inet6", "ipv4", "ipv6", "v4", "v6", "inet", "4", "6", "-", "_"] {
        bare = bare.replace(family, "");
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(wanted: Option<&str>, filled: &[&str]) -> (Vec<bool>, Result<(), String>) {
        let mut sets = Sets::new(wanted);
        let taken = filled.iter().map(|name| sets.takes(name)).collect();
        (taken, sets.check().map_err(|error| error.to_string()))
    }

    #[test]
    fn one_set_needs_no_name() {
        assert_eq!(sets(None, &["blocked"]), (vec![true], Ok(())));
        for twins in [["blocked4", "blocked6"], ["b-v4", "b-v6"], ["crowdsec-bans", "crowdsec6-bans"]] {
            assert_eq!(sets(None, &twins), (vec![true, true], Ok(())), "{twins:?}");
        }
    }

    #[test]
    fn several_sets_need_names() {
        let (_, checked) = sets(None, &["blocked", "allowed"]);
        assert_eq!(
            checked.unwrap_err(),
            "it has addresses in several sets: allowed, blocked; say which are meant, such as field = \"allowed\""
        );
        assert_eq!(sets(Some("blocked"), &["blocked", "allowed"]), (vec![true, false], Ok(())));
        assert_eq!(sets(Some("a/blocked"), &["a/blocked", "b/blocked"]), (vec![true, false], Ok(())));
        assert_eq!(sets(Some("x, y"), &["t/x", "t/y"]), (vec![true, true], Ok(())));
        let (_, checked) = sets(Some("blokced"), &["blocked"]);
        assert_eq!(checked.unwrap_err(), "it has no set \"blokced\"; it has blocked");
    }
}
