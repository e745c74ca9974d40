//! Frames that nobody wrote: mutations of those in the table, and noise. The same seed gives the same frames.

use super::frame::Frame;

const LONGEST_NOISE: u64 = 200;
const MOST_CHANGES: u64 = 6;
/// Bytes that mean something in many headers: types, protocols, extension headers, lengths.
const TELLING: [u8; 24] = [
    0, 1, 2, 5, 6, 8, 17, 43, 44, 45, 50, 51, 58, 59, 60, 0x40, 0x45, 0x4f, 0x60, 0x81, 0x86, 0x88, 0xdd,
    0xff,
];

/// An endless series of frames.
#[derive(Clone, Debug)]
pub struct Mutations<'a> {
    frames: Vec<&'a Frame>,
    state: u64,
}

impl<'a> Mutations<'a> {
    /// Of these frames.
    #[must_use]
    pub fn new(frames: Vec<&'a Frame>, seed: u64) -> Self {
        // The generator below never leaves zero.
        Self { frames, state: seed | 1 }
    }

    /// A number below `bound`. Xorshift, which is even enough to find things.
    fn below(&mut self, bound: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) % bound.max(1)
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        let index = self.index(TELLING.len() * 2);
        TELLING.get(index).copied().unwrap_or_else(|| self.below(256).to_le_bytes()[0])
    }

    fn noise(&mut self) -> Vec<u8> {
        let length = self.below(LONGEST_NOISE);
        (0..length).map(|_| self.byte()).collect()
    }

    fn mutated(&mut self) -> Vec<u8> {
        let index = self.index(self.frames.len());
        let Some(mut bytes) = self.frames.get(index).map(|frame| frame.bytes.clone()) else {
            return self.noise();
        };
        for _ in 0..=self.below(MOST_CHANGES) {
            let place = self.index(bytes.len());
            match self.below(8) {
                0 => bytes.truncate(place),
                1 => {
                    let value = self.byte();
                    bytes.insert(place, value);
                }
                2 if !bytes.is_empty() => drop(bytes.remove(place)),
                3 => bytes.extend(self.noise()),
                4 => {
                    if let Some(byte) = bytes.get_mut(place) {
                        *byte ^= 1 << self.below(8);
                    }
                }
                _ => {
                    let value = self.byte();
                    if let Some(byte) = bytes.get_mut(place) {
                        *byte = value;
                    }
                }
            }
        }
        bytes
    }
}

impl Iterator for Mutations<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        Some(if self.below(16) == 0 { self.noise() } else { self.mutated() })
    }
}
