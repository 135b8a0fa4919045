//! What a `${{ name }}` stands for at its place, and whether the text that comes of it is in order.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Seg, Use, Walker};
use crate::runbook::codes::Code;
use crate::runbook::diagnostic::Diagnostic;
use crate::runbook::interpolate::{Part, fit, parts};
use crate::runbook::load::format::{Format, Inserts};
use crate::runbook::load::near::{nearest, suggest};
use crate::runbook::load::text::placeholders;
use crate::runbook::load::tree::{Node, Value};

impl Walker<'_> {
    /// Inserts what is known and judges the text.
    pub(super) fn text(&mut self, node: &Node, text: &str, format: &'static Format) -> String {
        let mut marks = placeholders(self.source, &node.span).into_iter();
        let mut out = String::new();
        // The same with a word for each value that is not known yet: what can be judged now.
        let mut probe = String::new();
        let mut holes = false;
        let mut later = Vec::new();
        let mut refused = false;
        for (_, part) in parts(text) {
            let name = match part {
                Part::Text(part) => {
                    out.push_str(part);
                    probe.push_str(part);
                    continue;
                }
                Part::Unclosed(_) => {
                    let span = marks.next().unwrap_or_else(|| node.span.clone());
                    self.error(
                        Code::Unclosed,
                        span,
                        "`${{` without its `}}`",
                        "close it, or write `$` alone for the shell's own",
                    );
                    return self.replaced(node, format);
                }
                Part::Name(name) => name,
            };
            let span = marks.next().unwrap_or_else(|| node.span.clone());
            match self.insert(name, span.clone(), format) {
                Inserted::Value(value) => match fit(name, &value, format.place) {
                    Ok(value) => {
                        out.push_str(&value);
                        probe.push_str(&value);
                    }
                    Err(error) => {
                        self.error(
                            Code::NotForShell,
                            span,
                            error.to_string(),
                            "a shell string takes `A-Z a-z 0-9 _ . / : @ % + = , -` only",
                        );
                        return self.replaced(node, format);
                    }
                },
                Inserted::Later => {
                    holes = true;
                    later.push(Part::Name(name));
                    out.push_str(&format!("${{{{ {name} }}}}"));
                    probe.push_str("x0");
                }
                Inserted::Refused => refused = true,
            }
        }
        if refused {
            return self.replaced(node, format);
        }
        // A `$` before a value that begins with braces would make a template of it.
        let made =
            parts(&out).into_iter().map(|(_, part)| part).filter(|part| !matches!(part, Part::Text(_)));
        if !made.eq(later) {
            let message = "an inserted value would make a new `${{ }}` together with the text beside it";
            self.error(
                Code::VarRefused,
                node.span.clone(),
                message,
                "values are never read as templates: take the `$` or the braces away",
            );
            return self.replaced(node, format);
        }
        if holes && format.has_shape() {
            return format.stand_in.to_owned();
        }
        if let Err(refusal) = format.judge(&probe, holes) {
            self.error(refusal.code, node.span.clone(), refusal.message, refusal.help);
            return self.replaced(node, format);
        }
        out
    }

    fn replaced(&mut self, node: &Node, format: &'static Format) -> String {
        self.findings.replaced(node.span.clone());
        if format.name != "id" {
            return format.stand_in.to_owned();
        }
        self.stand_ins += 1;
        format!("unnamed-{}", self.stand_ins)
    }

    /// What a name stands for at this place.
    fn insert(&mut self, name: &str, span: Range<usize>, format: &'static Format) -> Inserted {
        if format.inserts == Inserts::Nothing {
            let message = format!("nothing can be inserted into {}", format.words);
            self.error(Code::NotKnownYet, span, message, "write it out");
            return Inserted::Refused;
        }
        if let Some(value) = self.vars.get(name) {
            return value.clone().map_or(Inserted::Later, Inserted::Value);
        }
        if let Some(secret) = name.strip_prefix("secret.") {
            if !self.secrets.contains(secret) {
                let help = suggest(
                    secret,
                    "secret: declare it as `[secret.NAME]`",
                    self.secrets.iter().map(String::as_str),
                );
                self.findings.add(
                    Diagnostic::new(Code::UnknownName, span, format!("there is no secret `{secret}`"))
                        .help(help),
                );
                return Inserted::Refused;
            }
            if format.inserts < Inserts::Secrets {
                self.error(
                    Code::SecretHere,
                    span,
                    "a secret must not stand here, where it would show in a process list or on a disk",
                    "hand it over in `env`, a header, a body or a URL",
                );
                return Inserted::Refused;
            }
            return Inserted::Later;
        }
        let in_step = self.in_step();
        let known = match name {
            "session.id" | "session.dir" | "runbook.dir" | "uuid()" => true,
            "stage.id" | "step.attempt" => in_step || self.trail.first() == Some(&Seg::Key("env".into())),
            _ => self.captures.contains(name),
        };
        if !known {
            let builtin = ["session.id", "session.dir", "stage.id", "step.attempt", "runbook.dir", "uuid()"];
            let given = self.vars.keys().map(String::as_str).chain(self.captures.iter().map(String::as_str));
            let help = match nearest(name, builtin.into_iter().chain(given)) {
                _ if builtin.contains(&name) => "it has a value in steps only".to_owned(),
                Some(near) => format!("did you mean `{near}`?"),
                None => "declare it in `[vars]`, or capture it in an earlier step".to_owned(),
            };
            self.error(Code::UnknownName, span, format!("nothing gives `{name}` a value"), help);
            return Inserted::Refused;
        }
        if format.inserts < Inserts::Runtime {
            let message =
                format!("`{name}` is only known while the session runs, and this must be known before");
            self.error(Code::NotKnownYet, span, message, "use a var");
            return Inserted::Refused;
        }
        self.uses.push(Use { name: name.to_owned(), span, trail: self.trail.clone() });
        Inserted::Later
    }

    fn in_step(&self) -> bool {
        let keys = self.trail.iter().filter_map(|seg| match seg {
            Seg::Key(key) => Some(key.as_str()),
            Seg::Index(_) => None,
        });
        let keys: Vec<&str> = keys.take(2).collect();
        matches!(keys.as_slice(), ["stage", "step" | "rollback"] | ["rollback", "step" | "prepare"])
    }
}

enum Inserted {
    Value(String),
    Later,
    Refused,
}

/// Every name that a step of the tree captures.
pub(super) fn collect_captures(node: &Node, names: &mut BTreeSet<String>) {
    for entry in node.entries() {
        if entry.key == "capture" {
            names.extend(entry.node.entries().iter().map(|capture| capture.key.clone()));
        } else {
            collect_captures(&entry.node, names);
        }
    }
    if let Value::Array(items) = &node.value {
        items.iter().for_each(|item| collect_captures(item, names));
    }
}
