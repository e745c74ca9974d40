use proptest::prelude::*;
use xdpgate_ebpf::abi::{EXPIRY_SHIFT, NEVER_EXPIRES, attribute, bucket_class};

use super::*;
use crate::config::Config;
use crate::policy::{OperatorChanges, Sources, compile};

fn model(allow: &[&str]) -> Model {
    let allow = allow.iter().map(|prefix| prefix.parse().unwrap()).collect();
    let changes = OperatorChanges { allow, country: None };
    let config = Config::default();
    let sources = Sources::of(&config, &changes);
    Model::new(compile(&sources, 5).unwrap())
}

fn source(text: &str) -> Source {
    match text.parse().unwrap() {
        IpAddr::V4(ip) => {
            let mut address = [0; 16];
            address[..4].copy_from_slice(&ip.octets());
            Source { address, family: family::IPV4 }
        }
        IpAddr::V6(ip) => Source { address: ip.octets(), family: family::IPV6 },
    }
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

#[test]
fn only_the_live_generation_answers() {
    let mut model = model(&["192.0.2.0/24"]);
    assert_eq!(model.generation(), 5);
    assert!(model.settings(5).is_some() && model.settings(4).is_none());
    assert!(model.attributes(5, &source("192.0.2.9")).has(attribute::ALLOWED));
    assert!(!model.attributes(4, &source("192.0.2.9")).has(attribute::ALLOWED));
    assert!(!model.paused());
    model.pause(true);
    assert!(model.paused());
}

#[test]
fn the_longest_lasting_ban_counts() {
    let mut model = model(&[]);
    model.add_ban(net("192.0.2.7/32"), Some(10 << EXPIRY_SHIFT)).unwrap();
    model.add_ban(net("192.0.2.0/24"), Some(30 << EXPIRY_SHIFT)).unwrap();
    model.add_ban(net("192.0.0.0/16"), Some((20 << EXPIRY_SHIFT) - 1)).unwrap();
    model.add_ban(net("2001:db8::/32"), None).unwrap();
    let expiry = |model: &Model, text| model.ban_of(text).map(|ban| ban.expires_ns);
    assert_eq!(expiry(&model, "192.0.2.7"), Some(30 << EXPIRY_SHIFT));
    assert_eq!(expiry(&model, "192.0.3.7"), Some(20 << EXPIRY_SHIFT));
    assert_eq!(expiry(&model, "192.1.3.7"), None);
    assert_eq!(expiry(&model, "2001:db8::1"), Some(NEVER_EXPIRES));
    assert!(model.lift_ban(net("192.0.2.0/24")) && !model.lift_ban(net("192.0.2.0/24")));
    assert!(model.lift_ban(net("192.0.2.7/32")));
    assert_eq!(expiry(&model, "192.0.2.7"), Some(20 << EXPIRY_SHIFT));
}

impl Model {
    fn ban_of(&self, text: &str) -> Option<Ban> {
        Tables::ban(self, &source(text))
    }
}

#[test]
fn buckets_are_one_for_each_key_and_class_and_are_kept() {
    let model = model(&[]);
    let key = BucketKey { high: 1, low: 0, salt: 0, family: family::IPV6 };
    assert_eq!(model.bucket_state(&key, bucket_class::PACKETS), None);
    model.set_bucket(&key, bucket_class::PACKETS, 7);
    model.set_bucket(&key, bucket_class::FRAGMENTS, 9);
    assert_eq!(model.bucket_state(&key, bucket_class::PACKETS), Some(7));
    assert_eq!(model.bucket_state(&key, bucket_class::FRAGMENTS), Some(9));
    assert_eq!(model.bucket_state(&key, bucket_class::BYTES), None);
    let same_bits = BucketKey { family: family::IPV4, ..key };
    assert_eq!(model.bucket_state(&same_bits, bucket_class::PACKETS), None);
}

#[test]
fn a_frame_that_is_not_ip_has_no_attributes() {
    let none = Source { address: [0; 16], family: family::NONE };
    let model = model(&["0.0.0.0/0", "::/0"]);
    assert_eq!(model.attributes(5, &none), AttributeSet::EMPTY);
    assert_eq!(Tables::ban(&model, &none), None);
}

proptest! {
    #[test]
    fn a_source_has_the_attributes_of_its_segment(bits: u32, wide: u128) {
        let model = model(&["128.0.0.0/1", "64.0.0.0/3", "8000::/1"]);
        for address in [IpAddr::V4(Ipv4Addr::from_bits(bits)), IpAddr::V6(Ipv6Addr::from_bits(wide))] {
            let attributes = model.attributes(5, &source(&address.to_string()));
            prop_assert_eq!(attributes, model.image().attributes_of(address));
            let first = match address { IpAddr::V4(ip) => ip.octets()[0], IpAddr::V6(ip) => ip.octets()[0] };
            let allowed = first >= 128 || (address.is_ipv4() && (64..96).contains(&first));
            prop_assert_eq!(attributes.has(attribute::ALLOWED), allowed);
        }
    }
}
