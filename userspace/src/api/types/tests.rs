//! The shapes that programs rely on. A change here is a change for them.

use serde_json::{Value, json};

use super::*;

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_ban_request_needs_only_prefixes() {
    let request: BanRequest = serde_json::from_value(json!({"bans": [{"prefix": "192.0.2.1"}]})).unwrap();
    assert_eq!(request.bans[0].prefix.net().to_string(), "192.0.2.1/32");
    assert_eq!((request.bans[0].ttl_seconds, request.force), (None, false));
}

#[test]
fn misspelt_fields_are_refused() {
    assert!(serde_json::from_value::<BanRequest>(json!({"bans": [], "forse": true})).is_err());
    assert!(serde_json::from_value::<NewBan>(json!({"prefix": "192.0.2.1", "ttl": 5})).is_err());
    assert!(serde_json::from_value::<GeoRuleRequest>(json!({"rule": "deny", "country": ["DE"]})).is_err());
}

#[test]
fn a_ban() {
    let ban = Ban {
        prefix: "2001:db8::/48".parse().unwrap(),
        expires: Some("2030-01-02T03:04:05Z".parse().unwrap()),
        remaining_seconds: Some(60),
        reason: "scanning".to_owned(),
        source: "cli".to_owned(),
        note: String::new(),
        created: "2030-01-02T03:03:05Z".parse().unwrap(),
    };
    let json = json!({
        "prefix": "2001:db8::/48", "expires": "2030-01-02T03:04:05Z", "remaining_seconds": 60,
        "reason": "scanning", "source": "cli", "note": "", "created": "2030-01-02T03:03:05Z",
    });
    assert_eq!(serde_json::to_value(&ban).unwrap(), json);
    assert_eq!(serde_json::from_value::<Ban>(json).unwrap(), ban);
}

#[test]
fn stats() {
    let text = r#"{
        "time": "2030-01-02T03:04:05Z", "paused": false, "generation": 3, "bans": 1,
        "interfaces": [{
            "name": "eth0", "mode": "native", "enforcing": true,
            "seen": {"packets": 3, "bytes": 180},
            "passed": {"within-limit": {"packets": 2, "bytes": 120}},
            "dropped": {"banned": {"packets": 1, "bytes": 60}},
            "monitored": {"packet-limit": {"packets": 0, "bytes": 0}}
        }],
        "lists": [{
            "name": "scanners", "mode": "monitor", "entries": 5,
            "dropped": {"packets": 0, "bytes": 0}, "monitored": {"packets": 7, "bytes": 420}
        }],
        "limits": [{
            "service": "api", "plan": "gold", "limit": "per-client", "mode": "enforce",
            "charged": {"packets": 8, "bytes": 480}, "dropped": {"packets": 1, "bytes": 60},
            "monitored": {"packets": 0, "bytes": 0}
        }],
        "countries": [{
            "country": null, "dropped": {"packets": 1, "bytes": 60}, "monitored": {"packets": 0, "bytes": 0}
        }],
        "events": {"written": 1, "skipped": 2, "lost": 3}
    }"#;
    let stats: Stats = serde_json::from_str(text).unwrap();
    assert_eq!(stats.interfaces[0].dropped["banned"], Count { packets: 1, bytes: 60 });
    assert_eq!(serde_json::to_value(&stats).unwrap(), value(text));
}

#[test]
fn status() {
    let text = r#"{
        "version": "0.1.0", "pid": 7, "started": "2030-01-02T03:04:05Z", "ready": false,
        "problems": ["eth1 is not guarded"], "paused": true, "generation": 9,
        "policy": {
            "file": null, "loaded": "2030-01-02T03:04:05Z", "number": 12, "differs_from_file": true,
            "pending": {"number": 12, "seconds_left": 9, "previous": 11, "comes_back": "entry 11: reload /etc/x.toml"},
            "modes": [{"name": "country", "mode": "monitor", "written": "enforce"}],
            "last_reload": {"successful": true, "time": "2030-01-02T03:04:05Z", "error": null},
            "sizes": {"ipv4_prefixes": 1, "ipv6_prefixes": 2, "attribute_sets": 3, "milliseconds": 4}
        },
        "interfaces": [
            {"name": "eth0", "ifindex": 2, "mode": "generic", "adopted": true, "enforcing": true},
            {"name": "eth1", "ifindex": 0, "mode": "none", "adopted": false, "enforcing": false}
        ],
        "bans": 0, "allow": 1, "lists": 2, "audit_failures": 0, "checks": {"last": null, "failed": null, "mended": 0}, "country": "off",
        "tables": [{"name": "bans-ipv4", "used": 0, "capacity": 262144}],
        "kernel": {"release": "6.18.0", "fragments": true}
    }"#;
    let status: Status = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_value(&status).unwrap(), value(text));
}

