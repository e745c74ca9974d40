//! The object that `--json` prints.

use serde::Serialize;

use crate::machine::Machine;
use crate::row::Row;

/// A whole run. Keys are only ever added, at the end.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) rows: Vec<Row>,
    pub(crate) machine: Machine,
    /// With fewer rounds and smaller peers.
    pub(crate) quick: bool,
    pub(crate) seconds: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goals::GOALS;
    use crate::row::Measured;

    #[test]
    fn the_object_has_rows_with_the_promised_keys() {
        let rows = GOALS.iter().map(|goal| Row::measured(Measured::new(goal.name, 1.0, "ns"))).collect();
        let outcome = Outcome { rows, machine: Machine::describe(), quick: true, seconds: 1.0 };
        let object = serde_json::to_value(outcome).unwrap();
        let rows = object["rows"].as_array().unwrap();
        assert_eq!(rows.len(), GOALS.len());
        for row in rows {
            for key in ["name", "ours", "peer", "ratio", "goal", "met", "unit"] {
                assert!(row.get(key).is_some(), "{row} has no {key}");
            }
            assert!(row["goal"].is_number() && row["met"].is_boolean(), "{row}");
        }
        assert!(object["machine"]["kernel"].is_string());
    }
}
