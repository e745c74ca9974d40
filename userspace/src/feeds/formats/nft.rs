//! Sets of nftables: as text and scripts, and as JSON.

pub(super) mod json;
pub(super) mod text;
mod words;

use crate::feeds::list::ListError;

const NO_SET: ListError = ListError::NotAList {
    what: "of nftables, but without a set",
    instead: "; export one with `nft list set`, or all with `nft list ruleset`",
};

/// What `type ipv4_addr . inet_service` makes of an element.
const CONCATENATION: &str = "an element of several parts";
