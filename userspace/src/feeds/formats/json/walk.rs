//! What a pass over JSON looks for, and what it met.

use std::collections::BTreeSet;

use super::path::{Paths, Place, dotted};
use super::visit::Got;
use crate::feeds::formats::meter::Meter;
use crate::feeds::lines::parse_entry;
use crate::feeds::list::{Counted, ListError};
use crate::feeds::problem::LineProblem;
use crate::feeds::recognise::beginning;
use crate::feeds::record::{Details, Named, Record, Take};

/// Why a pass is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To find where the addresses are.
    Discover,
    /// To read the place that was found. Addresses elsewhere are a reason to ask.
    Found,
    /// To read the places that a setting names, whatever is elsewhere.
    Named,
}

/// A pass over one document, or over several of a file.
pub(super) struct Walk<'w, 't> {
    purpose: Purpose,
    paths: Paths,
    take: &'w mut Take<'t>,
    /// Told where a value ends.
    pub(super) meter: Meter,
    /// Where the pass is.
    pub(super) place: Place,
    /// Whether there was any string, number or truth value.
    pub(super) has_values: bool,
    /// What is numbered: the lines, each of which is a document, or the elements of the outermost array.
    counted: Counted,
    number: u32,
    /// How many arrays the pass is in.
    arrays: usize,
    /// Whether the record with this number gave something.
    gave: bool,
    /// Whether there was a value on the way to one of the paths, and so an empty list is no mistake.
    met: bool,
    /// Places of addresses that are not among the paths.
    others: BTreeSet<Place>,
}

impl<'w, 't> Walk<'w, 't> {
    pub(super) fn new(purpose: Purpose, paths: Paths, counted: Counted, take: &'w mut Take<'t>) -> Self {
        Self {
            purpose,
            paths,
            take,
            meter: Meter::default(),
            place: Place::new(),
            has_values: false,
            counted,
            number: 0,
            arrays: 0,
            gave: false,
            met: false,
            others: BTreeSet::new(),
        }
    }

    /// The number of the record that was read last.
    pub(super) const fn number(&self) -> u32 {
        self.number
    }

    /// Whether values of the present place are addresses.
    pub(super) fn is_wanted(&self) -> bool {
        self.paths.contain(&self.place)
    }

    /// A line with a document begins.
    pub(super) fn begin_line(&mut self, number: u32) {
        (self.number, self.gave, self.arrays) = (number, false, 0);
        self.place.clear();
    }

    /// The document of a line was read: `Err` when it is none.
    pub(super) fn end_line(&mut self, line: &[u8], read: Result<Got, serde_json::Error>) {
        if let Ok(got) = read {
            self.single(got);
            self.missing_unless_given(line);
        } else {
            let problem = LineProblem::Form { expected: "not a JSON document, as the first line is" };
            (self.take)(Record::of_entry(self.number, line, Err(problem)));
        }
    }

    /// Whether the array is the outermost one of its document, and its elements are to be numbered.
    pub(super) fn enter_array(&mut self) -> bool {
        self.arrays += 1;
        self.met |= self.paths.pass(&self.place);
        let outermost = self.arrays == 1 && self.counted == Counted::Elements;
        if outermost {
            self.number = 0;
        }
        outermost
    }

    pub(super) const fn leave_array(&mut self) {
        self.arrays -= 1;
    }

    pub(super) const fn begin_element(&mut self) {
        self.number = self.number.saturating_add(1);
        self.gave = false;
    }

    pub(super) fn end_element(&mut self) {
        if self.paths.pass(&self.place) {
            self.missing_unless_given(b"{...}");
        }
    }

    /// An element of an array ends, and with it what is held in memory. Elsewhere than on the way to the addresses that is
    /// the outermost array's alone, or the names of the members above would add up.
    pub(super) fn value_ends(&self, outermost: bool) {
        if outermost || self.paths.pass(&self.place) {
            self.meter.reset();
        }
    }

    /// A value that is no member of an object.
    pub(super) fn single(&mut self, got: Got) {
        match got {
            Got::Text(text) if self.is_wanted() => self.give(Ok(&text), Details::default()),
            Got::Number(number) if self.is_wanted() => self.give(Err(number), Details::default()),
            Got::Text(text) => self.notice(&text),
            Got::Number(_) | Got::Done => {}
        }
    }

    /// Gives the value of a wanted place: a string, or a number that should be one.
    pub(super) fn give(&mut self, address: Result<&str, u64>, details: Details<'_>) {
        (self.gave, self.met) = (true, true);
        let number = self.number.max(1);
        match address {
            Ok(text) => {
                let names = parse_entry(text.trim_ascii()).map(Named::Entry);
                (self.take)(Record { number, text: text.as_bytes(), names, details });
            }
            Err(value) => {
                let problem = LineProblem::Form { expected: "a number; addresses are strings" };
                (self.take)(Record::of_entry(number, value.to_string().as_bytes(), Err(problem)));
            }
        }
    }

    /// Looks at a string of a place that is not wanted.
    pub(super) fn notice(&mut self, text: &str) {
        let may_be =
            text.starts_with(|c: char| c.is_ascii_hexdigit() || c == ':') && text.contains(['.', ':']);
        if self.purpose != Purpose::Named
            && may_be
            && self.others.len() < MOST_PLACES
            && parse_entry(text.trim_ascii()).is_ok()
        {
            self.others.insert(self.place.clone());
        }
    }

    /// The place of the addresses that a pass over the beginning of a file met: none in a file without any value.
    pub(super) fn discovered(self, head: &[u8]) -> Result<Paths, ListError> {
        if self.others.len() > 1 {
            return Err(several(self.others.iter().map(|place| dotted(place)).collect()));
        }
        if self.others.is_empty() && self.has_values {
            return Err(ListError::NoAddresses { what: "JSON", beginning: beginning(head) });
        }
        Ok(self.others.into())
    }

    /// Refuses what only the whole file shows.
    pub(super) fn check(self) -> Result<(), ListError> {
        if !self.others.is_empty() {
            let names = self.paths.names().into_iter().chain(self.others.iter().map(|place| dotted(place)));
            return Err(several(names.collect()));
        }
        if self.purpose == Purpose::Named && !self.met && self.counted == Counted::Elements {
            let name = self.paths.names().join(",");
            return Err(ListError::NoSuch { what: "field", name, names: Vec::new() });
        }
        Ok(())
    }

    fn missing_unless_given(&mut self, text: &[u8]) {
        if !self.gave {
            let problem = LineProblem::MissingField { name: self.paths.names().join(" or ") };
            (self.take)(Record::of_entry(self.number, text, Err(problem)));
        }
    }
}

/// Places that a message can list.
const MOST_PLACES: usize = 16;

fn several(names: Vec<String>) -> ListError {
    ListError::Several { what: "fields", names }
}
