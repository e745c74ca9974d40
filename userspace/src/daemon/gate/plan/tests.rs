use std::fs;
use std::path::Path;

use super::*;
use crate::api::types::FamilyChanges;
use crate::config;
use crate::feeds::Range;
use crate::policy::Segment;

fn inputs(policy: &str, folder: &Path) -> Inputs {
    Inputs::load(config::parse(policy, &folder.join("policy.toml")).unwrap(), None).unwrap()
}

/// What is known and what would be dropped differently, of IPv4 and IPv6.
fn compared(before: &Inputs, after: &Inputs) -> [FamilyChanges; 2] {
    let (old, new) = (before.compile(1).unwrap(), after.compile(2).unwrap());
    let known = Known::of(&named(&old, before), &named(&new, after));
    let (old4, old6, old) = without_segments(old);
    let (new4, new6, new) = without_segments(new);
    let mut judge = Judge::new(old, new, [&before.config, &after.config]);
    let (ipv4, _) = prefixes::compare(&old4, &new4, &known, &mut judge);
    let (ipv6, _) = prefixes::compare(&old6, &new6, &known, &mut judge);
    [ipv4, ipv6]
}

fn shown(changes: &crate::api::types::AddressChanges) -> Vec<String> {
    changes.examples.iter().map(ToString::to_string).collect()
}

const NO_MANAGEMENT: &str = "[safety]\nmanagement_prefixes = []\n";

#[test]
fn the_same_policy_differs_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let policy = inputs("[allow]\nprefixes = [\"192.0.2.0/24\"]", folder.path());
    assert_eq!(compared(&policy, &policy), [FamilyChanges::default(), FamilyChanges::default()]);
}

#[test]
fn a_list_that_comes_drops_what_is_on_it_and_not_allowed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("l.txt"), "198.51.100.0/24\n192.0.2.7\n2001:db8::/48\n").unwrap();
    let allow = format!("{NO_MANAGEMENT}[allow]\nprefixes = [\"192.0.2.0/24\"]\n");
    let list = "[[list]]\nname = \"l\"\npath = \"l.txt\"\n";
    let (before, after) = (inputs(&allow, folder.path()), inputs(&format!("{allow}{list}"), folder.path()));
    let [ipv4, ipv6] = compared(&before, &after);
    assert_eq!(shown(&ipv4.added), ["198.51.100.0/24"]);
    assert_eq!(shown(&ipv4.changed), ["192.0.2.7"], "on the allowlist before");
    assert_eq!(shown(&ipv4.newly_dropped), ["198.51.100.0/24"], "the allowlist wins");
    assert_eq!((ipv4.newly_dropped.addresses, ipv4.newly_passing.addresses), (256, 0));
    assert_eq!(
        (shown(&ipv6.newly_dropped), ipv6.added.addresses),
        (vec!["2001:db8::/48".to_owned()], 1 << 80)
    );
    let [back, _] = compared(&after, &before);
    assert_eq!((shown(&back.removed), shown(&back.newly_passing)), (shown(&ipv4.added), shown(&ipv4.added)));

    let counting = format!("{allow}{list}mode = \"monitor\"\n");
    let [ipv4, _] = compared(&before, &inputs(&counting, folder.path()));
    assert_eq!((ipv4.added.prefixes, ipv4.newly_dropped.prefixes), (1, 0), "it only counts");
}

#[test]
fn lists_are_compared_by_name_and_not_by_place() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("l.txt"), "198.51.100.0/24\n").unwrap();
    fs::write(folder.path().join("m.txt"), "203.0.113.0/24\n").unwrap();
    let list = |name: &str| format!("[[list]]\nname = \"{name}\"\npath = \"{name}.txt\"\n");
    let one = inputs(&(list("l") + &list("m")), folder.path());
    let other = inputs(&(list("m") + &list("l")), folder.path());
    assert_eq!(compared(&one, &other), [FamilyChanges::default(), FamilyChanges::default()]);
}

#[test]
fn a_default_of_drop_touches_everybody_but_the_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let allow = format!("{NO_MANAGEMENT}[allow]\nprefixes = [\"0.0.0.0/1\"]\n");
    let before = inputs(&allow, folder.path());
    let after = inputs(&format!("default_action = \"drop\"\n{allow}"), folder.path());
    let [ipv4, ipv6] = compared(&before, &after);
    assert_eq!(shown(&ipv4.newly_dropped), ["128.0.0.0/1"]);
    assert_eq!((ipv4.added.prefixes, ipv4.changed.prefixes), (0, 0), "nothing else is known of anybody");
    assert_eq!(
        (shown(&ipv6.newly_dropped), ipv6.newly_dropped.addresses),
        (vec!["::/0".to_owned()], u128::MAX)
    );
}

#[test]
fn limits_take_slots_of_the_limiter() {
    let folder = tempfile::tempdir().unwrap();
    let slots = |policy: &str| {
        let image = inputs(policy, folder.path()).compile(1).unwrap();
        let sizes = PrefixTables::compile(&image.ipv4, &image.ipv6).unwrap().size();
        let changes = tables::changes((&image, sizes), (&image, sizes), 1 << 24, (1, 16));
        (changes.slots_per_source.then, changes.limits.then)
    };
    assert_eq!(slots(""), (0, 0));
    let one = "[limits.source]\npackets = \"10/s\"\n";
    assert_eq!(slots(one), (1, 0));
    let both = "[limits.source]\npackets = \"10/s\"\nbytes = \"1 MB/s\"\n";
    assert_eq!(slots(both), (2, 2));
    let service = "[[service]]\nname = \"a\"\nports = [1]\nlimits = [\"each\", \"all\"]\n\
        [[service]]\nname = \"b\"\nports = [2]\nlimits = [\"each\"]\n\
        [[limit]]\nname = \"each\"\nrate = \"10 packets/s\"\n\
        [[limit]]\nname = \"all\"\nrate = \"10 packets/s\"\nkey = \"service\"\n";
    assert_eq!(slots(&format!("{service}{one}")), (3, 3), "one for each service, none for all its sources");
}

#[test]
fn a_source_of_many_addresses_is_looked_at_where_the_policies_differ() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("l.txt"), "2001:db8::7\n").unwrap();
    let before = inputs("", folder.path());
    let after = inputs("[[list]]\nname = \"l\"\npath = \"l.txt\"\n", folder.path());
    let (old, new) = (before.compile(1).unwrap(), after.compile(2).unwrap());
    let known = Known::of(&named(&old, &before), &named(&new, &after));
    let (_, old6, old): (Vec<Segment<u32>>, _, _) = without_segments(old);
    let (_, new6, new): (Vec<Segment<u32>>, _, _) = without_segments(new);
    let mut judge = Judge::new(old, new, [&before.config, &after.config]);
    let (_, differing) = prefixes::compare(&old6, &new6, &known, &mut judge);
    let family = Family { before: &old6, after: &new6, differing };
    let mut look = |network: &str| {
        let net: ipnet::Ipv6Net = network.parse().unwrap();
        let range = Range { first: net.network().to_bits(), last: net.broadcast().to_bits() };
        family.look(range, &mut judge).dropped.map(|(address, _)| address)
    };
    assert_eq!(look("2001:db8::/64"), Some("2001:db8::7".parse().unwrap()));
    assert_eq!(look("2001:db8:1::/64"), None);
}
