//! Reports as JSON, and the schema that says what stands in it. Whatever a terminal would not show as it is stands in it
//! as an escape, which means the same.

use schemars::{JsonSchema, schema_for};
use serde::Serialize;

use crate::text;

/// The document, for a program; its last byte is a line feed.
#[must_use]
pub fn json(document: &impl Serialize) -> String {
    let written = serde_json::to_string_pretty(document).expect("a report's keys are text");
    let mut out = text::visible_json(written);
    out.push('\n');
    out
}

/// The JSON Schema of a document, as it is kept in `assets/`.
#[must_use]
pub fn schema<T: JsonSchema>(title: &str) -> String {
    let mut schema = schema_for!(T).to_value();
    if let Some(top) = schema.as_object_mut() {
        top.insert("title".to_owned(), title.into());
    }
    format!("{schema:#}\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::report::Report;
    use crate::report::against::{Comparison, compare};
    use crate::report::drill::Drill;
    use crate::report::testing::cutover;

    #[test]
    fn a_cutover_as_json() {
        insta::assert_snapshot!(json(&cutover().report()));
    }

    #[test]
    fn what_a_terminal_would_not_show_is_an_escape_that_means_the_same() {
        let text = "a\u{1b}[2J\u{9b}2J\u{202e}b\u{e9}\u{1f980}\u{e0041}\n";
        let written = json(&text);
        assert!(!written.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{e0041}']), "{written:?}");
        assert!(written.contains("\u{e9}"));
        assert_eq!(serde_json::from_str::<String>(&written).expect("it is JSON"), text);
    }

    #[test]
    fn a_report_that_is_read_back_is_the_same() {
        let report = cutover().report();
        let again: Report = serde_json::from_str(&json(&report)).expect("a report");
        assert_eq!(again, report);
    }

    #[test]
    fn the_schemas_in_assets_are_those_of_this_build() {
        for (name, kept, built) in [
            ("report", include_str!("../../assets/report.schema.json"), schema::<Report>("gonogo report")),
            (
                "comparison",
                include_str!("../../assets/comparison.schema.json"),
                schema::<Comparison>("gonogo comparison"),
            ),
            ("drill", include_str!("../../assets/drill.schema.json"), schema::<Drill>("gonogo drill")),
        ] {
            assert!(kept == built, "write it anew: gonogo schema {name} > assets/{name}.schema.json");
        }
    }

    #[test]
    fn every_key_of_a_report_and_of_a_comparison_is_in_the_schema_and_every_required_one_is_there() {
        let report = cutover().report();
        for (schema, document) in [
            (schema::<Report>(""), json(&report)),
            (schema::<Comparison>(""), json(&compare(&report, &report))),
        ] {
            let schema: Value = serde_json::from_str(&schema).expect("JSON");
            let document: Value = serde_json::from_str(&document).expect("JSON");
            let mut faults = BTreeSet::new();
            hold(&schema, &schema, &document, "", &mut faults);
            assert!(faults.is_empty(), "{faults:?}");
        }
    }

    /// Holds a value against what of a schema this build's types make: references, properties, items, alternatives.
    fn hold(root: &Value, schema: &Value, value: &Value, at: &str, faults: &mut BTreeSet<String>) {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.trim_start_matches("#/$defs/");
            hold(root, &root["$defs"][name], value, at, faults);
        }
        for alternatives in ["anyOf", "oneOf"].iter().filter_map(|key| schema[key].as_array()) {
            let fits = alternatives.iter().any(|one| {
                let mut of_this = BTreeSet::new();
                hold(root, one, value, at, &mut of_this);
                of_this.is_empty()
            });
            if !fits {
                faults.insert(format!("{at}: {value} is none of the alternatives"));
            }
        }
        if let Some(constant) = schema.get("const").filter(|constant| *constant != value) {
            faults.insert(format!("{at}: {value} is not {constant}"));
        }
        if let Some(words) = schema["enum"].as_array().filter(|words| !words.contains(value)) {
            faults.insert(format!("{at}: {value} is none of {words:?}"));
        }
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_u64() || number.is_i64() => "integer",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let fits = |word: &Value| word == kind || (word == "number" && kind == "integer");
        let typed = match &schema["type"] {
            Value::Array(words) => words.iter().any(fits),
            Value::Null => true,
            word => fits(word),
        };
        if !typed {
            faults.insert(format!("{at}: {kind}, and not {}", schema["type"]));
        }
        for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if value.get(required).is_none() {
                faults.insert(format!("{at}: {required} is missing"));
            }
        }
        if let (Some(known), Some(object)) = (schema["properties"].as_object(), value.as_object()) {
            for (key, value) in object {
                match known.get(key) {
                    Some(of) => hold(root, of, value, &format!("{at}/{key}"), faults),
                    // What is flattened into an object is known by an alternative beside these.
                    None if schema.get("oneOf").is_some() || schema.get("$ref").is_some() => {}
                    None => {
                        faults.insert(format!("{at}: {key} is not known"));
                    }
                }
            }
        }
        if let Value::Array(items) = value {
            let first = schema["prefixItems"].as_array();
            for (number, item) in items.iter().enumerate() {
                let of = first.and_then(|of| of.get(number)).or_else(|| schema.get("items"));
                if let Some(of) = of {
                    hold(root, of, item, &format!("{at}[]"), faults);
                }
            }
        }
    }
}
