//! The figures for people: a table on the screen, and the same in markdown.

use std::fmt::Write as _;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use crate::goals::{Compared, GOALS, Goal, Rule};
use crate::machine::Machine;
use crate::row::Row;

const HEAD: [&str; 7] = ["row", "ours", "against", "peer", "ratio", "goal", "met"];

/// The table on the screen.
pub(crate) fn screen(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(HEAD);
    for column in [1, 3, 4, 5] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for row in rows {
        table.add_row(cells(row));
    }
    let errors = rows.iter().filter_map(|row| Some(format!("\n{}: {}", row.name, row.error.as_ref()?)));
    format!("{table}{}\n", errors.collect::<String>())
}

/// The names of all rows that have a goal, and the goals.
pub(crate) fn list() -> String {
    let goals = GOALS.iter().map(|goal| format!("{:<26} {:<12} {}\n", goal.name, bound(goal), goal.what));
    goals.collect()
}

/// A goal in a few signs. The unit of a bound for our own figure is the row's.
pub(crate) fn bound(goal: &Goal) -> String {
    let sign = match goal.rule {
        Rule::AtLeast => "≥",
        Rule::AtMost => "≤",
    };
    let unit = match goal.of {
        Compared::Ratio => "×",
        Compared::Ours => goal.unit,
    };
    format!("{sign} {}", figure(goal.bound, unit))
}

/// The page that is kept beside the charts.
pub(crate) fn page(machine: &Machine, rows: &[Row], charts: &[(&str, &str)]) -> String {
    let mut page = format!(
        "# Benchmarks: the figures\n\nWritten by `cargo xtask bench` on {}; do not edit it by hand. \
         [README.md](README.md) says how each figure is measured.\n\n",
        machine.date
    );
    // Writing to a String does not fail, here and below.
    let _ = writeln!(page, "| {} |\n|---|---:|---|---:|---:|---:|---|", HEAD.join(" | "));
    for row in rows {
        let _ = writeln!(page, "| {} |", cells(row).join(" | "));
    }
    for (file, title) in charts {
        let _ = write!(page, "\n![{title}]({file})\n");
    }
    let _ = write!(page, "\n## The machine\n\n| | |\n|---|---|\n");
    for (name, value) in facts(machine) {
        let _ = writeln!(page, "| {name} | {value} |");
    }
    let _ = write!(
        page,
        "\n## What belongs to each row\n\n| row | what is measured | figures |\n|---|---|---|\n"
    );
    for row in rows {
        let more = row.more.iter().map(|(name, value)| format!("{name} {}", plain(value)));
        let more = more.collect::<Vec<_>>().join("; ");
        let _ = writeln!(page, "| `{}` | {} | {more} |", row.name, row.what);
    }
    page
}

fn cells(row: &Row) -> [String; 7] {
    let empty = String::new;
    let goal = GOALS.iter().find(|goal| goal.name == row.name).map_or_else(empty, bound);
    [
        row.name.clone(),
        row.ours.map_or_else(|| "failed".to_owned(), |ours| figure(ours, &row.unit)),
        row.peer_name.clone().unwrap_or_default(),
        row.peer.map_or_else(empty, |peer| figure(peer, &row.unit)),
        row.ratio.map_or_else(empty, |ratio| figure(ratio, "×")),
        goal,
        row.met.map_or_else(empty, |met| if met { "yes" } else { "no" }.to_owned()),
    ]
}

/// A number with as many digits as mean something.
pub(crate) fn figure(value: f64, unit: &str) -> String {
    let size = value.abs();
    let number = if size >= 1e6 {
        format!("{:.2} M", value / 1e6)
    } else if size >= 1e5 {
        format!("{:.0} k", value / 1e3)
    } else if size >= 100.0 || value.fract().abs() < f64::EPSILON {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    };
    let space = if unit == "×" || unit == "%" { "" } else { " " };
    format!("{number}{space}{unit}")
}

fn facts(machine: &Machine) -> Vec<(String, String)> {
    let mut facts = vec![
        ("processor".to_owned(), format!("{}, {} CPUs", machine.processor, machine.cpus)),
        ("memory".to_owned(), format!("{} MiB", machine.memory_mib)),
        ("kernel".to_owned(), machine.kernel.clone()),
        ("load before the run".to_owned(), machine.load.to_string()),
    ];
    for (what, pairs) in [
        ("vulnerability", &machine.mitigations),
        ("setting", &machine.settings),
        ("version", &machine.versions),
    ] {
        facts.extend(pairs.iter().map(|(name, value)| (format!("{what} {name}"), value.clone())));
    }
    facts
}

/// A figure as it stands in a sentence.
fn plain(value: &serde_json::Value) -> String {
    if let Some(list) = value.as_array() {
        return list.iter().map(plain).collect::<Vec<_>>().join(" to ");
    }
    value.as_f64().map_or_else(|| value.to_string(), |number| figure(number, "").trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_mean_something() {
        assert_eq!(figure(5.306, "ns"), "5.31 ns");
        assert_eq!(figure(1_570.3, "ns"), "1570 ns");
        assert_eq!(figure(5_290_000.0, "packets/s"), "5.29 M packets/s");
        assert_eq!(figure(20.0, "×"), "20×");
    }
}
