//! The byte order of the machine that captured.

/// One of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    /// The two bytes at an offset; zero beyond the end.
    pub(super) fn half(self, bytes: &[u8], at: usize) -> u16 {
        let found = read(bytes, at);
        match self {
            Self::Little => u16::from_le_bytes(found),
            Self::Big => u16::from_be_bytes(found),
        }
    }

    /// The four bytes, likewise.
    pub(super) fn word(self, bytes: &[u8], at: usize) -> u32 {
        let found = read(bytes, at);
        match self {
            Self::Little => u32::from_le_bytes(found),
            Self::Big => u32::from_be_bytes(found),
        }
    }

    /// The eight bytes, likewise.
    pub(super) fn double(self, bytes: &[u8], at: usize) -> u64 {
        let found = read(bytes, at);
        match self {
            Self::Little => u64::from_le_bytes(found),
            Self::Big => u64::from_be_bytes(found),
        }
    }
}

/// Callers have the bytes; should one be wrong, zeroes do no harm.
fn read<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|behind| behind.first_chunk()).copied().unwrap_or([0; N])
}
