//! The geo database of the lab and the tests: a real one, which `cargo xtask` fetches.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

const DATABASE: &str = "XDPGATE_GEO_DATABASE";

/// The path of the database.
///
/// # Errors
///
/// When `XDPGATE_GEO_DATABASE` does not name a file.
pub fn database() -> Result<PathBuf> {
    let path = env::var_os(DATABASE).map(PathBuf::from);
    let path = path.with_context(|| format!("{DATABASE} is not set; `cargo xtask` sets it"))?;
    ensure!(path.is_file(), "{DATABASE} names {}, which is missing", path.display());
    Ok(path)
}
