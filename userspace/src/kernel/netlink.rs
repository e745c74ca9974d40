//! What the link layer says about an interface: whether it exists, and which XDP program it runs right now.

use std::io;

use netlink_packet_core::{NLM_F_ACK, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkMessage, LinkXdp, XdpAttached};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};

use super::error::KernelError;
use crate::config::InterfaceName;

/// One interface and its XDP program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LinkState {
    pub(super) ifindex: u32,
    /// The id of the program that runs on it.
    pub(super) program: Option<u32>,
    /// Whether it runs in the driver, rather than in the network stack.
    pub(super) native: bool,
}

/// `None`: there is no such interface in this network namespace.
pub(super) fn link_state(interface: &InterfaceName) -> Result<Option<LinkState>, KernelError> {
    let mut question = LinkMessage::default();
    question.attributes.push(LinkAttribute::IfName(interface.to_string()));
    let answer = ask(RouteNetlinkMessage::GetLink(question), NLM_F_REQUEST).map_err(KernelError::Netlink)?;
    Ok(answer.map(|link| read(&link)))
}

/// Takes a program off that was attached without a BPF link.
///
/// # Errors
/// `EBUSY` when a link holds it.
pub(super) fn remove_program(ifindex: u32, native: bool) -> io::Result<()> {
    let mut change = LinkMessage::default();
    change.header.index = ifindex;
    let mode = if native { XDP_FLAGS_DRV_MODE } else { XDP_FLAGS_SKB_MODE };
    change.attributes.push(LinkAttribute::Xdp(vec![LinkXdp::Fd(-1), LinkXdp::Flags(mode)]));
    ask(RouteNetlinkMessage::SetLink(change), NLM_F_REQUEST | NLM_F_ACK).map(|_| ())
}

/// Whether a refusal is a matter of permission: a verifier that refuses also says `EACCES`.
pub(super) fn is_privileged() -> bool {
    rustix::process::geteuid().is_root()
}

// `include/uapi/linux/if_link.h`
const XDP_FLAGS_SKB_MODE: u32 = 1 << 1;
const XDP_FLAGS_DRV_MODE: u32 = 1 << 2;

fn read(link: &LinkMessage) -> LinkState {
    let mut state = LinkState { ifindex: link.header.index, program: None, native: false };
    for attribute in &link.attributes {
        let LinkAttribute::Xdp(parts) = attribute else { continue };
        for part in parts {
            #[expect(
                clippy::wildcard_enum_match_arm,
                reason = "the other parts say nothing about the program"
            )]
            match part {
                LinkXdp::Attached(XdpAttached::Driver) => state.native = true,
                LinkXdp::ProgId(id) if *id != 0 => state.program = Some(*id),
                // With programs in several modes there is no single id; the driver's is the one that runs first.
                LinkXdp::DrvProgId(id) if *id != 0 => {
                    state.native = true;
                    state.program = Some(*id);
                }
                LinkXdp::SkbProgId(id) if state.program.is_none() && *id != 0 => state.program = Some(*id),
                _ => {}
            }
        }
    }
    state
}

/// One request, one answer; `None` where the kernel knows no such device.
fn ask(message: RouteNetlinkMessage, flags: u16) -> io::Result<Option<LinkMessage>> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;

    let mut packet = NetlinkMessage::from(message);
    packet.header.flags = flags;
    packet.header.sequence_number = 1;
    packet.finalize();
    let mut bytes = vec![0; packet.buffer_len()];
    packet.serialize(&mut bytes);
    socket.send(&bytes, 0)?;

    let (reply, _) = socket.recv_from_full()?;
    let reply = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&reply)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
    #[expect(clippy::wildcard_enum_match_arm, reason = "anything else is not an answer")]
    match reply.payload {
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(link)) => Ok(Some(link)),
        NetlinkPayload::Error(error) => match error.raw_code() {
            0 => Ok(None),
            code if code == -libc::ENODEV => Ok(None),
            code => Err(io::Error::from_raw_os_error(code.saturating_neg())),
        },
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "not an answer to a question about a link")),
    }
}
