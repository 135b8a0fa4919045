//! Keys that are unknown, missing, or cannot stand together.

use serde_json::{Map, Value as Json};

use super::{Seg, Walker};
use crate::runbook::codes::Code;
use crate::runbook::load::near::nearest;
use crate::runbook::load::shape::{expect_of, properties, stand_in, strings, ticked, words};
use crate::runbook::load::tree::{Entry, Node};
use crate::runbook::schema::SCHEMA;

impl Walker<'_> {
    pub(super) fn unknown_key(&mut self, entry: &Entry, schema: &Json, table: &Node) {
        let place: Vec<&str> = self.trail[..self.trail.len() - 1]
            .iter()
            .filter_map(|seg| match seg {
                Seg::Key(key) => Some(key.as_str()),
                Seg::Index(_) => None,
            })
            .collect();
        let place = if place.is_empty() { "a runbook".to_owned() } else { format!("`{}`", place.join(".")) };
        let keys = properties(schema);
        let expect = keys.contains(&"expect").then(|| expect_of(schema, table)).flatten();
        let help = if let Some(near) = nearest(&entry.key, keys.iter().copied()) {
            format!("did you mean `{near}`?")
        } else if expect.is_some_and(|expect| properties(expect).contains(&entry.key.as_str())) {
            format!("it is a key of `expect`: write `expect.{}`", entry.key)
        } else if SCHEMA["properties"].get(&entry.key).is_some() {
            format!("`{0}` is a key of the runbook itself: write it above the first table", entry.key)
        } else if let Some(header) = self.table_above(&entry.key) {
            format!("`{}` is a key of `{header}`: write it there, above the first table inside it", entry.key)
        } else {
            format!("known here are {}", ticked(keys.iter().copied()))
        };
        self.error(
            Code::UnknownKey,
            entry.key_span.clone(),
            format!("unknown key `{}` in {place}", entry.key),
            help,
        );
    }

    /// The header of the table around this one that takes the key: TOML gave it to the last header above it.
    pub(super) fn table_above(&self, key: &str) -> Option<&'static str> {
        let (header, kind) = match self.trail.first()? {
            Seg::Key(table) if table == "stage" => ("[[stage]]", "StageFile"),
            Seg::Key(table) if table == "rollback" => ("[rollback]", "RollbackFile"),
            _ => return None,
        };
        SCHEMA["$defs"][kind]["properties"].get(key).map(|_| header)
    }

    pub(super) fn kind_entries<'n>(&self, table: &'n Node) -> Vec<&'n Entry> {
        let kinds = [&SCHEMA["$defs"]["CheckFile"], &SCHEMA["$defs"]["StepFile"]]
            .map(|schema| strings(schema, "x-kinds"));
        table.entries().iter().filter(|e| kinds.iter().flatten().any(|kind| *kind == e.key)).collect()
    }

    pub(super) fn kinds(&mut self, node: &Node, schema: &Json, unknown: &[&str]) {
        let kinds = strings(schema, "x-kinds");
        if kinds.is_empty() {
            return;
        }
        let found: Vec<&Entry> = node.entries().iter().filter(|e| kinds.contains(&e.key.as_str())).collect();
        let misspelt = unknown.iter().any(|key| nearest(key, kinds.iter().copied()).is_some());
        let all = ticked(kinds.iter().copied());
        match found.as_slice() {
            [] if self.whole && !misspelt => {
                self.error(
                    Code::NoKind,
                    node.span.clone(),
                    "nothing says what this does",
                    format!("give it one of {all}"),
                );
            }
            [first, second, ..] => {
                let message = format!("`{}` and `{}` cannot stand together", first.key, second.key);
                self.error(
                    Code::SeveralKinds,
                    second.key_span.clone(),
                    message,
                    format!("keep one of {all}"),
                );
            }
            _ => {}
        }
    }

    pub(super) fn required(
        &mut self,
        node: &Node,
        schema: &Json,
        unknown: &[&str],
        out: &mut Map<String, Json>,
    ) {
        for key in strings(schema, "required") {
            if out.contains_key(key) {
                continue;
            }
            let misspelt = unknown.iter().any(|unknown| nearest(unknown, [key]).is_some());
            let property = schema["properties"].get(key).unwrap_or(&Json::Null);
            if self.whole && !misspelt {
                let message = format!("`{key}` is missing");
                self.error(
                    Code::MissingKey,
                    node.span.clone(),
                    message,
                    format!("add `{key}`: {}", words(property)),
                );
            }
            self.findings.replaced(node.span.clone());
            self.stand_ins += 1;
            out.insert(key.to_owned(), stand_in(property, self.stand_ins));
        }
    }
}
