//! What a key takes, as a schema.

use serde_json::{Map, Value, json};

use super::pattern;
use crate::config::LimitUnit;
use crate::config::reference::KeyKind;

/// The schema of a value.
pub(super) fn of(kind: KeyKind) -> Map<String, Value> {
    let schema = match kind {
        KeyKind::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        KeyKind::Choice(words) => json!({ "type": "string", "enum": words }),
        KeyKind::Flag => json!({ "type": "boolean" }),
        KeyKind::Path | KeyKind::Text(_) => json!({ "type": "string", "minLength": 1 }),
        KeyKind::SocketPath => {
            json!({ "type": "string", "minLength": 1, "maxLength": KeyKind::LONGEST_SOCKET_PATH })
        }
        KeyKind::Address => text(&pattern::address()),
        KeyKind::Name(_) => text(&pattern::name()),
        KeyKind::ListNames { .. } => list(kind, true, &text(&pattern::name())),
        KeyKind::Exceptions => list(kind, false, &either(&text(&pattern::prefix()), &text(&pattern::name()))),
        KeyKind::Interfaces { .. } => list(kind, true, &text(&pattern::interface())),
        KeyKind::Prefixes => list(kind, false, &text(&pattern::prefix())),
        KeyKind::Ports { .. } => list(kind, false, &integer(kind)),
        KeyKind::PortRanges { .. } => {
            let mut ports = list(kind, false, &either(&integer(kind), &text(&pattern::port_range())));
            ports["minItems"] = json!(1);
            ports
        }
        KeyKind::LimitNames { .. } | KeyKind::ListsOrLabels { .. } => {
            list(kind, true, &text(&pattern::name()))
        }
        KeyKind::Countries => list(kind, false, &text(&pattern::country())),
        KeyKind::Country => text(&pattern::country()),
        KeyKind::Size { .. } => either(&integer(kind), &text(&pattern::size())),
        KeyKind::Systems { .. } => {
            let mut systems = list(kind, false, &integer(kind));
            systems["minItems"] = json!(1);
            systems
        }
        KeyKind::PacketRate => text(&pattern::packet_rate()),
        KeyKind::PacketBurst => {
            json!({ "type": "integer", "minimum": 1, "maximum": LimitUnit::Packets.most_burst() })
        }
        KeyKind::ByteRate => text(&pattern::byte_rate()),
        KeyKind::ByteBurst => either(&at_least(LimitUnit::Bytes.least_burst()), &text(&pattern::size())),
        KeyKind::AnyRate => text(&pattern::any_rate()),
        KeyKind::AtOnce(_) => either(&at_least(1), &text(&pattern::amount())),
        KeyKind::Amount => text(&pattern::amount()),
        KeyKind::Url(_) => text(&pattern::url()),
        KeyKind::Texts(_) => list(kind, false, &text(&pattern::word())),
        KeyKind::Duration { .. } => text(&pattern::duration()),
    };
    if let Value::Object(schema) = schema { schema } else { Map::new() }
}

fn text(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

fn integer(kind: KeyKind) -> Value {
    let range = kind.integers();
    json!({ "type": "integer", "minimum": range.start(), "maximum": range.end() })
}

fn at_least(least: u64) -> Value {
    json!({ "type": "integer", "minimum": least })
}

fn either(one: &Value, other: &Value) -> Value {
    json!({ "anyOf": [one, other] })
}

fn list(kind: KeyKind, unique: bool, items: &Value) -> Value {
    let mut schema = json!({ "type": "array", "items": items });
    if let Some(most) = kind.most() {
        schema["maxItems"] = json!(most);
    }
    if unique {
        schema["uniqueItems"] = json!(true);
    }
    schema
}
