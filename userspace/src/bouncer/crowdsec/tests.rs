use std::collections::{BTreeMap, HashMap};

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn wire(id: i64, scope: &str, value: &str, duration: &str) -> WireDecision {
    WireDecision {
        id: Some(id),
        origin: Some("cscli".to_owned()),
        kind: Some("ban".to_owned()),
        scope: Some(scope.to_owned()),
        value: Some(value.to_owned()),
        duration: Some(duration.to_owned()),
        scenario: Some("crowdsecurity/ssh-bf".to_owned()),
        simulated: Some(false),
    }
}

fn new(decisions: impl IntoIterator<Item = WireDecision>) -> Answer {
    Answer { new: Some(decisions.into_iter().collect()), deleted: None }
}

fn deleted(decisions: impl IntoIterator<Item = WireDecision>) -> Answer {
    Answer { new: None, deleted: Some(decisions.into_iter().collect()) }
}

fn bans(changes: &Changes) -> Vec<(String, i64)> {
    let since = |ends: Timestamp| ends.duration_since(at(0)).as_secs();
    changes.ban.iter().map(|(prefix, banned)| (prefix.to_string(), since(banned.ends))).collect()
}

#[test]
fn several_decisions_on_one_value_end_one_by_one() {
    let mut book = Book::default();
    let [short, long] = [wire(1, "Ip", "192.0.2.1", "1h"), wire(2, "Ip", "192.0.2.1", "4h")];
    let changes = book.replace(&new([short.clone(), long.clone()]), at(0));
    assert_eq!(bans(&changes), [("192.0.2.1/32".to_owned(), 14_400)]);
    let changes = book.update(&deleted([long]), at(10));
    assert_eq!((bans(&changes), changes.lift), (vec![("192.0.2.1/32".to_owned(), 3_600)], vec![]));
    let changes = book.update(&deleted([short.clone()]), at(20));
    assert_eq!(changes, Changes { ban: vec![], lift: vec![net("192.0.2.1/32")] });
    assert_eq!(book.update(&deleted([short]), at(30)), Changes::default(), "again");
}

#[test]
fn what_is_the_same_changes_nothing() {
    let mut book = Book::default();
    let all =
        |duration: &str| new([wire(1, "ip", "192.0.2.1", duration), wire(2, "Range", "2001:db8::/48", "1h")]);
    assert_eq!(book.replace(&all("4h"), at(0)).ban.len(), 2);
    let later = Answer {
        new: Some(vec![
            wire(1, "ip", "192.0.2.1", "3h59m50.2s"),
            wire(2, "Range", "2001:db8::/48", "59m50s"),
        ]),
        deleted: Some(vec![]),
    };
    assert_eq!(book.replace(&later, at(10)), Changes::default());
    // One that the server let last longer without a word.
    assert_eq!(bans(&book.replace(&all("5h"), at(20))).len(), 2);
}

#[test]
fn all_decisions_lift_what_is_not_among_them() {
    let banned = |ends| Banned { ends, scenario: "x".to_owned(), origin: "CAPI".to_owned() };
    let mut book =
        Book::starting_with([(net("192.0.2.1/32"), banned(at(60))), (net("192.0.2.2/32"), banned(at(60)))]);
    let kept = WireDecision {
        scenario: Some("x".to_owned()),
        origin: Some("CAPI".to_owned()),
        ..wire(7, "Ip", "192.0.2.2", "1m")
    };
    let changes = book.replace(&new([kept]), at(0));
    assert_eq!(changes, Changes { ban: vec![], lift: vec![net("192.0.2.1/32")] });
}

#[test]
fn a_decision_ends_by_itself() {
    let mut book = Book::default();
    book.replace(&new([wire(1, "Ip", "192.0.2.1", "1m")]), at(0));
    assert_eq!(book.update(&Answer::default(), at(61)), Changes::default(), "the kernel has ended it");
    assert!(book.counts().is_empty());
    let expired = wire(1, "Ip", "192.0.2.1", "-10.5s");
    assert_eq!(book.update(&deleted([expired.clone()]), at(71)), Changes::default());
    assert_eq!(book.update(&new([expired]), at(72)), Changes::default());
}

