//! What somebody meant who wrote a key that does not exist.

use std::collections::BTreeSet;

use super::{KEYS, header, most_rows};

/// The names of tables directly within `table`: `source` within `limits`.
pub(in crate::config) fn tables_within(table: &str) -> BTreeSet<&'static str> {
    KEYS.iter().filter_map(|key| step_into(table, key.table)).collect()
}

/// What to say of a key `name` that `table` does not have.
pub(in crate::config) fn unknown_key(table: &str, name: &str) -> String {
    let own = KEYS.iter().filter(|key| key.table == table).map(|key| key.name);
    let known: BTreeSet<&str> = own.chain(tables_within(table)).collect();
    let listed = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let advice = match nearest(name, &known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => elsewhere(table, name).unwrap_or_else(|| "remove it, or write one of these".to_owned()),
    };
    format!("unknown key; allowed here: {listed}; {advice}")
}

fn step_into(table: &str, deeper: &'static str) -> Option<&'static str> {
    let rest = if table.is_empty() { deeper } else { deeper.strip_prefix(table)?.strip_prefix('.')? };
    rest.split('.').next().filter(|name| !name.is_empty())
}

/// The same key in another table, as when a `[table]` line is missing.
fn elsewhere(table: &str, name: &str) -> Option<String> {
    let key = KEYS.iter().find(|key| key.table != table && key.name == name)?;
    let header = match key.table {
        "" => "the top of the file".to_owned(),
        table if most_rows(table).is_some() => format!("a {} table", header(table)),
        table => header(table),
    };
    Some(format!("move it to {header}"))
}

/// What somebody meant who wrote a name that is not known.
pub(in crate::config) fn nearest<'a>(name: &str, known: &BTreeSet<&'a str>) -> Option<&'a str> {
    // Beyond a third of the letters it is another word, and a wrong guess is worse than none.
    let within = (name.chars().count() / 3).max(2);
    let distances = known.iter().map(|known| (edit_distance(name, known), *known));
    distances.min().filter(|(distance, _)| *distance <= within).map(|(_, known)| known)
}

/// How many letters to insert, remove or replace (Levenshtein).
fn edit_distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (line, left) in from.chars().enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        for (cell, right) in row.iter_mut().skip(1).zip(to.chars()) {
            let replaced = diagonal + usize::from(left != right);
            diagonal = *cell;
            *cell = replaced.min(diagonal + 1).min(before + 1);
            before = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (from, to, distance) in
            [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("burts", "burst", 2)]
        {
            assert_eq!(edit_distance(from, to), distance, "{from} {to}");
            assert_eq!(edit_distance(to, from), distance, "{to} {from}");
        }
    }

    #[test]
    fn the_nearest_key_is_suggested() {
        assert!(unknown_key("limits.source", "packet").ends_with("; did you mean `packets`?"));
        assert!(unknown_key("", "default-action").ends_with("; did you mean `default_action`?"));
        assert!(unknown_key("", "limitss").ends_with("; did you mean `limits`?"));
        assert!(unknown_key("limits", "sources").ends_with("allowed here: `source`; did you mean `source`?"));
    }

    #[test]
    fn a_key_in_the_wrong_table_is_sent_to_its_own() {
        assert!(unknown_key("", "ipv6_prefix").ends_with("; move it to [limits.source]"));
        assert!(unknown_key("events", "interfaces").ends_with("; move it to the top of the file"));
        assert!(unknown_key("events", "zzzzzzzz").ends_with("; remove it, or write one of these"));
    }
}