#[test]
fn whole_policies_need_only_what_differs() {
    let request: ApplyRequest = serde_json::from_value(json!({})).unwrap();
    assert_eq!(request, ApplyRequest::default());
    assert!(
        serde_json::from_value::<ApplyRequest>(json!({"confirm": 60})).is_err(),
        "not in force for good by a slip"
    );
    let request: UndoRequest = serde_json::from_value(json!({})).unwrap();
    assert_eq!((request.steps, request.confirm_seconds, request.force), (1, None, false));
    assert!(serde_json::from_value::<ModeRequest>(json!({"force": true})).is_err());
}

#[test]
fn a_line_of_the_audit_log() {
    let text = r#"{
        "time": "2030-01-02T03:04:05Z",
        "who": {"user": "root", "uid": 0, "gid": 0, "pid": 7, "command": "xdpgate monitor country", "login": "alice"},
        "action": "monitor", "what": "country", "from": "enforce", "to": "monitor", "number": 12
    }"#;
    let entry: AuditEntry = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_value(&entry).unwrap(), value(text));
    assert_eq!(entry.who.to_string(), "alice as root");
}

#[test]
fn a_geo_rule_request_leaves_the_rest_to_the_policy() {
    let request: GeoRuleRequest =
        serde_json::from_value(json!({"rule": "allow-only", "countries": ["de"]})).unwrap();
    assert_eq!(
        (request.rule, request.unknown, request.scope, request.mode),
        (RuleWord::AllowOnly, None, None, None)
    );
    assert_eq!(
        serde_json::to_value(&request).unwrap(),
        json!({"rule": "allow-only", "countries": ["DE"], "force": false})
    );
}

#[test]
fn a_counter_that_was_set_back_counts_from_zero() {
    let count = |packets, bytes| Count { packets, bytes };
    assert_eq!(count(5, 500).since(count(3, 300)), count(2, 200));
    assert_eq!(count(2, 200).since(count(3, 300)), count(2, 200));
}

#[test]
fn a_plan_request_needs_nothing() {
    let request: PlanRequest = serde_json::from_value(json!({})).unwrap();
    assert_eq!((request.policy, request.minutes), (None, 5));
    assert!(serde_json::from_value::<PlanRequest>(json!({"hours": 1})).is_err());
}

#[test]
fn addresses_of_a_plan_may_be_more_than_64_bits() {
    let all = AddressChanges { prefixes: 1, addresses: u128::MAX, examples: vec!["::/0".parse().unwrap()] };
    let text = r#"{"prefixes":1,"addresses":340282366920938463463374607431768211455,"examples":["::/0"]}"#;
    assert_eq!(serde_json::to_string(&all).unwrap(), text);
    assert_eq!(serde_json::from_str::<AddressChanges>(text).unwrap(), all);
}

#[test]
fn a_probe_says_only_what_is_not_usual() {
    let usual = json!({"destination": null, "protocol": "tcp", "port": 443});
    assert_eq!(serde_json::to_value(Probe::to(Protocol::Tcp, 443)).unwrap(), usual);
    let other = Probe { bytes: Some(98), later_fragment: true, ..Probe::to(Protocol::Other(47), 0) };
    let json = json!({"destination": null, "protocol": {"other": 47}, "port": 0, "bytes": 98, "later_fragment": true});
    assert_eq!(serde_json::to_value(other).unwrap(), json);
    assert_eq!(serde_json::from_value::<Probe>(json).unwrap(), other);
}

#[test]
fn a_listening_socket() {
    let text = r#"{
        "protocol": "tcp", "address": "::", "port": 443, "inode": 4711, "process": {"pid": 7, "name": "web"}, "loopback": false,
        "guarded": ["eth0"], "unguarded": ["wg0"], "cover": "source-limits", "services": [], "limits": [],
        "covered": false
    }"#;
    let socket: SocketCoverage = serde_json::from_str(text).unwrap();
    assert_eq!((socket.cover, socket.covered), (Cover::SourceLimits, false));
    assert_eq!(serde_json::to_value(&socket).unwrap(), value(text));
}
