//! Anything that can be done, against a map that does the same.

use std::collections::BTreeMap;

use ipnet::IpNet;
use proptest::prelude::*;
use xdpgate_ebpf::abi::Ban;

use super::*;

#[derive(Clone, Debug)]
enum Change {
    Ban(IpNet, Option<u64>),
    BanAll(Vec<(IpNet, Option<u64>)>),
    Lift(IpNet),
    Replace(Vec<(IpNet, Option<u64>)>),
    Clean,
    /// The writer dies, and another one takes over.
    Adopt,
}

/// Few addresses, so that prefixes nest and are met again; lengths that are multiples of `step`.
fn prefix(step: u8) -> impl Strategy<Value = IpNet> {
    let ipv4 = (0_u32..4, (0..=32 / step).prop_map(move |n| n * step)).prop_map(|(bits, length)| {
        // The last bits tell addresses apart, and one in the middle tells wider prefixes apart.
        let address = Ipv4Addr::from_bits(0xC000_0200 | bits & 1 | (bits & 2) << 15);
        IpNet::new(address.into(), length).unwrap()
    });
    let ipv6 = (0_u128..8, (0..=128 / step).prop_map(move |n| n * step)).prop_map(|(bits, length)| {
        let address = Ipv6Addr::from_bits(0x2001_0db8 << 96 | bits & 1 | (bits & 2) << 62 | (bits & 4) << 78);
        IpNet::new(address.into(), length).unwrap()
    });
    let single = prop_oneof![
        (0_u32..200).prop_map(|n| IpNet::from(IpAddr::from(Ipv4Addr::from_bits(n)))),
        (0_u128..60).prop_map(|n| IpNet::from(IpAddr::from(Ipv6Addr::from_bits(n << 60)))),
    ];
    prop_oneof![ipv4, ipv6, single].prop_map(|prefix| prefix.trunc())
}

fn end() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![Just(None), (3_u64..50).prop_map(|units| Some(units << EXPIRY_SHIFT))]
}

fn change(step: u8) -> impl Strategy<Value = Change> {
    let some = || prop::collection::vec((prefix(step), end()), 0..100);
    prop_oneof![
        10 => (prefix(step), end()).prop_map(|(prefix, end)| Change::Ban(prefix, end)),
        2 => some().prop_map(Change::BanAll),
        8 => prefix(step).prop_map(Change::Lift),
        1 => some().prop_map(Change::Replace),
        1 => Just(Change::Clean),
        1 => Just(Change::Adopt),
    ]
}

type Model = BTreeMap<IpNet, Option<u64>>;

/// False: there was no room, and nothing has changed.
fn make(bans: &mut Bans<HeapWords>, model: &mut Model, change: &Change) -> bool {
    match change {
        Change::Ban(prefix, end) => match bans.ban(*prefix, *end) {
            Ok(new) => assert_eq!(new, model.insert(*prefix, *end).is_none(), "{prefix}"),
            Err(_) => return false,
        },
        Change::BanAll(all) => {
            let before = model.len();
            let Ok(new) = bans.ban_all(all) else { return false };
            model.extend(all.iter().copied());
            assert_eq!(new, model.len() - before);
        }
        Change::Lift(prefix) => assert_eq!(bans.lift(*prefix), model.remove(prefix).is_some(), "{prefix}"),
        Change::Replace(all) => {
            if bans.replace(all).is_err() {
                return false;
            }
            *model = all.iter().copied().collect();
        }
        Change::Clean => bans.clean(),
        Change::Adopt => {}
    }
    true
}

fn expected(model: &Model, address: IpAddr) -> Option<Ban> {
    let around = model.iter().filter(|(prefix, _)| prefix.contains(&address));
    around.map(|(_, end)| Ban { expires_ns: end.unwrap_or(u64::MAX) }).max_by_key(|ban| ban.expires_ns)
}

fn agree(bans: &Bans<HeapWords>, model: &Model, probes: &[IpNet]) {
    for address in probes.iter().map(IpNet::addr) {
        assert_eq!(bans.find(address), expected(model, address), "{address}");
    }
    for prefix in probes {
        assert_eq!(bans.end(*prefix), model.get(prefix).copied(), "{prefix}");
    }
    assert_eq!(bans.len(), model.len() as u64);
}

fn run(mut bans: Bans<HeapWords>, changes: &[Change], probes: &[IpNet], may_be_full: bool) {
    let mut model = Model::new();
    for change in changes {
        if matches!(change, Change::Adopt) {
            bans = Bans::open(bans.words, BanShape::new(7), Seed([7, 7])).unwrap();
        }
        assert!(make(&mut bans, &mut model, change) || may_be_full, "{change:?}");
        agree(&bans, &model, probes);
    }
    assert_eq!(bans.iter().collect::<Model>(), model);
    for prefix in model.into_keys() {
        assert!(bans.lift(prefix));
    }
    bans.clean();
    bans.clean();
    assert!(all_words(bans.words()).all(|word| word == 0), "something was left behind");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn roomy_tables_agree_with_a_map(
        changes in prop::collection::vec(change(1), 1..40),
        probes in prop::collection::vec(prefix(1), 20),
        seed in any::<[u64; 2]>(),
    ) {
        let shape = BanShape::new(1 << 12);
        run(Bans::open(HeapWords::new(shape), shape, Seed(seed)).unwrap(), &changes, &probes, false);
    }

    /// Chains of lines, taken apart and put together again; tables that are full. With no more lengths than a reader has
    /// lines for when each length takes eight.
    #[test]
    fn crowded_tables_agree_with_a_map(
        changes in prop::collection::vec(change(4), 1..40),
        probes in prop::collection::vec(prefix(4), 20),
        seed in any::<[u64; 2]>(),
    ) {
        run(Bans::open(crowded(), BanShape::new(1 << 12), Seed(seed)).unwrap(), &changes, &probes, true);
    }
}
