//! What a part of the schema takes, asked in the walker's words.

use serde_json::{Map, Value as Json};

use super::format::Format;
use super::tree::{Node, Value};
use crate::runbook::schema::SCHEMA;

/// The schema itself, where it only refers to one.
pub fn resolve(schema: &Json) -> &Json {
    let name = schema.get("$ref").and_then(Json::as_str).and_then(|r| r.strip_prefix("#/$defs/"));
    name.map_or(schema, |name| &SCHEMA["$defs"][name])
}

pub fn strings<'s>(schema: &'s Json, key: &str) -> Vec<&'s str> {
    schema.get(key).and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect()
}

pub fn properties(schema: &Json) -> Vec<&str> {
    resolve(schema)
        .get("properties")
        .and_then(Json::as_object)
        .into_iter()
        .flat_map(Map::keys)
        .map(String::as_str)
        .collect()
}

/// The values that an enumeration takes.
pub fn choices(schema: &Json) -> Vec<&str> {
    strings(schema, "enum")
}

/// The schema of `expect` for the kind that the table has.
pub fn expect_of<'s>(schema: &'s Json, table: &Node) -> Option<&'s Json> {
    let by_kind = schema["properties"]["expect"].get("x-by-kind")?.as_object()?;
    by_kind.iter().find(|(kind, _)| table.get(kind).is_some()).map(|(_, schema)| schema)
}

/// The types that a schema takes; none means any.
pub fn types(schema: &Json) -> Vec<&str> {
    let schema = resolve(schema);
    match schema.get("type") {
        Some(Json::String(one)) => vec![one],
        Some(Json::Array(many)) => many.iter().filter_map(Json::as_str).collect(),
        _ => match schema.get("anyOf").and_then(Json::as_array) {
            Some(options) => options.iter().flat_map(types).collect(),
            None => Vec::new(),
        },
    }
}

pub fn accepts(schema: &Json, node: &Node) -> bool {
    let schema = resolve(schema);
    let types = types(schema);
    let has = |name| types.contains(&name);
    types.is_empty()
        || match &node.value {
            Value::String(_) => has("string"),
            Value::Integer(_) => has("integer") || has("number"),
            Value::Float(_) => has("number"),
            Value::Boolean(_) => has("boolean"),
            // TOML has a form of its own for it; without quotes it is the same text.
            Value::Datetime(_) => schema.get("format").is_some_and(|format| format == "moment"),
            Value::Array(_) => has("array"),
            Value::Table(_) => has("object"),
        }
}

/// What a schema takes, in words.
pub fn words(schema: &Json) -> String {
    let schema = resolve(schema);
    if let Some(options) = schema.get("anyOf").and_then(Json::as_array)
        && schema.get("x-by-kind").is_none()
    {
        return options.iter().map(words).collect::<Vec<_>>().join(", or ");
    }
    let allowed = choices(schema);
    if !allowed.is_empty() {
        return format!("one of {}", ticked(allowed.into_iter()));
    }
    let types = types(schema);
    let list = types.iter().map(|name| match *name {
        "string" => {
            Format::of(schema.get("format").and_then(Json::as_str).unwrap_or("text")).words.to_owned()
        }
        "integer" => "a whole number".to_owned(),
        "number" => "a number".to_owned(),
        "boolean" => "`true` or `false`".to_owned(),
        "array" => match schema.get("items") {
            Some(items) if items.get("format").is_some() => format!("a list, each {}", words(items)),
            _ => "a list".to_owned(),
        },
        _ => "a table".to_owned(),
    });
    let list: Vec<String> = list.collect();
    if list.is_empty() { "a value".to_owned() } else { list.join(" or ") }
}

/// The least and the most that a number may be.
pub fn bounds(schema: &Json) -> (f64, f64) {
    let (least, most) = match schema.get("format").and_then(Json::as_str) {
        Some("uint16") => (0.0, f64::from(u16::MAX)),
        Some("uint32" | "uint") => (0.0, f64::from(u32::MAX)),
        Some("uint64") => (0.0, f64::MAX),
        Some("int32") => (f64::from(i32::MIN), f64::from(i32::MAX)),
        _ => (f64::MIN, f64::MAX),
    };
    let limit = |key, default| schema.get(key).and_then(Json::as_f64).unwrap_or(default);
    (limit("minimum", least), limit("maximum", most))
}

/// The least value that fits a schema.
pub fn stand_in(schema: &Json, number: usize) -> Json {
    let schema = resolve(schema);
    if let Some(first) = schema.get("anyOf").and_then(Json::as_array).and_then(|options| options.first()) {
        return stand_in(first, number);
    }
    if let Some(choice) = choices(schema).first() {
        return (*choice).into();
    }
    match types(schema).first().copied() {
        Some("integer") => schema.get("minimum").and_then(Json::as_i64).unwrap_or(0).into(),
        Some("number") => schema.get("minimum").and_then(Json::as_f64).unwrap_or(0.0).into(),
        Some("boolean") => Json::Bool(false),
        Some("array") if schema.get("minItems").is_some() => {
            Json::Array(vec![stand_in(&schema["items"], number)])
        }
        Some("array") => Json::Array(Vec::new()),
        Some("object") => {
            let keys = strings(schema, "required").into_iter();
            keys.map(|key| (key.to_owned(), stand_in(&schema["properties"][key], number)))
                .collect::<Map<_, _>>()
                .into()
        }
        _ => match schema.get("format").and_then(Json::as_str) {
            Some("id") => format!("unnamed-{number}").into(),
            Some(format) => Format::of(format).stand_in.into(),
            None => "x".into(),
        },
    }
}

/// Names between ticks, with commas.
pub fn ticked<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
