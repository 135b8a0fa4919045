//! The tree against the schema: every key, type and format, with vars inserted on the way.
//!
//! What comes out always fits the schema: where something is wrong, a stand-in takes its place, so that everything else
//! can still be judged in the same pass.

mod insert;
mod keys;

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::{Map, Value as Json};

use insert::collect_captures;

use super::format::{Format, judge_key};
use super::near::suggest;
use super::shape::{accepts, bounds, choices, resolve, stand_in, ticked, types, words};
use super::tree::{Entry, Node, Value};
use super::vars::Vars;
use crate::runbook::codes::Code;
use crate::runbook::diagnostic::{Diagnostic, Findings};
use crate::runbook::schema::SCHEMA;

/// One key or number on the way to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seg {
    Key(String),
    Index(usize),
}

/// Where a name that only has a value at run time is used.
#[derive(Debug, Clone)]
pub struct Use {
    pub name: String,
    pub span: Range<usize>,
    pub trail: Vec<Seg>,
}

/// Walks the tree; see the module.
pub struct Walker<'a> {
    pub source: &'a str,
    pub vars: &'a Vars,
    pub secrets: BTreeSet<String>,
    pub captures: BTreeSet<String>,
    pub findings: &'a mut Findings,
    /// Where the text could not be parsed as a whole, what seems to be missing may stand in the part that was not read.
    pub whole: bool,
    pub uses: Vec<Use>,
    trail: Vec<Seg>,
    stand_ins: usize,
}

impl<'a> Walker<'a> {
    /// A walker for a tree, whose own secrets and captures are the ones that may be named.
    pub fn new(
        source: &'a str,
        root: &Node,
        vars: &'a Vars,
        whole: bool,
        findings: &'a mut Findings,
    ) -> Self {
        let secrets =
            root.get("secret").map_or(&[][..], Node::entries).iter().map(|e| e.key.clone()).collect();
        let mut captures = BTreeSet::new();
        collect_captures(root, &mut captures);
        Self {
            source,
            vars,
            secrets,
            captures,
            findings,
            whole,
            uses: Vec::new(),
            trail: Vec::new(),
            stand_ins: 0,
        }
    }

    /// The whole runbook as JSON that fits the schema.
    pub fn runbook(&mut self, root: &Node) -> Json {
        self.value(root, &SCHEMA)
    }

    fn error(&mut self, code: Code, span: Range<usize>, message: impl AsRef<str>, help: impl AsRef<str>) {
        self.findings.add(Diagnostic::new(code, span, message).help(help));
    }

    fn value(&mut self, node: &Node, schema: &Json) -> Json {
        let schema = resolve(schema);
        if let Some(options) = schema.get("anyOf").and_then(Json::as_array) {
            return match options.iter().find(|option| accepts(option, node)) {
                Some(option) => self.value(node, option),
                None => self.wrong_type(node, schema),
            };
        }
        if !accepts(schema, node) {
            return self.wrong_type(node, schema);
        }
        if let Some(format) = schema.get("x-strings").and_then(Json::as_str) {
            return self.literal(node, Format::of(format));
        }
        match &node.value {
            Value::String(text) => self.string(node, text, schema),
            Value::Integer(number) => self.integer(node, *number, schema),
            Value::Float(number) => self.float(node, *number, schema),
            Value::Boolean(yes) => Json::Bool(*yes),
            Value::Datetime(text) => self.string(node, text, schema),
            Value::Array(items) => self.array(node, items, schema),
            Value::Table(entries) => self.table(node, entries, schema),
        }
    }

    fn wrong_type(&mut self, node: &Node, schema: &Json) -> Json {
        let name = match self.trail.iter().rev().find_map(|seg| match seg {
            Seg::Key(key) => Some(key.clone()),
            Seg::Index(_) => None,
        }) {
            Some(key) => format!("`{key}` takes "),
            None => "expected ".to_owned(),
        };
        let message = format!("{name}{}, not {}", words(schema), node.type_name());
        let help = match &node.value {
            Value::Integer(n) if schema.get("format").is_some_and(|format| format == "duration") => {
                format!("give it a unit: \"{n}s\"")
            }
            Value::Integer(n) if types(schema).contains(&"string") => format!("put it in quotes: \"{n}\""),
            Value::Boolean(b) if types(schema).contains(&"string") => format!("put it in quotes: \"{b}\""),
            Value::String(_) if types(schema) == ["array"] => "put it in brackets: [\"…\"]".to_owned(),
            Value::String(text) if text.parse::<f64>().is_ok() => "write it without quotes".to_owned(),
            _ => self.wrong_table().unwrap_or_else(|| format!("write {}", words(schema))),
        };
        self.error(Code::WrongType, node.span.clone(), message, help);
        self.stand_in(node, schema)
    }

    /// What to say where a key of the runbook itself came to stand in a table whose keys are free.
    fn wrong_table(&self) -> Option<String> {
        let [Seg::Key(table), Seg::Key(key)] = self.trail.as_slice() else { return None };
        SCHEMA["properties"].get(key)?;
        Some(format!(
            "in TOML it belongs to `[{table}]` here; if the runbook's own `{key}` is meant, write it above the first table"
        ))
    }

    fn stand_in(&mut self, node: &Node, schema: &Json) -> Json {
        self.findings.replaced(node.span.clone());
        self.stand_ins += 1;
        stand_in(schema, self.stand_ins)
    }

