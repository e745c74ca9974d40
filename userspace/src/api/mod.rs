//! The daemon's interface to operators and programs, HTTP with JSON over a Unix socket: its shapes and its client.

mod client;
mod failure;
pub(crate) mod peer;
mod prefix;
pub mod types;

pub use self::client::Client;
pub use self::failure::{Failure, FailureBody, FailureKind};
pub use self::peer::SshPeer;
pub use self::prefix::Prefix;

/// Where the daemon listens unless the policy says otherwise.
pub const DEFAULT_SOCKET: &str = "/run/xdpgate/xdpgate.sock";

/// The largest request body: a list of ten million prefixes fits.
pub const MAX_BODY_BYTES: usize = 512 << 20;
