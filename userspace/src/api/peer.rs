//! Who sits in front of the command line: nobody may lock himself out by accident.

use std::net::IpAddr;
use std::str::FromStr;
use std::{fmt, fs};

/// The header with which the command line tells the daemon of its SSH session.
pub(crate) const HEADER: &str = "x-xdpgate-ssh-connection";

/// The other end of the SSH session in which the command line runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SshPeer {
    /// The operator's address.
    pub address: IpAddr,
    /// The port of this host's SSH server.
    pub port: u16,
}

impl SshPeer {
    /// Reads `SSH_CONNECTION`, which OpenSSH sets, from the environment of this process or of one that it descends from:
    /// `sudo` and `su` do not hand it down.
    #[must_use]
    pub fn of_this_session() -> Option<Self> {
        let own = std::env::var(VARIABLE).ok();
        own.and_then(|value| value.parse().ok()).or_else(|| ancestors().find_map(|pid| of_process(&pid)))
    }
}

const VARIABLE: &str = "SSH_CONNECTION";
/// Far more than a session has; a loop in what `/proc` says must end.
const MOST_ANCESTORS: usize = 64;

fn of_process(pid: &str) -> Option<SshPeer> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let mut variables =
        environment.split(|byte| *byte == 0).filter_map(|variable| str::from_utf8(variable).ok());
    variables.find_map(|variable| variable.strip_prefix(VARIABLE)?.strip_prefix('=')?.parse().ok())
}

fn ancestors() -> impl Iterator<Item = String> {
    std::iter::successors(parent("self"), |pid| parent(pid)).take(MOST_ANCESTORS)
}

fn parent(pid: &str) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold anything; state and parent come after it.
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_ascii_whitespace().nth(1).filter(|pid| *pid != "0").map(str::to_owned)
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
    fn the_session_is_found_through_sudo() {
        let child = std::process::Command::new("sleep")
            .arg("10")
            .env(VARIABLE, "192.0.2.7 1 198.51.100.1 22")
            .spawn();
        let mut child = child.unwrap();
        let pid = child.id().to_string();
        // Between fork and exec the child still has the environment of this process.
        let found = (0..200).find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            of_process(&pid)
        });
        let parent = parent(&pid);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found, Some(SshPeer { address: "192.0.2.7".parse().unwrap(), port: 22 }));
        assert_eq!(parent, Some(std::process::id().to_string()));
        assert!(ancestors().next().is_some());
    }

    #[test]
    fn anything_else_is_no_peer() {
        for text in ["", "192.0.2.7", "UNKNOWN 0 UNKNOWN 0", "192.0.2.7 1 2 x"] {
            assert_eq!(text.parse::<SshPeer>(), Err(SshPeerError), "{text:?}");
        }
    }
}
