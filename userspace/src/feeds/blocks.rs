//! A text, block by block: a large one is never in memory whole.

use std::io::{self, ErrorKind, Read};

/// Bytes that are read at once: few system calls, and the processor's cache still holds them when they are looked at.
pub(super) const BLOCK: usize = 256 * 1024;

/// Gives the lines of a text in blocks of about `size` bytes: whole lines, of which the very last one may lack its end.
/// A line that is longer makes the block longer.
pub(super) fn whole_lines<E: From<io::Error>>(
    mut file: impl Read,
    size: usize,
    mut take: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut block = vec![0; size];
    let mut held = 0;
    loop {
        match file.read(block.get_mut(held..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(count) => held += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
        if held < block.len() {
            continue;
        }
        let Some(end) = block.iter().rposition(|byte| *byte == b'\n') else {
            block.resize(2 * block.len(), 0);
            continue;
        };
        take(block.get(..=end).unwrap_or_default())?;
        block.copy_within(end + 1.., 0);
        held -= end + 1;
    }
    take(block.get(..held).unwrap_or_default())
}
