//! A file seen through a buffer of one size.

use std::io::{self, ErrorKind, Read};

/// Several times the largest packet, so that little is moved to the front.
const SIZE: usize = 1 << 20;

pub(super) struct Window<R> {
    reader: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// The byte of the file that lies at `start`.
    position: u64,
}

impl<R: Read> Window<R> {
    /// The most that can be asked for at once.
    pub(super) const MOST: usize = SIZE;

    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: vec![0; SIZE].into_boxed_slice(), start: 0, end: 0, position: 0 }
    }

    /// The byte of the file that comes next.
    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    /// Whether the file ends here.
    pub(super) fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.peek(1)?.is_none())
    }

    /// The next bytes, which stay the next ones; none where the file has fewer.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<Option<&[u8]>> {
        if self.end - self.start < count {
            self.fill(count)?;
        }
        Ok(self.buffer.get(self.start..self.end).and_then(|rest| rest.get(..count)))
    }

    /// The next bytes, and goes on behind them; none where the file has fewer, and then goes nowhere. Also what is at hand
    /// of those that follow.
    pub(super) fn take(&mut self, count: usize) -> io::Result<Option<(&[u8], &[u8])>> {
        if self.end - self.start < count {
            self.fill(count)?;
        }
        if self.end - self.start < count {
            return Ok(None);
        }
        let from = self.start;
        self.start += count;
        self.position += count as u64;
        Ok(self.buffer.get(from..self.end).and_then(|rest| rest.split_at_checked(count)))
    }

    /// Goes on behind so many bytes, of which the buffer need not hold all. False: the file has fewer.
    pub(super) fn skip(&mut self, count: u64) -> io::Result<bool> {
        let mut left = count;
        while left > 0 {
            if self.is_at_end()? {
                return Ok(false);
            }
            let here = usize::try_from(left).unwrap_or(usize::MAX).min(self.end - self.start);
            self.start += here;
            self.position += here as u64;
            left -= here as u64;
        }
        Ok(true)
    }

    /// Reads until there are so many bytes, or the file ends.
    fn fill(&mut self, count: usize) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < count {
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.reader.read(room) {
                Ok(0) => return Ok(()),
                Ok(read) => self.end += read.min(room.len()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
