use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AsnDatabaseInfo, ChecksStatus, CrowdsecStatus, GeoDatabaseInfo, ModeSet, PendingStatus, Sizes};
use crate::config::InterfaceName;

/// How the program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum XdpMode {
    /// In the driver, before the kernel spends anything on the packet.
    Native,
    /// In the network stack: works everywhere, after the kernel has paid for the packet.
    Generic,
    /// Not attached.
    None,
}

impl XdpMode {
    /// The word for tables and labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Generic => "generic",
            Self::None => "none",
        }
    }
}

/// One interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceStatus {
    /// Which.
    pub name: InterfaceName,
    /// The kernel's index of it.
    pub ifindex: u32,
    /// How the program is attached.
    pub mode: XdpMode,
    /// Whether this daemon found it attached when it started.
    pub adopted: bool,
    /// Whether the kernel runs the program there now.
    pub enforcing: bool,
}

/// The last time the policy was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastReload {
    /// Whether it took effect. If not, the policy before it is still in force.
    pub successful: bool,
    /// When.
    pub time: Timestamp,
    /// Why not.
    pub error: Option<String>,
}

/// The policy in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyStatus {
    /// The file; `null` is the policy built into the program.
    pub file: Option<PathBuf>,
    /// When what is in force was read.
    pub loaded: Timestamp,
    /// The entry of the history that is in force.
    #[serde(default)]
    pub number: u64,
    /// Whether the file, as it was last read, is not what is in force: something else was applied, or an operator went back.
    #[serde(default)]
    pub differs_from_file: bool,
    /// What waits for a confirmation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingStatus>,
    /// Rules whose mode an operator has set.
    #[serde(default)]
    pub modes: Vec<ModeSet>,
    /// The last attempt to read it.
    pub last_reload: LastReload,
    /// What it takes in the kernel's tables.
    pub sizes: Sizes,
}

/// One of the kernel's tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableStatus {
    /// Which.
    pub name: String,
    /// Entries in it.
    pub used: u64,
    /// Entries that fit.
    pub capacity: u64,
}

/// What the kernel can do, and how it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelInfo {
    /// The kernel's release.
    pub release: String,
    /// Whether packets in several buffers (large MTU) reach the program in the driver.
    pub fragments: bool,
}

/// `GET /v1/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Of the daemon.
    pub version: String,
    /// Of the daemon.
    pub pid: u32,
    /// When it started.
    pub started: Timestamp,
    /// Every interface enforces a live generation.
    pub ready: bool,
    /// Why not ready, and what else someone should look at.
    pub problems: Vec<String>,
    /// Whether an operator's pause is in force: everything passes and is still counted.
    pub paused: bool,
    /// The live generation.
    pub generation: u64,
    /// The policy in force.
    pub policy: PolicyStatus,
    /// What is guarded.
    pub interfaces: Vec<InterfaceStatus>,
    /// Bans in force.
    pub bans: u64,
    /// Entries of the allowlist.
    pub allow: u64,
    /// Blocklists.
    pub lists: u64,
    /// Lines of the audit log that could not be written since the daemon started.
    #[serde(default)]
    pub audit_failures: u64,
    /// Comparisons of the kernel's tables with what they should hold.
    #[serde(default)]
    pub checks: ChecksStatus,
    /// The local API of `CrowdSec`, where the policy names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crowdsec: Option<CrowdsecStatus>,
    /// The country rule in a few words.
    pub country: String,
    /// The geo database in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geo_database: Option<GeoDatabaseInfo>,
    /// The database of autonomous systems in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asn_database: Option<AsnDatabaseInfo>,
    /// How full the kernel's tables are.
    pub tables: Vec<TableStatus>,
    /// What the kernel can do.
    pub kernel: KernelInfo,
}
