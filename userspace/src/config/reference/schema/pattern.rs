//! Texts as regular expressions, of the part that ECMA-262 and Rust share. They take what the parser takes, and little
//! more: ranges are for the parser.

use crate::config::rate::{BIT_UNITS, PERIODS};
use crate::config::size::BYTE_UNITS;
use crate::config::{InterfaceName, Name, duration};

const NUMBER: &str = "[0-9][0-9_]*(\\.[0-9][0-9_]*)?";

pub(super) fn name() -> String {
    format!("^[A-Za-z0-9][A-Za-z0-9._-]{{0,{}}}$", Name::LONGEST - 1)
}

pub(super) fn interface() -> String {
    format!("^[^/: ]{{1,{}}}$", InterfaceName::LONGEST)
}

pub(super) fn prefix() -> String {
    "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$".to_owned()
}

pub(super) fn url() -> String {
    "^ *[Hh][Tt][Tt][Pp][Ss]?://.".to_owned()
}

pub(super) fn address() -> String {
    "^([0-9.]+|\\[[0-9A-Fa-f:.]+(%[0-9]+)?\\]):[0-9]+$".to_owned()
}

pub(super) fn port_range() -> String {
    "^ *[0-9]+ *- *[0-9]+ *$".to_owned()
}

pub(super) fn word() -> String {
    "^[^,\\r\\n]+$".to_owned()
}

pub(super) fn country() -> String {
    "^[A-Za-z]{2}$".to_owned()
}

pub(super) fn packet_rate() -> String {
    rate("packets?")
}

pub(super) fn byte_rate() -> String {
    format!("^ *{NUMBER} *({}|{}) */ *({}) *$", bytes(), bits(), periods())
}

pub(super) fn any_rate() -> String {
    rate(&format!("packets?|connections?|{}|{}", bytes(), bits()))
}

pub(super) fn size() -> String {
    format!("^ *{NUMBER} *({})? *$", bytes())
}

pub(super) fn amount() -> String {
    format!("^ *{NUMBER} *(packets?|connections?|{}) *$", bytes())
}

pub(super) fn duration() -> String {
    let words: Vec<_> = duration::UNITS.iter().flat_map(|(words, _)| words.iter().copied()).collect();
    format!("^ *([0-9]+ *({}) *)+$", words.join("|"))
}

/// A rate whose unit may be left out.
fn rate(units: &str) -> String {
    format!("^ *{NUMBER} *({units})? */ *({}) *$", periods())
}

fn periods() -> String {
    let units = duration::UNITS.iter().filter(|(_, duration)| PERIODS.contains(duration));
    units.flat_map(|(words, _)| words.iter().copied()).collect::<Vec<_>>().join("|")
}

fn bytes() -> String {
    BYTE_UNITS.iter().map(|(word, _)| *word).collect::<Vec<_>>().join("|")
}

fn bits() -> String {
    BIT_UNITS.iter().map(|(word, _)| in_any_case(word)).collect::<Vec<_>>().join("|")
}

fn in_any_case(word: &str) -> String {
    word.chars().flat_map(|c| ['[', c.to_ascii_uppercase(), c.to_ascii_lowercase(), ']']).collect()
}