    fn literal(&mut self, node: &Node, format: &'static Format) -> Json {
        match &node.value {
            Value::String(text) => Json::String(self.text(node, text, format)),
            Value::Array(items) => items.iter().map(|item| self.literal(item, format)).collect(),
            Value::Table(entries) => entries
                .iter()
                .map(|e| (e.key.clone(), self.literal(&e.node, format)))
                .collect::<Map<_, _>>()
                .into(),
            Value::Integer(number) => self.integer(node, *number, &Json::Null),
            Value::Float(number) => self.float(node, *number, &Json::Null),
            Value::Boolean(yes) => Json::Bool(*yes),
            Value::Datetime(text) => Json::String(text.clone()),
        }
    }

    fn string(&mut self, node: &Node, text: &str, schema: &Json) -> Json {
        let allowed = choices(schema);
        if !allowed.is_empty() {
            if allowed.contains(&text) {
                return text.into();
            }
            let message = format!("`{text}` is not one of the values that this key takes");
            let help = suggest(text, "value", allowed.iter().copied());
            self.error(Code::NotAllowed, node.span.clone(), message, help);
            return self.stand_in(node, schema);
        }
        let format = Format::of(schema.get("format").and_then(Json::as_str).unwrap_or("text"));
        Json::String(self.text(node, text, format))
    }

    fn integer(&mut self, node: &Node, number: i128, schema: &Json) -> Json {
        if !self.in_range(node, number as f64, schema) {
            return self.stand_in(node, schema);
        }
        match i64::try_from(number) {
            Ok(number) => number.into(),
            Err(_) => {
                self.error(
                    Code::OutOfRange,
                    node.span.clone(),
                    "the number is too large",
                    "write a smaller one",
                );
                self.stand_in(node, schema)
            }
        }
    }

    fn float(&mut self, node: &Node, number: f64, schema: &Json) -> Json {
        if !number.is_finite() {
            self.error(Code::OutOfRange, node.span.clone(), "not a finite number", "write a number");
            return self.stand_in(node, schema);
        }
        if self.in_range(node, number, schema) { number.into() } else { self.stand_in(node, schema) }
    }

    fn in_range(&mut self, node: &Node, number: f64, schema: &Json) -> bool {
        let (least, most) = bounds(schema);
        if number < least {
            self.error(
                Code::OutOfRange,
                node.span.clone(),
                format!("{number} is too small"),
                format!("write {least} or more"),
            );
        } else if number > most {
            self.error(
                Code::OutOfRange,
                node.span.clone(),
                format!("{number} is too large"),
                format!("write {most} or less"),
            );
        }
        (least..=most).contains(&number)
    }

    fn array(&mut self, node: &Node, items: &[Node], schema: &Json) -> Json {
        let least = schema.get("minItems").and_then(Json::as_u64).unwrap_or(0);
        let item_schema = schema.get("items").unwrap_or(&Json::Bool(true));
        if (items.len() as u64) < least {
            self.error(Code::Empty, node.span.clone(), "the list is empty", "name at least one");
            return self.stand_in(node, schema);
        }
        let mut out = Vec::new();
        for (index, item) in items.iter().enumerate() {
            self.trail.push(Seg::Index(index));
            out.push(self.value(item, item_schema));
            self.trail.pop();
        }
        Json::Array(out)
    }

    fn table(&mut self, node: &Node, entries: &[Entry], schema: &Json) -> Json {
        let mut out = Map::new();
        let free = schema.get("additionalProperties").filter(|free| !free.is_boolean());
        let properties = schema.get("properties").and_then(Json::as_object);
        let mut unknown = Vec::new();
        for entry in entries {
            self.trail.push(Seg::Key(entry.key.clone()));
            let value = if let Some(property) = properties.and_then(|p| p.get(&entry.key)) {
                self.property(node, entry, property)
            } else if let Some(free) = free {
                self.free(entry, free, schema)
            } else {
                self.unknown_key(entry, schema, node);
                unknown.push(entry.key.as_str());
                None
            };
            self.trail.pop();
            if let Some(value) = value {
                out.insert(entry.key.clone(), value);
            }
        }
        self.kinds(node, schema, &unknown);
        self.required(node, schema, &unknown, &mut out);
        Json::Object(out)
    }

    fn property(&mut self, table: &Node, entry: &Entry, property: &Json) -> Option<Json> {
        let Some(by_kind) = property.get("x-by-kind").and_then(Json::as_object) else {
            return Some(self.value(&entry.node, property));
        };
        if let Some((_, schema)) = by_kind.iter().find(|(kind, _)| table.get(kind).is_some()) {
            return Some(self.value(&entry.node, schema));
        }
        let kinds = self.kind_entries(table);
        if let [kind] = kinds.as_slice() {
            let message = format!("`{}` does not go with `{}`", entry.key, kind.key);
            let help = format!("it goes with {}", ticked(by_kind.keys().map(String::as_str)));
            self.error(Code::WrongKind, entry.key_span.clone(), message, help);
        }
        None
    }

    fn free(&mut self, entry: &Entry, schema: &Json, table: &Json) -> Option<Json> {
        let kind = table.get("x-keys").and_then(Json::as_str).unwrap_or_default();
        if let Err(refusal) = judge_key(kind, &entry.key) {
            self.error(refusal.code, entry.key_span.clone(), refusal.message, refusal.help);
        }
        Some(self.value(&entry.node, schema))
    }
}
