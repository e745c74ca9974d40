//! One row: what was measured, and what is said about it.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::goals::{GOALS, Goal};

/// Characters of an error that are shown.
const LONGEST_ERROR: usize = 400;

/// What a measurement found. Rows without a goal are measured too: they explain the others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    pub(crate) ours: f64,
    pub(crate) peer: Option<Peer>,
    /// How many times better than the peer.
    pub(crate) ratio: Option<f64>,
    pub(crate) unit: &'static str,
    /// The middle half of our own figure over the rounds.
    pub(crate) spread: Option<[f64; 2]>,
    /// Rounds that count.
    pub(crate) rounds: usize,
    /// What belongs to it, by name.
    pub(crate) more: Map<String, Value>,
}

/// Whom we are compared with.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) figure: f64,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    Lower,
    Higher,
}

impl Measured {
    pub(crate) fn new(name: &'static str, ours: f64, unit: &'static str) -> Self {
        Self { name, ours, unit, ..Self::default() }
    }

    /// Compares with a peer.
    pub(crate) fn against(mut self, name: &'static str, figure: f64, better: Better) -> Self {
        let ratio = match better {
            Better::Lower => figure / self.ours,
            Better::Higher => self.ours / figure,
        };
        self.peer = Some(Peer { name, figure });
        // Where one of the two is zero no ratio says anything.
        self.ratio = (ratio.is_finite() && ratio > 0.0).then_some(ratio);
        self
    }

    pub(crate) fn spread(mut self, spread: [f64; 2], rounds: usize) -> Self {
        (self.spread, self.rounds) = (Some(spread), rounds);
        self
    }

    /// Adds a figure that belongs to the row.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }
}

/// The shape of a row in `--json`. Keys are only ever added, at the end.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) ours: Option<f64>,
    pub(crate) peer: Option<f64>,
    pub(crate) ratio: Option<f64>,
    pub(crate) goal: Option<f64>,
    pub(crate) met: Option<bool>,
    pub(crate) unit: String,
    pub(crate) what: String,
    pub(crate) peer_name: Option<String>,
    /// `ratio` or `ours`: which figure the goal bounds.
    pub(crate) goal_is_for: Option<&'static str>,
    /// `at least` or `at most`.
    pub(crate) goal_is: Option<&'static str>,
    pub(crate) spread: Option<[f64; 2]>,
    pub(crate) rounds: usize,
    pub(crate) more: Map<String, Value>,
    /// Why there is no figure.
    pub(crate) error: Option<String>,
}

impl Row {
    /// With the goal of its name, if there is one.
    pub(crate) fn measured(found: Measured) -> Self {
        let goal = goal(found.name);
        Self {
            met: goal.map(|goal| goal.is_met(found.ours, found.ratio)),
            ours: Some(found.ours),
            peer: found.peer.as_ref().map(|peer| peer.figure),
            ratio: found.ratio,
            unit: found.unit.to_owned(),
            peer_name: found.peer.map(|peer| peer.name.to_owned()),
            spread: found.spread,
            rounds: found.rounds,
            more: found.more,
            ..Self::empty(found.name)
        }
    }

    /// One that could not be measured.
    pub(crate) fn failed(name: &str, error: &anyhow::Error) -> Self {
        // A refusal of the verifier comes with all that it followed.
        let why: String = format!("{error:#}").chars().take(LONGEST_ERROR).collect();
        Self { met: goal(name).map(|_| false), error: Some(why), ..Self::empty(name) }
    }

    fn empty(name: &str) -> Self {
        let goal = goal(name);
        Self {
            name: name.to_owned(),
            ours: None,
            peer: None,
            ratio: None,
            goal: goal.map(|goal| goal.bound),
            met: None,
            unit: goal.map_or_else(String::new, |goal| goal.unit.to_owned()),
            what: goal.map_or_else(String::new, |goal| goal.what.to_owned()),
            peer_name: None,
            goal_is_for: goal.map(|goal| goal.of.label()),
            goal_is: goal.map(|goal| goal.rule.label()),
            spread: None,
            rounds: 0,
            more: Map::new(),
            error: None,
        }
    }
}

fn goal(name: &str) -> Option<&'static Goal> {
    GOALS.iter().find(|goal| goal.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_in_json_has_the_promised_keys() {
        let found = Measured::new("ipv4-lookup-1m", 50.0, "ns").against("trie", 1_100.0, Better::Lower);
        let row = serde_json::to_value(Row::measured(found)).unwrap();
        assert_eq!(row["name"], "ipv4-lookup-1m");
        assert_eq!((&row["ours"], &row["peer"]), (&50.0.into(), &1_100.0.into()));
        assert_eq!((&row["ratio"], &row["goal"], &row["met"]), (&22.0.into(), &20.0.into(), &true.into()));
    }

    #[test]
    fn a_row_without_a_figure_misses_its_goal() {
        let row = serde_json::to_value(Row::failed("load-10m", &anyhow::anyhow!("no room"))).unwrap();
        assert_eq!((&row["ours"], &row["met"]), (&Value::Null, &false.into()));
        assert_eq!(row["error"], "no room");
    }

    #[test]
    fn more_is_better_where_it_is() {
        let found = Measured::new("veth-hot", 4.5, "").against("bare", 5.0, Better::Higher);
        assert_eq!(found.ratio, Some(0.9));
    }
}
