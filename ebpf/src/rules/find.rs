//! From a packet's port and destination to its service.

use crate::abi::{MAX_BORDERS, Settings, family, port_place, rules};
use crate::packet::{Packet, protocol};
use crate::tables::Tables;

/// The number of the packet's service; [`crate::abi::service::NONE`] where it is for none.
#[inline(always)]
#[must_use]
pub fn service<T: Tables>(tables: &T, settings: &Settings, packet: &Packet) -> u8 {
    let generation = settings.generation;
    let ports = tables.port_class(generation, place(packet));
    let mut destination = 0;
    if settings.rules & rules::DESTINATIONS != 0 {
        destination = tables.destination_class(generation, borders_below(tables, generation, packet));
    }
    tables.service(generation, destination, ports)
}

/// Likewise, where no service names destinations.
#[inline(always)]
#[must_use]
pub fn service_by_port<T: Tables>(tables: &T, settings: &Settings, packet: &Packet) -> u8 {
    let generation = settings.generation;
    tables.service(generation, 0, tables.port_class(generation, place(packet)))
}

#[inline(always)]
const fn place(packet: &Packet) -> u32 {
    let port = u16::from_be_bytes(packet.destination_port) as u32;
    match packet.protocol {
        protocol::TCP => port_place::TCP + port,
        protocol::UDP => port_place::UDP + port,
        other => port_place::PROTOCOLS + other as u32,
    }
}

/// How many borders are not above the packet's destination, by halving.
#[inline(always)]
fn borders_below<T: Tables>(tables: &T, generation: u64, packet: &Packet) -> u32 {
    let (high, low) = halves(packet);
    let mut below = 0;
    let mut step = MAX_BORDERS / 2;
    while step != 0 {
        let (border_high, border_low) = tables.border(generation, below + step - 1);
        let is_below = border_high < high || border_high == high && border_low <= low;
        below = tables.settle_number(if is_below { below + step } else { below });
        step /= 2;
    }
    below
}

/// The destination in two words, an IPv4 address as one of `::ffff:0:0/96`.
#[inline(always)]
const fn halves(packet: &Packet) -> (u64, u64) {
    let address = u128::from_be_bytes(packet.destination);
    #[expect(clippy::cast_possible_truncation, reason = "a half")]
    let (high, low) = ((address >> 64) as u64, address as u64);
    if packet.source.family == family::IPV4 { (0, 0xffff << 32 | high >> 32) } else { (high, low) }
}
