//! What must hold of any bytes: the fuzzer looks for some of which it does not, and every test run asks it of the committed
//! ones. A check that fails panics.

pub mod geo;
pub mod lists;
pub mod traffic;

/// A target's name, and its check.
pub type Target = (&'static str, fn(&[u8]));

/// Every target. `corpus/NAME` has samples, `regressions/NAME` what once failed.
pub const TARGETS: [Target; 14] = [
    ("auto", lists::auto),
    ("plain", lists::plain),
    ("spamhaus_json", lists::spamhaus_json),
    ("tor_exits", lists::tor_exits),
    ("csv", lists::csv),
    ("json", lists::json),
    ("ipset", lists::ipset),
    ("nft", lists::nft),
    ("nft_json", lists::nft_json),
    ("rir", lists::rir),
    ("geo_csv", geo::csv),
    ("geo_mmdb", geo::mmdb),
    ("capture", traffic::capture),
    ("packet", traffic::packet),
];