#[test]
fn what_cannot_be_banned_is_counted() {
    let mut book = Book::default();
    let simulated = WireDecision { simulated: Some(true), ..wire(1, "Ip", "192.0.2.1", "1h") };
    let captcha = WireDecision { kind: Some("captcha".to_owned()), ..wire(2, "Ip", "192.0.2.2", "1h") };
    let all = [
        simulated.clone(),
        captcha,
        wire(3, "Country", "fr", "1h"),
        wire(4, "AS", "AS64500", "1h"),
        wire(5, "as", "64501", "1h"),
        wire(6, "username", "root", "1h"),
        wire(7, "Ip", "everybody", "1h"),
        wire(8, "Ip", "192.0.2.3", "soon"),
        WireDecision { id: None, ..wire(9, "Ip", "192.0.2.4", "1h") },
        wire(10, "Ip", "::ffff:192.0.2.5", "1h"),
        wire(11, "Range", "192.0.2.77/24", "1h"),
    ];
    let changes = book.replace(&new(all), at(0));
    let shown: Vec<_> = bans(&changes).into_iter().map(|(prefix, _)| prefix).collect();
    assert_eq!(shown, ["192.0.2.0/24", "192.0.2.5/32"]);
    let left = book.unenforced();
    assert_eq!(left.countries.iter().map(ToString::to_string).collect::<Vec<_>>(), ["FR"]);
    assert_eq!(left.systems.iter().copied().collect::<Vec<_>>(), [64_500, 64_501]);
    let unused = [
        (Unused::Simulated, 1),
        (Unused::Kind("captcha".to_owned()), 1),
        (Unused::Scope("username".to_owned()), 1),
        (Unused::Unreadable, 3),
    ];
    assert_eq!(left.unused, BTreeMap::from(unused));
    book.update(&deleted([simulated, wire(4, "AS", "AS64500", "-1s")]), at(1));
    assert!(!book.unenforced().unused.contains_key(&Unused::Simulated));
    assert_eq!(book.unenforced().systems.len(), 1);
}

#[test]
fn what_could_not_be_done_is_tried_again() {
    let mut book = Book::default();
    let all = new([wire(1, "Ip", "192.0.2.1", "1h")]);
    let changes = book.replace(&all, at(0));
    book.not_done(&[changes.ban[0].0]);
    assert_eq!(book.replace(&all, at(0)).ban.len(), 1);
    assert_eq!(book.replace(&all, at(0)).ban.len(), 0);
}

#[test]
fn answers_of_all_servers_are_read() {
    let answer = |text| serde_json::from_str::<Answer>(text).unwrap();
    assert_eq!(answer(r#"{"new": null, "deleted": null}"#), Answer::default());
    assert_eq!(answer("{}"), Answer::default());
    let one = answer(
        r#"{"deleted": [], "new": [{"duration": "3h59m57.641708614s", "id": 1, "origin": "cscli", "scenario": "manual 'ban'",
            "scope": "Ip", "type": "ban", "until": "2026-11-22T20:00:00Z", "uuid": "x", "value": "192.0.2.1"}]}"#,
    );
    let decision = one.new.unwrap()[0].read(at(0)).unwrap();
    assert_eq!(decision.target, Target::Prefix(net("192.0.2.1/32")));
    assert_eq!(decision.ends.duration_since(at(0)).as_millis(), 14_397_641);
}

#[test]
fn a_hundred_thousand_decisions_are_taken() {
    let all = || {
        let one =
            |n: u32| wire(n.into(), "Ip", &std::net::Ipv4Addr::from_bits(0x0B00_0000 + n).to_string(), "24h");
        new((0..100_000).map(one))
    };
    let mut book = Book::default();
    assert_eq!(book.replace(&all(), at(0)).ban.len(), 100_000);
    assert!(book.replace(&all(), at(0)) == Changes::default(), "the same once more");
    assert_eq!(book.counts(), BTreeMap::from([(("cscli".to_owned(), "ipv4"), 100_000)]));
}

/// One thing that happens on a server.
#[derive(Clone, Debug)]
enum Step {
    Decide {
        id: i64,
        host: u8,
        seconds: i64,
    },
    Delete {
        id: i64,
    },
    Wait(i64),
    /// The bouncer asks for all.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..12_i64, 0..4_u8, 10..500_i64).prop_map(|(id, host, seconds)| Step::Decide { id, host, seconds }),
        3 => (0..12_i64).prop_map(|id| Step::Delete { id }),
        2 => (1..200_i64).prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ];
    vec(step, 1..60)
}

