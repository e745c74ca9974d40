//! Who may reach a service: its country rule and its lists.

use super::*;
use crate::config::ListFrom;

const GEO: &str = "[geo]\ndatabase = \"geo.mmdb\"\nasn_database = \"asn.mmdb\"\n";
const LISTS: &str = "[[list]]\nname = \"tor\"\npath = \"tor.txt\"\nlabel = \"anonymous\"\napplies = \"services\"\n[[list]]\nname = \"cloud\"\nasn = [64500, 64_501]\nlabel = \"anonymous\"\n";

/// A service on line 13, after the databases and the lists.
fn of(tables: &str) -> String {
    format!("{GEO}{LISTS}[[service]]\nname = \"login\"\nports = [443]\n{tables}")
}

#[test]
fn a_service_says_who_may_reach_it() {
    let text = of(
        "[service.country]\nallow_only = [\"DE\"]\nunknown = \"drop\"\nmode = \"monitor\"\n[service.lists]\ndeny = [\"anonymous\"]\nmonitor = [\"cloud\"]\n",
    );
    let config = checked(&text);
    let service = &config.services[0];
    let rule = CountryRule {
        rule: CountrySelection::AllowOnly(["DE".parse().unwrap()].into()),
        unknown: DefaultAction::Drop,
        scope: CountryScope::Initiating,
        mode: Mode::Monitor,
    };
    assert_eq!(service.country, Some(rule));
    let label = config.lists[0].label.as_ref();
    assert_eq!(service.use_of(&config.lists[0].name, label), Some(ListUse::Deny), "by its label");
    assert_eq!(service.use_of(&config.lists[1].name, label), Some(ListUse::Monitor), "its name counts more");
    assert_eq!(service.use_of(&config.services[0].name, None), None);
    assert_eq!(config.lists[1].from, ListFrom::Systems([64_500, 64_501].into()));
    assert_eq!(
        (config.lists[0].applies, config.lists[1].applies),
        (ListScope::Services, ListScope::Everywhere)
    );
    let own = checked(&of("[service.country]\ndeny = []\n[service.lists]\ndeny = [\"tor\"]\n"));
    assert_eq!(own.services[0].country, Some(CountryRule::default()), "an empty list is no rule");
    assert_eq!(checked(&service_without_access()).services[0].country, None);
}

fn service_without_access() -> String {
    "[[service]]\nname = \"login\"\nports = [443]\n".to_owned()
}

#[test]
fn what_a_service_cannot_mean_is_refused() {
    let used = "[service.lists]\ndeny = [\"tor\"]\n";
    let after = |tables: &str| problems(&of(&format!("{used}{tables}")));
    assert_eq!(
        after("[service.country]\nmode = \"monitor\"\n"),
        [
            "18: service.country: names no country, and stands in place of [country]; allowed: deny or allow_only; add one of \
             them, such as deny = [] for no country rule here, or remove this table"
        ]
    );
    assert_eq!(
        after("[service.country]\ndeny = [\"DE\"]\nallow_only = [\"FR\"]\n"),
        [
            "20: service.country.allow_only: cannot stand beside service.country.deny (line 19); allowed: one of the two; \
             remove one of them"
        ]
    );
    assert_eq!(
        problems("[[service]]\nname = \"a\"\nprotocol = \"icmp\"\n[service.country]\ndeny = [\"DE\"]\n"),
        [
            "4: service.country: has no effect with protocol = \"icmp\", of which no packet starts something; allowed: \
             scope = \"all\"; write that, or remove this table",
            "5: service.country.deny: needs a geo database; allowed: only with geo.database; add [geo] with database = \
             \"FILE\", or remove this key",
        ]
    );
    assert_eq!(
        problems(&of("[service.lists]\ndeny = [\"tro\", \"cloud\"]\nskip = [\"cloud\", \"tor\"]\n")),
        [
            "17: service.lists.deny: `tro` is not a list; allowed: the name of a [[list]] of this policy; did you mean `tor`?",
            "18: service.lists.skip: `cloud` is already on line 17; allowed: at most 64 names or labels of lists, no name twice; \
             remove one of the two",
        ]
    );
    let idle = "8: list.applies: no service names this list or its label, so it has no effect; allowed: \"everywhere\", \
                \"services\"; add it to [service.lists] of a service, or write \"everywhere\"";
    assert_eq!(problems(&of("")), [idle]);
    assert_eq!(problems(&of("[service.lists]\nskip = [\"tor\"]\n")), [idle]);
}

#[test]
fn a_list_has_one_source() {
    let list = |keys: &str| problems(&format!("{GEO}[[list]]\nname = \"a\"\n{keys}"));
    assert_eq!(
        list("path = \"a.txt\"\nasn = [1]\n"),
        [
            "7: list.asn: stands beside `path`; allowed: one of `path`, `folder`, `url`, `union` or `asn`; make two lists of it, and a \
         third that is their union"
        ]
    );
    assert_eq!(
        list("asn = []\n"),
        [
            "6: list.asn: names no autonomous system; allowed: 1 to 10,000 numbers of 1 to 4,294,967,295; name one, or remove \
             the list"
        ]
    );
    assert_eq!(
        list("asn = [0]\n"),
        [
            "6: list.asn: 0 is out of range; allowed: 1 to 10,000 numbers of 1 to 4,294,967,295; choose a number in that range"
        ]
    );
    assert_eq!(
        problems("[[list]]\nname = \"a\"\nasn = [1]\n"),
        [
            "3: list.asn: needs a database of autonomous systems; allowed: only with geo.asn_database; add [geo] with \
             asn_database = \"FILE\", or remove this key"
        ]
    );
}

#[test]
fn the_country_rule_of_a_service_has_a_name_of_its_own() {
    let rule = "[service.country]\ndeny = []\n";
    let other = "[[service]]\nname = \"login.country\"\nports = [80]\n";
    assert_eq!(
        problems(&format!("{}{rule}{other}", service_without_access())),
        [
            "6: service.name: `login.country` is the country rule of the service on line 1; allowed: each name once; choose \
             another name"
        ]
    );
    assert_eq!(checked(&format!("{}{other}", service_without_access())).services.len(), 2);
    let long = "a".repeat(56);
    assert_eq!(
        problems(&format!("[[service]]\nname = \"{long}\"\nports = [1]\n{rule}")),
        [format!(
            "1: service.name: `{long}` is too long for the name of its country rule, {long}.country; allowed: at most 55 \
             characters here; choose another name"
        )]
    );
}
