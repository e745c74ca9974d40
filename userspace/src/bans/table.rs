//! One table: finding, filling and freeing slots.

use std::collections::HashMap;

use xdpgate_ebpf::abi::{MAX_BAN_PROBES, expiry};
use xdpgate_ebpf::bans::{BanTable, Path, Seed, filter_lines, last_line};

use super::filter::{self, Filter};
use super::line::{Layout, Slot, set_continues};
use super::memory::Line;

/// A ban that has no room. Nothing is evicted to make some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the table of bans {table:?} is full ({capacity} entries)")]
pub struct TableFull {
    /// Which table.
    pub table: BanTable,
    /// How many bans it is to hold.
    pub capacity: u32,
}

/// No line in which the key may be found has a free slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoRoom;

/// What the writer knows of a table beside its words.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) capacity: u32,
    /// Bans, those that have ended among them.
    pub(super) len: u32,
    layout: Layout,
    pub(super) seed: Seed,
    pub(super) shift: u32,
    /// For a line: how many slots in use lie behind it, of keys that lead through it. A line that is not here has none.
    behind: HashMap<u32, u32>,
    /// Slots of IPv6 lines whose ban was lifted, by the mark that they bear.
    lifted: [Vec<Place>; 2],
    /// Which mark is given now.
    mark: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    line: u32,
    slot: usize,
}

impl Table {
    pub(super) fn new(table: BanTable, capacity: u32, seed: Seed, shift: u32) -> Self {
        Self {
            capacity,
            len: 0,
            layout: Layout::of(table),
            seed,
            shift,
            behind: HashMap::new(),
            lifted: [Vec::new(), Vec::new()],
            mark: 0,
        }
    }

    /// Takes over what an earlier writer left, wherever it was when it died.
    pub(super) fn adopt(&mut self, lines: &[Line]) {
        let mut lifted = Vec::new();
        let mut filter = Filter::of_none(self.filter_lines());
        for (place, slot) in self.slots(lines) {
            let path = self.path(slot.key);
            lines_before(path, place.line).for_each(|line| *self.behind.entry(line).or_default() += 1);
            if slot.is_lifted() {
                lifted.push(place);
            } else {
                filter.add(path);
                self.len += 1;
            }
        }
        filter.write(lines);
        if self.layout == Layout::Ipv6 {
            for (index, line) in (0..).zip(lines).skip(self.filter_lines() as usize) {
                set_continues(line, self.behind.contains_key(&index));
            }
        }
        for place in lifted {
            self.free(lines, place);
        }
    }

    /// Takes over what is there now, and clears slots in which no reader finds their key.
    pub(super) fn rebuild(&mut self, lines: &[Line]) {
        loop {
            self.adopt_anew(lines);
            let is_found = |place, key| self.find(lines, key).is_some_and(|(found, _)| found == place);
            let strays = self.slots(lines).filter(|(place, slot)| !is_found(*place, slot.key));
            let strays: Vec<Place> = strays.map(|(place, _)| place).collect();
            if strays.is_empty() {
                return;
            }
            // A line that is no longer full does not lead on: what is behind it may be found no more.
            for place in strays {
                if let Some(line) = at(lines, place.line) {
                    self.layout.clear(line, place.slot);
                }
            }
        }
    }

    fn adopt_anew(&mut self, lines: &[Line]) {
        self.len = 0;
        self.behind.clear();
        self.lifted = [Vec::new(), Vec::new()];
        self.adopt(lines);
    }

