//! Lists whose sources are looked at again: when each is due, how it is read or fetched, and what came of it. What came is
//! put in force by the gate.

mod board;
mod error;
mod look;
mod schedule;
#[cfg(test)]
mod tests;

pub(super) use self::board::{FeedBoard, FeedState};
pub(super) use self::error::FeedError;
pub use self::look::{Done, Look};
pub(super) use self::look::{Download, Looked, look};
