//! What the values of a JSON document must be. `null` or missing is no data, never 0, and never met.

use indexmap::IndexMap;
use serde_json::Value;

use super::{Proof, Text, compile, excerpt};
use crate::runbook::interpolate::Scope;
use crate::runbook::model::{Bound, Rule};

/// Judges the document that `text` is: one proof for each rule.
pub(super) fn judge(rules: &IndexMap<String, Rule>, text: Text<'_>, scope: &Scope) -> Vec<Proof> {
    if rules.is_empty() {
        return Vec::new();
    }
    let document = match text.cut {
        Some(_) => Err(format!("not judged{}", text.cut_note())),
        None => {
            serde_json::from_str::<Value>(text.text).map_err(|e| format!("{} is no JSON: {e}", text.name))
        }
    };
    rules
        .iter()
        .map(|(pointer, rule)| {
            let (met, seen) = match &document {
                Ok(document) => rule_at(document, pointer, rule, scope),
                Err(why) => (false, why.clone()),
            };
            Proof::new(format!("{} {}", text.name, wanted(pointer, rule)), met, seen)
        })
        .collect()
}

/// Judges one rule against everything that its pointer points at; `*` is every element, and at least one.
/// The second value is what was seen.
pub(crate) fn rule_at(document: &Value, pointer: &str, rule: &Rule, scope: &Scope) -> (bool, String) {
    let mut places = Vec::new();
    walk(Some(document), tokens(pointer).as_slice(), String::new(), Vec::new(), &mut places);
    let mut seen = String::new();
    let several = pointer.split('/').any(|token| token == "*");
    for place in &places {
        let verdict = value(document, place, rule, scope);
        let what = match &verdict {
            Ok(what) | Err(what) if several => format!("{}: {what}", place.path),
            Ok(what) | Err(what) => what.clone(),
        };
        if verdict.is_err() {
            return (false, what);
        }
        seen = what;
    }
    match places.len() {
        0 => (false, "no element, which is no data".to_owned()),
        1 => (true, seen),
        n => (true, format!("all {n} elements; last {seen}")),
    }
}

/// One value that a pointer points at.
struct Place<'a> {
    path: String,
    /// What `*` stood for, in order.
    stars: Vec<String>,
    value: Option<&'a Value>,
}

fn tokens(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect()
}

fn walk<'a>(
    value: Option<&'a Value>,
    tokens: &[String],
    path: String,
    stars: Vec<String>,
    places: &mut Vec<Place<'a>>,
) {
    let Some((token, rest)) = tokens.split_first() else {
        places.push(Place { path, stars, value });
        return;
    };
    let mut each = |key: String, element: &'a Value| {
        let path = format!("{path}/{key}");
        let stars = stars.iter().cloned().chain([key]).collect();
        walk(Some(element), rest, path, stars, places);
    };
    match value {
        Some(Value::Array(list)) if token == "*" => {
            list.iter().enumerate().for_each(|(i, element)| each(i.to_string(), element));
        }
        Some(Value::Object(map)) if token == "*" => {
            map.iter().for_each(|(key, element)| each(key.clone(), element));
        }
        // What is no list has no elements: no data.
        _ if token == "*" => {}
        _ => {
            let next = match value {
                Some(Value::Object(map)) => map.get(token),
                Some(Value::Array(list)) => token.parse::<usize>().ok().and_then(|i| list.get(i)),
                _ => None,
            };
            walk(next, rest, format!("{path}/{token}"), stars, places);
        }
    }
}

