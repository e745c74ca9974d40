//! The committed files of the fuzz targets, each through its check: no fuzzer needed.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

#[expect(unreachable_pub, reason = "a crate of its own for the fuzzer, which has these checks from here")]
#[path = "../fuzz/src/lib.rs"]
mod checks;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The files of a folder, in order; none where it is not there.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.sort();
    Ok(files)
}

#[test]
fn every_committed_file_passes_its_check() -> Result<()> {
    let mut failed = Vec::new();
    for (name, check) in checks::TARGETS {
        let corpus = files(&folder().join("corpus").join(name))?;
        assert!(!corpus.is_empty(), "{name}: the fuzzer has nothing to begin with");
        for path in corpus.into_iter().chain(files(&folder().join("regressions").join(name))?) {
            let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
            if catch_unwind(AssertUnwindSafe(|| check(&bytes))).is_err() {
                failed.push(path.display().to_string());
            }
        }
    }
    assert!(failed.is_empty(), "{} files, with their messages above:\n{}", failed.len(), failed.join("\n"));
    Ok(())
}

/// The manifest is what cargo-fuzz and xtask go by.
#[test]
fn every_target_has_a_program_and_every_folder_a_target() -> Result<()> {
    let manifest = fs::read_to_string(folder().join("Cargo.toml"))?;
    let mut programs: Vec<&str> = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("path = \"fuzz_targets/")?.strip_suffix(".rs\""))
        .collect();
    let mut names: Vec<&str> = checks::TARGETS.iter().map(|(name, _)| *name).collect();
    programs.sort_unstable();
    names.sort_unstable();
    assert_eq!(programs, names);
    for folder in ["corpus", "regressions"].map(|name| folder().join(name)) {
        for path in files(&folder)? {
            let name = path.file_name().context("a name")?.to_string_lossy().into_owned();
            assert!(names.contains(&name.as_str()), "{}: no target has this name", path.display());
        }
    }
    Ok(())
}
