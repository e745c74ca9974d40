//! The plain entry: an address or a prefix, and the end of its line. Nearly every line of a large list is one, and here
//! no byte is looked at twice. What is not plain, or wrong in any way, is left to [`super::lines::parse_line`].

use super::range::{Address, Range};

/// Reads the IPv4 address or prefix with which `text` begins, and how many bytes it takes with the end of its line.
/// Near the end of `text` there is none: numbers are read four bytes at once.
pub(super) fn ipv4(text: &[u8]) -> Option<(Range<u32>, usize)> {
    let (mut address, mut at) = decimal(text, 0)?;
    for _ in 0..3 {
        if text.get(at) != Some(&b'.') {
            return None;
        }
        let (number, end) = decimal(text, at + 1)?;
        address = address << 8 | number;
        at = end;
    }
    entry(text, address, at)
}

/// Likewise for IPv6. The forms with dots and IPv4-mapped addresses are not plain.
pub(super) fn ipv6(text: &[u8]) -> Option<(Range<u128>, usize)> {
    let mut groups = Groups::default();
    let mut at = 0;
    let mut after_gap = text.starts_with(b"::");
    if after_gap {
        groups.gap()?;
        at = 2;
    }
    loop {
        let (group, end) = hexadecimal(text, at)?;
        if end == at {
            // After a single colon a group has to follow.
            if after_gap {
                break;
            }
            return None;
        }
        groups.push(group);
        at = end;
        if text.get(at) != Some(&b':') {
            break;
        }
        at += 1;
        after_gap = text.get(at) == Some(&b':');
        if after_gap {
            groups.gap()?;
            at += 1;
        }
    }
    let address = groups.address()?;
    if address >> 32 == 0xffff {
        return None;
    }
    entry(text, address, at)
}

/// From the length, if there is one, to the end of the line.
fn entry<A: Address>(text: &[u8], address: A, at: usize) -> Option<(Range<A>, usize)> {
    let (length, at) = match text.get(at) {
        Some(b'/') => decimal(text, at + 1)?,
        _ => (u32::from(A::WIDTH), at),
    };
    let length = u8::try_from(length).ok().filter(|length| (1..=A::WIDTH).contains(length))?;
    let range = Range::prefix(address, length);
    if range.first != address {
        return None;
    }
    match (text.get(at), text.get(at + 1)) {
        (Some(b'\n'), _) => Some((range, at + 1)),
        (Some(b'\r'), Some(b'\n')) => Some((range, at + 2)),
        _ => None,
    }
}

const HIGH_BITS: u32 = 0x8080_8080;

/// A number of up to three digits, at most 255 and without a leading zero, and where it ends.
fn decimal(text: &[u8], at: usize) -> Option<(u32, usize)> {
    let word = u32::from_be_bytes(*text.get(at..)?.first_chunk()?) ^ 0x3030_3030;
    let digits = (not_below(word, 10) & HIGH_BITS).leading_zeros() / 8;
    if digits == 0 || digits > 3 {
        return None;
    }
    let number = word >> (32 - 8 * digits);
    let value = (number >> 16) * 100 + (number >> 8 & 0xff) * 10 + (number & 0xff);
    let leading_zero = digits > 1 && number >> (8 * (digits - 1)) == 0;
    (value <= 255 && !leading_zero).then_some((value, at + digits as usize))
}

/// A number of up to four hexadecimal digits, and where it ends: at its start when there is none.
fn hexadecimal(text: &[u8], at: usize) -> Option<(u32, usize)> {
    let word = u32::from_be_bytes(*text.get(at..)?.first_chunk()?);
    let letter = (word | 0x2020_2020) ^ 0x6060_6060;
    let letters = not_below(letter, 1) & !not_below(letter, 7) & HIGH_BITS;
    let others = not_below(word ^ 0x3030_3030, 10) & !letters & HIGH_BITS;
    let digits = others.leading_zeros() / 8;
    let nibbles = (word & 0x0f0f_0f0f) + (letters >> 7) * 9;
    let nibbles = nibbles.checked_shr(32 - 8 * digits).unwrap_or(0);
    let pairs = (nibbles | nibbles >> 4) & 0x00ff_00ff;
    Some(((pairs | pairs >> 8) & 0xffff, at + digits as usize))
}

/// The high bit of each byte that is not below `least`, which is up to 128. Other bits mean nothing.
const fn not_below(bytes: u32, least: u32) -> u32 {
    // No byte carries into the next: 0x7f + 0x7f is less than 0x100.
    ((bytes & 0x7f7f_7f7f) + (0x80 - least) * 0x0101_0101) | bytes
}

/// The groups of an IPv6 address.
#[derive(Default)]
struct Groups {
    bits: u128,
    count: u32,
    /// Bits and count of what stands before the `::`.
    before: Option<(u128, u32)>,
}

impl Groups {
    /// More than eight are noticed at the end: what was pushed out does not matter.
    const fn push(&mut self, group: u32) {
        self.bits = self.bits << 16 | group as u128;
        self.count += 1;
    }

    fn gap(&mut self) -> Option<()> {
        if self.before.is_some() {
            return None;
        }
        self.before = Some((self.bits, self.count));
        (self.bits, self.count) = (0, 0);
        Some(())
    }

    fn address(&self) -> Option<u128> {
        let Some((bits, count)) = self.before else {
            return (self.count == 8).then_some(self.bits);
        };
        // The gap stands for one group at least.
        let shift = 16 * 8_u32.checked_sub(count)?;
        (count + self.count < 8).then_some(bits.checked_shl(shift).unwrap_or(0) | self.bits)
    }
}

#[cfg(test)]
mod tests;