/// Judges one value; either way the text is what was seen.
fn value(document: &Value, place: &Place<'_>, rule: &Rule, scope: &Scope) -> Result<String, String> {
    if rule.exists == Some(false) {
        return match place.value {
            None => Ok("missing".to_owned()),
            Some(Value::Null) => Ok("null".to_owned()),
            Some(value) => Err(show(value)),
        };
    }
    let value = match place.value {
        None => return Err("missing, which is no data".to_owned()),
        Some(Value::Null) => return Err("null is no data".to_owned()),
        Some(value) => value,
    };
    let seen = show(value);
    if rule.equals.as_ref().is_some_and(|wanted| !same(wanted, value)) {
        return Err(seen);
    }
    if let Some(pattern) = &rule.matches {
        let Value::String(text) = value else { return Err(format!("{seen} is no text")) };
        if !compile(pattern, scope)?.is_match(text) {
            return Err(seen);
        }
    }
    for (bound, is_min) in [(&rule.min, true), (&rule.max, false)] {
        let Some(bound) = bound else { continue };
        let number = number(value).ok_or_else(|| format!("{seen} is no number"))?;
        let limit = limit(document, bound, &place.stars)?;
        // Written so that a limit that is not a number is not met.
        let met = if is_min { number >= limit } else { number <= limit };
        if !met {
            return Err(match bound {
                Bound::Constant(_) => seen,
                Bound::At { .. } => format!("{seen}, and the limit is {limit}"),
            });
        }
    }
    if let Some(rule) = &rule.len {
        let len = match value {
            Value::Array(list) => list.len(),
            Value::Object(map) => map.len(),
            Value::String(text) => text.chars().count(),
            _ => return Err(format!("{seen} has no length")),
        };
        let length = Value::from(len);
        let place = Place { path: String::new(), stars: place.stars.clone(), value: Some(&length) };
        self::value(document, &place, rule, scope).map_err(|seen| format!("length {seen}"))?;
        return Ok(format!("length {len}"));
    }
    Ok(seen)
}

/// A finite number; text that looks like one is none.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().filter(|n| n.is_finite())
}

/// The limit that a bound stands for. A `*` in its pointer is the same element as in the rule's own.
fn limit(document: &Value, bound: &Bound, stars: &[String]) -> Result<f64, String> {
    let (pointer, times, plus) = match bound {
        Bound::Constant(limit) => return Ok(*limit),
        Bound::At { pointer, times, plus } => (pointer, times, plus),
    };
    let mut bound_to = stars.iter();
    let tokens: Vec<String> = tokens(pointer)
        .into_iter()
        .map(|token| if token == "*" { bound_to.next().cloned().unwrap_or(token) } else { token })
        .collect();
    let mut places = Vec::new();
    walk(Some(document), &tokens, String::new(), Vec::new(), &mut places);
    match places.as_slice() {
        [Place { value: Some(value), .. }] => number(value)
            .map(|n| n * times + plus)
            .filter(|n| n.is_finite())
            .ok_or_else(|| format!("the limit at {pointer} is {}, which is no number", show(value))),
        [] | [_] => Err(format!("the limit at {pointer} is missing, which is no data")),
        _ => Err(format!("the limit at {pointer} is more than one value")),
    }
}

/// Equal as JSON, where 1 and 1.0 are one number and the order of keys does not matter.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            x == y || ((x.is_f64() || y.is_f64()) && x.as_f64() == y.as_f64())
        }
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(key, x)| y.get(key).is_some_and(|y| same(x, y)))
        }
        _ => a == b,
    }
}

fn show(value: &Value) -> String {
    excerpt(&value.to_string(), 0)
}

/// The rule as an operator reads it: `/overall is "PASS"`, `/go/p95 is at most 2 × /c/p95 + 25`.
pub(crate) fn wanted(pointer: &str, rule: &Rule) -> String {
    let mut parts = Vec::new();
    match rule.exists {
        Some(false) => parts.push("is not there".to_owned()),
        Some(true) => parts.push("is there".to_owned()),
        None => {}
    }
    parts.extend(rule.equals.iter().map(|v| format!("is {v}")));
    parts.extend(rule.matches.iter().map(|p| format!("matches /{}/", p.0.as_str())));
    parts.extend(rule.min.iter().map(|b| format!("is at least {}", bound_text(b))));
    parts.extend(rule.max.iter().map(|b| format!("is at most {}", bound_text(b))));
    parts.extend(rule.len.iter().map(|r| wanted("length", r)));
    if parts.is_empty() {
        parts.push("is there".to_owned());
    }
    let pointer = if pointer.is_empty() { "the document" } else { pointer };
    format!("{pointer} {}", parts.join(" and "))
}

