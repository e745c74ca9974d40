//! Our look-up alone, without the rest of the program.

use anyhow::{Result, bail};
use aya::programs::ProgramFd;
use xdpgate::feeds::GeoDatabase;

use crate::prefixes::{Prefixes4, Prefixes6};

/// The look-up of one family over a table of its own.
pub(crate) struct LookUp {
    /// For the driver.
    pub(crate) program: ProgramFd,
    /// Memory of the table, in bytes.
    pub(crate) bytes: u64,
}

impl LookUp {
    /// A table of IPv4 prefixes.
    pub(crate) fn ipv4(_prefixes: &Prefixes4) -> Result<Self> {
        bail!("the program has no look-up of its own yet")
    }

    /// A table of IPv6 prefixes.
    pub(crate) fn ipv6(_prefixes: &Prefixes6) -> Result<Self> {
        bail!("the program has no look-up of its own yet")
    }

    /// The memory of tables of all countries, IPv4 and IPv6, in bytes.
    pub(crate) fn geo(_database: &GeoDatabase) -> Result<[u64; 2]> {
        bail!("the program has no look-up of its own yet")
    }
}
