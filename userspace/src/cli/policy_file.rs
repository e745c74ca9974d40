//! The policy of a command that asks no daemon.

use std::path::{Path, PathBuf};

use crate::api::Failure;
use crate::config::{self, Config};

/// What the packaged service runs with.
const INSTALLED: &str = "/etc/xdpgate/xdpgate.toml";

/// The policy of this file, or of the installed one, or the built-in one; and which file it was.
pub(super) fn load(file: Option<&Path>) -> Result<(Option<PathBuf>, Config), Failure> {
    let installed = Path::new(INSTALLED);
    match file.or_else(|| installed.exists().then_some(installed)) {
        Some(file) => Ok((Some(file.to_owned()), config::load(file)?)),
        None => Ok((None, Config::embedded_default())),
    }
}

/// How a message names it.
pub(super) fn name(file: Option<&Path>) -> String {
    file.map_or_else(|| "the built-in policy".to_owned(), |file| file.display().to_string())
}
