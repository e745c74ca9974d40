//! What the daemon says about itself.
//!
//! WARN means that someone should look. Addresses of clients appear at DEBUG only.

use std::io;

use tracing_subscriber::EnvFilter;

use crate::api::Failure;

/// The shape of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Sends logs to standard error. `filter` is a level of xdpgate's own messages, or a filter such as `aya=debug`; without
/// one `RUST_LOG` decides, and without that it is `info`.
///
/// # Errors
/// When the filter cannot be read.
pub fn start_logging(format: LogFormat, filter: Option<&str>) -> Result<(), Failure> {
    let from_environment = std::env::var("RUST_LOG").ok();
    let filter = filter.or(from_environment.as_deref()).unwrap_or("info");
    let filter = EnvFilter::try_new(own_level(filter)).map_err(|error| {
        Failure::usage(format!("`{filter}` is no log filter ({error}); write a level, such as debug"))
    })?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    // The journal has times of its own, and no colours.
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let started = match format {
        LogFormat::Json => logs.json().flatten_event(true).try_init(),
        LogFormat::Text if journal => logs.without_time().with_ansi(false).try_init(),
        LogFormat::Text => logs.with_ansi(colours()).try_init(),
    };
    started.map_err(Failure::failed)
}

/// A level alone is meant for this program: the libraries below it fill pages at `debug`.
fn own_level(filter: &str) -> String {
    if filter.parse::<tracing::Level>().is_ok() {
        format!("warn,xdpgate={filter}")
    } else {
        filter.to_owned()
    }
}

fn colours() -> bool {
    anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never
}
