//! The policy as operators write it: TOML in, a checked [`Config`] out, or everything that is wrong with it at once.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::string::FromUtf8Error;

use error::Report;
use section::Section;

mod amount;
mod check;
mod choice;
mod document;
mod duration;
mod entry;
mod error;
mod interface;
mod list;
mod name;
mod ports;
mod prefix;
mod quantity;
mod rate;
pub mod reference;
mod section;
mod service;
mod size;
mod types;
mod window;

pub use amount::{AmountError, parse_amount};
pub use choice::{
    Algorithm, AttachMode, CountryScope, Dangerous, DefaultAction, ExceedAction, FragmentAction,
    LimitKeyKind, LimitUnit, ListScope, Mode, ServiceProtocol,
};
pub use duration::{DurationError, display_duration, parse_duration};
pub use error::{ConfigError, Problem};
pub use interface::{InterfaceName, InterfaceNameError};
pub use list::{Except, FolderError, ListConfig, ListFrom, ListGuard, UrlSource};
pub use name::{Name, NameError, RESERVED_NAMES};
pub use ports::PortRangeError;
pub use prefix::{PrefixError, parse_prefix};
pub use rate::{Rate, RateError};
pub use service::{
    Amount, LimitConfig, LimitKey, ListUse, MAX_LIMIT_USES, MAX_LIMITS_PER_PLAN, MAX_PLANS, MAX_SERVICES,
    OnExceed, PlanConfig, PlanLimits, PortRange, ServiceConfig,
};
pub use size::{SizeError, parse_size};
pub use types::{
    BanConfig, Config, CountryRule, CountrySelection, CrowdsecConfig, CrowdsecLogin, DaemonConfig,
    EventConfig, FragmentRule, Fragments, GeoConfig, Located, Safety, SourceLimitConfig, TableSizes,
    UdpServices,
};
pub use window::{most_in_window, shortest_window, spare_in_window};

/// The policy of a daemon that was given none.
pub const EMBEDDED_DEFAULT: &str = include_str!("default.toml");

/// More than any policy needs; reading a device by mistake must end.
const LARGEST_FILE: u64 = 16 << 20;

/// Reads a policy. Relative paths in it begin at the folder of `path`.
///
/// # Errors
/// When the file cannot be read, or anything in it is wrong.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let text = read_text(path)?;
    // Absolute from here on: the daemon's working folder may change.
    let absolute = std::path::absolute(path).map_err(unreadable)?;
    check_text(&text, path, folder_of(&absolute))
}

/// Reads the text of a policy, unchecked.
///
/// # Errors
/// When the file cannot be read, or is no text.
pub fn read_text(path: &Path) -> Result<String, ConfigError> {
    let bytes = read(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    String::from_utf8(bytes).map_err(|error| not_text(&error, path))
}

/// Checks the text of a policy. `origin` is the file in messages, and relative paths begin at its folder.
///
/// # Errors
/// When anything in it is wrong.
pub fn parse(text: &str, origin: &Path) -> Result<Config, ConfigError> {
    check_text(text, origin, folder_of(origin))
}

impl Config {
    /// The policy that is embedded in the program: safe on a host of which nothing is known.
    #[must_use]
    pub fn embedded_default() -> Self {
        // A test proves that it parses; the policy that blocks nothing is the safe answer to the impossible.
        parse(EMBEDDED_DEFAULT, Path::new("embedded default policy")).unwrap_or_default()
    }
}

fn check_text(text: &str, origin: &Path, folder: &Path) -> Result<Config, ConfigError> {
    let mut report = Report::default();
    let lines = document::Lines::of(text);
    let mut config = Config::default();
    if let Some(document) = document::read(text, &lines, &mut report) {
        let root = Section::root(document.get_ref(), &lines, &mut report);
        config = check::config(&root, folder, &mut report);
    }
    report.finish(origin).map(|()| config)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 16 MiB"));
    }
    Ok(bytes)
}

fn not_text(error: &FromUtf8Error, origin: &Path) -> ConfigError {
    let before = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
    let line = before.filter(|byte| **byte == b'\n').count() + 1;
    let problem = Problem {
        line: u32::try_from(line).unwrap_or(u32::MAX),
        key: "syntax".to_owned(),
        message: "a byte that is not UTF-8; allowed: TOML in UTF-8; save the file as UTF-8".to_owned(),
    };
    ConfigError::Invalid { origin: origin.to_owned(), problems: vec![problem] }
}

fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

#[cfg(test)]
mod tests;
