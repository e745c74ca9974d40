//! As much of JSON Schema as the policy's schema uses. A keyword that it does not know fails the test.

use regex::Regex;
use serde_json::{Map, Value};

/// What is wrong with a value, with the place of it.
pub(super) fn validate(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let Some(rules) = schema.as_object() else {
        assert_eq!(schema.as_bool(), Some(false), "{schema} is no schema that the policy's uses");
        return Err(format!("{at}: has no place here"));
    };
    rules.iter().try_for_each(|(keyword, rule)| keep(rules, keyword, rule, value, at))
}

fn keep(
    rules: &Map<String, Value>,
    keyword: &str,
    rule: &Value,
    value: &Value,
    at: &str,
) -> Result<(), String> {
    let holds = |schema: &Value| validate(schema, value, at).is_ok();
    let schemas = || rule.as_array().unwrap().iter();
    let kept = match keyword {
        "$schema" | "title" | "description" | "default" | "then" | "else" => true,
        "type" => rule.as_str().unwrap() == type_of(value),
        "enum" => schemas().any(|word| word == value),
        "minimum" => value.as_u64().is_none_or(|number| number >= rule.as_u64().unwrap()),
        "maximum" => value.as_u64().is_none_or(|number| number <= rule.as_u64().unwrap()),
        "minLength" => length(value).is_none_or(|length| length >= rule.as_u64().unwrap()),
        "maxLength" => length(value).is_none_or(|length| length <= rule.as_u64().unwrap()),
        "pattern" => {
            value.as_str().is_none_or(|text| Regex::new(rule.as_str().unwrap()).unwrap().is_match(text))
        }
        "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
        "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= rule.as_u64().unwrap()),
        "uniqueItems" => value.as_array().is_none_or(|items| {
            items.iter().enumerate().all(|(index, item)| !items.iter().take(index).any(|other| other == item))
        }),
        "required" => {
            value.as_object().is_none_or(|keys| schemas().all(|key| keys.contains_key(key.as_str().unwrap())))
        }
        "propertyNames" => {
            let mut names = value.as_object().into_iter().flat_map(Map::keys);
            names.all(|name| validate(rule, &Value::from(name.as_str()), at).is_ok())
        }
        "anyOf" => schemas().any(holds),
        "oneOf" => schemas().filter(|schema| holds(schema)).count() == 1,
        "not" => !holds(rule),
        "allOf" => return schemas().try_for_each(|schema| validate(schema, value, at)),
        "if" => {
            let branch = rules.get(if holds(rule) { "then" } else { "else" });
            return branch.map_or(Ok(()), |schema| validate(schema, value, at));
        }
        "items" => {
            let mut items = value.as_array().into_iter().flatten().enumerate();
            return items.try_for_each(|(index, item)| validate(rule, item, &format!("{at}/{index}")));
        }
        "properties" => {
            let known = rule.as_object().unwrap();
            let mut keys = value.as_object().into_iter().flatten();
            return keys.try_for_each(|(key, value)| {
                known.get(key).map_or(Ok(()), |schema| validate(schema, value, &format!("{at}/{key}")))
            });
        }
        "additionalProperties" => {
            let known = rules.get("properties").and_then(Value::as_object);
            let others = value.as_object().into_iter().flatten();
            let mut others = others.filter(|(key, _)| known.is_none_or(|known| !known.contains_key(*key)));
            return others.try_for_each(|(key, value)| validate(rule, value, &format!("{at}/{key}")));
        }
        _ => panic!("the schema uses `{keyword}`, which this test does not know"),
    };
    if kept { Ok(()) } else { Err(format!("{at}: {value} does not keep {keyword} {rule}")) }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn length(value: &Value) -> Option<u64> {
    value.as_str().map(|text| text.chars().count() as u64)
}
