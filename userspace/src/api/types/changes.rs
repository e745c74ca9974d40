use serde::{Deserialize, Serialize};

use crate::config::InterfaceName;

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// The daemon.
    Daemon,
    /// The command line itself, on what is pinned, because no daemon answered.
    Pins,
}

/// The answer to a change of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The generation that is live now.
    pub generation: u64,
    /// What it took in the kernel's tables.
    pub sizes: Sizes,
}

/// A compiled policy in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// IPv4 prefixes of which something is known.
    pub ipv4_prefixes: u64,
    /// Likewise for IPv6.
    pub ipv6_prefixes: u64,
    /// Different sets of attributes.
    pub attribute_sets: u64,
    /// How long it took to compile and install.
    pub milliseconds: u64,
}

/// `POST /v1/pause` and `POST /v1/resume`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseState {
    /// Whether everything passes now.
    pub paused: bool,
    /// Who did it.
    pub by: Actor,
}

/// `POST /v1/detach`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detached {
    /// No longer guarded.
    pub interfaces: Vec<InterfaceName>,
    /// Who did it.
    pub by: Actor,
}

/// `POST /v1/reload`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// The generation that is live now.
    pub generation: u64,
    /// What it took in the kernel's tables.
    pub sizes: Sizes,
    /// Guarded since this reload.
    pub attached: Vec<InterfaceName>,
    /// No longer guarded since this reload.
    pub detached: Vec<InterfaceName>,
    /// Keys that changed in the file and take effect only at the next start.
    pub needs_restart: Vec<String>,
}
