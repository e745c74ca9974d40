use super::Gate;
use super::apply::{Whole, within};
use super::replace::Change;
use crate::api::Failure;
use crate::api::types::{Applied, UndoRequest};
use crate::daemon::Caller;
use crate::store::HistoryRecord;

impl Gate {
    /// Goes back to an earlier policy: file, lists, allowlist, country rule and modes. While a policy waits for a
    /// confirmation, that is to the policy before it, at once.
    ///
    /// # Errors
    /// When there is no such policy, it is no longer valid, would lock out an operator, or the kernel or the disk refuses.
    pub fn undo(&self, request: &UndoRequest, caller: &Caller) -> Result<Applied, Failure> {
        let confirm = within(request.confirm_seconds)?;
        let only = self.only_change();
        if let Some(pending) = self.pending().filter(|pending| pending.failed.is_none()) {
            if request.steps != 1 || confirm.is_some() {
                return Err(Failure::usage(
                    "a policy waits for a confirmation; `xdpgate undo` alone goes back to the one before it",
                ));
            }
            if !self.kernel.has_returned() {
                self.kernel.return_now();
            }
            self.return_to_previous(&only, pending, caller, "undo")?;
            let live = self.live();
            return Ok(Applied {
                generation: live.settings.generation,
                number: live.number,
                sizes: live.sizes,
                pending: None,
                attached: Vec::new(),
                detached: Vec::new(),
                waiting: Vec::new(),
                needs_restart: Vec::new(),
            });
        }
        let history = self.store.history()?;
        let number = steps_back(&history, self.live().number, request.steps).ok_or_else(|| {
            Failure::not_found(format!(
                "there is no policy {} back; `xdpgate history` shows those that are kept",
                request.steps
            ))
        })?;
        let (inputs, _) = self.inputs_of(number)?;
        let change = Change {
            same_as: Some(number),
            seen: self.options.read().ok(),
            confirm,
            ..Change::new(caller, "undo", format!("to history entry {number}"))
                .between(format!("entry {}", self.live().number), self.in_words(number))
        };
        self.put_whole(&only, Whole { inputs, force: request.force, change })
    }

    /// The entry that first had the policy of this one.
    pub(super) fn root(&self, number: u64) -> Result<u64, Failure> {
        Ok(root(&self.store.history()?, number))
    }

    /// An entry of the history in a few words.
    pub(super) fn in_words(&self, number: u64) -> String {
        in_words(&self.store.history().unwrap_or_default(), number)
    }
}

pub(super) fn in_words(history: &[HistoryRecord], number: u64) -> String {
    match history.iter().find(|record| record.number == root(history, number)) {
        Some(record) => format!("entry {}: {}", record.number, record.entry.command),
        None => format!("entry {number}"),
    }
}

/// The entry that was in force so many policies before this one. What an operator already went back from is not met again.
fn steps_back(history: &[HistoryRecord], from: u64, steps: u32) -> Option<u64> {
    let mut number = root(history, from);
    for _ in 0..steps {
        // Newest first. What was never confirmed was never really in force.
        let before = history.iter().find(|record| record.number < number && record.confirmed)?;
        number = root(history, before.number);
    }
    Some(number).filter(|number| history.iter().any(|record| record.number == *number))
}

/// An entry that brought back another one is that one again, as long as it is kept.
pub(super) fn root(history: &[HistoryRecord], number: u64) -> u64 {
    let is_kept = |number: &u64| history.iter().any(|record| record.number == *number);
    let record = history.iter().find(|record| record.number == number);
    record.and_then(|record| record.entry.same_as).filter(is_kept).unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::store::NewEntry;

    /// Newest first; `(number, same as, confirmed)`.
    fn history(entries: &[(u64, Option<u64>, bool)]) -> Vec<HistoryRecord> {
        let record = |(number, same_as, confirmed): &(u64, Option<u64>, bool)| HistoryRecord {
            number: *number,
            entry: NewEntry {
                time: Timestamp::UNIX_EPOCH,
                generation: 1,
                who: String::new(),
                command: String::new(),
                summary: String::new(),
                same_as: *same_as,
            },
            confirmed: *confirmed,
        };
        entries.iter().rev().map(record).collect()
    }

    #[test]
    fn undo_after_undo_goes_further_back() {
        let mut entries = vec![(1, None, true), (2, None, true), (3, None, true)];
        assert_eq!(steps_back(&history(&entries), 3, 1), Some(2));
        assert_eq!(steps_back(&history(&entries), 3, 2), Some(1));
        assert_eq!(steps_back(&history(&entries), 3, 3), None);
        entries.push((4, Some(2), true));
        assert_eq!(steps_back(&history(&entries), 4, 1), Some(1));
        entries.push((5, None, true));
        assert_eq!(steps_back(&history(&entries), 5, 1), Some(2), "what was in force before 5");
        assert_eq!(steps_back(&history(&entries), 5, 2), Some(1));
    }

    #[test]
    fn what_was_never_confirmed_is_left_out() {
        let entries = [(1, None, true), (2, None, false), (3, Some(1), true), (4, None, true)];
        assert_eq!(steps_back(&history(&entries), 4, 1), Some(1));
        assert_eq!(steps_back(&history(&entries), 3, 1), None);
    }

    #[test]
    fn what_is_no_longer_kept_cannot_come_back() {
        let entries = [(7, Some(2), true), (8, None, true)];
        assert_eq!(steps_back(&history(&entries), 8, 1), Some(7), "a copy of what is gone");
        assert_eq!(steps_back(&history(&entries), 8, 2), None);
    }
}
