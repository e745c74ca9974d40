//! Who sits in front of the command line: nobody may lock himself out by accident.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The header with which the command line tells the daemon of its SSH session.
pub(super) const HEADER: &str = "x-xdpgate-ssh-connection";

/// The other end of the SSH session in which the command line runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SshPeer {
    /// The operator's address.
    pub address: IpAddr,
    /// The port of this host's SSH server.
    pub port: u16,
}

impl SshPeer {
    /// Reads `SSH_CONNECTION`, which OpenSSH sets.
    #[must_use]
    pub fn from_environment() -> Option<Self> {
        std::env::var("SSH_CONNECTION").ok()?.parse().ok()
    }
}

/// Not an `SSH_CONNECTION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not of the form `client-address client-port server-address server-port`")]
pub struct SshPeerError;

impl FromStr for SshPeer {
    type Err = SshPeerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.split_ascii_whitespace();
        let address: IpAddr = words.next().and_then(|word| word.parse().ok()).ok_or(SshPeerError)?;
        let port = words.nth(2).and_then(|word| word.parse().ok()).ok_or(SshPeerError)?;
        Ok(Self { address: address.to_canonical(), port })
    }
}

impl fmt::Display for SshPeer {
    /// In the form of `SSH_CONNECTION`; the parts that do not matter here are zero.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} 0 0 {}", self.address, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_openssh_sets_is_read() {
        let peer: SshPeer = "192.0.2.7 51234 198.51.100.1 22".parse().unwrap();
        assert_eq!(peer, SshPeer { address: "192.0.2.7".parse().unwrap(), port: 22 });
        let mapped: SshPeer = "::ffff:192.0.2.7 51234 ::ffff:198.51.100.1 2222".parse().unwrap();
        assert_eq!(mapped, SshPeer { address: "192.0.2.7".parse().unwrap(), port: 2222 });
    }

    #[test]
    fn it_round_trips_through_the_header() {
        let peer = SshPeer { address: "2001:db8::1".parse().unwrap(), port: 22 };
        assert_eq!(peer.to_string().parse(), Ok(peer));
    }

    #[test]
    fn anything_else_is_no_peer() {
        for text in ["", "192.0.2.7", "UNKNOWN 0 UNKNOWN 0", "192.0.2.7 1 2 x"] {
            assert_eq!(text.parse::<SshPeer>(), Err(SshPeerError), "{text:?}");
        }
    }
}
