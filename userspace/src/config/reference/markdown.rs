//! docs/policy.md.

use std::fmt::Write as _;

use super::{Absent, KEYS, Key, header};

/// The page docs/policy.md, written from the table of keys.
#[must_use]
pub fn markdown() -> String {
    let mut page = include_str!("introduction.md").to_owned();
    let mut table = None;
    for key in KEYS {
        if table != Some(key.table) {
            table = Some(key.table);
            page.push_str(&section(key.table));
        }
        page.push_str(&row(key));
    }
    page.push('\n');
    page.push_str(include_str!("notation.md"));
    page
}

fn section(table: &str) -> String {
    let title = match table {
        "" => "Top level".to_owned(),
        table => format!("`{}`", header(table)),
    };
    format!("\n## {title}\n\n| key | type | default | allowed | meaning |\n|---|---|---|---|---|\n")
}

fn row(key: &Key) -> String {
    let default = match key.default {
        Absent::Value(text) => format!("`{text}`"),
        Absent::Nothing(words) => words.to_owned(),
        Absent::Required => "required".to_owned(),
    };
    let condition = key.has_a_place();
    let mut row = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(
        row,
        "| `{}` | {} | {default} | {} | {}{condition} |",
        key.name,
        key.kind.type_name(),
        key.kind.allowed(),
        key.meaning
    );
    row
}
