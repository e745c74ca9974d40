//! The interfaces of the daemon's network namespace, guarded or not, as the kernel tells them.

use std::io;
use std::net::IpAddr;

use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};

use super::error::KernelError;

/// An interface of this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostInterface {
    /// Its number.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Whether it was set up.
    pub up: bool,
    /// Whether only the host itself sends on it.
    pub loopback: bool,
    /// Of a VLAN: the interface that its packets come in on first.
    pub lower: Option<u32>,
    /// The bridge or bond that it belongs to: packets come in here before they do there.
    pub controller: Option<u32>,
    /// The host's addresses on it.
    pub addresses: Vec<IpAddr>,
}

/// All interfaces.
///
/// # Errors
/// When the kernel does not answer.
pub fn host_interfaces() -> Result<Vec<HostInterface>, KernelError> {
    let answers = |question| dump(question).map_err(KernelError::Netlink);
    let mut interfaces = Vec::new();
    for answer in answers(RouteNetlinkMessage::GetLink(LinkMessage::default()))? {
        if let RouteNetlinkMessage::NewLink(link) = answer {
            interfaces.push(interface(&link));
        }
    }
    for answer in answers(RouteNetlinkMessage::GetAddress(AddressMessage::default()))? {
        let RouteNetlinkMessage::NewAddress(message) = answer else { continue };
        let index = message.header.index;
        if let Some(interface) = interfaces.iter_mut().find(|interface| interface.index == index) {
            interface.addresses.extend(address(&message));
        }
    }
    Ok(interfaces)
}

fn interface(link: &LinkMessage) -> HostInterface {
    let flags = link.header.flags;
    let mut interface = HostInterface {
        index: link.header.index,
        up: flags.contains(LinkFlags::Up),
        loopback: flags.contains(LinkFlags::Loopback),
        ..HostInterface::default()
    };
    let (mut below, mut is_vlan) = (None, false);
    for attribute in &link.attributes {
        #[expect(clippy::wildcard_enum_match_arm, reason = "the others say nothing that is asked")]
        match attribute {
            LinkAttribute::IfName(name) => interface.name.clone_from(name),
            LinkAttribute::Controller(index) => {
                interface.controller = Some(*index).filter(|index| *index != 0);
            }
            LinkAttribute::Link(index) => below = Some(*index),
            LinkAttribute::LinkInfo(parts) => is_vlan = parts.contains(&LinkInfo::Kind(InfoKind::Vlan)),
            _ => {}
        }
    }
    // Of other kinds it may be in another network namespace.
    interface.lower = below.filter(|_| is_vlan);
    interface
}

/// The host's own address; on a point-to-point interface the other attribute is that of its peer.
fn address(message: &AddressMessage) -> Option<IpAddr> {
    let mut other = None;
    for attribute in &message.attributes {
        #[expect(clippy::wildcard_enum_match_arm, reason = "the others are no addresses of the host")]
        match attribute {
            AddressAttribute::Local(address) => return Some(*address),
            AddressAttribute::Address(address) => other = Some(*address),
            _ => {}
        }
    }
    other
}

fn dump(question: RouteNetlinkMessage) -> io::Result<Vec<RouteNetlinkMessage>> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let mut packet = NetlinkMessage::from(question);
    packet.header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    packet.header.sequence_number = 1;
    packet.finalize();
    let mut bytes = vec![0; packet.buffer_len()];
    packet.serialize(&mut bytes);
    socket.send(&bytes, 0)?;

    let mut answers = Vec::new();
    loop {
        let (reply, _) = socket.recv_from_full()?;
        let mut rest = reply.as_slice();
        while !rest.is_empty() {
            let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
            // Messages begin at multiples of four bytes.
            let length = (message.header.length as usize).next_multiple_of(4).max(1);
            #[expect(clippy::wildcard_enum_match_arm, reason = "the others say nothing")]
            match message.payload {
                NetlinkPayload::Done(_) => return Ok(answers),
                NetlinkPayload::Error(error) => {
                    return Err(io::Error::from_raw_os_error(error.raw_code().saturating_neg()));
                }
                NetlinkPayload::InnerMessage(answer) => answers.push(answer),
                _ => {}
            }
            rest = rest.get(length..).unwrap_or_default();
        }
    }
}
