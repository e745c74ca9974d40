//! From what was read of each list to what each list is: lists of others, less what is taken out of them.

use std::sync::Arc;

use super::ListSource;
use crate::config::{Except, ListFrom, Name};
use crate::feeds::DisjointRanges;
use crate::policy::LoadedList;

/// The lists as they are enforced, in the same order. A policy in which a list depends on itself was refused.
pub(super) fn resolve(sources: &[ListSource]) -> Vec<LoadedList> {
    let mut resolver = Resolver { sources, known: vec![Known::Not; sources.len()] };
    let mut list = |(place, source): (usize, &ListSource)| {
        let ranges = resolver.ranges(place);
        let is_as_read = Arc::ptr_eq(&ranges, &source.content.ranges);
        let entries =
            if is_as_read { source.content.entries } else { ranges.ipv4().len() + ranges.ipv6().len() };
        LoadedList { name: source.name.clone(), mode: source.mode, ranges, entries }
    };
    sources.iter().enumerate().map(&mut list).collect()
}

struct Resolver<'a> {
    sources: &'a [ListSource],
    known: Vec<Known>,
}

#[derive(Clone)]
enum Known {
    Not,
    /// Somebody is at it.
    Begun,
    Ranges(Arc<DisjointRanges>),
}

impl Resolver<'_> {
    fn ranges(&mut self, place: usize) -> Arc<DisjointRanges> {
        let Some((source, known)) = self.sources.get(place).zip(self.known.get_mut(place)) else {
            return Arc::default();
        };
        match known {
            Known::Ranges(ranges) => return Arc::clone(ranges),
            Known::Begun => return Arc::default(),
            Known::Not => *known = Known::Begun,
        }
        let whole = match &source.from {
            ListFrom::Union(names) => self.union(names),
            ListFrom::File(_) | ListFrom::Folder(_) | ListFrom::Url(_) | ListFrom::Systems(_) => {
                Arc::clone(&source.content.ranges)
            }
        };
        let ranges =
            if source.except.is_empty() { whole } else { Arc::new(self.without(&whole, &source.except)) };
        if let Some(known) = self.known.get_mut(place) {
            *known = Known::Ranges(Arc::clone(&ranges));
        }
        ranges
    }

    fn union(&mut self, names: &[Name]) -> Arc<DisjointRanges> {
        let all = names.iter().map(|name| self.of(name)).collect::<Vec<_>>();
        let union = all.into_iter().reduce(|union, next| Arc::new(union.union(&next)));
        // Never one that a list was read from, so that its entries are counted anew.
        union.map_or_else(Arc::default, |union| Arc::new(Arc::unwrap_or_clone(union)))
    }

    fn without(&mut self, whole: &DisjointRanges, except: &[Except]) -> DisjointRanges {
        let prefixes = except.iter().filter_map(|except| match except {
            Except::Prefix(prefix) => Some(*prefix),
            Except::List(_) => None,
        });
        let mut rest = whole.without(&prefixes.collect());
        for except in except {
            if let Except::List(name) = except {
                rest = rest.without(&self.of(name));
            }
        }
        rest
    }

    fn of(&mut self, name: &Name) -> Arc<DisjointRanges> {
        let place = self.sources.iter().position(|source| source.name == *name);
        place.map_or_else(Arc::default, |place| self.ranges(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::daemon::Inputs;

    /// Lists of these names and lines, and what the policy says besides.
    fn lists(files: &[(&str, &str)], rest: &str) -> Vec<(String, Vec<String>)> {
        let folder = tempfile::tempdir().unwrap();
        let mut policy = String::new();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text.replace(' ', "\n")).unwrap();
            policy.extend(["[[list]]\nname = \"", name, "\"\npath = \"", name, "\"\n"]);
        }
        let config = config::parse(&format!("{policy}{rest}"), &folder.path().join("p.toml"));
        let inputs = Inputs::load(config.unwrap_or_else(|error| panic!("{error}")), None).unwrap();
        let shown = |list: &LoadedList| {
            let ipv4 = list.ranges.ipv4().iter().map(ToString::to_string);
            (list.name.to_string(), ipv4.chain(list.ranges.ipv6().iter().map(ToString::to_string)).collect())
        };
        inputs.lists.iter().map(shown).collect()
    }

    #[test]
    fn lists_are_joined_and_taken_out_of_each_other() {
        let files =
            [("a", "192.0.2.0/25 2001:db8::/32"), ("b", "192.0.2.64/26 198.51.100.7"), ("c", "192.0.2.70")];
        let all = "[[list]]\nname = \"all\"\nunion = [\"most\", \"b\"]\nexcept = [\"198.51.100.7\"]\n\
            [[list]]\nname = \"most\"\nunion = [\"a\"]\nexcept = [\"c\", \"2001:db8::/33\"]\n";
        let found = lists(&files, all);
        let of = |name: &str| {
            found.iter().find(|(other, _)| other == name).map(|(_, ranges)| ranges.clone()).unwrap()
        };
        assert_eq!(of("a"), ["192.0.2.0-192.0.2.127", "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"]);
        let upper = "2001:db8:8000::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff";
        assert_eq!(of("most"), ["192.0.2.0-192.0.2.69", "192.0.2.71-192.0.2.127", upper]);
        assert_eq!(of("all"), ["192.0.2.0-192.0.2.127", upper], "b has what c took out of the other");
    }

    #[test]
    fn a_union_of_one_counts_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), "192.0.2.0\n192.0.2.1\n192.0.2.0\n").unwrap();
        let policy = "[[list]]\nname = \"a\"\npath = \"a\"\n[[list]]\nname = \"b\"\nunion = [\"a\"]\n";
        let config = config::parse(policy, &folder.path().join("p.toml")).unwrap();
        let inputs = Inputs::load(config, None).unwrap();
        let entries: Vec<_> = inputs.lists.iter().map(|list| list.entries).collect();
        assert_eq!(entries, [3, 1], "lines, and ranges");
    }
}
