//! Every member inherits the workspace's lints: cargo does not ask for it.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::workspace::Workspace;

pub(super) fn check(workspace: &Workspace) -> Result<()> {
    let read = |path: &str| {
        let path = workspace.root().join(path);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let members = members(&read("Cargo.toml")?);
    ensure!(!members.is_empty(), "Cargo.toml: no line `members = [\"…\"]`");
    for member in members {
        let manifest = format!("{member}/Cargo.toml");
        ensure!(inherits_lints(&read(&manifest)?), "{manifest}: add `[lints]` with `workspace = true`");
    }
    Ok(())
}

fn members(manifest: &str) -> Vec<String> {
    let list = manifest.split_once("\nmembers = [").and_then(|(_, rest)| rest.split_once(']'));
    // Between the quotes: every second part.
    list.map_or_else(Vec::new, |(list, _)| list.split('"').skip(1).step_by(2).map(str::to_owned).collect())
}

fn inherits_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
    lines.find(|line| !line.is_empty()) == Some("workspace = true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_from_one_line_or_several() {
        assert_eq!(members("[workspace]\nmembers = [\"a\", \"b\"]\n"), ["a", "b"]);
        assert_eq!(members("[workspace]\nmembers = [\n    \"a\",\n    \"b/c\",\n]\n"), ["a", "b/c"]);
        assert!(members("[workspace]\ndefault-members = [\"a\"]\n").is_empty());
    }

    #[test]
    fn only_the_lints_table_counts() {
        assert!(inherits_lints("[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n"));
        assert!(!inherits_lints("[dependencies.x]\nworkspace = true\n\n[lints]\n"));
        assert!(!inherits_lints("[package]\nname = \"a\"\n"));
    }
}
