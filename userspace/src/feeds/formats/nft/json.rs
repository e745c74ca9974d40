//! What `nft -j list set` and `nft -j list ruleset` write. An element is in memory at a time, never a set.

use std::fmt;
use std::io::Read;
use std::time::Duration;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{CONCATENATION, NO_SET};
use crate::feeds::formats::json::document;
use crate::feeds::formats::meter::Meter;
use crate::feeds::formats::places::Sets;
use crate::feeds::lines::{Entry, parse_entry, parse_prefix, parse_range};
use crate::feeds::problem::LineProblem;
use crate::feeds::reader::ReadListError;
use crate::feeds::record::{Details, Named, Record, Take};

pub(in crate::feeds::formats) fn walk(
    file: impl Read,
    field: Option<&str>,
    take: &mut Take<'_>,
) -> Result<(), ReadListError> {
    let mut ruleset = Ruleset { sets: Sets::new(field), number: 0, take, meter: Meter::default() };
    document(file, |parser, meter| {
        ruleset.meter = meter.clone();
        (Level::Top.of(&mut ruleset).deserialize(parser), ruleset.number.saturating_add(1))
    })?;
    if ruleset.sets.is_empty() {
        return Err(NO_SET.into());
    }
    Ok(ruleset.sets.check()?)
}

struct Ruleset<'w, 't> {
    sets: Sets,
    /// The number of the element that was read last, over all sets.
    number: u32,
    take: &'w mut Take<'t>,
    meter: Meter,
}

/// How deep the pass is: what the members' names mean.
#[derive(Clone, Copy)]
enum Level {
    /// `{"nftables": […]}`
    Top,
    /// The array of objects: `{"set": {…}}`, `{"add": {…}}`.
    Objects,
    /// A set, or elements that are added to one.
    Set,
}

impl Level {
    const fn of<'a, 'w, 't>(self, ruleset: &'a mut Ruleset<'w, 't>) -> At<'a, 'w, 't> {
        At { level: self, ruleset }
    }
}

/// A value of the document.
struct At<'a, 'w, 't> {
    level: Level,
    ruleset: &'a mut Ruleset<'w, 't>,
}

impl<'de> DeserializeSeed<'de> for At<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of nftables")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<(), S::Error> {
        while seq.next_element_seed(self.level.of(self.ruleset))?.is_some() {
            self.ruleset.meter.reset();
        }
        Ok(())
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let (mut table, mut name) = (String::new(), String::new());
        while let Some(member) = map.next_key::<String>()? {
            match (self.level, member.as_str()) {
                (Level::Top, "nftables") | (Level::Objects, "add" | "create") => {
                    map.next_value_seed(Level::Objects.of(self.ruleset))?;
                }
                (Level::Objects, "set" | "map" | "element") => {
                    map.next_value_seed(Level::Set.of(self.ruleset))?;
                }
                (Level::Set, "table") => table = map.next_value()?,
                (Level::Set, "name") => {
                    name = map.next_value()?;
                    self.ruleset.sets.meet(&format!("{table}/{name}"));
                }
                // Its name stands before it.
                (Level::Set, "elem") => {
                    let is_taken = self.ruleset.sets.takes(&format!("{table}/{name}"));
                    map.next_value_seed(Elements { is_taken, ruleset: self.ruleset })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// The elements of a set.
struct Elements<'a, 'w, 't> {
    is_taken: bool,
    ruleset: &'a mut Ruleset<'w, 't>,
}

impl<'de> DeserializeSeed<'de> for Elements<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the elements of a set")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<(), S::Error> {
        while let Some(element) = seq.next_element::<Value>()? {
            self.ruleset.meter.reset();
            self.ruleset.number = self.ruleset.number.saturating_add(1);
            if !self.is_taken {
                continue;
            }
            let (value, details) = with_details(&element);
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let names = addresses(value).map(Named::Entry);
            let number = self.ruleset.number;
            (self.ruleset.take)(Record { number, text: text.as_bytes(), names, details });
        }
        Ok(())
    }
}

/// `{"elem": {"val": …, "timeout": 60, "expires": 59, "comment": "…"}}`, or the value alone.
fn with_details(element: &Value) -> (&Value, Details<'_>) {
    let Some((described, value)) = element.get("elem").and_then(|elem| Some((elem, elem.get("val")?))) else {
        return (element, Details::default());
    };
    let comment = described.get("comment").and_then(Value::as_str).map(str::as_bytes);
    let mut details = Details { comment, ..Details::default() };
    // What is left of the time is what counts.
    if let Some(time) = described.get("expires").or_else(|| described.get("timeout")) {
        // Less than a second is left of an element that is about to go.
        details.timeout = time.as_u64().map(|seconds| Duration::from_secs(seconds.max(1)));
        details.bad_timeout = details.timeout.is_none();
    }
    (value, details)
}

fn addresses(value: &Value) -> Result<Entry, LineProblem> {
    if let Some(text) = value.as_str() {
        return parse_entry(text);
    }
    if let Some(prefix) = value.get("prefix") {
        let address = prefix.get("addr").and_then(Value::as_str);
        let length = prefix.get("len").and_then(Value::as_u64);
        let (Some(address), Some(length)) = (address, length) else { return Err(FORM) };
        return parse_prefix(address, &length.to_string());
    }
    if let Some(range) = value.get("range").and_then(Value::as_array) {
        return match range.as_slice() {
            [Value::String(first), Value::String(last)] => parse_range(first, last),
            _ => Err(FORM),
        };
    }
    if value.get("concat").is_some() {
        return Err(LineProblem::NotASource { kind: CONCATENATION.to_owned() });
    }
    if value.is_array() {
        return Err(LineProblem::NotASource { kind: "an element of a map".to_owned() });
    }
    Err(FORM)
}

const FORM: LineProblem = LineProblem::Form { expected: "not an address, a prefix or a range of nftables" };
