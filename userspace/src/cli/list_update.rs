//! `list update`: asks for looks, and waits for what comes of them.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::thread;
use std::time::{Duration, Instant};

use hyper::Method;

use super::list_status::trouble;
use super::numbers::{bytes, grouped, since};
use super::output::Stop;
use super::session::{Session, show_progress};
use super::style::{BAD, GOOD, RESET};
use crate::api::Failure;
use crate::api::types::{ListStatus, ListStatuses, ListUpdateRequest, ListWish, ListWishes};
use crate::config::Name;

const POLL: Duration = Duration::from_millis(200);
/// Without anything that comes or ends. Each look has a time of its own, so that this is seldom met.
const PATIENCE: Duration = Duration::from_mins(5);
/// The exit code when a list was not updated.
const NOT_UPDATED: u8 = 1;
/// Names that fit beside each other while they are waited for.
const SHOWN: usize = 3;

pub(super) fn update(session: &Session, names: Vec<Name>) -> Result<(), Stop> {
    let before = statuses(session)?;
    let wishes: ListWishes = session.send(Method::POST, "/v1/feeds/update", &ListUpdateRequest { names })?;
    let mut waiting = wishes.lists;
    let mut done: Vec<ListStatus> = Vec::new();
    let mut moved = (Instant::now(), 0);
    while !waiting.is_empty() {
        thread::sleep(POLL);
        let now = statuses(session)?;
        let (over, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|wish| is_over(wish, &now));
        waiting = rest;
        // A list that went meanwhile has nothing to tell.
        for status in over.iter().filter_map(|wish| now.get(&wish.name)) {
            clear();
            if !session.output.json {
                report(&mut anstream::stdout().lock(), before.get(&status.name), status)?;
            }
            done.push(status.clone());
        }
        let so_far = now.values().map(|status| status.updates.attempts + status.fetching.unwrap_or(0)).sum();
        if so_far != moved.1 {
            moved = (Instant::now(), so_far);
        }
        if moved.0.elapsed() > PATIENCE {
            clear();
            let message = "nothing comes any more; `xdpgate list status` shows what is known";
            return Err(Failure::failed(message).into());
        }
        progress(&waiting, &now, done.len());
    }
    clear();
    let failed = done.iter().any(|status| status.trouble.is_some());
    let statuses = ListStatuses { lists: done };
    session.output.show(&statuses, |out, done| match done.lists.len() {
        0 => writeln!(out, "no list has a source that could be looked at"),
        _ => Ok(()),
    })?;
    if failed { Err(Stop::Told(NOT_UPDATED)) } else { Ok(()) }
}

fn statuses(session: &Session) -> Result<BTreeMap<Name, ListStatus>, Failure> {
    let statuses: ListStatuses = session.get("/v1/feeds")?;
    Ok(statuses.lists.into_iter().map(|status| (status.name.clone(), status)).collect())
}

fn is_over(wish: &ListWish, now: &BTreeMap<Name, ListStatus>) -> bool {
    now.get(&wish.name).is_none_or(|status| status.updates.attempts >= wish.attempts)
}

fn report(out: &mut dyn Write, before: Option<&ListStatus>, status: &ListStatus) -> io::Result<()> {
    let (name, entries) = (&status.name, grouped(status.entries));
    if let Some(trouble) = trouble(status) {
        let stays = match status.loaded {
            Some(loaded) => format!("what is in force of it is {} old", since(loaded)),
            None => "it was never fetched and is empty".to_owned(),
        };
        return writeln!(out, "{BAD}{name}:{RESET} {}; {stays}", trouble.replace('\n', "\n  "));
    }
    if before.is_some_and(|before| before.updates.changed == status.updates.changed) {
        return writeln!(out, "{name}: nothing new, {entries} entries");
    }
    let was = grouped(before.map_or(0, |before| before.entries));
    writeln!(out, "{GOOD}{name}:{RESET} updated, {entries} entries (before: {was}), {}", bytes(status.bytes))
}

/// On a terminal, what is being waited for.
fn progress(waiting: &[ListWish], now: &BTreeMap<Name, ListStatus>, done: usize) {
    if waiting.is_empty() || !io::stderr().is_terminal() {
        return;
    }
    let shown = waiting.iter().take(SHOWN).map(|wish| {
        let so_far = now.get(&wish.name).and_then(|status| status.fetching);
        so_far.map_or_else(|| wish.name.to_string(), |so_far| format!("{} {}", wish.name, bytes(so_far)))
    });
    let shown: Vec<_> = shown.collect();
    show_progress(&format!("{done} of {}: {}", done + waiting.len(), shown.join(", ")));
}

fn clear() {
    if io::stderr().is_terminal() {
        show_progress("");
    }
}
