//! Every byte that crosses between the kernel and userspace.
//!
//! Only integers and byte arrays cross: no `bool`, `Option`, `usize` or fieldless `enum`, because a bit pattern that
//! the other side did not expect would be undefined behaviour. Addresses and ports are byte arrays in network order.

mod access;
mod attributes;
mod ban;
mod bucket;
mod counters;
mod event;
mod excess;
mod layout;
mod limit;
pub mod prefix;
mod settings;
mod steering;

pub use access::{Access, AccessRows, MAX_COUNTRY_RULES, access_flag};
pub use attributes::{AttributeSet, MAX_ATTRIBUTE_SETS, MAX_LISTS, attribute};
pub use ban::{
    BAN_LINE_CONTINUES, BAN_LINE_WORDS, BAN_SLOTS_IPV4, BAN_SLOTS_IPV6, Ban, BanControl, EXPIRY_SHIFT,
    MAX_BAN_PROBES, MIN_BAN_LINES, NEVER_EXPIRES, ban_word, expiry,
};
pub use bucket::{
    BUCKET_PLACES, BUCKET_SET_WORDS, BUCKET_SLOTS, BucketMarks, BucketSlot, BucketSlots, MAX_BUCKET_BITS,
    MIN_BUCKET_BITS, bucket_class, bucket_tag,
};
pub use counters::{
    COUNTRY_ROWS, Count, CountryCounters, EventCounters, InterfaceCounters, LimitCounters, ListCounters,
    MAX_REASONS, country_row,
};
pub use event::{Event, event_kind};
pub use excess::{EXCESS_AGAIN_NS, Excess};
pub use limit::{
    DESTINATION_CLASSES, Destinations, LIMITS_PER_RULE, LimitRow, MAX_BORDERS, MAX_LIMITS, MAX_PLANS,
    MAX_SERVICES, Meter, PORT_CLASSES, Rule, ServiceRow, limit_flag, limit_key, limit_number, limit_unit,
    port_place, rules, service,
};
pub use settings::{
    EventBudget, Limit, MAX_MANAGEMENT_PORTS, MAX_UDP_SERVICES, Settings, SourceLimits, action, family,
    fragments, mode,
};
pub use steering::{Control, InterfaceRow, MAX_INTERFACES, control, interface_mode};

/// The layout of everything in this module. Raised by one whenever a type, a map or a meaning changes; the loader
/// refuses pinned maps of another version. `cargo xtask check` fails when `abi/` changed and this did not.
pub const ABI_VERSION: u64 = 1;

/// The number of generations that the tables hold at once: the live one and the one being written.
pub const GENERATION_SLOTS: u64 = 2;