fn bound_text(bound: &Bound) -> String {
    match bound {
        Bound::Constant(limit) => limit.to_string(),
        Bound::At { pointer, times, plus } => {
            let times = if *times == 1.0 { String::new() } else { format!("{times} × ") };
            let plus = match *plus {
                0.0 => String::new(),
                plus if plus < 0.0 => format!(" - {}", -plus),
                plus => format!(" + {plus}"),
            };
            format!("{times}{pointer}{plus}")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::runbook::model::{Pattern, TextExpect};

    fn at_most(max: f64) -> Rule {
        Rule { max: Some(Bound::Constant(max)), ..Rule::default() }
    }

    fn at_least(min: f64) -> Rule {
        Rule { min: Some(Bound::Constant(min)), ..Rule::default() }
    }

    fn equals(value: Value) -> Rule {
        Rule { equals: Some(value), ..Rule::default() }
    }

    fn check(document: &Value, pointer: &str, rule: &Rule) -> (bool, String) {
        rule_at(document, pointer, rule, &Scope::default())
    }

    #[test]
    fn what_is_no_data_is_never_met() {
        let document = json!({"rssKiB": null, "text": "5", "list": [], "object": {"a": null}});
        for (pointer, seen) in [
            ("/rssKiB", "null is no data"),
            ("/none", "missing, which is no data"),
            ("/none/deeper", "missing, which is no data"),
            ("/text", "\"5\" is no number"),
            ("/list/*", "no element, which is no data"),
            ("/list/*/x", "no element, which is no data"),
            ("/rssKiB/*", "no element, which is no data"),
            ("/object/*", "/object/a: null is no data"),
            ("/list/0", "missing, which is no data"),
        ] {
            assert_eq!(check(&document, pointer, &at_most(10.0)), (false, seen.to_owned()), "{pointer}");
            assert!(!check(&document, pointer, &at_least(-10.0)).0, "{pointer}");
        }
        assert!(!check(&document, "/none", &Rule::default()).0);
        assert!(!check(&document, "/rssKiB", &Rule { exists: Some(true), ..Rule::default() }).0);
        assert!(check(&document, "/none", &Rule { exists: Some(false), ..Rule::default() }).0);
        assert!(!check(&document, "/text", &Rule { exists: Some(false), ..Rule::default() }).0);
    }

    #[test]
    fn values_equal_as_json_and_not_as_text() {
        let document = json!({"s": "PASS", "i": 1, "f": 1.0, "b": true, "l": [1, {"a": 2.0}], "big": 9007199254740993_u64});
        assert!(check(&document, "/s", &equals(json!("PASS"))).0);
        assert_eq!(check(&document, "/s", &equals(json!("FAIL"))), (false, "\"PASS\"".to_owned()));
        assert!(check(&document, "/i", &equals(json!(1.0))).0);
        assert!(check(&document, "/f", &equals(json!(1))).0);
        assert!(check(&document, "/l", &equals(json!([1.0, {"a": 2}]))).0);
        assert!(!check(&document, "/i", &equals(json!("1"))).0);
        assert!(!check(&document, "/b", &equals(json!("true"))).0);
        assert!(!check(&document, "/big", &equals(json!(9007199254740992_u64))).0);
    }

    #[test]
    fn bounds_may_be_other_values_scaled() {
        let document = json!({"connect": {"c": 100.0, "go": 225.0}, "null": null});
        let bound = |pointer: &str, plus| Rule {
            max: Some(Bound::At { pointer: pointer.into(), times: 2.0, plus }),
            ..Rule::default()
        };
        assert!(check(&document, "/connect/go", &bound("/connect/c", 25.0)).0);
        assert_eq!(
            check(&document, "/connect/go", &bound("/connect/c", 24.0)),
            (false, "225.0, and the limit is 224".to_owned())
        );
        assert_eq!(
            check(&document, "/connect/go", &bound("/none", 0.0)).1,
            "the limit at /none is missing, which is no data"
        );
        assert!(!check(&document, "/connect/go", &bound("/null", 1000.0)).0);
    }

    #[test]
    fn a_star_in_a_bound_is_the_same_element() {
        let document = json!({"runs": [{"c": 1, "go": 2}, {"c": 10, "go": 19}]});
        let rule = |times| Rule {
            max: Some(Bound::At { pointer: "/runs/*/c".into(), times, plus: 0.0 }),
            ..Rule::default()
        };
        assert!(check(&document, "/runs/*/go", &rule(2.0)).0);
        let (met, seen) = check(&document, "/runs/*/go", &rule(1.95));
        assert!(!met && seen.starts_with("/runs/0/go: 2"), "{seen}");
    }

    #[test]
    fn every_element_must_be_right() {
        let document =
            json!({"steps": [{"ok": true}, {"ok": false}], "good": {"a": {"ok": true}, "b": {"ok": true}}});
        assert_eq!(
            check(&document, "/steps/*/ok", &equals(json!(true))),
            (false, "/steps/1/ok: false".to_owned())
        );
        assert!(check(&document, "/good/*/ok", &equals(json!(true))).0);
    }

    #[test]
    fn lengths_and_texts_have_rules_too() {
        let document = json!({"hosts": ["a", "b"], "id": "run-7", "n": 5, "empty": ""});
        let len = |rule| Rule { len: Some(Box::new(rule)), ..Rule::default() };
        assert!(check(&document, "/hosts", &len(at_least(2.0))).0);
        assert_eq!(check(&document, "/hosts", &len(at_least(3.0))), (false, "length 2".to_owned()));
        assert!(!check(&document, "/empty", &len(at_least(1.0))).0);
        assert_eq!(check(&document, "/n", &len(at_least(1.0))).1, "5 has no length");
        let matches = Rule { matches: Some(Pattern(r"^run-\d+$".into())), ..Rule::default() };
        assert!(check(&document, "/id", &matches).0);
        assert_eq!(check(&document, "/n", &matches).1, "5 is no text");
    }

    #[test]
    fn numbers_that_are_none_never_pass() {
        for body in [
            r#"{"v":NaN}"#,
            r#"{"v":Infinity}"#,
            r#"{"v":1e400}"#,
            r#"{"v":"1,5"}"#,
            r#"{"v":"NaN"}"#,
            "<html>404",
            "",
        ] {
            let expect =
                TextExpect { json: [("/v".to_owned(), at_least(f64::MIN))].into(), ..TextExpect::default() };
            let proofs = super::super::text(
                &expect,
                Text { name: "body", text: body, cut: None, leaked: false },
                &Scope::default(),
            );
            assert!(!super::super::all_met(&proofs), "{body}");
        }
        assert!(!check(&json!({"v": 1}), "/v", &at_most(f64::NAN)).0);
    }

    #[test]
    fn rules_read_as_sentences() {
        let rule =
            Rule { max: Some(Bound::At { pointer: "/c".into(), times: 2.0, plus: 25.0 }), ..Rule::default() };
        assert_eq!(wanted("/go", &rule), "/go is at most 2 × /c + 25");
        assert_eq!(wanted("/overall", &equals(json!("PASS"))), "/overall is \"PASS\"");
        assert_eq!(wanted("/x", &Rule::default()), "/x is there");
    }

    #[test]
    fn a_cut_document_is_not_judged() {
        let expect =
            TextExpect { json: [("/v".to_owned(), equals(json!(1)))].into(), ..TextExpect::default() };
        let cut = Text { name: "output", text: r#"{"v":1}"#, cut: Some(1 << 20), leaked: false };
        let proofs = super::super::text(&expect, cut, &Scope::default());
        assert!(!proofs[0].met);
    }
}
