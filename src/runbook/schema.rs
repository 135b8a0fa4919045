//! The JSON Schema of the runbook format, made of the file types.

use std::sync::LazyLock;

use serde_json::Value;

use super::file::RunbookFile;

/// The schema, once.
pub static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let mut schema = schemars::schema_for!(RunbookFile).to_value();
    if let Value::Object(top) = &mut schema {
        top.insert("title".into(), "gonogo runbook".into());
    }
    tidy(&mut schema);
    schema
});

/// The schema as it is kept in `assets/runbook.schema.json`.
#[must_use]
pub fn schema_text() -> String {
    let mut text = format!("{:#}", *SCHEMA);
    text.push('\n');
    text
}

/// TOML has no null, so no alternative may be one; and one word is enough for "no other keys".
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(closed) = map.remove("unevaluatedProperties") {
                map.insert("additionalProperties".into(), closed);
            }
            if map.get("default").is_some_and(Value::is_null) {
                map.remove("default");
            }
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    map.insert("type".into(), only);
                }
            }
            if let Some(Value::Array(options)) = map.get_mut("anyOf") {
                options.retain(|option| option.get("type").is_none_or(|name| name != "null"));
                if let [Value::Object(only)] = options.as_slice() {
                    let only = only.clone();
                    map.remove("anyOf");
                    for (key, value) in only {
                        map.entry(key).or_insert(value);
                    }
                }
            }
            map.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}