    /// The bans, in no order that means anything.
    pub(super) fn bans<'a>(&self, lines: &'a [Line]) -> impl Iterator<Item = (u128, u32)> + use<'a> {
        let bans = self.slots(lines).filter(|(_, slot)| !slot.is_lifted());
        bans.map(|(_, slot)| (slot.key, slot.expiry))
    }

    /// The end of a ban.
    pub(super) fn get(&self, lines: &[Line], key: u128) -> Option<u32> {
        let (_, slot) = self.find(lines, key)?;
        (!slot.is_lifted()).then_some(slot.expiry)
    }

    /// The line to which a key leads.
    pub(super) fn first_line(&self, key: u128) -> u32 {
        self.path(key).line(0)
    }

    /// Adds a ban, or changes its end. Returns the end before.
    pub(super) fn set(&mut self, lines: &[Line], key: u128, end: u32) -> Result<Option<u32>, NoRoom> {
        if let Some((place, slot)) = self.find(lines, key) {
            if let Some(line) = at(lines, place.line) {
                self.layout.set_expiry(line, place.slot, end);
            }
            filter::add(lines, self.path(key));
            self.len += u32::from(slot.is_lifted());
            return Ok((!slot.is_lifted()).then_some(slot.expiry));
        }
        let (place, old) = self.room_for(lines, key).ok_or(NoRoom)?;
        if let Some(line) = at(lines, place.line) {
            self.layout.fill(line, place.slot, Slot { key, expiry: end });
        }
        // After the slot is filled: a reader that is not yet led there sees what was before.
        self.add_behind(lines, key, place.line);
        filter::add(lines, self.path(key));
        if !old.is_free() {
            self.take_behind(lines, old.key, place.line);
        }
        self.len += 1;
        Ok(None)
    }

    /// Lifts a ban. Returns the end that it had.
    pub(super) fn lift(&mut self, lines: &[Line], key: u128) -> Option<u32> {
        let (place, slot) = self.find(lines, key).filter(|(_, slot)| !slot.is_lifted())?;
        let line = at(lines, place.line)?;
        let mark = expiry::LIFTED.get(self.mark).copied()?;
        self.layout.set_expiry(line, place.slot, mark);
        self.len -= 1;
        match self.layout {
            Layout::Ipv4 => self.free(lines, place),
            Layout::Ipv6 => self.lifted.get_mut(self.mark)?.push(place),
        }
        self.renew_filter(lines, self.first_line(key));
        Some(slot.expiry)
    }

    /// Frees the slots of bans that were lifted before the last call.
    pub(super) fn clean(&mut self, lines: &[Line]) {
        self.mark ^= 1;
        let Some(mark) = expiry::LIFTED.get(self.mark) else { return };
        let lifted = self.lifted.get_mut(self.mark).map(std::mem::take);
        for place in lifted.into_iter().flatten() {
            // It may be in use again, or may have been lifted again since then.
            let slot = at(lines, place.line).map(|line| self.layout.read(line, place.slot));
            if slot.is_some_and(|slot| slot.expiry == *mark) {
                self.free(lines, place);
            }
        }
    }

    /// Whether [`Table::clean`] has something to do, now or when called again.
    pub(super) fn has_lifted(&self) -> bool {
        self.lifted.iter().any(|places| !places.is_empty())
    }

    fn path(&self, key: u128) -> Path {
        self.layout.path(key, self.seed, self.shift)
    }

    /// Slots that are not free.
    fn slots<'a>(&self, lines: &'a [Line]) -> impl Iterator<Item = (Place, Slot)> + use<'a> {
        let layout = self.layout;
        let lines = (0..).zip(lines).skip(self.filter_lines() as usize);
        lines.flat_map(move |(index, line)| {
            let places = (0..layout.slots()).map(move |slot| Place { line: index, slot });
            places
                .map(move |place| (place, layout.read(line, place.slot)))
                .filter(|(_, slot)| !slot.is_free())
        })
    }

    /// The slot of a key, as a reader finds it, but also where its ban was lifted.
    fn find(&self, lines: &[Line], key: u128) -> Option<(Place, Slot)> {
        let path = self.path(key);
        for index in (0..MAX_BAN_PROBES).map(|probe| path.line(probe)) {
            let line = at(lines, index)?;
            for slot in 0..self.layout.slots() {
                let found = self.layout.read(line, slot);
                if found.key == key && !found.is_free() {
                    return Some((Place { line: index, slot }, found));
                }
            }
            if !self.layout.continues(line) {
                return None;
            }
        }
        None
    }

    /// A slot for a new key, in the first of its lines that has one, and what is in it: nothing, or a lifted IPv4 ban.
    fn room_for(&self, lines: &[Line], key: u128) -> Option<(Place, Slot)> {
        let path = self.path(key);
        (0..MAX_BAN_PROBES).map(|probe| path.line(probe)).find_map(|index| {
            let line = at(lines, index)?;
            (0..self.layout.slots()).find_map(|slot| {
                let old = self.layout.read(line, slot);
                let has_room = old.is_free() || old.is_lifted() && self.layout == Layout::Ipv4;
                has_room.then_some((Place { line: index, slot }, old))
            })
        })
    }

    /// Frees a slot whose ban was lifted. The last slot of an IPv4 line stays as it is while others depend on it.
    fn free(&mut self, lines: &[Line], place: Place) {
        let mut places = vec![place];
        while let Some(place) = places.pop() {
            if self.layout == Layout::Ipv4 && is_last(place) && self.behind.contains_key(&place.line) {
                continue;
            }
            let Some(line) = at(lines, place.line) else { continue };
            let key = self.layout.read(line, place.slot).key;
            self.layout.clear(line, place.slot);
            places.extend(self.no_longer_behind(lines, key, place.line));
        }
    }

    const fn filter_lines(&self) -> u32 {
        filter_lines(last_line(self.shift))
    }

    /// Clears the bits of keys that are no longer banned, of those that lead to this line first. While some of them are
    /// behind it the bits stay: they are only a filter.
    fn renew_filter(&self, lines: &[Line], index: u32) {
        if self.behind.contains_key(&index) {
            return;
        }
        let Some(line) = at(lines, index) else { return };
        let slots = (0..self.layout.slots()).map(|slot| self.layout.read(line, slot));
        let bans = slots.filter(|slot| !slot.is_free() && !slot.is_lifted()).map(|slot| self.path(slot.key));
        filter::replace(lines, index - self.filter_lines(), bans.filter(|path| path.line(0) == index));
    }

    fn add_behind(&mut self, lines: &[Line], key: u128, line: u32) {
        for before in lines_before(self.path(key), line) {
            let count = self.behind.entry(before).or_default();
            *count += 1;
            if *count == 1
                && self.layout == Layout::Ipv6
                && let Some(line) = at(lines, before)
            {
                set_continues(line, true);
            }
        }
    }

    /// As [`Table::no_longer_behind`], and frees what can be freed then.
    fn take_behind(&mut self, lines: &[Line], key: u128, line: u32) {
        for place in self.no_longer_behind(lines, key, line) {
            self.free(lines, place);
        }
    }

    /// The slot of a key in this line is free. Returns the last slots of IPv4 lines on which nothing depends any more,
    /// where their ban was lifted.
    fn no_longer_behind(&mut self, lines: &[Line], key: u128, line: u32) -> Vec<Place> {
        let mut places = Vec::new();
        for before in lines_before(self.path(key), line) {
            match self.behind.get_mut(&before) {
                Some(count) if *count > 1 => {
                    *count -= 1;
                    continue;
                }
                _ => self.behind.remove(&before),
            };
            self.renew_filter(lines, before);
            let Some(line) = at(lines, before) else { continue };
            match self.layout {
                Layout::Ipv6 => set_continues(line, false),
                Layout::Ipv4 => {
                    let place = Place { line: before, slot: self.layout.slots() - 1 };
                    if self.layout.read(line, place.slot).is_lifted() {
                        places.push(place);
                    }
                }
            }
        }
        places
    }
}

const fn is_last(place: Place) -> bool {
    place.slot + 1 == xdpgate_ebpf::abi::BAN_SLOTS_IPV4
}

fn at(lines: &[Line], index: u32) -> Option<&Line> {
    lines.get(index as usize)
}

/// The lines through which a way leads to this one.
fn lines_before(path: Path, line: u32) -> impl Iterator<Item = u32> {
    (0..MAX_BAN_PROBES).map(move |probe| path.line(probe)).take_while(move |before| *before != line)
}
