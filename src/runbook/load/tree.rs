//! The TOML tree with the place of every key and value.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::runbook::codes::Code;
use crate::runbook::diagnostic::{Diagnostic, Findings};

/// Deeper than this is no runbook.
const MAX_DEPTH: usize = 40;

/// A value and where it stands; of a table that is its header.
#[derive(Debug, Clone)]
pub struct Node {
    pub span: Range<usize>,
    pub value: Value,
}

/// What a node holds.
#[derive(Debug, Clone)]
pub enum Value {
    String(String),
    Integer(i128),
    Float(f64),
    Boolean(bool),
    /// Dates and times have no use of their own here; they are kept as they were written.
    Datetime(String),
    Array(Vec<Node>),
    /// In the order of the file.
    Table(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone)]
pub struct Entry {
    pub key: String,
    pub key_span: Range<usize>,
    pub node: Node,
}

/// Parses the text. Syntax errors are found all at once, and the tree is what could be read in spite of them.
pub fn parse(text: &str, findings: &mut Findings) -> Node {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().lines().collect::<Vec<_>>().join("; ");
        findings.add(Diagnostic::new(Code::Syntax, span, message));
    }
    let span = 0..text.find('\n').unwrap_or(text.len());
    Node { value: read_table(table.get_ref(), 0, findings), span }
}

fn read_table(table: &DeTable<'_>, depth: usize, findings: &mut Findings) -> Value {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_span: key.span(),
            node: read(value, depth + 1, findings),
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    Value::Table(entries)
}

fn read(node: &Spanned<DeValue<'_>>, depth: usize, findings: &mut Findings) -> Node {
    let span = node.span();
    if depth > MAX_DEPTH {
        findings.add(
            Diagnostic::new(Code::TooDeep, span.clone(), "nested too deeply")
                .help(format!("a runbook never needs more than {MAX_DEPTH} levels")),
        );
        return Node { span, value: Value::Table(Vec::new()) };
    }
    let value = match node.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => {
            Value::Integer(i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(i128::MAX))
        }
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(yes) => Value::Boolean(*yes),
        DeValue::Datetime(time) => Value::Datetime(time.to_string()),
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| read(item, depth + 1, findings)).collect())
        }
        DeValue::Table(table) => read_table(table, depth, findings),
    };
    Node { span, value }
}

impl Node {
    /// The entries, of a table.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The entry of that key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of that key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The value of that key; where there is none, the node itself: the best place to point at.
    pub fn at(&self, key: &str) -> &Node {
        self.get(key).unwrap_or(self)
    }

    /// The items, of an array; of anything else, itself.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::Array(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// The item of that number, or itself.
    pub fn item(&self, index: usize) -> &Node {
        self.items().get(index).unwrap_or(self)
    }

    /// Where that key stands, or else the node.
    pub fn key_span(&self, key: &str) -> Range<usize> {
        self.entry(key).map_or_else(|| self.span.clone(), |entry| entry.key_span.clone())
    }

    /// The text, of a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// What it is, in words.
    pub fn type_name(&self) -> &'static str {
        match &self.value {
            Value::String(_) => "a string",
            Value::Integer(_) => "a whole number",
            Value::Float(_) => "a number",
            Value::Boolean(_) => "true or false",
            Value::Datetime(_) => "a date or time",
            Value::Array(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}
