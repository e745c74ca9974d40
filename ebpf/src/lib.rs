//! What the kernel runs: the decision over one packet, and every type that crosses to userspace.
//!
//! The library is pure and `no_std`: packet bytes ([`packet::View`]), tables ([`tables::Tables`]) and a clock go in, a
//! [`verdict::Verdict`] comes out. Three hosts share it: the XDP program (`bin/xdp`), the daemon's `explain`, and the
//! tests. What an operator tries is what the kernel will do.
#![cfg_attr(not(test), no_std)]

pub mod abi;
pub mod bans;
pub mod buckets;
pub mod decide;
pub mod limit;
pub mod packet;
pub mod prefix;
pub mod reason;
pub mod rules;
pub mod tables;
pub mod verdict;
