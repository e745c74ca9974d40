use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

// `include/net/tcp_states.h`; a UDP socket that is not connected has the last.
const ESTABLISHED: &str = "01";
const LISTEN: &str = "0A";
const UNCONNECTED: &str = "07";

/// What a socket speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::daemon) enum Transport {
    Tcp,
    Udp,
}

/// A socket that waits for whoever comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::daemon) struct Listening {
    pub(in crate::daemon) transport: Transport,
    /// Unspecified: every address of the host; of an IPv6 socket those of IPv4 too, unless its program says otherwise.
    pub(in crate::daemon) address: IpAddr,
    pub(in crate::daemon) port: u16,
    pub(in crate::daemon) inode: u64,
}

/// A line of `/proc/net/tcp` and its likes.
struct Line<'a> {
    local: (IpAddr, u16),
    remote: (IpAddr, u16),
    state: &'a str,
    inode: Option<u64>,
}

/// The other ends of established connections to these ports, in the text of `/proc/net/tcp` or `/proc/net/tcp6`.
pub(super) fn connected(text: &str, ports: &[u16]) -> Vec<(IpAddr, u16)> {
    let lines = lines(text).filter(|line| line.state == ESTABLISHED && ports.contains(&line.local.1));
    lines.map(|line| (line.remote.0, line.local.1)).collect()
}

/// Sockets that wait for connections or datagrams, in the text of `/proc/net/tcp`, `udp`, `tcp6` or `udp6`.
pub(in crate::daemon) fn listening(text: &str, transport: Transport) -> Vec<Listening> {
    let wanted = match transport {
        Transport::Tcp => LISTEN,
        Transport::Udp => UNCONNECTED,
    };
    let lines = lines(text).filter(|line| line.state == wanted && line.remote.1 == 0 && line.local.1 != 0);
    let socket = |line: Line<'_>| {
        let (address, port) = line.local;
        Some(Listening { transport, address, port, inode: line.inode? })
    };
    lines.filter_map(socket).collect()
}

fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines().skip(1).filter_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (local, remote, state) = (endpoint(fields.next()?)?, endpoint(fields.next()?)?, fields.next()?);
        // Queues, timer, retransmissions, user, timeout.
        let inode = fields.nth(5).and_then(|inode| inode.parse().ok());
        Some(Line { local, remote, state, inode })
    })
}

/// `0100007F:0016`: words of the address in the machine's order, the port as a number.
fn endpoint(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| u32::from_str_radix(address.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    let address = match address.len() {
        8 => IpAddr::from(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut bytes = [0; 16];
            for (at, place) in bytes.chunks_exact_mut(4).enumerate() {
                place.copy_from_slice(&word(8 * at)?);
            }
            IpAddr::from(Ipv6Addr::from(bytes)).to_canonical()
        }
        _ => return None,
    };
    Some((address, port))
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use super::*;

    const TCP: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0202000A:0016 076433C6:C822 01 00000000:00000000 02:0008B5C1 00000000     0        0 2 4 0 20 4 29 10 -1
   2: 0202000A:01BB 086433C6:C823 01 00000000:00000000 02:0008B5C1 00000000     0        0 3 4 0 20 4 29 10 -1
   3: 0202000A:0016 096433C6:C824 06 00000000:00000000 02:0008B5C1 00000000     0        0 4 4 0 20 4 29 10 -1
";
    const TCP6: &str = "  sl  local_address                         remote_address                        st
   0: B80D0120000000000000000001000000:0016 B80D0120000000000000000007000000:D431 01 0 0
   1: 0000000000000000FFFF00000202000A:0016 0000000000000000FFFF0000076433C6:D431 01 0 0
";

    #[test]
    fn only_established_connections_to_the_ports_count() {
        assert_eq!(connected(TCP, &[22]), [("198.51.100.7".parse().unwrap(), 22)]);
        assert_eq!(connected(TCP, &[443, 80]), [("198.51.100.8".parse().unwrap(), 443)]);
        assert!(connected("", &[22]).is_empty());
        assert!(connected("header\nrubbish\n 1: x:y z 01\n", &[22]).is_empty());
    }

    #[test]
    fn listening_sockets_are_read() {
        let any = |port, inode| Listening { transport: Transport::Tcp, address: [0; 4].into(), port, inode };
        assert_eq!(listening(TCP, Transport::Tcp), [any(22, 1)]);
        let tcp6 = "header\n   0: 00000000000000000000000001000000:0277 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 7 1\n";
        let [socket] = listening(tcp6, Transport::Tcp)[..] else { panic!("one socket") };
        assert_eq!((socket.address, socket.port, socket.inode), ("::1".parse().unwrap(), 631, 7));
    }

    #[test]
    fn udp_sockets_that_are_connected_hear_only_one() {
        let udp = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref\n\
            \x20 71: 3500007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 21 2 0 0\n\
            \x20 72: 0202000A:C001 076433C6:0035 01 00000000:00000000 00:00000000 00000000   101        0 22 2 0 0\n";
        let [socket] = listening(udp, Transport::Udp)[..] else { panic!("one socket") };
        assert_eq!((socket.address, socket.port, socket.inode), ("127.0.0.53".parse().unwrap(), 53, 21));
    }

    #[test]
    fn ipv6_is_read_and_mapped_addresses_are_ipv4() {
        let wanted = ["2001:db8::7", "198.51.100.7"].map(|address| (address.parse().unwrap(), 22));
        assert_eq!(connected(TCP6, &[22]), wanted);
    }
}
