use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;

fn plan(name: &str, prefixes: &[&str]) -> LoadedPlan {
    let prefixes = prefixes.iter().map(|prefix| prefix.parse().unwrap()).collect();
    LoadedPlan { name: name.parse().unwrap(), prefixes: Arc::new(prefixes) }
}

fn number(plans: &Plans, address: &str) -> u8 {
    plans.change_for(address.parse().unwrap()).map_or(0, |set| set.plan)
}

#[test]
fn the_longest_prefix_names_the_plan() {
    let plans = [
        plan("gold", &["10.0.0.0/8", "10.1.2.3/32", "2001:db8::/32"]),
        plan("free", &["10.1.0.0/16", "0.0.0.0/0", "2001:db8:1::/48"]),
    ];
    let plans = Plans::of(&plans).unwrap();
    for (address, expected) in [
        ("9.255.255.255", 2),
        ("10.0.0.0", 1),
        ("10.1.0.0", 2),
        ("10.1.2.2", 2),
        ("10.1.2.3", 1),
        ("10.1.2.4", 2),
        ("10.2.0.0", 1),
        ("255.255.255.255", 2),
        ("2001:db8::1", 1),
        ("2001:db8:1::1", 2),
        ("2001:db9::1", 0),
    ] {
        assert_eq!(number(&plans, address), expected, "{address}");
    }
}

#[test]
fn one_prefix_in_two_plans_is_refused() {
    let twice = plan("gold", &["10.0.0.0/8", "10.0.0.0/8"]);
    assert!(Plans::of(&[twice]).is_ok(), "in one plan it is only said twice");
    let overlap = [plan("gold", &["10.0.0.0/8"]), plan("free", &["10.1.0.0/16", "10.9.9.9/8"])];
    assert_eq!(
        Plans::of(&overlap).unwrap_err().to_string(),
        "10.0.0.0/8 is in the plan gold and in the plan free; a source has one plan, so take it out of one of them"
    );
}

proptest! {
    /// Against a look at every prefix.
    #[test]
    fn plans_agree_with_a_look_at_every_prefix(
        prefixes in prop::collection::vec((0_u8..=255, 0_u8..=8, 1_u8..4), 0..40),
        end: bool,
    ) {
        // Within the last byte of the first or the last addresses, so that prefixes nest and meet the ends.
        let base = if end { [255, 255, 255] } else { [0, 0, 0] };
        let net = |byte: u8, length: u8| {
            let [a, b, c] = base;
            ipnet::Ipv4Net::new(Ipv4Addr::new(a, b, c, byte), 24 + length).unwrap().trunc()
        };
        let mut claims: Vec<(ipnet::Ipv4Net, u8)> = Vec::new();
        for (byte, length, plan) in prefixes {
            let net = net(byte, length);
            if claims.iter().all(|(other, _)| *other != net) {
                claims.push((net, plan));
            }
        }
        let loaded = |number: u8| LoadedPlan {
            name: format!("plan-{number}").parse().unwrap(),
            prefixes: Arc::new(claims.iter().filter(|(_, plan)| *plan == number).map(|(net, _)| (*net).into()).collect()),
        };
        let plans = Plans::of(&[loaded(1), loaded(2), loaded(3)]).unwrap();
        let [a, b, c] = base;
        for byte in 0..=u8::MAX {
            let address = Ipv4Addr::new(a, b, c, byte);
            let longest = claims.iter().filter(|(net, _)| net.contains(&address)).max_by_key(|(net, _)| net.prefix_len());
            let expected = longest.map_or(0, |(_, plan)| *plan);
            prop_assert_eq!(plans.change_for(address.into()).map_or(0, |set| set.plan), expected, "{}", address);
        }
        prop_assert!(plans.change_for(Ipv6Addr::LOCALHOST.into()).is_none());
        for pair in plans.ipv4.windows(2) {
            prop_assert!(pair[0].0.last < pair[1].0.first, "disjoint and in order: {:?}", pair);
        }
    }
}
