//! `cscli decisions list -o json`: a list of alerts, each with its decisions, or `null`.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use super::{Ends, ForeignBan, ForeignBans, ImportError};
use crate::bouncer::crowdsec::{Decision, Target, Unused, WireDecision};

/// An alert with its decisions, or a decision by itself, as the local API lists them.
#[derive(Deserialize)]
struct Item {
    decisions: Option<Vec<WireDecision>>,
    #[serde(flatten)]
    own: WireDecision,
}

/// Reads decisions; `now` is when they were written.
///
/// # Errors
/// When they are none.
pub fn read_decisions(text: &[u8], now: Timestamp) -> Result<ForeignBans, ImportError> {
    let items: Option<Vec<Item>> = serde_json::from_slice(text).map_err(ImportError::Decisions)?;
    let decisions = items.unwrap_or_default().into_iter().flat_map(|item| match item.decisions {
        Some(decisions) => decisions,
        None => Vec::from_iter(item.own.value.is_some().then_some(item.own)),
    });
    let mut found = ForeignBans::default();
    for decision in decisions {
        match decision.read(now) {
            Ok(decision) => take(&mut found, &decision, now),
            Err(Unused::Simulated) => found.leave_out("simulated"),
            Err(Unused::Kind(_)) => found.leave_out("not of type ban"),
            Err(Unused::Scope(_)) => found.leave_out("of another scope than addresses and ranges"),
            Err(Unused::Unreadable) => found.leave_out("cannot be read"),
        }
    }
    Ok(found)
}

fn take(found: &mut ForeignBans, decision: &Decision, now: Timestamp) {
    let Target::Prefix(prefix) = decision.target else {
        return found.leave_out("of another scope than addresses and ranges");
    };
    let Some(left) =
        Duration::try_from(decision.ends.duration_since(now)).ok().filter(|left| !left.is_zero())
    else {
        return found.leave_out("ended");
    };
    found.bans.push(ForeignBan {
        prefix,
        ends: Ends::In(left),
        reason: decision.scenario.clone(),
        note: format!("origin {}", decision.origin),
        // Not that of the bouncer, which lifts what its server does not know.
        source: None,
    });
}
