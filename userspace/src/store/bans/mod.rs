//! Bans on disk. What a request says of all its bans is one row, and each ban is a small one.
//!
//! A ban belongs to a prefix and to whoever asked for it: when one source lifts its ban of a prefix, those of the others
//! go on to hold.

mod ended;
mod key;
mod read;
mod spool;
mod write;

use std::sync::Arc;

use ipnet::IpNet;
use jiff::Timestamp;

pub use self::ended::{EndedBans, NoteId};
pub use self::key::BanKey;
pub(super) use self::spool::Spool;

/// What is the same for all bans that were made together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BanNote {
    /// Until when, by the wall clock; `None` is for good.
    pub expires: Option<Timestamp>,
    /// Why, in the words of whoever asked.
    pub reason: String,
    /// Who asked.
    pub source: String,
    /// What an operator wants to remember about it; may be empty.
    pub note: String,
    /// When.
    pub created: Timestamp,
}

/// One ban as an operator or a program asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanRecord {
    /// Who is banned.
    pub prefix: IpNet,
    /// All else about it.
    pub note: Arc<BanNote>,
}

/// A change of the bans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BanChange {
    /// Bans, by note. A prefix that its source has banned already takes the new note; one that comes twice takes the last.
    Put(Vec<(BanNote, Vec<IpNet>)>),
    /// Lifts the bans of exactly these prefixes: those of one source, or everybody's.
    Delete(Option<String>, Vec<IpNet>),
    /// Clears away bans that have ended, where they still have this note.
    Forget(NoteId, Vec<IpNet>),
    /// Moves the end of a note, because some of its bans still hold; with `None` removes it.
    EndNote(NoteId, Option<Timestamp>),
}
