use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::Mode;

/// How the daemon stands with a `CrowdSec` local API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrowdsecStatus {
    /// The server.
    pub url: String,
    /// Whether its decisions are enforced or only counted.
    pub mode: Mode,
    /// Whether the last question was answered.
    pub reachable: bool,
    /// When the server last answered.
    pub last_answer: Option<Timestamp>,
    /// Decisions to ban addresses and ranges that hold, by origin.
    pub decisions: Vec<OriginDecisions>,
    /// Questions without an answer since the daemon started.
    pub errors: u64,
    /// Why the last question was not answered.
    pub error: Option<String>,
    /// Decisions that ban nobody, and why.
    pub unenforced: Vec<String>,
}

/// The decisions of one origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginDecisions {
    /// Who decided, such as `crowdsec`, `cscli` or `CAPI`.
    pub origin: String,
    /// How many.
    pub decisions: u64,
}
