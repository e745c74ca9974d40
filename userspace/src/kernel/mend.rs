//! Comparing the tables with what they should hold, while programs read them.

use ipnet::IpNet;
use xdpgate_ebpf::abi::{GENERATION_SLOTS, Settings, control};

use super::error::KernelError;
use super::memory::Pen;
use super::{Kernel, lock};
use crate::policy::{Image, PrefixTables};

/// Bans that are compared under one lock: who bans meanwhile waits for no more.
const BANS_AT_ONCE: usize = 4096;

/// How many entries of the live generation's tables did not hold what they should: words of 8 bytes, and the settings as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyDrift {
    /// Words that steer the data path.
    pub control: u64,
    /// The settings.
    pub settings: u64,
    /// The prefix tables.
    pub prefixes: u64,
    /// The attribute sets.
    pub attributes: u64,
    /// Services, plans and limits.
    pub rules: u64,
}

impl Kernel {
    /// Compares the live generation's tables with its image, word by word, and mends what differs in place. Packets see each
    /// word as it was or as it should be. What an image does not reach is not looked at.
    ///
    /// To be called by the only one who changes the policy, while the image is in force: `return_at` is when it is to end.
    ///
    /// # Errors
    /// A table can't be read or written; what was mended until then stays mended.
    pub fn mend(&self, image: &Image, return_at: Option<u64>) -> Result<PolicyDrift, KernelError> {
        let generation = image.settings.generation;
        let slot = u32::try_from(generation & (GENERATION_SLOTS - 1)).unwrap_or(0);
        let prefixes = PrefixTables::compile(&image.ipv4, &image.ipv6)?;
        let mut tables = lock(&self.policy);
        let mut pen = Pen::mender();
        let blocks: Vec<_> = prefixes.blocks().collect();
        let missing = tables.blocks.mend(slot, &blocks, &mut pen)?;
        tables.write_roots(slot, &prefixes, &mut pen);
        let mut drift = PolicyDrift { prefixes: missing + pen.mended(), ..PolicyDrift::default() };
        let mut pen = Pen::mender();
        tables.write_attributes(slot, &image.attributes, &mut pen);
        drift.attributes = pen.mended();
        let mut pen = Pen::mender();
        tables.rules.write(slot, &image.rules, &mut pen);
        drift.rules = pen.mended();
        let failed = |error| KernelError::table("SETTINGS", error);
        let settings: Settings = tables.settings.get(&slot, 0).map_err(failed)?;
        if settings != image.settings {
            tables.settings.set(slot, image.settings, 0).map_err(failed)?;
            drift.settings = 1;
        }
        // Last: what they lead to is right by now.
        drift.control = self.mend_control(generation, return_at);
        Ok(drift)
    }

    fn mend_control(&self, generation: u64, return_at: Option<u64>) -> u64 {
        let mut mended = 0;
        if self.live_generation() != generation {
            self.control.set(control::LIVE_GENERATION, generation);
            mended += 1;
        }
        if self.return_at() != return_at {
            match return_at {
                Some(at) => self.return_at_again(at),
                None => self.confirm(),
            }
            mended += 1;
        }
        mended
    }

    /// Which of these bans the data path does not honour until their end, give or take `slack_ns`: their positions.
    #[must_use]
    pub fn bans_not_honoured(&self, wanted: &[(IpNet, Option<u64>)], slack_ns: u64) -> Vec<usize> {
        let mut found = Vec::new();
        let mut first = 0;
        for chunk in wanted.chunks(BANS_AT_ONCE) {
            let bans = lock(&self.bans);
            let differing =
                (first..).zip(chunk).filter(|(_, (prefix, end))| !bans.honours(*prefix, *end, slack_ns));
            found.extend(differing.map(|(position, _)| position));
            first += chunk.len();
        }
        found
    }

    /// Reads the tables of bans anew, and mends the words that lead to what is in them.
    pub fn rebuild_bans(&self) {
        lock(&self.bans).rebuild();
    }
}
