//! xdpgate with everything on: a list, a denied country, bans, limits of each source, sampled events.

use anyhow::{Result, ensure};
use xdpgate_ebpf::reason::Reason;
use xdpgate_ebpf::verdict::Action;
use xdpgate_tests::veth::{GUARDED, Wire};

use super::{Counted, Guard};
use crate::subjects::{self, Policy};

/// The program in the driver of its interface.
pub(crate) struct Ours(subjects::Ours);

impl Ours {
    pub(crate) fn set_up(wire: &Wire, policy: &Policy, sources: u32) -> Result<Self> {
        let ours = subjects::Ours::load(policy, sources)?;
        wire.guarded.within(|| Ok(ours.kernel().attach(&GUARDED.parse()?)?))?;
        Ok(Self(ours))
    }
}

impl Guard for Ours {
    fn name(&self) -> &'static str {
        "xdpgate"
    }

    fn counted(&self, _: &Wire) -> Result<Counted> {
        let sums = self.0.sums()?;
        let packets = |action| {
            let reasons = Reason::ALL.iter().filter(move |reason| reason.action() == action);
            reasons.map(|reason| sums.decided(*reason).packets).sum::<u64>()
        };
        let counted = Counted { dropped: packets(Action::Drop), passed: packets(Action::Pass) };
        let seen = sums.seen.packets;
        ensure!(counted.dropped + counted.passed <= seen, "{counted:?} of {seen} seen");
        Ok(counted)
    }
}
