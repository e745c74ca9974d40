//! Formats with one record on a line.

use std::io::Read;

use crate::feeds::blocks::{BLOCK, LONGEST, whole_lines};
use crate::feeds::lines::first_line;
use crate::feeds::list::{Counted, ListError, UTF8_BOM};
use crate::feeds::reader::ReadListError;

/// Gives each line that is not blank, without its end and the white space around it, and its number.
pub(super) fn each_line(
    file: impl Read,
    mut take: impl FnMut(u32, &[u8]) -> Result<(), ListError>,
) -> Result<(), ReadListError> {
    let mut number: u32 = 0;
    whole_lines(file, BLOCK, |text| {
        let mut rest = if number == 0 { text.strip_prefix(UTF8_BOM).unwrap_or(text) } else { text };
        while !rest.is_empty() {
            number = number.saturating_add(1);
            let (line, taken) = first_line(rest);
            if line.len() > LONGEST {
                return Err(ListError::TooLong { counted: Counted::Lines, number }.into());
            }
            let line = line.trim_ascii();
            if !line.is_empty() {
                take(number, line)?;
            }
            rest = rest.get(taken..).unwrap_or_default();
        }
        Ok::<(), ReadListError>(())
    })
}
