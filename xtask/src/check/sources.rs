//! Words that no source may hold. Clippy refuses them too, but never sees the programs for the kernel.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// In two parts each, so that this file passes its own rule.
const FORBIDDEN: [(&str, &str, &str); 4] = [
    ("#[al", "low(", "use #[expect(…, reason = \"…\")]"),
    ("#![al", "low(", "use #![expect(…, reason = \"…\")]"),
    ("to", "do!(", "write it, or return an error"),
    ("unimple", "mented!(", "write it, or return an error"),
];

pub(super) fn check(workspace: &Workspace) -> Result<()> {
    let mut found = Vec::new();
    for path in sources(workspace.root())? {
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.strip_prefix(workspace.root()).unwrap_or(&path).display().to_string();
        found.extend(forbidden(&text).into_iter().map(|(line, what)| format!("{name}:{line}: {what}")));
    }
    if found.is_empty() { Ok(()) } else { bail!(found.join("\n")) }
}

/// Line numbers and what is wrong there.
fn forbidden(text: &str) -> Vec<(usize, String)> {
    let lines = text.lines().zip(1..);
    let hits = lines.flat_map(|(line, number)| {
        FORBIDDEN.iter().filter_map(move |(head, tail, instead)| {
            let word = format!("{head}{tail}");
            line.contains(&word).then(|| (number, format!("`{word}`: {instead}")))
        })
    });
    hits.collect()
}

fn sources(root: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = vec![root.to_owned()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if entry.file_type()?.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") {
                sources.push(path);
            }
        }
    }
    sources.sort();
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::forbidden;

    #[test]
    fn a_forbidden_word_is_found_with_its_line() {
        let text = format!("fn a() {{}}\n#[{}(dead_code)]\nfn b() {{ {}!() }}\n", "allow", "todo");
        let lines: Vec<usize> = forbidden(&text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [2, 3]);
    }

    #[test]
    fn an_expectation_with_a_reason_is_fine() {
        assert!(forbidden("#[expect(unsafe_code, reason = \"packet reads\")]\n").is_empty());
    }
}
