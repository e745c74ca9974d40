//! The last sampled events, and those that come.

mod translate;

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::broadcast;

pub use self::translate::tcp_flags;
pub(super) use self::translate::{Translator, labels};

use crate::api::types::Event;

/// Events that are kept.
const KEPT: usize = 1_000;
/// Events that a slow follower may lag behind.
const LAG: usize = 1_024;

/// The last events, and a channel of new ones.
#[derive(Debug)]
pub struct EventLog {
    last: Mutex<VecDeque<Event>>,
    live: broadcast::Sender<Event>,
}

impl Default for EventLog {
    fn default() -> Self {
        Self { last: Mutex::new(VecDeque::with_capacity(KEPT)), live: broadcast::Sender::new(LAG) }
    }
}

impl EventLog {
    /// Adds one.
    pub fn push(&self, event: Event) {
        // Under the lock, so that nobody gets an event twice or misses one between `last` and `live`.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == KEPT {
            last.pop_front();
        }
        last.push_back(event.clone());
        // Without followers nobody takes it.
        let _ = self.live.send(event);
    }

    /// The last `count` events, oldest first, and the channel of those after them.
    pub fn last_and_live(&self, count: usize) -> (Vec<Event>, broadcast::Receiver<Event>) {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let skipped = last.len().saturating_sub(count);
        (last.iter().skip(skipped).cloned().collect(), self.live.subscribe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::types::EventKind;

    fn event(bytes: u32) -> Event {
        Event {
            time: jiff::Timestamp::UNIX_EPOCH,
            interface: "eth0".to_owned(),
            kind: EventKind::Dropped,
            reason: "banned".to_owned(),
            monitored: Vec::new(),
            list: None,
            limit: None,
            country: None,
            source: None,
            source_port: None,
            destination: None,
            destination_port: None,
            protocol: "tcp".to_owned(),
            tcp_flags: None,
            bytes,
        }
    }

    #[test]
    fn only_the_last_thousand_are_kept() {
        let log = EventLog::default();
        (0..1_500).for_each(|number| log.push(event(number)));
        let (all, _) = log.last_and_live(usize::MAX);
        assert_eq!((all.len(), all[0].bytes), (1_000, 500));
        let (two, _) = log.last_and_live(2);
        assert_eq!(two.iter().map(|event| event.bytes).collect::<Vec<_>>(), [1_498, 1_499]);
    }

    #[test]
    fn a_follower_gets_what_comes_after_the_last() {
        let log = EventLog::default();
        log.push(event(1));
        let (last, mut live) = log.last_and_live(10);
        log.push(event(2));
        assert_eq!(last.len(), 1);
        assert_eq!(live.try_recv().unwrap().bytes, 2);
        assert!(live.try_recv().is_err());
    }
}
