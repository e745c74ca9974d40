//! The ceiling: a program that drops everything, with one counter.

use anyhow::Result;
use aya::programs::xdp::XdpMode;
use xdpgate_tests::veth::{GUARDED, Wire};

use super::{Counted, Guard};
use crate::driver::Driver;

/// Bare `XDP_DROP`.
pub(crate) struct Bare(Driver);

impl Bare {
    pub(crate) fn set_up(wire: &Wire) -> Result<Self> {
        let mut driver = Driver::load(1)?;
        wire.guarded.within(|| {
            driver.program_mut("counted_drop")?.attach(GUARDED, XdpMode::Driver)?;
            Ok(())
        })?;
        Ok(Self(driver))
    }
}

impl Guard for Bare {
    fn name(&self) -> &'static str {
        "XDP_DROP"
    }

    fn counted(&self, _: &Wire) -> Result<Counted> {
        Ok(Counted { dropped: self.0.sum()?, passed: 0 })
    }
}
