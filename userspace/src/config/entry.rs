//! One key of a policy with its value, and how the value is read.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::Located;
use super::choice::Choice;
use super::document::Lines;
use super::duration::{display_duration, parse_duration};
use super::error::{Place, Report};
use super::reference::Key;
use super::size::parse_size;

/// A key and its value, or one element of a value that is a list.
#[derive(Clone)]
pub(super) struct Entry<'doc> {
    key: &'static Key,
    place: Place,
    value: &'doc DeValue<'doc>,
    lines: &'doc Lines,
    /// One element of the key's value, not all of it.
    element: bool,
}

impl<'doc> Entry<'doc> {
    pub(super) fn new(
        key: &'static Key,
        place: Place,
        value: &'doc Spanned<DeValue<'doc>>,
        lines: &'doc Lines,
    ) -> Self {
        Self { key, place, value: value.get_ref(), lines, element: false }
    }

    pub(super) const fn place(&self) -> &Place {
        &self.place
    }

    /// A text.
    pub(super) fn text(&self, report: &mut Report) -> Option<&'doc str> {
        let text = self.value.as_str();
        if text.is_none() {
            self.wrong_type(report);
        }
        text
    }

    /// A text, if it is one.
    pub(super) fn as_text(&self) -> Option<&'doc str> {
        self.value.as_str()
    }

    /// A time within the key's range.
    pub(super) fn duration(&self, report: &mut Report) -> Option<Duration> {
        let duration = self.parse_with(parse_duration, report)?;
        let range = self.key.kind.durations();
        if range.contains(&duration) {
            return Some(duration);
        }
        let nearest = display_duration(duration.clamp(*range.start(), *range.end()));
        let what = format!("`{}` is out of range", self.as_text()?);
        self.refuse(what, &format!("the nearest is `{nearest}`"), report);
        None
    }

    /// A text that means something.
    pub(super) fn parse<T>(&self, report: &mut Report) -> Option<T>
    where
        T: FromStr<Err: fmt::Display>,
    {
        self.parse_with(str::parse, report)
    }

    /// A text that `read` makes something of.
    pub(super) fn parse_with<T, E>(
        &self,
        read: impl Fn(&str) -> Result<T, E>,
        report: &mut Report,
    ) -> Option<T>
    where
        E: fmt::Display,
    {
        read(self.text(report)?).map_err(|error| report.add(&self.place, error)).ok()
    }

    /// One of a few words.
    pub(super) fn choice<T: Choice>(&self, report: &mut Report) -> Option<T> {
        let text = self.text(report)?;
        let choice = T::ALL.iter().copied().find(|choice| choice.word() == text);
        if choice.is_none() {
            self.refuse(format_args!("`{text}` is not known"), "write one of these", report);
        }
        choice
    }

    pub(super) fn flag(&self, report: &mut Report) -> Option<bool> {
        let flag = self.value.as_bool();
        if flag.is_none() {
            self.wrong_type(report);
        }
        flag
    }

    /// A whole number within the key's range.
    pub(super) fn integer<T: TryFrom<u64>>(&self, report: &mut Report) -> Option<T> {
        let Some(integer) = self.value.as_integer() else {
            self.wrong_type(report);
            return None;
        };
        let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let within = number.filter(|number| self.key.kind.integers().contains(number));
        let fitting = within.and_then(|number| T::try_from(number).ok());
        if fitting.is_none() {
            self.refuse(format_args!("{integer} is out of range"), "choose a number in that range", report);
        }
        fitting
    }

    /// A size in bytes within the key's range, with or without a unit.
    pub(super) fn size(&self, report: &mut Report) -> Option<u64> {
        if self.as_text().is_none() {
            return self.integer(report);
        }
        let size = self.parse_with(parse_size, report)?;
        let fits = self.key.kind.integers().contains(&size);
        if !fits {
            self.refuse(format_args!("{size} bytes are out of range"), "choose a size in that range", report);
        }
        fits.then_some(size)
    }

    /// The elements of a list, each with its own line.
    pub(super) fn elements(&self, report: &mut Report) -> Option<Vec<Self>> {
        let Some(values) = self.value.as_array() else {
            self.wrong_type(report);
            return None;
        };
        let element = |value: &'doc Spanned<DeValue<'doc>>| {
            let place = Place { line: self.lines.line(&value.span()), ..self.place.clone() };
            Self { element: true, ..Self::new(self.key, place, value, self.lines) }
        };
        let elements: Vec<_> = values.iter().map(element).collect();
        if let Some(first_over) = self.key.kind.most().and_then(|most| elements.get(most)) {
            first_over.refuse(format_args!("{} entries are too many", elements.len()), "remove some", report);
        }
        Some(elements)
    }

    pub(super) fn located<T>(&self, value: T) -> Located<T> {
        Located { value, line: self.place.line }
    }

    /// Reports `what` is wrong, with the key's range, and `advice`.
    pub(super) fn refuse(&self, what: impl fmt::Display, advice: &str, report: &mut Report) {
        report.add(&self.place, format_args!("{what}; allowed: {}; {advice}", self.key.kind.allowed()));
    }

    fn wrong_type(&self, report: &mut Report) {
        let kind = self.key.kind;
        let wanted = if self.element { kind.element_name() } else { kind.type_name() };
        let what = format!("{} is not {wanted}", written_type(self.value));
        self.refuse(what, &format!("write it like {}", self.key.kind.example()), report);
    }
}

const fn written_type(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "a flag",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
