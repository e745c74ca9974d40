//! The verdict: what each sender got, against what the policy gives it.

use serde::Serialize;

use crate::cast::Cast;
use crate::outcome::{Delivery, Outcome};
use crate::report::grouped;

/// The share by which the admitted packets of a limited source may differ from rate × time + burst.
const LIMIT_TOLERANCE: f64 = 0.01;

/// One thing that must hold.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Check {
    /// What must hold, as a sentence.
    #[serde(rename = "check")]
    pub(crate) sentence: &'static str,
    pub(crate) holds: bool,
    /// The figures.
    pub(crate) detail: String,
}

pub(crate) fn checks(outcome: &Outcome, cast: &Cast) -> Vec<Check> {
    vec![
        client(outcome),
        loud(&outcome.loud, cast),
        blocklisted(&outcome.blocklisted),
        denied(outcome),
        reasons(outcome),
        account(outcome),
    ]
}

fn client(outcome: &Outcome) -> Check {
    let (requests, failed) = (outcome.end.requests, outcome.end.failed);
    let slowest = outcome.clients.iter().map(|client| client.slowest).max().unwrap_or_default();
    let why = outcome.clients.iter().find_map(|client| client.first_failure.as_deref());
    let why = why.map(|why| format!("; the first: {why}")).unwrap_or_default();
    Check {
        sentence: "the well-behaved client lost nothing",
        holds: failed == 0 && outcome.clients.iter().all(|client| client.requests > 0),
        detail: format!(
            "{} pages, {failed} failed, slowest {} ms{why}",
            grouped(requests),
            slowest.as_millis()
        ),
    }
}

fn loud(loud: &[Delivery], cast: &Cast) -> Check {
    let excess = |delivery: &Delivery| {
        #[expect(clippy::cast_precision_loss, reason = "packets of some minutes")]
        let arrived = delivery.arrived as f64;
        arrived / expected(delivery, cast) - 1.0
    };
    let holds = loud.iter().all(|delivery| excess(delivery).abs() <= LIMIT_TOLERANCE);
    let detail = loud.iter().map(|delivery| {
        let (source, arrived, expected) = (delivery.source, delivery.arrived, expected(delivery, cast));
        format!("{source} {arrived} for {expected:.0} ({:+.2} %)", excess(delivery) * 100.0)
    });
    Check {
        sentence: "a source over its limit got its rate and no more",
        holds: holds && !loud.is_empty(),
        detail: detail.collect::<Vec<_>>().join(", "),
    }
}

/// Rate × time + burst.
fn expected(delivery: &Delivery, cast: &Cast) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a burst of the default policy is far below 2^52")]
    let burst = cast.limit.burst as f64;
    cast.limit_per_second().mul_add(delivery.sending.time.as_secs_f64(), burst)
}

fn blocklisted(blocklisted: &[Delivery]) -> Check {
    let sent: u64 = blocklisted.iter().map(|delivery| delivery.sending.packets).sum();
    let arrived: u64 = blocklisted.iter().map(|delivery| delivery.arrived).sum();
    Check {
        sentence: "nothing of a blocklisted source arrived",
        holds: sent > 0 && arrived == 0,
        detail: format!("{arrived} of {} datagrams", grouped(sent)),
    }
}

fn denied(outcome: &Outcome) -> Check {
    let tried: u64 = outcome.denied.iter().map(|knocking| knocking.tried).sum();
    let connected: u64 = outcome.denied.iter().map(|knocking| knocking.connected).sum();
    let sources: Vec<_> = outcome.denied.iter().map(|knocking| knocking.source.to_string()).collect();
    Check {
        sentence: "a denied country got no connection",
        holds: tried > 0 && connected == 0,
        detail: format!("{connected} of {tried} attempts of {}", sources.join(" and ")),
    }
}

fn reasons(outcome: &Outcome) -> Check {
    let counters = &outcome.end.balance.counters;
    let (decided, seen) = (counters.decided(), counters.seen);
    Check {
        sentence: "the reasons add up to the packets seen",
        holds: decided == seen && seen > 0,
        detail: format!("{} and {}", grouped(decided), grouped(seen)),
    }
}

fn account(outcome: &Outcome) -> Check {
    let balance = &outcome.end.balance;
    let (seen, lost, sent) = (balance.counters.seen, balance.lost, balance.sent);
    Check {
        sentence: "seen + lost = sent, to the packet",
        holds: seen + lost == sent && sent > 0,
        detail: format!("{} + {} = {}", grouped(seen), grouped(lost), grouped(sent)),
    }
}
