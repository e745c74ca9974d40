use proptest::prelude::*;

use super::opaque::Opaque;
use super::*;
use crate::abi::{EXPIRY_SHIFT, MIN_BAN_LINES, NEVER_EXPIRES, expiry};

const SHIFT: u32 = u64::BITS - MIN_BAN_LINES.trailing_zeros();

#[test]
fn ends_are_rounded_up_and_never_is_kept() {
    let ban = |expires_ns| Ban::from_expiry(Ban { expires_ns }.expiry()).map(|ban| ban.expires_ns);
    for ns in [1 << 40, 1 << EXPIRY_SHIFT << 3, 123_456_789_012_345] {
        let kept = ban(ns).unwrap();
        assert!((ns..ns + (1 << EXPIRY_SHIFT)).contains(&kept), "{ns}: {kept}");
    }
    assert_eq!(ban(NEVER_EXPIRES), Some(NEVER_EXPIRES));
    assert_eq!(ban(NEVER_EXPIRES - 1), Some(NEVER_EXPIRES), "beyond what fits");
    // An end at the start of the machine's time is past, and is still a ban, not a lifted one.
    assert_eq!(ban(0), Some(u64::from(expiry::FIRST) << EXPIRY_SHIFT));
    for end in [expiry::FREE, expiry::LIFTED[0], expiry::LIFTED[1]] {
        assert_eq!(Ban::from_expiry(end), None);
    }
}

proptest! {
    #[test]
    fn a_key_leads_to_lines_that_are_all_different(
        high in any::<u64>(), low in any::<u64>(), seed in any::<[u64; 2]>(), bits in 3_u32..24,
    ) {
        let shift = u64::BITS - bits;
        for path in [path_ipv4(lower_half(low), Seed(seed), shift), path_ipv6(high, low, Seed(seed), shift)] {
            let mut lines: Vec<u32> = (0..MAX_BAN_PROBES).map(|probe| path.line(probe)).collect();
            let filter = filter_lines(last_line(shift));
            prop_assert!(lines.iter().all(|line| (filter..filter + (1 << bits)).contains(line)));
            prop_assert!(path.filter().line < filter && path.filter().word < 8 && path.filter().bit < 64);
            lines.sort_unstable();
            lines.dedup();
            prop_assert_eq!(lines.len(), MAX_BAN_PROBES as usize);
        }
    }

    /// Keys that differ by one bit, as chosen by somebody who does not know the seed, meet in one line no more often than
    /// others: whichever bit it is.
    #[test]
    fn one_bit_makes_another_line(bit in 0_u32..128, key in any::<u128>()) {
        let home = |key: u128, seed: u64| {
            let (high, low) = halves_ipv6(key);
            let seed = Seed([seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), seed.wrapping_mul(0xbf58_476d_1ce4_e5b9)]);
            (path_ipv6(high, low, seed, SHIFT).line(0), path_ipv4(lower_half(low), seed, SHIFT).line(0))
        };
        let meet = (1..2_000).map(|seed| (home(key, seed), home(key ^ 1 << bit, seed)));
        let (ipv6, ipv4) = meet.fold((0, 0), |(ipv6, ipv4), (one, other)| {
            (ipv6 + u32::from(one.0 == other.0), ipv4 + u32::from(one.1 == other.1))
        });
        // One in eight by chance.
        prop_assert!(ipv6 < 500, "{ipv6} of 2000");
        prop_assert!(bit >= 32 || ipv4 < 500, "{ipv4} of 2000");
    }

    #[test]
    fn no_two_prefixes_have_one_key(address in any::<u64>(), one in 0_u32..64, other in 0_u32..64) {
        let key = |length: u32| prefix_key_ipv6(address, 1 << 63 >> length);
        prop_assert_eq!(key(one) == key(other), one == other);
        let key = |length: u32| prefix_key_ipv4(upper_half(address), 1 << 31 >> length);
        prop_assert_eq!(key(one / 2) == key(other / 2), one / 2 == other / 2);
    }

    #[test]
    fn arithmetic_is_what_its_names_say(one in any::<u32>(), other in any::<u32>(), number in any::<u64>()) {
        let opaque = Opaque::new(7);
        prop_assert_eq!(opaque.later(one.into(), other.into()), u64::from(one.max(other)));
        prop_assert_eq!(opaque.any(one), u64::from(one));
        for number in [number, number & 1, number | 1 << 63, 0] {
            prop_assert_eq!(opaque.ones(number), if number == 0 { 0 } else { u64::MAX });
        }
        let less = opaque.less(one.into(), other.into());
        prop_assert_eq!(less, if one < other { u64::MAX } else { 0 });
    }
}
