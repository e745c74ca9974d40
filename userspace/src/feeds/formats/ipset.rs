//! What `ipset save` writes: `create NAME hash:net …`, then `add NAME 192.0.2.0/24 timeout 60 comment "why"`.

use std::collections::HashMap;
use std::io::Read;
use std::time::Duration;

use super::lines::each_line;
use super::places::Sets;
use crate::feeds::lines::{Entry, parse_address, parse_entry, parse_prefix};
use crate::feeds::list::{ListError, shown};
use crate::feeds::problem::LineProblem;
use crate::feeds::reader::ReadListError;
use crate::feeds::record::{Details, Named, Record, Take};

pub(super) fn walk(file: impl Read, field: Option<&str>, take: &mut Take<'_>) -> Result<(), ReadListError> {
    let mut sets = Sets::new(field);
    let mut kinds: HashMap<String, Kind> = HashMap::new();
    each_line(file, |number, line| {
        let words = match words(line) {
            Ok(words) => words,
            Err(problem) => {
                take(Record::of_entry(number, line, Err(problem)));
                return Ok(());
            }
        };
        let words: Vec<&str> = words.into_iter().filter(|word| !FLAGS.contains(word)).collect();
        match words.as_slice() {
            ["create" | "-N", name, kind, options @ ..] => {
                sets.meet(name);
                if kinds.len() < MOST_SETS && name.len() <= LONGEST_NAME {
                    kinds.insert((*name).to_owned(), Kind::of(kind, options));
                }
            }
            ["add" | "-A", name, element, options @ ..] => {
                if !sets.takes(name) {
                    return Ok(());
                }
                let kind = kinds.get(*name).unwrap_or(&Kind::Addresses { netmask: None });
                let read = kind.read(element).and_then(|entry| Ok((entry, details(options)?)));
                let (entry, details) = read.map_or_else(
                    |problem| (Err(problem), Details::default()),
                    |(entry, details)| (Ok(entry), details),
                );
                take(Record { number, text: line, names: entry.map(Named::Entry), details });
            }
            [command, ..] if OTHERS.contains(command) || command.starts_with('#') => {}
            _ => take(Record::of_entry(number, line, Err(LineProblem::Form { expected: EXPECTED }))),
        }
        Ok(())
    })?;
    if sets.is_empty() {
        return Err(
            ListError::NotAList { what: "no export of ipset", instead: "; look what the file is" }.into()
        );
    }
    Ok(sets.check()?)
}

const EXPECTED: &str = "not a line of `ipset save`, such as: add blocked 192.0.2.1 timeout 60";
/// Flags that change nothing here.
const FLAGS: [&str; 4] = ["-exist", "-!", "-quiet", "-q"];
/// Commands without elements.
const OTHERS: [&str; 7] = ["flush", "destroy", "swap", "rename", "COMMIT", "-F", "-X"];
/// More than the kernel has; what is beyond is read like sets of addresses.
const MOST_SETS: usize = 65_536;
/// Twice what the kernel takes, in bytes.
const LONGEST_NAME: usize = 64;

/// What the elements of a set are.
enum Kind {
    /// Addresses and prefixes.
    Addresses {
        /// All elements are prefixes of this length, written without it.
        netmask: Option<String>,
    },
    /// Something that is no source alone.
    Other(String),
}

impl Kind {
    fn of(kind: &str, options: &[&str]) -> Self {
        let is_address = ["hash:ip", "hash:net", "bitmap:ip"].contains(&kind);
        if !is_address || options.contains(&"bitmask") {
            return Self::Other(shown(kind.as_bytes()));
        }
        let netmask = options.iter().position(|option| *option == "netmask");
        let netmask = netmask.and_then(|at| options.get(at + 1)).map(|length| (*length).to_owned());
        Self::Addresses { netmask }
    }

    fn read(&self, element: &str) -> Result<Entry, LineProblem> {
        match self {
            Self::Addresses { netmask: Some(length) } => match parse_address(element) {
                Ok(_) => parse_prefix(element, length),
                // A prefix of its own.
                Err(_) => parse_entry(element),
            },
            Self::Addresses { netmask: None } if element.contains(',') => {
                Err(LineProblem::NotASource { kind: "an element of several parts".to_owned() })
            }
            Self::Addresses { netmask: None } => parse_entry(element),
            Self::Other(kind) => Err(LineProblem::NotASource { kind: format!("an element of a {kind} set") }),
        }
    }
}

fn details<'a>(options: &[&'a str]) -> Result<Details<'a>, LineProblem> {
    let mut details = Details::default();
    let mut options = options.iter();
    while let Some(option) = options.next() {
        let mut value = || options.next().copied().ok_or(LineProblem::Form { expected: EXPECTED });
        match *option {
            "timeout" => {
                let seconds: u32 = value()?.parse().map_err(|_| LineProblem::Form { expected: EXPECTED })?;
                // 0 is for good.
                details.timeout = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
            }
            "comment" => details.comment = Some(value()?.as_bytes()),
            "packets" | "bytes" | "skbmark" | "skbprio" | "skbqueue" => {
                value()?;
            }
            "nomatch" => return Err(LineProblem::Exception),
            _ => return Err(LineProblem::Form { expected: EXPECTED }),
        }
    }
    Ok(details)
}

/// The words of a line, those in quotes without them.
fn words(line: &[u8]) -> Result<Vec<&str>, LineProblem> {
    let mut rest = str::from_utf8(line).map_err(|_| LineProblem::NotAscii)?.trim_ascii();
    let mut words = Vec::new();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or(LineProblem::Form { expected: EXPECTED })?,
            None => rest.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((rest, "")),
        };
        words.push(word);
        rest = after.trim_ascii_start();
    }
    Ok(words)
}
