//! The runbook's inputs: their values out of `--set`, `--vars` and defaults, before anything else is read.

use std::ops::Range;

use indexmap::IndexMap;

use super::near::suggest;
use super::tree::{Node, Value};
use super::{Inputs, Missing};
use crate::runbook::codes::Code;
use crate::runbook::diagnostic::{Diagnostic, Findings};
use crate::runbook::interpolate::{Part, parts};
use crate::runbook::patterns;

/// What each var stands for; `None` while it has no value.
pub type Vars = IndexMap<String, Option<String>>;

/// Works out every var.
pub fn read(root: &Node, inputs: &Inputs, findings: &mut Findings) -> Vars {
    let table = root.at("vars");
    let declared = if root.get("vars").is_some() { table.entries() } else { &[] };
    for name in inputs.set.keys().filter(|name| !declared.iter().any(|var| var.key == **name)) {
        let known = declared.iter().map(|var| var.key.as_str());
        findings.add(
            Diagnostic::new(
                Code::UnknownVar,
                root.key_span("vars"),
                format!("a value was given for `{name}`, but the runbook has no such var"),
            )
            .help(suggest(name, "var at all", known)),
        );
    }
    let mut reader = Reader { table, inputs, findings, done: IndexMap::new() };
    declared.iter().for_each(|var| {
        reader.value(&var.key, &mut Vec::new());
    });
    // In the order of the file, not in the order in which they were needed.
    declared.iter().map(|var| (var.key.clone(), reader.done.get(&var.key).cloned().flatten())).collect()
}

/// So many defaults may stand one in the other.
const MAX_DEPTH: usize = 40;

/// The longest value. Defaults that double each other would grow without end.
const MAX_BYTES: usize = 32 * 1024;

/// As much of a value as a message can show.
fn beginning(value: &str) -> String {
    let mut shown: String = value.chars().take(80).collect();
    if shown.len() < value.len() {
        shown.push('…');
    }
    shown
}

struct Reader<'a> {
    table: &'a Node,
    inputs: &'a Inputs,
    findings: &'a mut Findings,
    done: Vars,
}

impl Reader<'_> {
    fn value(&mut self, name: &str, asking: &mut Vec<String>) -> Option<String> {
        if let Some(value) = self.done.get(name) {
            return value.clone();
        }
        let var = self.table.get(name)?.clone();
        let span = self.table.key_span(name);
        if asking.iter().any(|asked| asked == name) {
            let circle = asking.join("` → `");
            self.findings.add(
                Diagnostic::new(Code::VarCycle, span, format!("the default of `{name}` needs itself"))
                    .help(format!("it goes round: `{circle}` → `{name}`")),
            );
            return None;
        }
        if asking.len() == MAX_DEPTH {
            let message =
                format!("the default of `{}` is made of too many others, one in the other", asking[0]);
            self.findings.add(
                Diagnostic::new(Code::TooDeep, self.table.key_span(&asking[0]), message)
                    .help(format!("no more than {MAX_DEPTH} defaults may stand one in the other")),
            );
            return None;
        }
        asking.push(name.to_owned());
        let value = match self.inputs.set.get(name) {
            Some(given) => Some((given.clone(), span)),
            None => self.default(name, &var, asking),
        };
        asking.pop();
        let value = value.and_then(|(value, span)| self.accept(name, &var, value, span));
        self.done.insert(name.to_owned(), value.clone());
        value
    }

    /// The default with other vars inserted. What is wrong with its text is said where every text is judged.
    fn default(
        &mut self,
        name: &str,
        var: &Node,
        asking: &mut Vec<String>,
    ) -> Option<(String, Range<usize>)> {
        let Some(default) = var.get("default") else {
            if self.inputs.missing == Missing::Error && matches!(var.value, Value::Table(_)) {
                self.findings.add(
                    Diagnostic::new(
                        Code::VarMissing,
                        self.table.key_span(name),
                        format!("`{name}` has no value"),
                    )
                    .help(format!("give it one with `--set {name}=…` or in a file with `--vars FILE`")),
                );
            }
            return None;
        };
        let mut text = String::new();
        for (_, part) in parts(default.as_str()?) {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Name(other) if self.table.get(other).is_some() => {
                    text.push_str(&self.value(other, asking)?);
                }
                Part::Name(_) | Part::Unclosed(_) => return None,
            }
        }
        Some((text, default.span.clone()))
    }

    fn accept(&mut self, name: &str, var: &Node, value: String, span: Range<usize>) -> Option<String> {
        let refusal = if value.contains("${{") {
            Some("it holds `${{`, and values are never read as templates".to_owned())
        } else if value.contains('\0') {
            Some("it holds a NUL character".to_owned())
        } else if value.len() > MAX_BYTES {
            Some(format!("it has {} bytes, and no value needs more than {MAX_BYTES}", value.len()))
        } else {
            refused(var, &value)
        };
        let Some(reason) = refusal else { return Some(value) };
        self.findings.add(
            Diagnostic::new(
                Code::VarRefused,
                span,
                format!("`{name}` does not take `{}`", beginning(&value)),
            )
            .help(reason),
        );
        None
    }
}

/// Why the var does not take that value.
fn refused(var: &Node, value: &str) -> Option<String> {
    if let Some(pattern) = var.get("pattern").and_then(Node::as_str)
        && let Ok(regex) = patterns::of_all(pattern)
        && !regex.is_match(value)
    {
        return Some(format!("it must match `{pattern}` as a whole"));
    }
    let choices: Vec<&str> =
        var.get("choices").map_or(&[][..], Node::items).iter().filter_map(Node::as_str).collect();
    if !choices.is_empty() && !choices.contains(&value) {
        return Some(format!("its choices are {}", choices.join(", ")));
    }
    None
}
