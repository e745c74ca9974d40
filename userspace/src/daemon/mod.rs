//! The daemon: owns the policy, the store and the kernel side, and keeps the three in step.

mod audit;
mod caller;
mod clock;
mod events;
mod failure;
mod feeds;
mod file_stamp;
mod gate;
mod geo_rule;
mod host;
mod inputs;
mod log;
mod options;

pub use self::audit::{AuditLog, read_audit};
pub use self::caller::{Caller, Credentials};
pub use self::clock::run_faster;
pub use self::events::{EventLog, tcp_flags};
pub use self::feeds::{Done, Look};
pub use self::gate::{BanLines, Gate, NewList, probe_of};
pub use self::host::socket_owners;
pub use self::inputs::{Inputs, Loaded, LoadedAsn, LoadedGeo};
pub use self::log::{LogFormat, start_logging};
pub use self::options::{MetricsAt, RunOptions};
