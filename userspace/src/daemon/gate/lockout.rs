//! What an operator would regret: changes that cut off whoever makes them.

use std::sync::Arc;

use ipnet::IpNet;
use xdpgate_ebpf::verdict::Action;

use super::probe;
use crate::api::types::{Probe, Protocol};
use crate::api::{Failure, FailureKind, Prefix, SshPeer};
use crate::daemon::Inputs;
use crate::policy::Image;

/// Refuses a ban of everything, of a management prefix, or of the operator's own address.
pub(super) fn check_ban(inputs: &Inputs, prefix: IpNet, peer: Option<SshPeer>) -> Result<(), Failure> {
    let shown = Prefix::from(prefix);
    if prefix.prefix_len() == 0 {
        return Err(refused(format!("{shown} is every address there is")));
    }
    let overlaps = |other: &IpNet| other.contains(&prefix) || prefix.contains(other);
    let management = &inputs.config.safety.management_prefixes;
    if let Some(hit) = management.iter().find(|entry| overlaps(&entry.value)) {
        return Err(refused(format!("{shown} overlaps the management prefix {}", hit.value)));
    }
    if let Some(peer) = peer.filter(|peer| prefix.contains(&peer.address))
        && !is_allowed(inputs, peer)
    {
        return Err(refused(format!("{shown} holds {}, from which you are connected by SSH", peer.address)));
    }
    Ok(())
}

/// Refuses a policy under which the operator could not connect again. One that keeps out who was kept out before is
/// no reason.
pub(super) fn check_image(before: &Inputs, after: &Arc<Image>, peer: Option<SshPeer>) -> Result<(), Failure> {
    let Some(peer) = peer else { return Ok(()) };
    let probe = Probe { destination: None, protocol: Protocol::Tcp, port: peer.port };
    let verdict = probe::judge_unlimited(after, peer.address, probe);
    if verdict.action() == Action::Pass {
        return Ok(());
    }
    let before = Arc::new(before.compile_for(after.settings.generation, peer.address)?);
    if probe::judge_unlimited(&before, peer.address, probe).action() == Action::Drop {
        return Ok(());
    }
    let list = verdict.list.and_then(|list| after.lists.get(usize::from(list.bit())));
    let list = list.map(|name| format!(", list {name}")).unwrap_or_default();
    Err(refused(format!(
        "{}, from which you are connected by SSH, could not connect to port {} again ({}{list})",
        peer.address,
        peer.port,
        verdict.reason.label()
    )))
}

fn is_allowed(inputs: &Inputs, peer: SshPeer) -> bool {
    let by_file = inputs.config.allow.iter().map(|entry| entry.value);
    let by_operators = inputs.allow.iter().map(|entry| entry.prefix);
    by_file.chain(by_operators).any(|prefix| prefix.contains(&peer.address))
}

fn refused(why: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Refused, format!("refused: {why}; --force does it nevertheless"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Config};
    use crate::feeds::{BadLines, parse_list};
    use crate::policy::LoadedList;

    fn inputs(policy: &str) -> Inputs {
        let config: Config = config::parse(policy, std::path::Path::new("policy.toml")).unwrap();
        Inputs::load(config, None).unwrap()
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
        let parsed = parse_list(text.as_bytes(), BadLines::Refuse).unwrap();
        let list = LoadedList {
            name: "scanners".parse().unwrap(),
            mode: crate::config::Mode::Enforce,
            ranges: Arc::new(parsed.ranges.into()),
            entries: parsed.entries,
        };
        Inputs { lists: Arc::new(vec![list]), ..inputs.clone() }
    }

    #[test]
    fn a_list_that_holds_the_operator_is_refused_with_its_name() {
        let before = inputs(OFFICE);
        let after = with_list(&before, "192.0.2.0/24");
        let images = |inputs: &Inputs| Arc::new(inputs.compile(1).unwrap());
        let refused = check_image(&before, &images(&after), Some(peer("192.0.2.7", 22))).unwrap_err();
        assert!(refused.message.contains("port 22 again (blocklisted, list scanners)"), "{refused}");
        assert_eq!(check_image(&before, &images(&after), Some(peer("192.0.3.7", 22))), Ok(()));
        assert_eq!(check_image(&before, &images(&after), None), Ok(()), "not over SSH");
    }

    #[test]
    fn management_prefixes_save_the_operator_on_their_ports_only() {
        let before = inputs(OFFICE);
        let after = with_list(&before, "203.0.113.0/24");
        let images = |inputs: &Inputs| Arc::new(inputs.compile(1).unwrap());
        assert_eq!(check_image(&before, &images(&after), Some(peer("203.0.113.7", 22))), Ok(()));
        assert!(check_image(&before, &images(&after), Some(peer("203.0.113.7", 2222))).is_err());
    }

    #[test]
    fn who_was_kept_out_before_is_no_reason() {
        let kept_out = with_list(&inputs(OFFICE), "192.0.2.0/24");
        let image = Arc::new(kept_out.compile(1).unwrap());
        assert_eq!(check_image(&kept_out, &image, Some(peer("192.0.2.7", 22))), Ok(()));
    }
}
