//! What is kept of a run: the object, the page, the charts, and the figures of the README.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::chart::CHARTS;
use crate::outcome::Outcome;
use crate::{readme, report};

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
    put("results.md", &report::page(&outcome.machine, &outcome.rows, &charts))?;

    // Where the project keeps its results, two folders up is its README. Elsewhere there is none, or one of others.
    let path = folder.join("../../README.md");
    let found = fs::read_to_string(&path).unwrap_or_default();
    let Some(changed) = readme::with_figures(&found, &serde_json::to_value(outcome)?) else { return Ok(()) };
    fs::write(&path, changed).with_context(|| format!("cannot write {}", path.display()))
}
