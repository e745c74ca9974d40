//! What the command line prints about itself: no daemon, no kernel.

use std::fs;
use std::process::Command;

use anyhow::Result;
use xdpgate_tests::{kernel_or_skip, prerequisites};

fn printed(arguments: &[&str]) -> Result<String> {
    let output = Command::new(prerequisites::xdpgate_binary()?).args(arguments).output()?;
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn completions_and_manuals_are_printed() -> Result<()> {
    if !kernel_or_skip("completions_and_manuals_are_printed") {
        return Ok(());
    }
    let script = printed(&["completions", "bash"])?;
    for command in ["run", "allow-only", "--skip-bad"] {
        assert!(script.contains(command), "no {command}");
    }
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("completions.bash");
    fs::write(&file, &script)?;
    assert!(Command::new("bash").arg("-n").arg(&file).status()?.success(), "no bash");
    for shell in ["zsh", "fish"] {
        assert!(printed(&["completions", shell])?.contains("xdpgate"), "{shell}");
    }
    let page = printed(&["man"])?;
    assert!(page.contains(".TH") && page.contains("xdpgate"), "{page}");
    let pages = directory.path().join("man");
    printed(&["man", "--out", pages.to_str().unwrap_or_default()])?;
    assert!(fs::read_dir(&pages)?.count() > 15);
    assert!(pages.join("xdpgate-ban-add.8").exists() || pages.join("xdpgate-ban-add.1").exists());
    Ok(())
}
