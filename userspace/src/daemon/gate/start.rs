use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Instant;

use super::bans::{self, BanRegister};
use super::crowdsec::Crowdsec;
use super::lockout;
use super::replace::{self, Change};
use super::resume::{self, Begin};
use super::{Gate, Live};
use crate::api::Failure;
use crate::api::types::{ChecksStatus, LastReload, Sizes};
use crate::config::InterfaceName;
use crate::daemon::feeds::FeedBoard;
use crate::daemon::{AuditLog, EventLog, Inputs, RunOptions, clock};
use crate::kernel::{Attached, Kernel, KernelError};
use crate::store::{Kept, PolicyText, Store};

impl Gate {
    /// Puts the policy and the bans in force on every interface: the policy that was in force before, or the policy file
    /// where that was changed since. A policy that waits for a confirmation goes on waiting.
    ///
    /// On a fresh start the tables are full before the first packet meets the program. Where an earlier daemon's
    /// program still runs, it goes on with its policy until every interface is taken over, then the new policy is
    /// flipped in. When anything fails, what was enforced still is.
    ///
    /// # Errors
    /// When the policy is not valid, an interface cannot be guarded, or the kernel refuses.
    pub fn start(
        kernel: Kernel,
        store: Store,
        options: RunOptions,
        file: PolicyText,
    ) -> Result<Self, Failure> {
        let started = Instant::now();
        let now = clock::now();
        let Begin { inputs, number, change, pending, seen } = resume::begin(&kernel, &store, &options, file)?;
        let adopting = kernel.live_generation() > 0;
        let goes_on = pending.is_some();
        let generation = if goes_on { kernel.live_generation() } else { kernel.next_generation() };
        let image = Arc::new(inputs.compile(generation)?);
        let bans_left_out = bans::restore(&kernel, &store)?;
        // What an unconfirmed policy newly names is guarded when it is confirmed.
        let wanted = if goes_on { guarded_now(&kernel)? } else { inputs.config.interfaces.clone() };

        let attached = if adopting { attach_all(&kernel, &wanted)? } else { Vec::new() };
        let sizes = if goes_on {
            let compiled = (image.prefixes4().count() as u64, image.prefixes6().count() as u64);
            let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            let attribute_sets = image.attributes.len() as u64;
            Sizes { ipv4_prefixes: compiled.0, ipv6_prefixes: compiled.1, attribute_sets, milliseconds }
        } else {
            replace::sizes(&kernel.install(&image)?, started)
        };
        let attached = if adopting { attached } else { attach_all(&kernel, &wanted)? };
        lockout::warn(&inputs, &image);

        let audit = AuditLog::in_directory(store.directory());
        let settings = image.settings;
        let numbers = Arc::new(image.rules.numbers.clone());
        let limits = image.rules.uses.clone();
        drop(image);
        let lists = inputs.list_names();
        let number =
            change.as_ref().map_or(number, |change| keep(&store, &inputs, change, number, generation));
        let before = Arc::clone(&inputs.numbers);
        let inputs = Inputs { numbers: Arc::clone(&numbers), ..inputs };
        let gate = Self {
            kernel,
            store,
            options,
            live: RwLock::new(Live { inputs, settings, sizes, number, limits }.into()),
            changes: Mutex::new(()),
            pending: RwLock::new(pending),
            seen: RwLock::new(seen),
            audit,
            geo_watch: super::geo_update::GeoWatch::default(),
            bans: BanRegister::default(),
            crowdsec: Crowdsec::default(),
            last_reload: RwLock::new(LastReload { successful: true, time: now, error: None }),
            checks: RwLock::new(ChecksStatus::default()),
            guarded: Mutex::new(BTreeMap::new()),
            bans_left_out,
            events: EventLog::default(),
            feeds: FeedBoard::default(),
            started: now,
        };
        if let Some(change) = change {
            gate.audit(&change, Some(number));
        }
        gate.hand_over_list_counters(&lists);
        gate.hand_over_limits(&before, &numbers);
        gate.guard(attached);
        gate.let_go_of_others(&wanted);
        gate.forget_old_feeds();
        Ok(gate)
    }
}

/// Returns the number of the new entry. Where the disk refuses one, the policy is in force nevertheless.
fn keep(store: &Store, inputs: &Inputs, change: &Change<'_>, number: u64, generation: u64) -> u64 {
    let kept = || -> Result<u64, Failure> {
        let (snapshot, entry) = (inputs.snapshot()?, change.entry(generation)?);
        let kept = Kept {
            snapshot: &snapshot,
            entry: &entry,
            seen: change.seen.as_ref(),
            unconfirmed: false,
            feeds: &[],
        };
        Ok(store.keep(&kept)?)
    };
    kept().unwrap_or_else(|error| {
        tracing::error!(%error, "the policy is in force, but the history does not have it: the next start may load another");
        number
    })
}

fn guarded_now(kernel: &Kernel) -> Result<Vec<InterfaceName>, KernelError> {
    Ok(kernel.interfaces()?.into_iter().map(|row| row.name).collect())
}

/// Attaches to all, or to none that was not attached before.
pub(super) fn attach_all(kernel: &Kernel, wanted: &[InterfaceName]) -> Result<Vec<Attached>, KernelError> {
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
