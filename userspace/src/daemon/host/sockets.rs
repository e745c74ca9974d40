use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `TCP_ESTABLISHED` of `include/net/tcp_states.h`.
const ESTABLISHED: &str = "01";

/// The other ends of established connections to these ports, in the text of `/proc/net/tcp` or `/proc/net/tcp6`.
pub(super) fn connected(text: &str, ports: &[u16]) -> Vec<(IpAddr, u16)> {
    let connection = |line: &str| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (local, remote, state) = (fields.next()?, fields.next()?, fields.next()?);
        let (_, port) = endpoint(local)?;
        let (address, _) = endpoint(remote)?;
        (state == ESTABLISHED && ports.contains(&port)).then_some((address, port))
    };
    text.lines().skip(1).filter_map(connection).collect()
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
    fn ipv6_is_read_and_mapped_addresses_are_ipv4() {
        let wanted = ["2001:db8::7", "198.51.100.7"].map(|address| (address.parse().unwrap(), 22));
        assert_eq!(connected(TCP6, &[22]), wanted);
    }
}
