//! The words of nft's language, out of a text that may be one line of any length.

use std::io::{ErrorKind, Read};

use crate::feeds::blocks::{BLOCK, LONGEST};
use crate::feeds::list::{Counted, ListError, UTF8_BOM};
use crate::feeds::reader::ReadListError;

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word<'a> {
    /// A name, an address or a keyword; also what stood in quotes.
    Plain(&'a [u8]),
    /// One of `{`, `}`, `,`, `=`, `;` and the line feed.
    Mark(u8),
}

/// Gives the words of a file, each with the number of its line.
pub(super) fn each_word(
    mut file: impl Read,
    mut take: impl FnMut(u32, Word<'_>) -> Result<(), ListError>,
) -> Result<(), ReadListError> {
    let mut block = vec![0; BLOCK];
    let mut words = Words { line: 1, word: Vec::new(), state: State::Between, after_return: false };
    let mut is_first = true;
    loop {
        let count = match file.read(&mut block) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        let text = block.get(..count).unwrap_or_default();
        let text = if is_first { text.strip_prefix(UTF8_BOM).unwrap_or(text) } else { text };
        is_first = false;
        for byte in text {
            words.push(*byte, &mut take)?;
        }
    }
    // What is not ended ends with the file.
    words.push(b'\n', &mut take)?;
    Ok(())
}

struct Words {
    line: u32,
    word: Vec<u8>,
    state: State,
    after_return: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Between,
    InWord,
    InQuotes,
    InComment,
}

impl Words {
    fn push(
        &mut self,
        byte: u8,
        take: &mut impl FnMut(u32, Word<'_>) -> Result<(), ListError>,
    ) -> Result<(), ListError> {
        if std::mem::replace(&mut self.after_return, byte == b'\r') && byte == b'\n' {
            return Ok(());
        }
        let byte = if byte == b'\r' { b'\n' } else { byte };
        match self.state {
            // Nothing in quotes goes over the end of a line.
            State::InQuotes if byte != b'"' && byte != b'\n' => return self.keep(byte),
            State::InComment if byte != b'\n' => return Ok(()),
            State::Between | State::InWord if !SEPARATORS.contains(&byte) => {
                self.state = State::InWord;
                return self.keep(byte);
            }
            State::Between | State::InWord | State::InQuotes | State::InComment => {}
        }
        let ended = std::mem::replace(&mut self.state, State::Between);
        if ended == State::InWord || ended == State::InQuotes {
            take(self.line, Word::Plain(&self.word))?;
            self.word.clear();
        }
        match byte {
            b'"' if ended != State::InQuotes => self.state = State::InQuotes,
            b'#' => self.state = State::InComment,
            b'{' | b'}' | b',' | b'=' | b';' | b'\n' => take(self.line, Word::Mark(byte))?,
            _ => {}
        }
        if byte == b'\n' {
            self.line = self.line.saturating_add(1);
        }
        Ok(())
    }

    fn keep(&mut self, byte: u8) -> Result<(), ListError> {
        if self.word.len() == LONGEST {
            return Err(ListError::TooLong { counted: Counted::Lines, number: self.line });
        }
        self.word.push(byte);
        Ok(())
    }
}

/// What ends a word.
const SEPARATORS: [u8; 10] = *b"{},=;\n \t\"#";

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<(u32, String)> {
        let mut found = Vec::new();
        each_word(text.as_bytes(), |line, word| {
            let word = match word {
                Word::Plain(word) => String::from_utf8_lossy(word).into_owned(),
                Word::Mark(mark) => char::from(mark).to_string(),
            };
            found.push((line, word));
            Ok(())
        })
        .unwrap();
        found
    }

    #[test]
    fn words_are_told_apart_with_their_lines() {
        let plain: Vec<_> = words("a{b, \"c {d}, # e\"}# x { y\r\nf=g;h\ri").into_iter().collect();
        let wanted = [
            (1, "a"),
            (1, "{"),
            (1, "b"),
            (1, ","),
            (1, "c {d}, # e"),
            (1, "}"),
            (1, "\n"),
            (2, "f"),
            (2, "="),
            (2, "g"),
            (2, ";"),
            (2, "h"),
            (2, "\n"),
            (3, "i"),
            (3, "\n"),
        ];
        assert_eq!(plain, wanted.map(|(line, word)| (line, word.to_owned())));
    }
}
