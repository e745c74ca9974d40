//! Why segments can't be written as prefix tables.

use xdpgate_ebpf::abi::prefix::Region;

/// Why segments can't be written as prefix tables. What is in force stays in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// More than fits.
    #[error(
        "the policy tells {segments} ranges of {family} addresses apart, and they need more than the {} MiB that the \
         kernel's tables have for them; leave out a list, or write wider prefixes",
        region.bytes() >> 20
    )]
    Full {
        /// `IPv4` or `IPv6`.
        family: &'static str,
        /// How many ranges of addresses the policy tells apart.
        segments: usize,
        /// Where it did not fit.
        region: Region,
    },
}
