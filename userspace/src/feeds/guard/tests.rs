use proptest::prelude::*;

use super::*;
use crate::feeds::{Reading, parse_list};

fn list(text: &str) -> ParsedList {
    parse_list(text.as_bytes(), &Reading::default()).unwrap()
}

fn left_out(guard: &Guard, text: &str) -> Vec<(u32, String)> {
    let guard = Guard { dangerous: Dangerous::LeaveOut, ..guard.clone() };
    let guarded = guard.check(list(text), None).unwrap();
    let shown = |entry: &DangerousEntry| (entry.line, entry.entry.to_string());
    guarded.left_out.first.iter().map(shown).collect()
}

const DANGEROUS: [&str; 24] = [
    "0.0.0.0",
    "10.1.2.3",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "100.127.255.255",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.0/12",
    "172.31.255.255",
    "192.168.1.0/24",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.0/4",
    "255.255.255.255",
    "192.167.255.255-192.168.0.0",
    "64.0.0.0/7",
    "1.0.0.0-2.0.0.0",
    "::",
    "::1",
    "fc00::/7",
    "fd12::1",
    "fe80::1",
    "ff02::1",
    "2000::/3",
];

const HARMLESS: [&str; 14] = [
    "1.0.0.0/8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.2.1",
    "223.255.255.255",
    "2003::/19",
    "2001:db8::/32",
    "fe7f:ffff::",
    "fec0::",
];

#[test]
fn what_is_dangerous_is_left_out_and_nothing_else() {
    let guard = Guard::default();
    let (text, all) = (DANGEROUS.join("\n"), DANGEROUS.len());
    let guarded = Guard { dangerous: Dangerous::LeaveOut, ..guard.clone() }.check(list(&text), None).unwrap();
    assert_eq!((guarded.left_out.total, guarded.list.entries), (all, 0), "{}", guarded.left_out);
    assert_eq!(left_out(&guard, &HARMLESS.join("\n")), []);
    assert_eq!(
        left_out(&guard, "1.2.3.4\n10.0.0.1\n# x\nfe80::/64\n1.2.3.5\n::1"),
        [(2, "10.0.0.1".to_owned()), (4, "fe80::/64".to_owned()), (6, "::1".to_owned())]
    );
}

#[test]
fn a_dangerous_list_is_refused_with_lines_and_reasons() {
    let own = [net("198.51.100.7/32"), net("2001:db8:1::/48")].into_iter().collect();
    let error = Guard { own, ..Guard::default() }
        .check(
            list("1.2.3.4\n10.0.0.0/8\n198.51.100.0/24\n0.0.0.0-0.0.0.9\n4.0.0.0/6\n2001:db8:1:2::/64\n"),
            None,
        )
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "5 dangerous entries:\n  \
         line 2: 10.0.0.0/8: overlaps 10.0.0.0/8, a private network, which may be this one\n  \
         line 3: 198.51.100.0/24: holds 198.51.100.7, which is this host's own\n  \
         line 4: 0.0.0.0-0.0.0.9: overlaps 0.0.0.0/8, this network: a host that asks for its address with DHCP\n  \
         line 5: 4.0.0.0/6: wider than a /8, the widest that is taken\n  \
         line 6: 2001:db8:1:2::/64: holds 2001:db8:1:2::, which is this host's own"
    );
}

fn net(text: &str) -> ipnet::IpNet {
    text.parse().unwrap()
}

#[test]
fn a_long_report_is_cut() {
    let text = "10.0.0.1\n".repeat(23);
    let GuardError::Dangerous(report) = Guard::default().check(list(&text), None).unwrap_err() else {
        panic!("dangerous")
    };
    assert_eq!((report.total, report.first.len()), (23, 20));
    assert!(report.to_string().ends_with("\n  and 3 more"), "{report}");
}

#[test]
fn an_operators_own_list_may_hold_anything() {
    let guard = Guard { dangerous: Dangerous::Take, ..Guard::default() };
    let guarded = guard.check(list("10.0.0.0/8\n128.0.0.0/1\n"), None).unwrap();
    assert_eq!((guarded.list.entries, guarded.left_out.total), (2, 0));
}

#[test]
fn sizes_may_change_within_the_ratio() {
    let check = |ratio, entries: usize, previous| {
        let list = ParsedList { entries, ..ParsedList::default() };
        Guard { ratio, ..Guard::default() }.check(list, previous).err().map(|error| error.to_string())
    };
    let two = Some(2.0);
    assert_eq!(check(two, 1000, Some(500)), None);
    assert_eq!(
        check(two, 1001, Some(500)).as_deref(),
        Some("it has 1001 entries and had 500 before, over 2 times as many")
    );
    assert_eq!(check(two, 250, Some(500)), None);
    assert_eq!(
        check(two, 249, Some(500)).as_deref(),
        Some("it has 249 entries and had 500 before, over 2 times as few")
    );
    for (small, previous) in [(1, 100), (110, 10), (100, 0), (0, 0)] {
        assert_eq!(check(two, small, Some(previous)), None, "{previous} to {small}");
    }
    assert!(check(two, 101, Some(0)).is_some(), "from nothing to much");
    assert_eq!(check(two, 1_000_000, None), None, "the first copy");
    assert_eq!(check(None, 0, Some(500)), None, "nothing is asked");
    assert_eq!(
        check(two, 0, Some(1)).as_deref(),
        Some("it has no entry any more, and had 1 before; whoever publishes it may have lost or moved it")
    );
}

#[test]
fn what_is_left_out_does_not_count() {
    let guard = Guard { dangerous: Dangerous::LeaveOut, ..Guard::default() };
    let error = guard.check(list("10.0.0.1\n10.0.0.2"), Some(2)).unwrap_err();
    assert_eq!(error, GuardError::Emptied { previous: 2, left_out: 2 });
}

proptest! {
    /// Whatever the own addresses are, what is taken holds none of them.
    #[test]
    fn nothing_dangerous_is_taken(
        entries in prop::collection::vec((any::<u32>(), 0_u32..0x0200_0000), 0..20),
        own in prop::collection::vec((any::<u32>(), 8_u8..=32), 0..4),
    ) {
        let nets = own.iter().map(|(bits, length)| {
            ipnet::Ipv4Net::new((*bits).into(), *length).map(|net| ipnet::IpNet::from(net.trunc())).unwrap()
        });
        let own: DisjointRanges = nets.collect();
        let lines = entries.iter().map(|(first, more)| {
            let last = first.saturating_add(*more);
            format!("{}-{}\n", std::net::Ipv4Addr::from_bits(*first), std::net::Ipv4Addr::from_bits(last))
        });
        let list = list(&lines.collect::<String>());
        let before: DisjointRanges = list.ranges.clone().into();
        let guard = Guard { own: own.clone(), dangerous: Dangerous::LeaveOut, ..Guard::default() };
        let guarded = guard.check(list.clone(), None).unwrap();
        prop_assert_eq!(guarded.list.entries + guarded.left_out.total, list.entries);
        let taken: DisjointRanges = guarded.list.ranges.clone().into();
        prop_assert!(taken.intersection(&own).is_empty());
        prop_assert!(taken.without(&before).is_empty());
        for range in &guarded.list.ranges.ipv4 {
            prop_assert!(range.last - range.first < 1 << 24);
        }
        // Entry by entry as a naive look at each would have it.
        for (line, entry) in guarded.list.numbered() {
            let Entry::Ipv4(range) = entry else { unreachable!() };
            let (first, more) = entries[line as usize - 1];
            prop_assert_eq!((range.first, range.last), (first, first.saturating_add(more)));
        }
    }
}
