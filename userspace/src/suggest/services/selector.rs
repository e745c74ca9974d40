//! A service as the command line names it.

use std::str::FromStr;

/// `tcp/443`: a protocol and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selector {
    /// TCP, not UDP.
    pub is_tcp: bool,
    /// The port on the host.
    pub port: u16,
}

/// Not a service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no service; write tcp or udp, and a port: tcp/443")]
pub struct SelectorError(String);

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || SelectorError(text.to_owned());
        let (protocol, port) = text.split_once('/').ok_or_else(wrong)?;
        let is_tcp = match protocol {
            "tcp" => true,
            "udp" => false,
            _ => return Err(wrong()),
        };
        let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?;
        Ok(Self { is_tcp, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_and_a_port() {
        assert_eq!("tcp/443".parse(), Ok(Selector { is_tcp: true, port: 443 }));
        assert_eq!("udp/53".parse(), Ok(Selector { is_tcp: false, port: 53 }));
        for wrong in ["", "443", "tcp", "tcp/", "tcp/0", "tcp/65536", "sctp/1", "443/tcp"] {
            assert!(wrong.parse::<Selector>().is_err(), "{wrong}");
        }
    }
}
