use std::collections::BTreeSet;
use std::sync::Arc;

use super::replace::Change;
use super::{Gate, lockout};
use crate::api::types::{AllowEntries, AllowEntry, AllowRequest, Origin, PrefixesRequest, Removed};
use crate::api::{Failure, Prefix};
use crate::daemon::{Caller, Inputs, clock};
use crate::store::AllowRecord;
use ipnet::IpNet;

impl Gate {
    /// The allowlist: the policy's entries, then the operators'.
    #[must_use]
    pub fn allowed(&self) -> AllowEntries {
        let inputs = &self.live().inputs;
        let by_file = inputs.config.allow.iter().map(|entry| AllowEntry {
            prefix: Prefix::from(entry.value),
            origin: Origin::Policy,
            line: Some(entry.line),
            note: String::new(),
            created: None,
        });
        let by_operators = inputs.allow.iter().map(|entry| AllowEntry {
            prefix: Prefix::from(entry.prefix),
            origin: Origin::Operator,
            line: None,
            note: entry.note.clone(),
            created: Some(entry.created),
        });
        AllowEntries { entries: by_file.chain(by_operators).collect() }
    }

    /// Adds to the allowlist.
    ///
    /// # Errors
    /// When the policy does not compile with it, or the kernel or the disk refuses.
    pub fn allow(&self, request: &AllowRequest, caller: &Caller) -> Result<AllowEntries, Failure> {
        let only = self.policy_change()?;
        let inputs = self.live().inputs.clone();
        let created = clock::now();
        let new: Vec<_> = request
            .prefixes
            .iter()
            .map(|prefix| AllowRecord { prefix: prefix.net(), note: request.note.clone(), created })
            .collect();
        let named: BTreeSet<IpNet> = new.iter().map(|entry| entry.prefix).collect();
        let kept = inputs.allow.iter().filter(|entry| !named.contains(&entry.prefix)).cloned();
        let allow = Arc::new(kept.chain(new.iter().cloned()).collect());
        let change = Change {
            to: Some(request.note.clone()).filter(|note| !note.is_empty()),
            ..Change::new(caller, "allow add", in_short(&named))
        };
        self.replace(&only, Inputs { allow, ..inputs }, |_| Ok(()), &change)?;
        Ok(self.allowed())
    }

    /// Takes entries off the allowlist.
    ///
    /// # Errors
    /// When an entry is the policy file's, the operator would lock himself out, or the kernel or the disk refuses.
    pub fn disallow(&self, request: &PrefixesRequest, caller: &Caller) -> Result<Removed, Failure> {
        let only = self.policy_change()?;
        let live = self.live();
        let inputs = live.inputs.clone();
        let is_there = |prefix: &&Prefix| inputs.allow.iter().any(|entry| entry.prefix == prefix.net());
        let (removed, missing): (Vec<&Prefix>, Vec<&Prefix>) = request.prefixes.iter().partition(is_there);
        if let Some(entry) =
            inputs.config.allow.iter().find(|entry| missing.iter().any(|p| p.net() == entry.value))
        {
            return Err(Failure::usage(format!(
                "{} is allowed by line {} of the policy file; remove it there, then `xdpgate reload`",
                entry.value, entry.line
            )));
        }
        let gone: BTreeSet<IpNet> = removed.iter().map(|prefix| prefix.net()).collect();
        if !gone.is_empty() {
            let kept = inputs.allow.iter().filter(|entry| !gone.contains(&entry.prefix)).cloned();
            let after = Inputs { allow: Arc::new(kept.collect()), ..inputs.clone() };
            let approve =
                |image: &_| lockout::check_image(&live.inputs, &after, image, caller, request.force);
            let change = Change::new(caller, "allow del", in_short(&gone));
            self.replace(&only, after.clone(), approve, &change)?;
        }
        Ok(Removed {
            removed: removed.into_iter().copied().collect(),
            missing: missing.into_iter().copied().collect(),
        })
    }
}

/// The first of them, and how many more.
pub(super) fn in_short<'a>(prefixes: impl IntoIterator<Item = &'a IpNet>) -> String {
    const SHOWN: usize = 3;
    let mut prefixes = prefixes.into_iter();
    let first: Vec<String> =
        prefixes.by_ref().take(SHOWN).map(|prefix| Prefix::from(*prefix).to_string()).collect();
    match prefixes.count() {
        0 => first.join(" "),
        more => format!("{} and {more} more", first.join(" ")),
    }
}
