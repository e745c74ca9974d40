use super::*;
use crate::config::{self, Config};
use crate::daemon::inputs::ListSource;
use crate::feeds::{Reading, parse_list};
use crate::policy::LoadedList;
use crate::store::{ListRecord, PolicyText};

fn inputs(policy: &str) -> Inputs {
    let config: Config = config::parse(policy, std::path::Path::new("policy.toml")).unwrap();
    let text = PolicyText { file: Some("/etc/x.toml".into()), text: policy.to_owned() };
    Inputs { policy: text.into(), ..Inputs::load(config, None).unwrap() }
}

fn peer(address: &str, port: u16) -> SshPeer {
    SshPeer { address: address.parse().unwrap(), port }
}

fn ban(policy: &str, prefix: &str, peer: Option<SshPeer>) -> Result<(), String> {
    check_ban(&inputs(policy), prefix.parse().unwrap(), peer).map_err(|failure| {
        assert_eq!(failure.kind, FailureKind::Refused);
        failure.message
    })
}

const OFFICE: &str = "[safety]\nmanagement_prefixes = [\"203.0.113.0/24\"]\nmanagement_ports = [22]";

#[test]
fn a_ban_of_everything_or_of_management_is_refused() {
    assert!(ban(OFFICE, "0.0.0.0/0", None).unwrap_err().contains("every address there is"));
    assert!(ban(OFFICE, "::/0", None).unwrap_err().contains("every address there is"));
    for prefix in ["203.0.113.7/32", "203.0.112.0/22", "203.0.113.0/24"] {
        assert!(ban(OFFICE, prefix, None).unwrap_err().contains("203.0.113.0/24"), "{prefix}");
    }
    assert_eq!(ban(OFFICE, "198.51.100.0/24", None), Ok(()));
}

#[test]
fn a_ban_of_the_operator_is_refused_unless_he_is_allowed() {
    let who = Some(peer("192.0.2.7", 22));
    let refused = ban(OFFICE, "192.0.2.0/24", who).unwrap_err();
    assert_eq!(
        refused,
        "refused: 192.0.2.0/24 holds 192.0.2.7, from which you are connected by SSH; --force does it nevertheless"
    );
    assert_eq!(ban(OFFICE, "192.0.3.0/24", who), Ok(()));
    assert_eq!(ban("[allow]\nprefixes = [\"192.0.2.7\"]", "192.0.2.0/24", who), Ok(()));
}

fn with_list(inputs: &Inputs, text: &str) -> Inputs {
    let parsed = parse_list(text.as_bytes(), &Reading::default()).unwrap();
    let list = LoadedList {
        name: "scanners".parse().unwrap(),
        mode: crate::config::Mode::Enforce,
        ranges: Arc::new(parsed.ranges.into()),
        entries: parsed.entries,
    };
    let record = ListRecord {
        name: list.name.clone(),
        mode: list.mode,
        skip_bad: false,
        entries: 1,
        added: crate::daemon::clock::now(),
        file: String::new(),
    };
    let source = ListSource::of_operator(&record, "/nowhere".into());
    Inputs { lists: Arc::new(vec![list]), list_sources: Arc::new(vec![source]), ..inputs.clone() }
}

fn check(before: &Inputs, after: &Inputs, host: &Host, ssh: Option<SshPeer>) -> Result<(), String> {
    let image = Arc::new(after.compile(1).unwrap());
    check_all(before, after, &image, &protected(host, ssh)).map_err(|failure| {
        assert_eq!(failure.kind, FailureKind::Refused);
        assert!(failure.message.contains("--force"), "{failure}");
        failure.message
    })
}

#[test]
fn a_list_that_holds_the_operator_is_refused_with_its_line() {
    let before = inputs(OFFICE);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("scanners.txt");
    std::fs::write(&path, "# bad ones\n198.18.0.1\n192.0.2.0/24\n").unwrap();
    let config = format!("{OFFICE}\n[[list]]\nname = \"scanners\"\npath = \"{}\"\n", path.display());
    let after = inputs(&config);
    let nobody = Host::default();
    let refused = check(&before, &after, &nobody, Some(peer("192.0.2.7", 22))).unwrap_err();
    for part in ["192.0.2.7, from which you are connected by SSH", "list scanners, line 3 of", "192.0.2.0/24"]
    {
        assert!(refused.contains(part), "no {part:?}: {refused}");
    }
    assert_eq!(check(&before, &after, &nobody, Some(peer("192.0.3.7", 22))), Ok(()));
    assert_eq!(check(&before, &after, &nobody, None), Ok(()), "not over SSH");
}

#[test]
fn whom_the_host_needs_is_not_dropped() {
    let before = inputs(OFFICE);
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    let hosts = [
        (Host { connected: vec![(address, 22)], ..Host::default() }, "is connected to port 22"),
        (Host { gateways: vec![address], ..Host::default() }, "the default gateway 192.0.2.1"),
        (Host { resolvers: vec![address], ..Host::default() }, "the resolver 192.0.2.1"),
        (Host { own: vec![address], ..Host::default() }, "this host's own address 192.0.2.1"),
    ];
    let listed = with_list(&before, "192.0.2.0/24");
    for (host, what) in &hosts {
        let refused = check(&before, &listed, host, None).unwrap_err();
        assert!(refused.contains(what) && refused.contains("list scanners"), "{what}: {refused}");
        assert_eq!(check(&before, &with_list(&before, "192.0.3.0/24"), host, None), Ok(()), "{what}");
    }
    let drop = inputs("default_action = \"drop\"\n");
    let refused: Vec<bool> =
        hosts.iter().map(|(host, _)| check(&before, &drop, host, None).is_err()).collect();
    assert_eq!(refused, [true, false, true, false], "gateways and the host itself need no entry");
    let refused = check(&before, &drop, &hosts[2].0, None).unwrap_err();
    assert!(refused.contains("default_action in line 1 of /etc/x.toml"), "{refused}");
}

#[test]
fn management_prefixes_save_the_operator_on_their_ports_only() {
    let before = inputs(OFFICE);
    let after = with_list(&before, "203.0.113.0/24");
    let nobody = Host::default();
    assert_eq!(check(&before, &after, &nobody, Some(peer("203.0.113.7", 22))), Ok(()));
    assert!(check(&before, &after, &nobody, Some(peer("203.0.113.7", 2222))).is_err());
}

#[test]
fn who_was_kept_out_before_is_no_reason() {
    let kept_out = with_list(&inputs(OFFICE), "192.0.2.0/24");
    assert_eq!(check(&kept_out, &kept_out, &Host::default(), Some(peer("192.0.2.7", 22))), Ok(()));
}
