//! A wire with a daemon on it.

use anyhow::Result;
use xdpgate_tests::daemon::Daemon;
use xdpgate_tests::prerequisites;
use xdpgate_tests::veth::{GUARDED, Wire};

/// The daemon guards one end of the wire with its embedded policy.
pub(crate) struct Stage {
    // Dropped in this order: the daemon detaches before its namespace is deleted.
    pub(crate) daemon: Daemon,
    pub(crate) wire: Wire,
}

impl Stage {
    pub(crate) fn set() -> Result<Self> {
        let wire = Wire::create()?;
        let daemon =
            Daemon::start(&prerequisites::xdpgate_binary()?, &wire.guarded, &["--interface", GUARDED])?;
        Ok(Self { daemon, wire })
    }
}
