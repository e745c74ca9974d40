//! The policy as a JSON Schema, for editors and for whatever writes policies.
//!
//! It knows each value by itself and which keys need each other. What only the whole policy tells, as the names that a
//! service uses, `xdpgate check` alone knows.

use serde_json::{Map, Value, json};

use super::{Absent, COMPANIONS, CONDITIONS, KEYS, Key, LIST_SOURCES, most_rows, tables_within};

mod pattern;
mod value;

/// The JSON Schema of a policy, written from the table of keys.
#[must_use]
pub fn schema() -> Value {
    let mut schema = table("");
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!("The policy of xdpgate"));
    Value::Object(schema)
}

/// One table with all that is in it.
fn table(path: &str) -> Map<String, Value> {
    let keys = || KEYS.iter().filter(move |key| key.table == path);
    let mut properties = Map::new();
    for key in keys().filter(|key| !key.is_any_name()) {
        properties.insert(key.name.to_owned(), property(key));
    }
    for name in tables_within(path) {
        let inner = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let below = Value::Object(table(&inner));
        let value = match most_rows(&inner) {
            Some(most) => json!({ "type": "array", "maxItems": most, "items": below }),
            None => below,
        };
        properties.insert(name.to_owned(), value);
    }
    let others = keys().find(|key| key.is_any_name()).map_or(json!(false), property);
    let required: Vec<_> =
        keys().filter(|key| matches!(key.default, Absent::Required)).map(|key| key.name).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    if others.is_object() {
        schema.insert("propertyNames".to_owned(), json!({ "pattern": pattern::name() }));
    } else {
        schema.insert("properties".to_owned(), Value::Object(properties));
    }
    schema.insert("additionalProperties".to_owned(), others);
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    let rules: Vec<_> = conditions(path).chain(companions(path)).chain(alternatives(path)).collect();
    if !rules.is_empty() {
        schema.insert("allOf".to_owned(), json!(rules));
    }
    schema
}

fn property(key: &Key) -> Value {
    let mut schema = value::of(key.kind);
    schema.insert("description".to_owned(), json!(description(key)));
    if let Absent::Value(text) = key.default
        && let Some(default) = from_toml(text)
    {
        schema.insert("default".to_owned(), default);
    }
    Value::Object(schema)
}

fn description(key: &Key) -> String {
    let condition = key.has_a_place();
    match key.default {
        Absent::Nothing(words) => format!("{}{condition} Without it: {words}.", key.meaning),
        Absent::Value(_) | Absent::Required => format!("{}{condition}", key.meaning),
    }
}

/// A value in TOML as JSON.
fn from_toml(text: &str) -> Option<Value> {
    let mut document: Map<String, Value> = toml::from_str(&format!("value = {text}")).ok()?;
    document.remove("value")
}

/// Which keys have a place beside which words.
fn conditions(path: &str) -> impl Iterator<Item = Value> {
    CONDITIONS.iter().filter(move |condition| condition.key.table == path).map(|condition| {
        let (key, decided_by) = (condition.key.name, condition.decided_by.name);
        let written_default =
            if let Absent::Value(text) = condition.decided_by.default { from_toml(text) } else { None };
        let default = written_default.as_ref().and_then(Value::as_str).unwrap_or_default();
        let mut given = json!({ "properties": { decided_by: { "enum": condition.words } } });
        if !condition.words.contains(&default) {
            given["required"] = json!([decided_by]);
        }
        let mut rule = json!({ "if": given, "else": { "properties": { key: false } } });
        if condition.required {
            rule["then"] = json!({ "required": [key] });
        }
        rule
    })
}

/// Which keys have a place beside which others.
fn companions(path: &str) -> impl Iterator<Item = Value> {
    COMPANIONS.iter().filter(move |companion| companion.key.table == path).map(|companion| {
        let beside: Vec<_> = companion.beside.iter().map(|key| json!({ "required": [key.name] })).collect();
        json!({ "if": { "anyOf": beside }, "else": { "properties": { companion.key.name: false } } })
    })
}

/// Which keys stand for each other.
fn alternatives(path: &str) -> Option<Value> {
    match path {
        "list" => {
            let sources: Vec<_> = LIST_SOURCES.iter().map(|key| json!({ "required": [key.name] })).collect();
            Some(json!({ "oneOf": sources }))
        }
        "plan" => Some(json!({ "anyOf": [{ "required": ["prefixes"] }, { "required": ["path"] }] })),
        "country" => Some(json!({ "not": { "required": ["deny", "allow_only"] } })),
        "service.country" => {
            Some(json!({ "oneOf": [{ "required": ["deny"] }, { "required": ["allow_only"] }] }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
