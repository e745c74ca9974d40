//! What `nft list set` and `nft list ruleset` write, and scripts for `nft -f`.

use std::io::Read;
use std::time::Duration;

use super::words::{Word, each_word};
use super::{CONCATENATION, NO_SET};
use crate::feeds::blocks::LONGEST;
use crate::feeds::formats::places::Sets;
use crate::feeds::lines::{Entry, parse_entry, parse_range};
use crate::feeds::list::{Counted, ListError};
use crate::feeds::problem::LineProblem;
use crate::feeds::reader::ReadListError;
use crate::feeds::record::{Details, Named, Record, Take};

pub(in crate::feeds::formats) fn walk(
    file: impl Read,
    field: Option<&str>,
    take: &mut Take<'_>,
) -> Result<(), ReadListError> {
    let mut script = Script { sets: Sets::new(field), blocks: Vec::new(), words: Vec::new(), line: 0 };
    each_word(file, |line, word| script.word(line, word, take))?;
    if !script.blocks.is_empty() {
        return Err(ListError::CutShort { what: "a brace" }.into());
    }
    if script.sets.is_empty() {
        return Err(NO_SET.into());
    }
    Ok(script.sets.check()?)
}

/// How far a text has been read.
struct Script {
    sets: Sets,
    /// What the open braces are for.
    blocks: Vec<Block>,
    /// The words since the last mark: of a statement, or of an element.
    words: Vec<Vec<u8>>,
    /// The line of the first of them.
    line: u32,
}

/// What a pair of braces holds.
enum Block {
    Table(String),
    /// A set, with its table.
    Set(String),
    /// Elements of a set, and whether they are taken.
    Elements(bool),
    /// Anything else.
    Other,
}

/// No statement or element has so many words; what is beyond is not looked at.
const MOST_WORDS: usize = 64;
/// Nothing is so deep.
const DEEPEST: usize = 64;

impl Script {
    fn word(&mut self, line: u32, word: Word<'_>, take: &mut Take<'_>) -> Result<(), ListError> {
        let mark = match word {
            Word::Plain(word) => {
                return self.keep(line, word);
            }
            Word::Mark(mark) => mark,
        };
        let elements = match self.blocks.last() {
            Some(Block::Elements(are_taken)) => Some(*are_taken),
            Some(Block::Table(_) | Block::Set(_) | Block::Other) | None => None,
        };
        match (mark, elements) {
            (b'{', _) => {
                if self.blocks.len() == DEEPEST {
                    return Err(NO_SET);
                }
                let block = self.opened();
                self.blocks.push(block);
                self.words.clear();
            }
            (b'}', _) => {
                if elements == Some(true) {
                    self.element(take);
                }
                self.words.clear();
                if self.blocks.pop().is_none() {
                    return Err(NO_SET);
                }
            }
            (b',', Some(are_taken)) => {
                if are_taken {
                    self.element(take);
                }
                self.words.clear();
            }
            // An element may go over several lines; `=` stands between `elements` and its brace.
            (b'\n', Some(_)) | (b'=', _) => {}
            _ => self.words.clear(),
        }
        Ok(())
    }

    fn keep(&mut self, line: u32, word: &[u8]) -> Result<(), ListError> {
        if self.words.is_empty() {
            self.line = line;
        }
        let held: usize = self.words.iter().map(Vec::len).sum();
        if held + word.len() > LONGEST {
            return Err(ListError::TooLong { counted: Counted::Lines, number: line });
        }
        if self.words.len() < MOST_WORDS {
            self.words.push(word.to_owned());
        }
        Ok(())
    }

    /// What the brace after the present words opens.
    fn opened(&mut self) -> Block {
        let words: Vec<String> =
            self.words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let in_table = |name: &str| match self.blocks.last() {
            Some(Block::Table(table)) => format!("{table}/{name}"),
            _ => name.to_owned(),
        };
        let words = match words.as_slice() {
            ["add" | "create", rest @ ..] => rest,
            all => all,
        };
        match words {
            ["table", name] | ["table", _, name] => Block::Table((*name).to_owned()),
            ["set" | "map", name] => self.set(in_table(name)),
            ["set" | "map", table, name] | ["set" | "map", _, table, name] => {
                self.set(format!("{table}/{name}"))
            }
            ["elements"] => match self.blocks.last() {
                Some(Block::Set(name)) => {
                    let name = name.clone();
                    Block::Elements(self.sets.takes(&name))
                }
                _ => Block::Other,
            },
            ["element", table, name] | ["element", _, table, name] => {
                Block::Elements(self.sets.takes(&format!("{table}/{name}")))
            }
            _ => Block::Other,
        }
    }

    fn set(&mut self, name: String) -> Block {
        self.sets.meet(&name);
        Block::Set(name)
    }

    fn element(&self, take: &mut Take<'_>) {
        if self.words.is_empty() {
            return;
        }
        let text = self.words.join(&b' ');
        let words: Result<Vec<&str>, _> = self.words.iter().map(|word| str::from_utf8(word)).collect();
        let mut details = Details::default();
        let names = match &words {
            Ok(words) => element(words, &mut details).map(Named::Entry),
            Err(_) => Err(LineProblem::NotAscii),
        };
        take(Record { number: self.line, text: &text, names, details });
    }
}

/// An element: its addresses, then what the set says of it.
fn element<'a>(words: &[&'a str], details: &mut Details<'a>) -> Result<Entry, LineProblem> {
    let (entry, rest) = match words {
        [first, "-", last, rest @ ..] => (parse_range(first, last), rest),
        [address, rest @ ..] => (parse_entry(address), rest),
        [] => return Err(LineProblem::NotAnAddress),
    };
    let mut rest = rest.iter();
    while let Some(word) = rest.next() {
        match *word {
            "." => return Err(LineProblem::NotASource { kind: CONCATENATION.to_owned() }),
            ":" => return Err(LineProblem::NotASource { kind: "an element of a map".to_owned() }),
            "comment" => details.comment = rest.next().map(|comment| comment.as_bytes()),
            // What is left of the time is what counts.
            "timeout" if details.timeout.is_some() => {}
            "timeout" | "expires" => match rest.next().and_then(|time| duration(time)) {
                Some(time) => details.timeout = Some(time),
                None => details.bad_timeout = true,
            },
            // Counters and limits.
            _ => {}
        }
    }
    entry
}

/// `1d2h3m4s5ms`, of which any part may be missing.
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at_checked(digits)?;
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at_checked(letters)?;
        let number: u64 = number.parse().ok()?;
        let part = match unit {
            "ms" => Duration::from_millis(number),
            "s" | "" => Duration::from_secs(number),
            "m" => Duration::from_secs(number.checked_mul(60)?),
            "h" => Duration::from_secs(number.checked_mul(3_600)?),
            "d" => Duration::from_secs(number.checked_mul(86_400)?),
            "w" => Duration::from_secs(number.checked_mul(604_800)?),
            _ => return None,
        };
        total = total.checked_add(part)?;
        rest = after;
    }
    // Less than is shown is left of an element that is about to go.
    (!text.is_empty()).then_some(total.max(Duration::from_secs(1)))
}
