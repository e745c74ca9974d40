//! Bans at the start of a daemon.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use ipnet::IpNet;
use jiff::Timestamp;

use crate::api::Failure;
use crate::daemon::clock::{Deadline, now};
use crate::kernel::{Kernel, KernelError, monotonic_ns};
use crate::store::{BanChange, BanNote, BanRecord, Store};

/// Makes the kernel's bans those of the store. Returns how many had no room: a daemon that does not start would protect
/// from even fewer.
pub(in crate::daemon::gate) fn restore(kernel: &Kernel, store: &Store) -> Result<usize, Failure> {
    let (started, now) = (Instant::now(), now());
    if store.was_created() {
        adopt(kernel, store, now)?;
    }
    store.tidy_bans(now)?;
    let deadline = Deadline::now();
    let wanted = latest_ends(&store.bans()?, deadline);
    let replaced = kernel.replace_bans(&wanted);
    tracing::info!(bans = wanted.len(), milliseconds = started.elapsed().as_millis(), "bans restored");
    match replaced {
        Ok(()) => Ok(0),
        Err(KernelError::TableFull { .. }) => those_that_fit(kernel, &wanted),
        Err(error) => Err(error.into()),
    }
}

/// Of each prefix the latest end. Those of one prefix stand next to each other.
pub(super) fn latest_ends<'a>(
    bans: impl IntoIterator<Item = &'a BanRecord>,
    deadline: Deadline,
) -> Vec<(IpNet, Option<u64>)> {
    let mut ends: Vec<(IpNet, Option<u64>)> = Vec::new();
    for ban in bans {
        let end = deadline.monotonic(ban.note.expires);
        match ends.last_mut() {
            Some((prefix, last)) if *prefix == ban.prefix => {
                *last = last.zip(end).map(|(one, other)| one.max(other));
            }
            _ => ends.push((ban.prefix, end)),
        }
    }
    ends
}

fn those_that_fit(kernel: &Kernel, wanted: &[(IpNet, Option<u64>)]) -> Result<usize, Failure> {
    // What is not wanted must not take the room of what is.
    let keep: HashSet<IpNet> = wanted.iter().map(|(prefix, _)| prefix.trunc()).collect();
    for (prefix, _) in kernel.bans().iter().filter(|(prefix, _)| !keep.contains(prefix)) {
        kernel.unban(*prefix);
    }
    let mut left_out = 0;
    for (prefix, expires_ns) in wanted {
        match kernel.ban(*prefix, *expires_ns) {
            Ok(()) => {}
            Err(KernelError::TableFull { .. }) => left_out += 1,
            Err(error) => return Err(error.into()),
        }
    }
    tracing::error!(
        left_out,
        "not all bans are in force: their table is full; raise tables.bans and restart after `xdpgate detach`"
    );
    Ok(left_out)
}

/// A store that is new, under a kernel that still enforces bans: the operator moved a damaged one aside. The bans that
/// hold go on to hold.
fn adopt(kernel: &Kernel, store: &Store, now: Timestamp) -> Result<(), Failure> {
    let monotonic_now = monotonic_ns();
    let deadline = Deadline::at(now, monotonic_now);
    let mut held: HashMap<Option<u64>, Vec<IpNet>> = HashMap::new();
    for (prefix, expires_ns) in kernel.bans() {
        if expires_ns.is_none_or(|expires| expires > monotonic_now) {
            held.entry(expires_ns).or_default().push(prefix);
        }
    }
    if held.is_empty() {
        return Ok(());
    }
    let bans: usize = held.values().map(Vec::len).sum();
    tracing::warn!(bans, "the store is new; took over the bans that the kernel still holds");
    let groups = held.into_iter().map(|(expires_ns, prefixes)| {
        let note = BanNote {
            expires: expires_ns.map(|expires| deadline.wall(expires)),
            reason: "found in the kernel".to_owned(),
            source: "adopted".to_owned(),
            note: String::new(),
            created: now,
        };
        (note, prefixes)
    });
    store.change_bans(&[&BanChange::Put(groups.collect())])?;
    Ok(())
}
