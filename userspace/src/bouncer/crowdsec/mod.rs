//! A bouncer of CrowdSec: fetches what its local API has decided, and says what is to be banned because of that.
//!
//! Pure but for [`Lapi`], which asks the server. [`Book`] keeps the decisions and tells what changes, [`Schedule`] says when
//! to ask again and for what.

mod book;
mod decision;
mod duration;
mod lapi;
mod schedule;
mod usage;

pub use self::book::{Banned, Book, Changes, Counts, Unenforced};
pub use self::decision::{Answer, Decision, Target, Unused, WireDecision};
pub use self::duration::{GoDurationError, parse_go_duration};
pub use self::lapi::{KeyFileError, Lapi, LapiError};
pub use self::schedule::{Ask, Schedule};
pub use self::usage::{Seen, Usage};

/// Whom bans of CrowdSec come from.
pub const SOURCE: &str = "crowdsec";

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
