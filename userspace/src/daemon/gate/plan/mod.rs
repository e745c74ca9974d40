//! What a policy would change, before it does: nothing here touches what is in force.

mod judge;
mod keys;
mod prefixes;
mod seen;
mod sources;
mod tables;

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

pub(super) use self::prefixes::summary;

use self::judge::Judge;
use self::prefixes::{Known, Named};
use self::seen::Seen;
use self::sources::Family;
use super::{Gate, lockout};
use crate::api::Failure;
use crate::api::types::{Plan, PlanRequest, SourceChanges};
use crate::config::Name;
use crate::daemon::{Caller, Inputs};
use crate::policy::{Image, PrefixTables};

/// Buckets are full again after a day at most.
const MINUTES: RangeInclusive<u32> = 1..=24 * 60;

impl Gate {
    /// What [`Gate::apply`] would change, and whether it would refuse. Applies nothing.
    ///
    /// # Errors
    /// When the policy is not valid, or does not fit the kernel's tables.
    pub fn plan(&self, request: PlanRequest, caller: &Caller) -> Result<Plan, Failure> {
        if !MINUTES.contains(&request.minutes) {
            return Err(Failure::usage("only sources of the last 1 to 1,440 minutes can be asked about"));
        }
        let policy = self.policy_of(request.policy)?;
        let file = policy.file.clone();
        let config = self.options.check(&policy)?;
        let live = self.live();
        let state = self.operator_state()?;
        let inputs = Inputs::of_store(Some(&live.inputs), policy, config, &state, &self.store)?;

        // Compiled again: nobody keeps the image that is in force.
        let before = live.inputs.compile(live.settings.generation)?;
        let after = Arc::new(inputs.compile(self.kernel.next_generation())?);
        let sizes = [&before, &after]
            .map(|image| PrefixTables::compile(&image.ipv4, &image.ipv6).map(|tables| tables.size()));
        let [size_before, size_after] = sizes;
        let tables = tables::changes(
            (&before, size_before.map_err(crate::kernel::KernelError::from)?),
            (&after, size_after.map_err(crate::kernel::KernelError::from)?),
            self.options.kernel(&live.inputs.config).prefixes,
            self.kernel.limiter_size(),
        );
        let mut refusals: Vec<Failure> = self.whole_change_refused().into_iter().collect();
        refusals.extend(self.kernel.refuses(&after).map(Failure::from));
        refusals.extend(lockout::findings(&live.inputs, &inputs, &after, caller)?);

        let seen = Seen::of(
            &self.kernel,
            &before,
            &self.events,
            Duration::from_secs(60 * u64::from(request.minutes)),
        );
        let after = Arc::unwrap_or_clone(after);
        let known = Known::of(&named(&before, &live.inputs), &named(&after, &inputs));
        let (before4, before6, before) = without_segments(before);
        let (after4, after6, after) = without_segments(after);
        let mut judge = Judge::new(before, after, [&live.inputs.config, &inputs.config]);
        let (ipv4, differing4) = prefixes::compare(&before4, &after4, &known, &mut judge);
        let (ipv6, differing6) = prefixes::compare(&before6, &after6, &known, &mut judge);
        let sources = sources::judge(
            &self.kernel,
            &seen,
            &mut judge,
            &Family { before: &before4, after: &after4, differing: differing4 },
            &Family { before: &before6, after: &after6, differing: differing6 },
        );

        let wanted = &inputs.config.interfaces;
        let rules = keys::changes(&keys::keys(&live.inputs), &keys::keys(&inputs));
        let attach = self.not_guarded(wanted);
        let detach: Vec<_> = self.names().into_iter().filter(|name| !wanted.contains(name)).collect();
        let needs_restart = super::apply::needs_restart(&live.inputs.config, &inputs.config);
        let changes = !rules.is_empty()
            || !attach.is_empty()
            || !detach.is_empty()
            || !needs_restart.is_empty()
            || !differing_is_empty(&ipv4)
            || !differing_is_empty(&ipv6);
        Ok(Plan {
            file,
            compared_with: live.number,
            changes,
            refusals,
            rules,
            attach,
            detach,
            needs_restart,
            ipv4,
            ipv6,
            tables,
            sources: SourceChanges {
                minutes: request.minutes,
                left_out: left_out(&seen, &live.inputs),
                ..sources
            },
        })
    }

    fn whole_change_refused(&self) -> Option<Failure> {
        self.pending()
            .filter(|pending| pending.failed.is_none())
            .map(|pending| super::confirm::must_be_confirmed(&pending))
    }
}

fn differing_is_empty(changes: &crate::api::types::FamilyChanges) -> bool {
    let all =
        [&changes.added, &changes.removed, &changes.changed, &changes.newly_dropped, &changes.newly_passing];
    all.iter().all(|changes| changes.prefixes == 0)
}

fn named<'a>(image: &'a Image, inputs: &'a Inputs) -> Named<'a> {
    Named {
        sets: &image.attributes,
        lists: image.lists.iter().map(Name::as_str).collect(),
        plans: inputs.plans.iter().map(|plan| plan.name.as_str()).collect(),
    }
}

type Segments<A> = Vec<crate::policy::Segment<A>>;

fn without_segments(image: Image) -> (Segments<u32>, Segments<u128>, Image) {
    let Image { ipv4, ipv6, .. } = image;
    (ipv4, ipv6, Image { ipv4: Vec::new(), ipv6: Vec::new(), ..image })
}

fn left_out(seen: &Seen, live: &Inputs) -> Vec<String> {
    let mut notes = vec![
        "who was seen is what the limiter and the sampled events remember: a source that no limit counts, or whose slot went to \
         another one since, is missing; one of a slow limit may have come earlier"
            .to_owned(),
        "rates are not compared: whether a source would exceed a new limit depends on packets that nobody kept; `xdpgate \
         replay` says it for a capture"
            .to_owned(),
    ];
    if seen.others > 0 {
        notes.push(format!(
            "{} buckets are of countries, of whole services, or of limits that are no longer in force",
            seen.others
        ));
    }
    if live.config.source_limits.ipv6_prefix > 64 {
        notes.push("IPv6 sources of more than 64 bits can't be read back from the limiter".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests;
