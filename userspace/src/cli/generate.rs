use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap_complete::Shell;

use super::args::command;
use super::output::{Output, Stop};
use crate::api::Failure;

/// Of manuals for administrators.
const SECTION: &str = "8";

pub(super) fn completions(shell: Shell) -> Result<(), Stop> {
    // Into memory first: the generator panics when its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "xdpgate", &mut script);
    Ok(io::stdout().write_all(&script)?)
}

pub(super) fn man(directory: Option<&Path>, output: Output) -> Result<(), Stop> {
    let Some(directory) = directory else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command()).section(SECTION).render(&mut page)?;
        return Ok(io::stdout().write_all(&page)?);
    };
    let failed = |error: io::Error| {
        Failure::failed(format!("cannot write manuals to {}: {error}", directory.display()))
    };
    fs::create_dir_all(directory).map_err(failed)?;
    let mut all = command().disable_help_subcommand(true);
    all.build();
    pages(&all, directory).map_err(failed)?;
    output.show(&directory, |out, directory| writeln!(out, "manuals are in {}", directory.display()))
}

/// One page for the command, and one for each below it.
fn pages(command: &clap::Command, directory: &Path) -> io::Result<()> {
    command.get_subcommands().try_for_each(|below| pages(below, directory))?;
    clap_mangen::Man::new(command.clone()).section(SECTION).generate_to(directory).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        let directory = tempfile::tempdir().unwrap();
        man(Some(directory.path()), Output::new(true)).unwrap();
        for page in ["xdpgate.8", "xdpgate-ban.8", "xdpgate-ban-add.8", "xdpgate-geo-allow-only.8"] {
            let text = fs::read_to_string(directory.path().join(page)).unwrap();
            assert!(text.contains("SYNOPSIS"), "{page}");
        }
    }
}
