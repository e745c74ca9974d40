//! A file of which no single value may be larger than a limit: the parsers of JSON and CSV hold one value in memory, however
//! long it is.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use crate::feeds::blocks::LONGEST;

/// Counts what is read for one value. What the parser reads ahead counts too, up to one buffer of it.
pub(super) struct Metered<R> {
    file: R,
    meter: Meter,
}

/// Tells when a value ends. Shared with the parser that owns the file.
#[derive(Clone, Default)]
pub(super) struct Meter {
    bytes: Rc<Cell<usize>>,
}

impl<R: Read> Metered<R> {
    pub(super) fn new(file: R) -> (Self, Meter) {
        let meter = Meter::default();
        (Self { file, meter: meter.clone() }, meter)
    }
}

impl Meter {
    /// The next value begins.
    pub(super) fn reset(&self) {
        self.bytes.set(0);
    }

    /// Whether the last value was too long, and reading ended for that.
    pub(super) fn is_over(&self) -> bool {
        self.bytes.get() > LONGEST
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.meter.is_over() {
            return Err(io::Error::other("a value of more than 1 MiB"));
        }
        let count = self.file.read(room)?;
        self.meter.bytes.set(self.meter.bytes.get() + count);
        Ok(count)
    }
}
