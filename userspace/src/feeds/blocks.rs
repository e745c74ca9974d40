//! A text, block by block: a large one is never in memory whole.

use std::io::{self, ErrorKind, Read};

/// Bytes that are read at once: few system calls, and the processor's cache still holds them when they are looked at.
pub(super) const BLOCK: usize = 256 * 1024;

/// The longest line of a list, or record of a JSON or CSV file, in bytes. No real one comes near; a file without line ends
/// must not fill the memory.
pub(super) const LONGEST: usize = 1024 * 1024;

/// Gives the lines of a text in blocks of about `size` bytes: whole lines, of which the very last one may lack its end.
/// A line that is longer makes the block longer; one of more than [`LONGEST`] bytes comes in parts that are longer than
/// that, for the caller to refuse.
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
        let end = match last_end(&block) {
            Some(end) => end,
            None if block.len() <= LONGEST + LINE_END => {
                block.resize(2 * block.len(), 0);
                continue;
            }
            None => held,
        };
        take(block.get(..end).unwrap_or_default())?;
        block.copy_within(end.., 0);
        held -= end;
    }
    take(block.get(..held).unwrap_or_default())
}

/// The first bytes of a file, up to a block; all of a smaller one.
pub(super) fn head(file: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(BLOCK);
    file.take(BLOCK as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// The bytes of the longest line end.
const LINE_END: usize = 2;

/// Where the last whole line ends. A carriage return as the last byte may be half of a line end.
fn last_end(block: &[u8]) -> Option<usize> {
    let feed = || block.iter().rposition(|byte| *byte == b'\n');
    let before = block.len().saturating_sub(1);
    let lone_return = || block.get(..before)?.iter().rposition(|byte| *byte == b'\r');
    feed().or_else(lone_return).map(|at| at + 1)
}
