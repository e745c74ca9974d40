//! A TOML text, with the line of everything in it.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use super::error::{Place, Report};

/// Where lines begin.
#[derive(Debug)]
pub(super) struct Lines {
    /// The byte after each line's end.
    starts: Vec<usize>,
}

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        Self {
            starts: text
                .bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n')
                .map(|(at, _)| at + 1)
                .collect(),
        }
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, span: &Range<usize>) -> u32 {
        let before = self.starts.partition_point(|start| *start <= span.start);
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// Reads the text. What is not TOML is reported, all of it.
pub(super) fn read<'text>(
    text: &'text str,
    lines: &Lines,
    report: &mut Report,
) -> Option<Spanned<DeTable<'text>>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let line = lines.line(&error.span().unwrap_or(0..0));
        let place = Place { key: "syntax".to_owned(), line };
        report.add(&place, format_args!("{}; allowed: TOML; correct this line", error.message()));
    }
    errors.is_empty().then_some(document)
}
