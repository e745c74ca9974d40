use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap_complete::Shell;

use super::args::command;
use super::output::{Output, Stop};
use crate::api::Failure;

pub(super) fn completions(shell: Shell) -> Result<(), Stop> {
    // Into memory first: the generator panics when its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "xdpgate", &mut script);
    Ok(io::stdout().write_all(&script)?)
}

pub(super) fn man(directory: Option<&Path>, output: Output) -> Result<(), Stop> {
    let Some(directory) = directory else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command()).section("8").render(&mut page)?;
        return Ok(io::stdout().write_all(&page)?);
    };
    let failed = |error: io::Error| {
        Failure::failed(format!("cannot write manuals to {}: {error}", directory.display()))
    };
    fs::create_dir_all(directory).map_err(failed)?;
    clap_mangen::generate_to(command(), directory).map_err(failed)?;
    output.show(&directory, |out, directory| writeln!(out, "manuals are in {}", directory.display()))
}
