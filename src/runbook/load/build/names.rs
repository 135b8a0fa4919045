//! Every name that one part of a runbook may call another by.

use std::time::Duration;

use super::Build;
use super::check::period;
use super::metric::{is_told_by_one_look, looks_to_measure};
use crate::runbook::codes::Code;
use crate::runbook::file::RunbookFile;
use crate::runbook::file::check::CheckFile;
use crate::runbook::file::step::StepFile;
use crate::runbook::file::values::{CheckRef, StepRef};
use crate::runbook::id::{CheckId, ROLLBACK, StageId, StepId};
use crate::runbook::load::near::suggest;
use crate::runbook::load::tree::Node;
use crate::runbook::model::{FROZEN, ROLLBACK_FILES, ROLLBACK_SNAPSHOTS};

/// The names in a file.
pub struct Names {
    checks: Vec<CheckName>,
    pub stages: Vec<String>,
    steps: Vec<StepName>,
    pub baselines: Vec<BaselineName>,
}

/// What a `baseline` step keeps, and of which checks.
pub struct BaselineName {
    pub name: String,
    pub checks: Vec<String>,
}

struct CheckName {
    name: String,
    process: bool,
    /// It looks at what a `start` step has started.
    started: bool,
    metric: bool,
    /// Its samples are another check's, or those of several.
    no_looks: bool,
    /// What only several looks together tell.
    many_looks: bool,
    /// So many looks a baseline of it takes at least.
    to_measure: u32,
    advisory: bool,
    period: Duration,
}

struct StepName {
    id: StepId,
    /// In a list of rollback steps.
    back: bool,
    kind: &'static str,
}

impl Names {
    /// All names of a file.
    pub fn of(file: &RunbookFile) -> Self {
        let checks = file.check.iter().map(|(name, check)| CheckName {
            name: name.clone(),
            process: check.process.is_some(),
            started: check.process.as_ref().is_some_and(|process| process.step.is_some()),
            metric: check.metric.is_some(),
            no_looks: check.any.is_some() || check.metric.as_ref().is_some_and(|m| m.latency.is_some()),
            many_looks: check.metric.as_ref().is_some_and(|metric| {
                !is_told_by_one_look(metric, check.expect.as_ref().map(|expect| &expect.0))
            }),
            to_measure: looks_to_measure(check),
            advisory: check.advisory,
            period: period(followed(file, check)),
        });
        let (mut steps, mut baselines) = (Vec::new(), Vec::new());
        let mut list = |stage: &str, back: bool, list: &[StepFile]| {
            baselines.extend(list.iter().filter_map(|step| step.baseline.as_ref()).map(|baseline| {
                BaselineName {
                    name: baseline.name.0.clone(),
                    checks: baseline.checks.iter().map(|check| check.0.clone()).collect(),
                }
            }));
            steps.extend(list.iter().map(|step| StepName {
                id: StepId::new(stage, &step.id.0),
                back,
                kind: if step.link.is_some() {
                    "link"
                } else if step.snapshot.is_some() {
                    "snapshot"
                } else if step.start.is_some() {
                    "start"
                } else {
                    ""
                },
            }));
        };
        for stage in &file.stage {
            list(&stage.id.0, false, &stage.step);
            list(&stage.id.0, true, &stage.rollback);
        }
        if let Some(rollback) = &file.rollback {
            list(ROLLBACK, true, &rollback.prepare);
            list(ROLLBACK, true, &rollback.step);
        }
        let stages = file.stage.iter().map(|s| s.id.0.clone()).collect();
        Self { checks: checks.collect(), stages, steps, baselines }
    }
}

/// The check whose rhythm a check has: its own, or the one that it follows.
fn followed<'f>(file: &'f RunbookFile, check: &'f CheckFile) -> &'f CheckFile {
    let followed = check.metric.as_ref().and_then(|metric| metric.latency.as_ref());
    followed.and_then(|name| file.check.get(&name.0)).unwrap_or(check)
}

/// The checks that the loader makes itself, and of what.
const RESERVED: [(&str, &str); 3] = [
    (FROZEN, "the files of `[freeze]`"),
    (ROLLBACK_FILES, "the files of all rollback steps"),
    (ROLLBACK_SNAPSHOTS, "the copies that rollback steps put back"),
];

/// Whether a check that is named must count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    Must,
    May,
}

