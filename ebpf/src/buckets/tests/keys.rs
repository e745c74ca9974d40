//! Whose a slot is, exactly.

use proptest::prelude::*;

use super::*;
use crate::abi::MAX_BUCKET_BITS;
use crate::buckets::key::mix;

fn shapes() -> impl Strategy<Value = Shape> {
    (any::<u64>(), MIN_BUCKET_BITS..=MAX_BUCKET_BITS).prop_map(|(seed, bits)| Shape { seed, bits })
}

proptest! {
    #[test]
    fn mixing_can_be_undone(identity: u64, seed: u64) {
        prop_assert_eq!(unmix(mix(identity, seed), seed), identity);
        prop_assert_eq!(mix(unmix(identity, seed), seed), identity);
    }

    /// Hence no two keys, families, classes and choices have the same place and tag.
    #[test]
    fn place_and_tag_give_back_the_key(shape in shapes(), v4: u32, v6: u64, class in 0..bucket_tag::CLASSES) {
        for key in [ipv4(v4), ipv6(v6), ipv6(u64::from(v4))] {
            let home = Home::of(&key, shape);
            let tag = home.tag | bucket_tag::of_class(class);
            prop_assert_eq!(owner(shape, home.index, tag), (key, class));
            prop_assert_eq!(owner(shape, home.second(), tag | bucket_tag::SECOND), (key, class));
        }
    }

    /// Each service has a salt of its own, and the class says the service.
    #[test]
    fn with_the_salt_of_its_service(shape in shapes(), v4: u32, v6: u64, salt: u64, class in 0..bucket_tag::CLASSES) {
        for key in [ipv4(v4), ipv6(v6)].map(|key| BucketKey { salt, ..key }) {
            let home = Home::of(&key, shape);
            let owner = Owner::of(shape, home.index, home.tag | bucket_tag::of_class(class)).unwrap();
            prop_assert_eq!((owner.key(salt), owner.class), (key, class));
        }
    }

    #[test]
    fn a_table_tells_who_is_in_it(v4: u32, v6: u64, state in 1..u64::MAX >> 2) {
        let table = table(SMALLEST);
        for key in [ipv4(v4), ipv6(v6)] {
            prop_assert!(table.set_state(&key, bucket_class::BYTES, state));
        }
        let mut told: Vec<_> = table.buckets().map(|(owner, state)| (owner.key(0).high, owner.class, state)).collect();
        told.sort_unstable();
        let mut wanted = vec![(u64::from(v4), bucket_class::BYTES, state), (v6, bucket_class::BYTES, state)];
        wanted.sort_unstable();
        prop_assert_eq!(told, wanted);
    }

    /// What the search relies on.
    #[test]
    fn a_tag_is_not_zero_and_its_top_bit_is(shape in shapes(), key: u64, class in 0..bucket_tag::CLASSES) {
        let tag = Home::of(&ipv6(key), shape).tag | bucket_tag::of_class(class) | bucket_tag::SECOND;
        prop_assert!(tag & bucket_tag::USED != 0 && tag >> 63 == 0);
    }

    #[test]
    fn the_two_sets_differ_and_exist(shape in shapes(), key: u64) {
        let home = Home::of(&ipv6(key), shape);
        prop_assert_ne!(home.index, home.second());
        prop_assert!(home.index < shape.sets() && home.second() < shape.sets());
    }

    /// Keys of more than 64 bits are mixed. A key that ends in zeroes is the same at every length.
    #[test]
    fn the_end_of_a_long_key_counts(shape in shapes(), high: u64, low in 1..u64::MAX) {
        let long = BucketKey { high, low, salt: 0, family: family::IPV6 };
        let other = BucketKey { low: low + 1, ..long };
        let homes = [ipv6(high), long, other].map(|key| Home::of(&key, shape));
        prop_assert!(homes[0] != homes[1] && homes[1] != homes[2] && homes[2] != homes[0]);
    }
}

/// Sources come in rows: addresses one behind the other, networks, hosts with the same ending.
#[test]
fn keys_in_rows_spread_evenly() {
    const KEYS: u32 = 1 << 16;
    // Sixty-four in a set on average; six standard deviations more.
    const MOST: u32 = 64 + 6 * 8;
    type Row = fn(u32) -> BucketKey;
    let rows: [(&str, Row); 5] = [
        ("addresses", |number| ipv4(0xc633_0000 + number)),
        ("IPv4 networks", |number| ipv4(number << 16)),
        ("IPv6 networks of 64 bits", |number| ipv6(0x2001_0db8_0000_0000 + u64::from(number))),
        ("IPv6 networks of 48 bits", |number| ipv6(0x2001_0000_0000_0000 + (u64::from(number) << 16))),
        ("long keys", |number| BucketKey { low: u64::from(number) + 1, ..ipv6(0x2001_0db8 << 32) }),
    ];
    for seed in (1..=32_u64).map(|number| mix(number, SEED)) {
        for (name, key) in rows {
            let mut firsts = vec![0; SMALLEST.sets() as usize];
            let mut seconds = firsts.clone();
            for number in 0..KEYS {
                let home = Home::of(&key(number), Shape { seed, ..SMALLEST });
                firsts[home.index as usize] += 1;
                seconds[home.second() as usize] += 1;
            }
            for sets in [firsts, seconds] {
                let most = sets.iter().max().unwrap();
                assert!(*most <= MOST, "{name}, seed {seed:#x}: {most} of {KEYS} keys in one set");
            }
        }
    }
}

#[test]
fn a_table_has_a_set_for_two_sources() {
    for (sources, bits) in
        [(0, 16), (1, 16), (1 << 17, 16), ((1 << 17) + 1, 17), (1 << 18, 17), (u32::MAX, MAX_BUCKET_BITS)]
    {
        assert_eq!(Shape::bits_for(sources), bits, "{sources}");
    }
}