proptest! {
    /// After each answer those are banned for whom a decision holds, until the last of their ends.
    #[test]
    fn the_bans_are_those_of_a_naive_server(steps in steps()) {
        let mut server: BTreeMap<i64, (u8, i64)> = BTreeMap::new();
        let (mut book, mut enforced, mut now) = (Book::default(), HashMap::new(), 0);
        let host = |host: u8| format!("192.0.2.{host}");
        let left = |end: i64, now: i64| format!("{}s", end - now);
        for step in steps {
            let mut answer = Answer { new: Some(vec![]), deleted: Some(vec![]) };
            let mut all = false;
            match step {
                Step::Decide { id, host: number, seconds } => {
                    // As servers do: a number is given once.
                    if let Some((number, end)) = server.insert(id, (number, now + seconds)) {
                        answer.deleted = Some(vec![wire(id, "Ip", &host(number), &left(end, now))]);
                    }
                    answer.new = Some(vec![wire(id, "Ip", &host(number), &left(now + seconds, now))]);
                }
                Step::Delete { id } => {
                    if let Some((number, _)) = server.remove(&id) {
                        answer.deleted = Some(vec![wire(id, "Ip", &host(number), "-1s")]);
                    }
                }
                Step::Wait(seconds) => now += seconds,
                Step::Restart => {
                    all = true;
                    let known = enforced.iter().map(|(prefix, banned): (&IpNet, &Banned)| (*prefix, banned.clone()));
                    book = Book::starting_with(known.collect::<Vec<_>>());
                    let holds = server.iter().filter(|(_, (_, end))| *end > now);
                    answer.new = Some(holds.map(|(id, (number, end))| wire(*id, "Ip", &host(*number), &left(*end, now))).collect());
                }
            }
            let changes = if all { book.replace(&answer, at(now)) } else { book.update(&answer, at(now)) };
            for prefix in &changes.lift {
                prop_assert!(enforced.remove(prefix).is_some(), "lifted what was not banned");
            }
            enforced.extend(changes.ban);
            enforced.retain(|_, banned| banned.ends > at(now));

            let mut wanted: BTreeMap<IpNet, Timestamp> = BTreeMap::new();
            for (number, end) in server.values().filter(|(_, end)| *end > now) {
                let ends = wanted.entry(net(&format!("{}/32", host(*number)))).or_insert(at(*end));
                *ends = (*ends).max(at(*end));
            }
            let banned: BTreeMap<IpNet, Timestamp> =
                enforced.iter().map(|(prefix, banned)| (*prefix, banned.ends)).collect();
            prop_assert_eq!(banned.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());
            for (prefix, ends) in wanted {
                let apart = banned[&prefix].duration_since(ends).abs();
                prop_assert!(apart <= SignedDuration::from_secs(3), "{prefix}: {apart}");
            }
        }
    }
}

#[test]
fn usage_is_told_in_the_shape_of_the_api() {
    let mut usage = Usage::since(at(0), Seen { processed: 100, dropped: 10, dropped_bytes: 600 });
    let counts = Counts::from([(("CAPI".to_owned(), "ipv4"), 7)]);
    let seen = Seen { processed: 150, dropped: 12, dropped_bytes: 720 };
    let told = serde_json::to_value(usage.report(&counts, seen, at(900))).unwrap();
    let component = &told["remediation_components"][0];
    assert_eq!(component["utc_startup_timestamp"], at(0).as_second());
    let metrics = &component["metrics"][0];
    assert_eq!(metrics["meta"]["window_size_seconds"], 900);
    let items: Vec<_> = metrics["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            (item["name"].as_str().unwrap(), item["value"].as_u64().unwrap(), item["unit"].as_str().unwrap())
        })
        .collect();
    let expected = [
        ("active_decisions", 7, "ip"),
        ("processed", 50, "packet"),
        ("dropped", 2, "packet"),
        ("dropped", 120, "byte"),
    ];
    assert_eq!(items, expected);
    assert_eq!(metrics["items"][0]["labels"], serde_json::json!({"origin": "CAPI", "ip_type": "ipv4"}));
    usage.told(seen, at(900));
    let again = serde_json::to_value(usage.report(&counts, seen, at(1_800))).unwrap();
    assert_eq!(again["remediation_components"][0]["metrics"][0]["items"][1]["value"], 0);
}
