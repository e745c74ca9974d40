use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Instant;

use super::bans::{self, BanRegister};
use super::{Gate, Live};
use crate::api::Failure;
use crate::api::types::{LastReload, Sizes};
use crate::config::Config;
use crate::daemon::{EventLog, Inputs, RunOptions, clock};
use crate::kernel::{Attached, Kernel, KernelError};
use crate::store::Store;

impl Gate {
    /// Puts the policy and the bans in force on every interface.
    ///
    /// On a fresh start the tables are full before the first packet meets the program. Where an earlier daemon's
    /// program still runs, it goes on with its policy until every interface is taken over, then the new policy is
    /// flipped in. When anything fails, what was enforced still is.
    ///
    /// # Errors
    /// When the policy is not valid, an interface cannot be guarded, or the kernel refuses.
    pub fn start(kernel: Kernel, store: Store, options: RunOptions, config: Config) -> Result<Self, Failure> {
        let started = Instant::now();
        let now = clock::now();
        let inputs = Inputs::load(config, Some(&store))?;
        let before = kernel.live_generation();
        let image = inputs.compile(before + 1)?;
        let bans_left_out = bans::restore(&kernel, &store)?;
        let wanted = inputs.config.interfaces.clone();

        let adopting = before > 0;
        let attached = if adopting { attach_all(&kernel, &wanted)? } else { Vec::new() };
        let report = kernel.install(&image)?;
        let settings = image.settings;
        let numbers = Arc::new(image.rules.numbers.clone());
        let limits = image.rules.uses.clone();
        drop(image);
        let attached = if adopting { attached } else { attach_all(&kernel, &wanted)? };

        let sizes = Sizes {
            ipv4_prefixes: report.prefixes.ipv4.segments as u64,
            ipv6_prefixes: report.prefixes.ipv6.segments as u64,
            attribute_sets: report.attribute_sets,
            milliseconds: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        let lists = inputs.list_names();
        let before = Arc::clone(&inputs.numbers);
        let inputs = Inputs { numbers: Arc::clone(&numbers), ..inputs };
        let gate = Self {
            kernel,
            store,
            options,
            live: RwLock::new(Live { inputs, settings, sizes, limits }.into()),
            changes: Mutex::new(()),
            bans: BanRegister::default(),
            last_reload: RwLock::new(LastReload { successful: true, time: now, error: None }),
            guarded: Mutex::new(BTreeMap::new()),
            bans_left_out,
            events: EventLog::default(),
            started: now,
        };
        gate.hand_over_list_counters(&lists);
        gate.hand_over_limits(&before, &numbers);
        gate.guard(attached);
        gate.let_go_of_others(&wanted);
        Ok(gate)
    }
}

/// Attaches to all, or to none that was not attached before.
pub(super) fn attach_all(
    kernel: &Kernel,
    wanted: &[crate::config::InterfaceName],
) -> Result<Vec<Attached>, KernelError> {
    let mut attached = Vec::new();
    for name in wanted {
        match kernel.attach(name) {
            Ok(done) => attached.push(done),
            Err(error) => {
                take_off_fresh(kernel, &attached);
                return Err(error);
            }
        }
    }
    Ok(attached)
}

/// Undoes attachments that were not there before.
pub(super) fn take_off_fresh(kernel: &Kernel, attached: &[Attached]) {
    for fresh in attached.iter().filter(|attached| !attached.adopted) {
        if let Err(error) = kernel.detach(&fresh.name) {
            tracing::warn!(interface = %fresh.name, %error, "could not be detached again");
        }
    }
}
