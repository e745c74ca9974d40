//! Captures made for tests, and what is read of them.

mod broken;
pub(crate) mod build;
mod formats;
mod links;

use super::{Capture, CaptureError, End, Record};

/// What a test looks at of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    number: u64,
    time_ns: u64,
    bytes: Vec<u8>,
    length: u32,
    outgoing: bool,
}

impl From<Record<'_>> for Seen {
    fn from(record: Record<'_>) -> Self {
        let Record { number, time_ns, bytes, length, outgoing, .. } = record;
        Self { number, time_ns, bytes: bytes.to_vec(), length, outgoing }
    }
}

fn read(file: &[u8]) -> Result<(Vec<Seen>, End), CaptureError> {
    let mut capture = Capture::open(file)?;
    let mut seen = Vec::new();
    loop {
        match capture.next_packet() {
            Ok(record) => seen.push(record.into()),
            Err(end) => return Ok((seen, end)),
        }
    }
}
