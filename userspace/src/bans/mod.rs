//! The tables of bans as their only writer sees them: 64-bit words, of the kernel or of this process, that readers look
//! at while they change. Pure: the lookup of the data path itself, `xdpgate_ebpf::bans`, runs over the same words.
//!
//! What a slot goes through:
//!
//! | state | end in the slot | readers |
//! |---|---|---|
//! | free | 0 | find nothing |
//! | banned | a time, or never | find it; the time may have passed |
//! | lifted | 1 or 2, long past | find a ban that has ended |
//!
//! A ban becomes visible with one store, of its end, after its key. Another end is one store. Nothing is ever moved.
//! So a reader that meets a change sees the state before it or after it:
//!
//! - IPv4: a slot is one word. There are no mixtures.
//! - IPv6: a key is two words, its end a third. Between a ban that was lifted and the next one in its slot lies
//!   [`Bans::clean`], which comes a second later, or waits for the readers: no look lasts that long. So a reader that
//!   sees words of two states sees a key that has no end, or one that is past, and finds no ban. That holds where loads
//!   are done in their order, as x86 does them. Elsewhere a look that began before a ban was whole could see its end
//!   and half of its key. It would take one packet of another source for a banned one, once.
//!
//! A ban that found no room in its own line makes that line say that it continues, and the line goes on to say so until
//! nothing depends on it: a ban in force is found whatever else is added, changed or lifted. So do the bits of the filter
//! and those of the lengths in use: they are set when the ban is in its slot, and go when no ban needs them.

mod bulk;
mod entry;
mod filter;
mod guide;
mod line;
mod memory;
mod rebuild;
mod shape;
mod table;
mod writer;

pub use self::memory::{BanWords, HeapWords, Reader};
pub use self::shape::{BanShape, ShapeError};
pub use self::table::TableFull;
pub use self::writer::{BanTableUse, Bans};

use xdpgate_ebpf::bans::BanTable;

/// What belongs to one of four tables.
const fn of<T>([exact_ipv4, prefix_ipv4, exact_ipv6, prefix_ipv6]: &[T; 4], table: BanTable) -> &T {
    match table {
        BanTable::ExactIpv4 => exact_ipv4,
        BanTable::PrefixIpv4 => prefix_ipv4,
        BanTable::ExactIpv6 => exact_ipv6,
        BanTable::PrefixIpv6 => prefix_ipv6,
    }
}

#[cfg(test)]
mod tests;
