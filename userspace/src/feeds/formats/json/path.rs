//! Places in a JSON document.

use std::collections::BTreeSet;

use crate::feeds::list::shown;

/// The names of the objects' members on the way to a value. Arrays on the way have no name: all of their elements are meant.
pub(super) type Place = Vec<String>;

/// The places that are read.
#[derive(Clone, Debug, Default)]
pub(super) struct Paths(Vec<Place>);

impl Paths {
    /// Those of a setting: dotted, with commas between. `.` is the document itself, or each element of its array.
    pub(super) fn named(field: &str) -> Self {
        let place = |path: &str| path.split('.').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Self(field.split(',').map(str::trim).filter(|path| !path.is_empty()).map(place).collect())
    }

    pub(super) fn contain(&self, place: &[String]) -> bool {
        self.0.iter().any(|path| path == place)
    }

    /// Whether a value here is on the way to one of them, or is one.
    pub(super) fn pass(&self, place: &[String]) -> bool {
        self.0.iter().any(|path| path.starts_with(place))
    }

    /// Their names, for a message.
    pub(super) fn names(&self) -> Vec<String> {
        self.0.iter().map(|path| dotted(path)).collect()
    }
}

impl From<BTreeSet<Place>> for Paths {
    fn from(places: BTreeSet<Place>) -> Self {
        Self(places.into_iter().collect())
    }
}

/// As a setting has it.
pub(super) fn dotted(place: &[String]) -> String {
    if place.is_empty() { ".".to_owned() } else { shown(place.join(".").as_bytes()) }
}
