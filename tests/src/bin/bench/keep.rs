//! What is kept of a run: the object, the page, and the charts.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::chart::CHARTS;
use crate::outcome::Outcome;
use crate::report;

/// Writes all of it into `folder`.
pub(crate) fn write(folder: &Path, outcome: &Outcome) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let put = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    let mut charts = Vec::new();
    for chart in CHARTS {
        if let Some(svg) = chart.draw(&outcome.rows) {
            put(chart.file, &svg)?;
            charts.push((chart.file, chart.title));
        }
    }
    put("results.json", &(serde_json::to_string_pretty(outcome)? + "\n"))?;
    put("results.md", &report::page(&outcome.machine, &outcome.rows, &charts))
}