impl Build<'_> {
    /// Names that are taken, or that stand twice.
    pub fn taken_names(&mut self) {
        let root = self.root;
        let checks = root.at("check");
        for (name, of) in RESERVED {
            if let Some(entry) = checks.entry(name) {
                let span = entry.key_span.clone();
                let message = format!("`{name}` is the check that is made of {of}");
                self.error(Code::NameTaken, span, message, "call it something else");
            }
        }
        let mut seen: Vec<&str> = Vec::new();
        for stage in list(root, "stage") {
            let id = stage.get("id").and_then(Node::as_str).unwrap_or_default();
            if id == ROLLBACK {
                let message =
                    "no stage can be called `rollback`: the word stands for the way back as a whole";
                self.error(Code::NameTaken, stage.at("id").span.clone(), message, "call it something else");
            } else if !id.is_empty() && seen.contains(&id) {
                let message = format!("there is a stage `{id}` already");
                self.error(
                    Code::DuplicateId,
                    stage.at("id").span.clone(),
                    message,
                    "ids are unique among stages",
                );
            }
            seen.push(id);
            self.unique_steps(stage, &["step", "rollback"]);
        }
        if let Some(rollback) = root.get("rollback") {
            self.unique_steps(rollback, &["prepare", "step"]);
        }
        self.captures_and_vars(root);
    }

    fn unique_steps(&mut self, table: &Node, lists: &[&str]) {
        let mut seen: Vec<&str> = Vec::new();
        for step in lists.iter().flat_map(|name| list(table, name)) {
            let Some(id) = step.get("id").and_then(Node::as_str) else { continue };
            if seen.contains(&id) {
                let message = format!("there is a step `{id}` already");
                let help = "ids are unique in a stage, over its steps and its rollback steps";
                self.error(Code::DuplicateId, step.at("id").span.clone(), message, help);
            }
            seen.push(id);
        }
    }

    fn captures_and_vars(&mut self, root: &Node) {
        let stages = list(root, "stage");
        let tables = stages.iter().map(|stage| (stage, ["step", "rollback"]));
        let rollback = root.get("rollback").map(|rollback| (rollback, ["prepare", "step"]));
        for (table, lists) in tables.chain(rollback) {
            for step in lists.iter().flat_map(|name| list(table, name)) {
                let captures = step.get("capture").map_or(&[][..], Node::entries);
                for capture in captures.iter().filter(|c| self.vars.contains_key(&c.key)) {
                    let message =
                        format!("`{}` is a var already, and a capture cannot take its name", capture.key);
                    self.error(
                        Code::NameTaken,
                        capture.key_span.clone(),
                        message,
                        "call the capture something else",
                    );
                }
            }
        }
    }

    /// Checks by name; what does not exist is reported at its item of `node`.
    pub fn checks(&mut self, names: Vec<CheckRef>, node: &Node, counts: Counts) -> Vec<CheckId> {
        names
            .into_iter()
            .enumerate()
            .filter_map(|(i, name)| self.check_ref(&name, node.item(i), counts))
            .collect()
    }

    /// One check by name.
    pub fn check_ref(&mut self, name: &CheckRef, node: &Node, counts: Counts) -> Option<CheckId> {
        let span = node.span.clone();
        let Some(found) = self.names.checks.iter().find(|check| check.name == name.0) else {
            let help = suggest(&name.0, "check at all", self.names.checks.iter().map(|c| c.name.as_str()));
            self.error(Code::UnknownCheck, span, format!("there is no check `{}`", name.0), help);
            return None;
        };
        if found.advisory && counts == Counts::Must {
            let message = format!("`{}` is advisory and never counts, so it can prove nothing here", name.0);
            self.error(Code::Impossible, span, message, "take `advisory` away, or name another check");
        }
        Some(CheckId::from(name.0.as_str()))
    }

    /// Whether a check never counts.
    pub fn is_advisory(&self, id: &CheckId) -> bool {
        self.names.checks.iter().any(|check| check.name == id.as_str() && check.advisory)
    }

    /// Whether a check is a number over time.
    pub fn is_metric(&self, id: &CheckId) -> bool {
        self.names.checks.iter().any(|check| check.name == id.as_str() && check.metric)
    }

    /// Whether a check looks at what a `start` step has started.
    pub fn is_started_here(&self, name: &CheckRef) -> bool {
        self.names.checks.iter().any(|check| check.name == name.0 && check.started)
    }

    /// How often a check is polled, and how many looks a baseline of it takes at least.
    pub fn rhythm_of(&self, id: &CheckId) -> Option<(Duration, u32)> {
        let check = self.names.checks.iter().find(|check| check.name == id.as_str())?;
        Some((check.period, check.to_measure))
    }

    /// Whether a check lives on others' samples.
    pub fn has_no_looks(&self, id: &CheckId) -> bool {
        self.names.checks.iter().any(|check| check.name == id.as_str() && check.no_looks)
    }

    /// Whether no single look tells how it is.
    pub fn takes_many_looks(&self, id: &CheckId) -> bool {
        self.names.checks.iter().any(|check| check.name == id.as_str() && check.many_looks)
    }

    /// How often a check is polled.
    pub fn period_of(&self, name: &str) -> Option<Duration> {
        self.names.checks.iter().find(|check| check.name == name).map(|check| check.period)
    }

    /// A check by name that must look at a process.
    pub fn process_ref(&mut self, name: &CheckRef, node: &Node) -> Option<CheckId> {
        let id = self.check_ref(name, node, Counts::May)?;
        if !self.names.checks.iter().any(|check| check.name == name.0 && check.process) {
            let message =
                format!("`{}` is no `process` check, so it cannot say which process is meant", name.0);
            self.error(Code::WrongKind, node.span.clone(), message, "name a check with the key `process`");
        }
        Some(id)
    }

    /// A stage by name.
    pub fn stage_ref(&mut self, name: &str, node: &Node) -> Option<StageId> {
        if self.names.stages.iter().any(|stage| stage == name) {
            return Some(StageId::from(name));
        }
        let help = suggest(name, "stage", self.names.stages.iter().map(String::as_str));
        self.error(Code::UnknownStage, node.span.clone(), format!("there is no stage `{name}`"), help);
        None
    }

    /// Steps of the list that `stage` and `back` say, by their own names or their full ones.
    pub fn own_steps(&mut self, names: Vec<StepRef>, node: &Node, stage: &str, back: bool) -> Vec<StepId> {
        let mut found = Vec::new();
        for (index, name) in names.into_iter().enumerate() {
            let id = if name.0.contains('.') {
                StepId::from(name.0.as_str())
            } else {
                StepId::new(stage, &name.0)
            };
            let own = |s: &&StepName| s.back == back && s.id.stage() == stage;
            let steps = self.names.steps.iter().filter(own);
            if steps.clone().any(|step| step.id == id) {
                found.push(id);
            } else {
                let help = suggest(id.step(), "step to name", steps.map(|s| s.id.step()));
                let message = format!("stage `{stage}` has no step `{}`", name.0);
                self.error(Code::UnknownStep, node.item(index).span.clone(), message, help);
            }
        }
        found
    }

    /// Forward steps of any stage, by their full names.
    pub fn forward_steps(&mut self, names: Vec<StepRef>, node: &Node) -> Vec<StepId> {
        let mut found = Vec::new();
        for (index, name) in names.into_iter().enumerate() {
            let id = StepId::from(name.0.as_str());
            if self.names.steps.iter().any(|step| step.id == id && !step.back) {
                found.push(id);
            } else {
                self.no_step(&name.0, node.item(index), "");
            }
        }
        found
    }

    /// A step of any list, by its full name.
    pub fn any_step(&mut self, name: &StepRef, node: &Node) -> Option<StepId> {
        let id = StepId::from(name.0.as_str());
        if self.names.steps.iter().any(|step| step.id == id) {
            return Some(id);
        }
        self.no_step(&name.0, node, "");
        None
    }

    /// A step of one kind, by its full name or, within `stage`, its own.
    pub fn step_of_kind(
        &mut self,
        name: &StepRef,
        node: &Node,
        stage: Option<&str>,
        kind: &'static str,
    ) -> Option<StepId> {
        let id = match stage {
            Some(stage) if !name.0.contains('.') => StepId::new(stage, &name.0),
            _ => StepId::from(name.0.as_str()),
        };
        if !self.names.steps.iter().any(|step| step.id == id) {
            self.no_step(&name.0, node, kind);
            return None;
        }
        if !self.names.steps.iter().any(|step| step.id == id && step.kind == kind) {
            let message = format!("`{id}` is no `{kind}` step");
            self.error(
                Code::WrongKind,
                node.span.clone(),
                message,
                format!("name a step with the key `{kind}`"),
            );
            return None;
        }
        Some(id)
    }

    fn no_step(&mut self, name: &str, node: &Node, kind: &str) {
        let known = self.names.steps.iter().filter(|step| kind.is_empty() || step.kind == kind);
        let known: Vec<String> = known.map(|step| step.id.to_string()).collect();
        let help = suggest(name, "such step; full names are `stage.step`", known.iter().map(String::as_str));
        self.error(Code::UnknownStep, node.span.clone(), format!("there is no step `{name}`"), help);
    }
}

/// The tables of an array of tables; none where the key is not there.
pub fn list<'n>(table: &'n Node, key: &str) -> &'n [Node] {
    table.get(key).map_or(&[], Node::items)
}

/// The place in an array of tables of the one with that id.
pub fn list_index(tables: &Node, id: &str) -> Option<usize> {
    tables.items().iter().position(|table| table.get("id").and_then(Node::as_str) == Some(id))
}
