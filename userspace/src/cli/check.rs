use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;

use super::args::CheckArgs;
use super::numbers::grouped;
use super::output::{Output, Stop};
use super::style::{GOOD, RESET, WARN};
use crate::api::types::{Origin, Sizes};
use crate::config::{self, Config, InterfaceName, Mode, Name, reference};
use crate::daemon::Inputs;

/// What `check --json` prints.
#[derive(Debug, Serialize)]
struct Checked {
    valid: bool,
    file: Option<PathBuf>,
    interfaces: Vec<InterfaceName>,
    lists: Vec<CheckedList>,
    geo_database: Option<CheckedGeo>,
    sizes: Sizes,
    /// A share of the room that `tables.prefixes` gives, in percent.
    prefixes_percent: u64,
    /// What is valid and looks like a mistake.
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct CheckedList {
    name: Name,
    mode: Mode,
    entries: u64,
    skipped: u64,
}

#[derive(Debug, Serialize)]
struct CheckedGeo {
    path: PathBuf,
    name: String,
    countries: u64,
    origin: Origin,
}

pub(super) fn check(args: &CheckArgs, output: Output) -> Result<(), Stop> {
    if args.schema {
        return output.show(&reference::schema(), |out, schema| writeln!(out, "{schema:#}"));
    }
    let started = Instant::now();
    let config = match &args.file {
        Some(file) => config::load(file).map_err(crate::api::Failure::from)?,
        None => Config::embedded_default(),
    };
    let inputs = Inputs::load(config, None)?;
    let image = inputs.compile(1)?;
    let sizes = Sizes {
        ipv4_prefixes: image.prefixes4().count() as u64,
        ipv6_prefixes: image.prefixes6().count() as u64,
        attribute_sets: image.attributes.len() as u64,
        milliseconds: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    let room = u64::from(inputs.config.tables.prefixes).max(1);
    let checked = Checked {
        valid: true,
        file: args.file.clone(),
        interfaces: inputs.config.interfaces.clone(),
        lists: inputs
            .lists
            .iter()
            .zip(inputs.list_sources.iter())
            .map(|(list, source)| CheckedList {
                name: list.name.clone(),
                mode: list.mode,
                entries: list.entries as u64,
                skipped: source.content.skipped.total as u64,
            })
            .collect(),
        geo_database: inputs.geo.as_ref().map(|geo| {
            let info = geo.info();
            CheckedGeo { path: info.path, name: info.name, countries: info.countries, origin: info.origin }
        }),
        prefixes_percent: sizes.ipv4_prefixes.max(sizes.ipv6_prefixes) * 100 / room,
        sizes,
        warnings: inputs.warnings(),
    };
    refuse_overflow(&checked, room)?;
    output.show(&checked, print)
}

fn refuse_overflow(checked: &Checked, room: u64) -> Result<(), Stop> {
    let most = checked.sizes.ipv4_prefixes.max(checked.sizes.ipv6_prefixes);
    if most <= room {
        return Ok(());
    }
    Err(crate::api::Failure::new(
        crate::api::FailureKind::TableFull,
        format!("the policy takes {most} prefixes of one family, and tables.prefixes is {room}; raise it or drop a list"),
    )
    .into())
}

fn print(out: &mut dyn Write, checked: &Checked) -> io::Result<()> {
    let file = checked
        .file
        .as_ref()
        .map_or_else(|| "the built-in policy".to_owned(), |file| file.display().to_string());
    writeln!(out, "{GOOD}{file} is valid{RESET}")?;
    for list in &checked.lists {
        writeln!(out, "  list {}: {} entries ({})", list.name, grouped(list.entries), list.mode)?;
        if list.skipped > 0 {
            writeln!(out, "    {WARN}lines left out: {}{RESET}", grouped(list.skipped))?;
        }
    }
    if let Some(geo) = &checked.geo_database {
        writeln!(out, "  geo database {}: {}, {} countries", geo.path.display(), geo.name, geo.countries)?;
    }
    for warning in &checked.warnings {
        writeln!(out, "  {WARN}{warning}{RESET}")?;
    }
    let sizes = checked.sizes;
    writeln!(
        out,
        "  {} IPv4 and {} IPv6 prefixes in {} sets ({} % of the room), {} ms",
        grouped(sizes.ipv4_prefixes),
        grouped(sizes.ipv6_prefixes),
        sizes.attribute_sets,
        checked.prefixes_percent,
        sizes.milliseconds
    )?;
    if checked.interfaces.is_empty() {
        writeln!(out, "  {WARN}it names no interface; `run` needs --interface{RESET}")?;
    }
    Ok(())
}
