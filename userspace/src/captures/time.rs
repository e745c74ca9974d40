//! Times of captures, in nanoseconds since 1970.

const NANOSECONDS: u64 = 1_000_000_000;

/// What an interface of pcapng counts its times in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resolution {
    /// The option `if_tsresol`: with the top bit set a negative power of 2, else of 10.
    pub(super) exponent: u8,
    /// The option `if_tsoffset`: seconds to add.
    pub(super) offset: i64,
}

impl Default for Resolution {
    /// Microseconds.
    fn default() -> Self {
        Self { exponent: 6, offset: 0 }
    }
}

impl Resolution {
    /// Times before 1970 and after 2554 are those years.
    pub(super) fn nanoseconds(self, units: u64) -> u64 {
        let power = u32::from(self.exponent & 0x7f);
        let nanoseconds = if self.exponent & 0x80 != 0 {
            (u128::from(units) * u128::from(NANOSECONDS)) >> power
        } else if power <= 9 {
            u128::from(units) * 10_u128.pow(9 - power)
        } else {
            // Finer than any number of units can make a nanosecond of.
            10_u128.checked_pow(power - 9).map_or(0, |per| u128::from(units) / per)
        };
        let nanoseconds = u64::try_from(nanoseconds).unwrap_or(u64::MAX);
        let shift = self.offset.unsigned_abs().saturating_mul(NANOSECONDS);
        if self.offset < 0 { nanoseconds.saturating_sub(shift) } else { nanoseconds.saturating_add(shift) }
    }
}

/// A time of pcap: seconds, and a part in units of so many nanoseconds.
pub(super) fn from_parts(seconds: u32, part: u32, unit: u64) -> u64 {
    u64::from(seconds) * NANOSECONDS + u64::from(part) * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolutions_of_ten_and_of_two() {
        let with = |exponent| Resolution { exponent, offset: 0 };
        assert_eq!(Resolution::default().nanoseconds(1_500_000), 1_500_000_000);
        assert_eq!(with(9).nanoseconds(7), 7);
        assert_eq!(with(0).nanoseconds(3), 3_000_000_000);
        assert_eq!(with(12).nanoseconds(7_999), 7);
        assert_eq!(with(0x8a).nanoseconds(1536), 1_500_000_000);
        assert_eq!(Resolution { exponent: 9, offset: -1 }.nanoseconds(1_000_000_005), 5);
        assert_eq!(Resolution { exponent: 9, offset: 2 }.nanoseconds(5), 2_000_000_005);
    }

    #[test]
    fn no_resolution_overflows() {
        for exponent in 0..=u8::MAX {
            for offset in [i64::MIN, -1, 0, i64::MAX] {
                for units in [0, 1, u64::MAX] {
                    let _ = Resolution { exponent, offset }.nanoseconds(units);
                }
            }
        }
    }
}
