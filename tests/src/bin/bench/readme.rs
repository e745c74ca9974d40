//! The figures in the project's README: those that reach their goals, between two marks.

use serde_json::Value;

use crate::report::figure;

const START: &str = "<!-- Figures, written by cargo xtask bench -->\n";
const END: &str = "<!-- End of figures -->\n";

/// The README with the figures of a run; none where it has no place for them.
pub(crate) fn with_figures(readme: &str, outcome: &Value) -> Option<String> {
    let (before, rest) = readme.split_once(START)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{START}{}{END}{after}", table(outcome)))
}

fn table(outcome: &Value) -> String {
    let rows = outcome["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
    let lines: String = rows.iter().filter(|row| row["met"] == true).map(line).collect();
    let machine = &outcome["machine"];
    let text = |name: &str| machine[name].as_str().unwrap_or_default();
    format!(
        "| what | xdpgate | beside | × |\n|---|---:|---|---:|\n{lines}{}\nMeasured on {}, on Linux {}, {}, {} CPUs, in one run.\n",
        on_one_cpu(rows),
        text("date"),
        text("kernel"),
        text("processor"),
        machine["cpus"],
    )
}

/// On veth with a CPU for each end the generator may be what limits everybody. What is left of that where they share one.
fn on_one_cpu(rows: &[Value]) -> String {
    let ratio = rows
        .iter()
        .find(|row| row["name"] == "veth-hot")
        .and_then(|row| row["more"]["ratio_on_one_cpu"].as_f64());
    ratio.map_or_else(String::new, |ratio| {
        format!(
            "| the same as hot on veth, generator and receiver on one CPU | | XDP_DROP | {} |\n",
            figure(ratio, "×")
        )
    })
}

fn line(row: &Value) -> String {
    let text = |name: &str| row[name].as_str().unwrap_or_default();
    let number = |name: &str, unit| row[name].as_f64().map(|value| figure(value, unit)).unwrap_or_default();
    let unit = text("unit");
    let beside = match row["peer_name"].as_str() {
        Some(name) => format!("{name}: {}", number("peer", unit)),
        None => String::new(),
    };
    format!("| {} | {} | {beside} | {} |\n", text("what"), number("ours", unit), number("ratio", "×"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_readme_has_the_figures_that_are_kept() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let readme = fs::read_to_string(root.join("README.md")).unwrap();
        let kept = fs::read(root.join("docs/benchmarks/results.json")).unwrap();
        let expected = with_figures(&readme, &serde_json::from_slice(&kept).unwrap());
        assert_eq!(expected.as_deref(), Some(readme.as_str()), "README.md: run `cargo xtask bench`");
    }

    #[test]
    fn a_goal_that_is_missed_is_not_promised() {
        let row = |name: &str, met| {
            serde_json::json!({"what": name, "met": met, "ours": 5.0, "unit": "ns", "ratio": 8.0,
                "peer": 40.0, "peer_name": "trie"})
        };
        let outcome = serde_json::json!({"rows": [row("kept", true), row("missed", false)], "machine": {}});
        let table = table(&outcome);
        assert!(table.contains("| kept | 5 ns | trie: 40 ns | 8× |"), "{table}");
        assert!(!table.contains("missed"), "{table}");
    }
}
