//! The environment that a process runs in: what it was started with, not what somebody else's shell holds now.
//! Values are shown only where a rule is about them.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::process::Identity;
use crate::proof::{self, Proof};
use crate::runbook::interpolate::Scope;
use crate::runbook::model::Rule;
use crate::session::telemetry::ProcessSeen;

/// Judges every rule for every process; a process whose environment cannot be read is no data.
pub(super) fn judge(
    what: &str,
    rules: &IndexMap<String, Rule>,
    seen: &[ProcessSeen],
    scope: &Scope,
) -> Vec<Proof> {
    let environments: Vec<_> =
        seen.iter().map(|process| (process.identity.pid, read(&process.identity))).collect();
    let one = |(name, rule): (&String, &Rule)| {
        let wanted = format!("{what} has in its environment: {}", proof::json::wanted(name, rule));
        let mut last = "no process, which is no data".to_owned();
        for (pid, environment) in &environments {
            let (met, text) = match environment {
                Ok(environment) => holds(environment, name, rule, scope),
                Err(why) => (false, why.clone()),
            };
            last = if environments.len() > 1 { format!("pid {pid}: {text}") } else { text };
            if !met {
                return Proof::new(wanted, false, last);
            }
        }
        Proof::new(wanted, !environments.is_empty(), last)
    };
    rules.iter().map(one).collect()
}

/// Whether the variable is as the rule says, and what was seen.
fn holds(environment: &IndexMap<String, String>, name: &str, rule: &Rule, scope: &Scope) -> (bool, String) {
    let pointer = format!("/{name}");
    let Rule { equals, matches, min, max, exists, len } = rule.clone();
    // Everything in an environment is text: a number in the runbook is meant as it is written there.
    let equals = equals.map(|value| match value {
        Value::String(_) => value,
        other => Value::String(other.to_string()),
    });
    let shown = equals.is_some() || matches.is_some() || len.is_some();
    let as_text = Rule { equals, matches, exists, len, ..Rule::default() };
    let texts = environment.iter().map(|(name, value)| (name.clone(), Value::String(value.clone())));
    let (met, seen) =
        proof::json::rule_at(&Value::Object(texts.collect::<Map<_, _>>()), &pointer, &as_text, scope);
    let is_there = environment.contains_key(name);
    let seen = if is_there && !shown { "set".to_owned() } else { seen };
    if !met || (min.is_none() && max.is_none()) {
        return (met, seen);
    }
    let numbers = environment.iter().map(|(name, value)| (name.clone(), number(value)));
    let bounds = Rule { min, max, ..Rule::default() };
    proof::json::rule_at(&Value::Object(numbers.collect::<Map<_, _>>()), &pointer, &bounds, scope)
}

/// A number where the text is one, and nothing but one.
fn number(text: &str) -> Value {
    let number = text.parse::<i64>().map(Value::from).ok();
    number.or_else(|| text.parse::<f64>().ok().map(Value::from)).unwrap_or_else(|| Value::from(text))
}

#[cfg(target_os = "linux")]
fn read(process: &Identity) -> Result<IndexMap<String, String>, String> {
    let pid = process.pid;
    let bytes = std::fs::read(format!("/proc/{pid}/environ")).map_err(|e| match e.kind() {
        std::io::ErrorKind::PermissionDenied => {
            format!(
                "this account may not see the environment of pid {pid}: watch it as its own user, or as root"
            )
        }
        _ => format!("the environment of pid {pid} cannot be read: {e}"),
    })?;
    // Between the look and the read another may have come to this pid.
    if !process.is_alive() {
        return Err(format!("pid {pid} is gone"));
    }
    let pairs = bytes.split(|byte| *byte == 0).filter_map(|pair| {
        let pair = String::from_utf8_lossy(pair);
        pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
    });
    // Of a name that is there twice the first is the one that getenv gives.
    let mut environment = IndexMap::new();
    for (name, value) in pairs {
        environment.entry(name).or_insert(value);
    }
    Ok(environment)
}

#[cfg(not(target_os = "linux"))]
fn read(process: &Identity) -> Result<IndexMap<String, String>, String> {
    Err(format!("the environment of pid {} cannot be seen on this system", process.pid))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::runbook::model::{Bound, Pattern};

    fn held(rule: Rule, name: &str) -> (bool, String) {
        let environment =
            [("MODE", "csharp-hybrid"), ("OPEN", "20"), ("IDLE", "5"), ("EMPTY", ""), ("BIG", "1e400")];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        holds(&environment, name, &rule, &Scope::default())
    }

    #[test]
    fn text_is_compared_as_text_and_limits_as_numbers() {
        let equals = |value| Rule { equals: Some(value), ..Rule::default() };
        assert!(held(equals(json!("csharp-hybrid")), "MODE").0);
        assert_eq!(held(equals(json!("python")), "MODE"), (false, "\"csharp-hybrid\"".to_owned()));
        assert!(held(equals(json!(20)), "OPEN").0);
        let at = |pointer: &str| Bound::At { pointer: pointer.to_owned(), times: 1.0, plus: 0.0 };
        let min = |bound| Rule { min: Some(bound), ..Rule::default() };
        assert!(held(min(at("/IDLE")), "OPEN").0, "one variable against another");
        assert!(!held(min(at("/OPEN")), "IDLE").0);
        assert!(!held(min(Bound::Constant(0.0)), "EMPTY").0, "nothing is no number");
        assert!(!held(min(Bound::Constant(0.0)), "MODE").0);
        assert!(!held(min(Bound::Constant(0.0)), "BIG").0, "what is too big is no number");
        assert!(!held(min(at("/NONE")), "OPEN").0);
    }

    #[test]
    fn that_it_is_there_does_not_tell_its_value() {
        let exists = |exists| Rule { exists: Some(exists), ..Rule::default() };
        assert_eq!(held(exists(true), "OPEN"), (true, "set".to_owned()));
        assert!(!held(exists(true), "NONE").0);
        assert!(held(exists(false), "NONE").0);
        assert_eq!(held(exists(false), "OPEN"), (false, "set".to_owned()));
        let wildcard = Rule { matches: Some(Pattern(r"^[^*]+$".into())), ..Rule::default() };
        assert!(held(wildcard.clone(), "MODE").0);
        assert!(!held(wildcard, "EMPTY").0);
    }
}
