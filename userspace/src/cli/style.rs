//! The few colours. `anstream` takes them away where they are not wanted.

/// What is wrong, and what is dropped.
pub(super) const BAD: &str = "\x1b[1;31m";
/// What someone should look at.
pub(super) const WARN: &str = "\x1b[33m";
/// What is well, and what passes.
pub(super) const GOOD: &str = "\x1b[32m";
/// Headings.
pub(super) const BOLD: &str = "\x1b[1m";
/// What matters less.
pub(super) const DIM: &str = "\x1b[2m";
/// Back to plain text.
pub(super) const RESET: &str = "\x1b[0m";
