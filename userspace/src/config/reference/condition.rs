//! Keys that have a place only beside some words of another key.

use super::{
    FRAGMENTS_RATE, FRAGMENTS_RULE, Key, LIMIT_ALGORITHM, LIMIT_BAN, LIMIT_BAN_LONGEST, LIMIT_BURST,
    LIMIT_COUNT, LIMIT_DEPTH, LIMIT_EXCEED, LIMIT_IPV4_PREFIX, LIMIT_IPV6_PREFIX, LIMIT_KEY, LIMIT_RATE,
    LIMIT_WINDOW, LIST_ASN, LIST_CA, LIST_COUNTRY, LIST_DANGEROUS, LIST_EVERY, LIST_FIELD, LIST_FOLDER,
    LIST_FORMAT, LIST_HEADER_FILE, LIST_MAX_SIZE, LIST_PATH, LIST_RATIO, LIST_SKIP_BAD, LIST_TIMEOUT,
    LIST_UNION, LIST_URL, LIST_WIDEST_IPV4, LIST_WIDEST_IPV6, SERVICE_PORTS, SERVICE_PROTOCOL,
};
use crate::config::{Algorithm, ExceedAction, FragmentAction, LimitKeyKind, ServiceProtocol};

/// A key that has a place only where another key of its table has one of a few words.
#[derive(Debug)]
pub(in crate::config) struct Condition {
    /// The key.
    pub(in crate::config) key: &'static Key,
    /// The key that decides.
    pub(in crate::config) decided_by: &'static Key,
    /// The words that leave room for the key.
    pub(in crate::config) words: &'static [&'static str],
    /// Whether the key has to be there with one of these words.
    pub(in crate::config) required: bool,
}

const BUCKETS: &[&str] = &[Algorithm::TokenBucket.as_str(), Algorithm::LeakyBucket.as_str()];
const WINDOWS: &[&str] = &[Algorithm::FixedWindow.as_str(), Algorithm::SlidingWindow.as_str()];
const WITH_PORTS: &[&str] =
    &[ServiceProtocol::Tcp.as_str(), ServiceProtocol::Udp.as_str(), ServiceProtocol::TcpUdp.as_str()];

/// Every such key.
pub(in crate::config) const CONDITIONS: &[Condition] = &[
    needed(&FRAGMENTS_RATE, &FRAGMENTS_RULE, &[FragmentAction::Limit.as_str()]),
    needed(&LIMIT_RATE, &LIMIT_ALGORITHM, BUCKETS),
    possible(&LIMIT_BURST, &LIMIT_ALGORITHM, &[Algorithm::TokenBucket.as_str()]),
    possible(&LIMIT_DEPTH, &LIMIT_ALGORITHM, &[Algorithm::LeakyBucket.as_str()]),
    needed(&LIMIT_COUNT, &LIMIT_ALGORITHM, WINDOWS),
    needed(&LIMIT_WINDOW, &LIMIT_ALGORITHM, WINDOWS),
    possible(&LIMIT_IPV4_PREFIX, &LIMIT_KEY, &[LimitKeyKind::Prefix.as_str()]),
    possible(&LIMIT_IPV6_PREFIX, &LIMIT_KEY, &[LimitKeyKind::Prefix.as_str()]),
    possible(&LIMIT_BAN, &LIMIT_EXCEED, &[ExceedAction::Ban.as_str()]),
    possible(&LIMIT_BAN_LONGEST, &LIMIT_EXCEED, &[ExceedAction::Ban.as_str()]),
    needed(&SERVICE_PORTS, &SERVICE_PROTOCOL, WITH_PORTS),
];

/// Where a list comes from: each list has exactly one of these keys.
pub(in crate::config) const LIST_SOURCES: &[&Key] =
    &[&LIST_PATH, &LIST_FOLDER, &LIST_URL, &LIST_UNION, &LIST_ASN];

/// A key that has a place only beside one of a few others.
#[derive(Debug)]
pub(in crate::config) struct Companion {
    /// The key.
    pub(in crate::config) key: &'static Key,
    /// The others.
    pub(in crate::config) beside: &'static [&'static Key],
}

/// Every such key.
pub(in crate::config) const COMPANIONS: &[Companion] = &[
    Companion { key: &LIST_TIMEOUT, beside: FETCHED },
    Companion { key: &LIST_MAX_SIZE, beside: FETCHED },
    Companion { key: &LIST_CA, beside: FETCHED },
    Companion { key: &LIST_HEADER_FILE, beside: FETCHED },
    Companion { key: &LIST_FORMAT, beside: READ },
    Companion { key: &LIST_FIELD, beside: READ },
    Companion { key: &LIST_COUNTRY, beside: READ },
    Companion { key: &LIST_SKIP_BAD, beside: READ },
    Companion { key: &LIST_EVERY, beside: READ },
    Companion { key: &LIST_DANGEROUS, beside: READ },
    Companion { key: &LIST_WIDEST_IPV4, beside: READ },
    Companion { key: &LIST_WIDEST_IPV6, beside: READ },
    Companion { key: &LIST_RATIO, beside: READ },
];

const FETCHED: &[&Key] = &[&LIST_URL];
const READ: &[&Key] = &[&LIST_PATH, &LIST_FOLDER, &LIST_URL];

impl Companion {
    /// The others in words.
    pub(in crate::config) fn written(&self) -> String {
        one_of(self.beside)
    }

    /// For the page: when the key has a place.
    fn sentence(&self) -> String {
        format!("Only with {}.", self.written())
    }
}

/// Keys in words: `a`, `b` or `c`.
pub(in crate::config) fn one_of(keys: &[&Key]) -> String {
    let names: Vec<_> = keys.iter().map(|key| format!("`{}`", key.name)).collect();
    match names.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        _ => names.concat(),
    }
}

impl Condition {
    /// The key that decides and its words: `rule = "limit"`.
    pub(in crate::config) fn written(&self) -> String {
        let words: Vec<_> = self.words.iter().map(|word| format!("\"{word}\"")).collect();
        let listed = match words.split_last() {
            Some((last, before)) if !before.is_empty() => format!("{} or {last}", before.join(", ")),
            _ => words.concat(),
        };
        format!("{} = {listed}", self.decided_by.name)
    }

    fn sentence(&self) -> String {
        let needs = match (self.required, self.words.len()) {
            (false, _) => "",
            (true, 1) => ", which needs it",
            (true, _) => ", which need it",
        };
        format!("Only with `{}`{needs}.", self.written())
    }
}

impl Key {
    /// When the key has a place, if not always.
    pub(in crate::config) fn condition(&self) -> Option<&'static Condition> {
        CONDITIONS.iter().find(|condition| condition.key.is(self))
    }

    /// For the page: when the key has a place, if not always. After a blank.
    pub(super) fn has_a_place(&self) -> String {
        let by_word = self.condition().map(Condition::sentence);
        let companion = COMPANIONS.iter().find(|companion| companion.key.is(self));
        by_word
            .or_else(|| companion.map(Companion::sentence))
            .map_or_else(String::new, |said| format!(" {said}"))
    }

    /// Whether both are the same key.
    pub(in crate::config) fn is(&self, other: &Self) -> bool {
        (self.table, self.name) == (other.table, other.name)
    }
}

const fn needed(key: &'static Key, decided_by: &'static Key, words: &'static [&'static str]) -> Condition {
    Condition { key, decided_by, words, required: true }
}

const fn possible(key: &'static Key, decided_by: &'static Key, words: &'static [&'static str]) -> Condition {
    Condition { key, decided_by, words, required: false }
}
