//! One pass over a JSON value, of which never more than a string is in memory.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::walk::Walk;
use crate::feeds::record::Details;

/// A value at the walk's present place.
pub(super) struct Value<'a, 'w, 't>(pub(super) &'a mut Walk<'w, 't>);

/// Members of one object that are addresses. They wait until it is known what the object says of them.
const MOST_ADDRESSES: usize = 64;

/// What a value is, as far as it matters to whoever holds it.
pub(super) enum Got {
    /// Nothing more to do with it.
    Done,
    Text(String),
    Number(u64),
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_, '_> {
    type Value = Got;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Got, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_, '_, '_> {
    type Value = Got;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Got, M::Error> {
        let walk = self.0;
        let mut addresses = Vec::new();
        let (mut comment, mut timeout) = (None, None);
        while let Some(name) = map.next_key::<String>()? {
            let is = |known| name == known;
            let (is_comment, is_timeout) = (is("comment"), is("timeout"));
            walk.place.push(name);
            match map.next_value_seed(Value(walk))? {
                Got::Text(text) if walk.is_wanted() => addresses.push(Ok(text)),
                Got::Number(number) if walk.is_wanted() => addresses.push(Err(number)),
                Got::Text(text) if is_comment => comment = Some(text),
                Got::Text(text) if is_timeout => timeout = Some(text.parse().ok()),
                Got::Number(seconds) if is_timeout => timeout = Some(Some(seconds)),
                Got::Text(text) => walk.notice(&text),
                Got::Number(_) | Got::Done => {}
            }
            walk.place.pop();
            if addresses.len() > MOST_ADDRESSES {
                return Err(M::Error::custom("an object with the same member again and again"));
            }
        }
        let mut details = Details { comment: comment.as_deref().map(str::as_bytes), ..Details::default() };
        if let Some(seconds) = timeout {
            details.set_seconds(seconds);
        }
        for address in &addresses {
            walk.give(address.as_deref().map_err(|number| *number), details);
        }
        Ok(Got::Done)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Got, S::Error> {
        let walk = self.0;
        let outermost = walk.enter_array();
        loop {
            if outermost {
                walk.begin_element();
            }
            let Some(got) = seq.next_element_seed(Value(walk))? else { break };
            walk.single(got);
            if outermost {
                walk.end_element();
            }
            walk.value_ends(outermost);
        }
        walk.leave_array();
        Ok(Got::Done)
    }

    fn visit_str<E>(self, text: &str) -> Result<Got, E> {
        self.0.has_values = true;
        Ok(Got::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Got, E> {
        self.0.has_values = true;
        Ok(Got::Text(text))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Got, E> {
        self.0.has_values = true;
        Ok(Got::Number(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Got, E> {
        self.0.has_values = true;
        Ok(Got::Done)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Got, E> {
        self.0.has_values = true;
        Ok(Got::Done)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Got, E> {
        self.0.has_values = true;
        Ok(Got::Done)
    }

    fn visit_unit<E>(self) -> Result<Got, E> {
        Ok(Got::Done)
    }
}
