//! Warnings: what can be used as it is, and probably means something else than its author thinks.

use std::collections::HashSet;
use std::ops::Range;
use std::path::PathBuf;

use super::near::suggest;
use super::tree::{Node, Value};
use crate::runbook::codes::Code;
use crate::runbook::diagnostic::{Diagnostic, Findings};
use crate::runbook::id::{CheckId, ROLLBACK};
use crate::runbook::model::{Action, Command, MetricSource, Probe, RunExpect, Runbook, Step, TextExpect};
use crate::runbook::schema::SCHEMA;
use crate::text::is_allowed;

/// Characters that cannot be seen or that turn the reading order, wherever they stand.
pub fn invisible(text: &str, root: &Node, findings: &mut Findings) {
    let hidden = |c: char| !is_allowed(c) && !matches!(c, '\n' | '\r' | '\t');
    for (at, c) in text.char_indices().filter(|(at, c)| hidden(*c) && !(*at == 0 && *c == '\u{feff}')) {
        let message = format!("the invisible character U+{:04X} stands here", u32::from(c));
        findings.add(invisible_at(at..at + c.len_utf8(), message));
    }
    escaped(text, root, &hidden, findings);
}

/// The same written as an escape, which the text alone does not show.
fn escaped(text: &str, node: &Node, hidden: &dyn Fn(char) -> bool, findings: &mut Findings) {
    match &node.value {
        Value::String(value) => {
            let raw = text.get(node.span.clone()).unwrap_or_default();
            if let Some(c) = value.chars().find(|c| hidden(*c) && !raw.contains(*c)) {
                let message = format!("this text holds the invisible character U+{:04X}", u32::from(c));
                findings.add(invisible_at(node.span.clone(), message));
            }
        }
        Value::Array(items) => items.iter().for_each(|item| escaped(text, item, hidden, findings)),
        Value::Table(entries) => entries.iter().for_each(|e| escaped(text, &e.node, hidden, findings)),
        _ => {}
    }
}

fn invisible_at(span: Range<usize>, message: String) -> Diagnostic {
    Diagnostic::new(Code::Invisible, span, message)
        .help("take it out, unless it is meant: what is shown would differ from what is run")
}

/// What the whole runbook means.
pub fn meaning(runbook: &Runbook, root: &Node, findings: &mut Findings) {
    let stage_nodes = root.at("stage");
    for (index, stage) in runbook.stages.iter().enumerate() {
        let node = stage_nodes.item(index);
        exit_code_only(&stage.steps, node.at("step"), findings);
        exit_code_only(&stage.rollback, node.at("rollback"), findings);
    }
    exit_code_only(&runbook.rollback.steps, root.at(ROLLBACK).at("step"), findings);
    for step in runbook.all_steps() {
        tee(runbook, step, root, findings);
    }
    no_way_back(runbook, stage_nodes, findings);
    wrong_table(root, findings);
    never_used(runbook, root, findings);
    roles(runbook, root, findings);
}

/// The table of a step.
fn step_node<'n>(root: &'n Node, step: &Step) -> &'n Node {
    let named = |tables: &'n Node| {
        let mut tables = tables.items().iter();
        tables.rfind(|t| t.get("id").and_then(Node::as_str) == Some(step.id.step()))
    };
    let (table, lists) = if step.id.stage() == ROLLBACK {
        (Some(root.at(ROLLBACK)), ["prepare", "step"])
    } else {
        let stages = root.at("stage").items().iter();
        let stage = |node: &&Node| node.get("id").and_then(Node::as_str) == Some(step.id.stage());
        (stages.clone().find(stage), ["step", "rollback"])
    };
    let table = table.unwrap_or(root);
    lists.into_iter().find_map(|list| table.get(list).and_then(named)).unwrap_or(table)
}

fn says_nothing(text: &TextExpect) -> bool {
    // That no secret shows up does not prove that anything was done.
    TextExpect { secrets_absent: false, ..text.clone() } == TextExpect::default()
}

fn exit_code_only(steps: &[Step], tables: &Node, findings: &mut Findings) {
    for (index, step) in steps.iter().enumerate() {
        let Action::Run { expect: RunExpect { text, stdout, stderr, report, .. }, .. } = &step.action else {
            continue;
        };
        let proven = steps[index + 1..].iter().any(|later| {
            later.applies && matches!(later.action, Action::Await { .. } | Action::Assert { .. })
        });
        if proven || !report.is_empty() || ![text, stdout, stderr].into_iter().all(says_nothing) {
            continue;
        }
        let table =
            tables.items().iter().find(|t| t.get("id").and_then(Node::as_str) == Some(step.id.step()));
        let span = table.map_or(tables.span.clone(), |table| table.key_span("run"));
        findings.add(
            Diagnostic::new(
                Code::ExitCodeOnly,
                span,
                format!("exit code only: nothing else proves `{}`", step.id),
            )
            .help("add `expect.matches` or `expect.report`, or an `await` or `assert` step after it"),
        );
    }
}

fn tee(runbook: &Runbook, step: &Step, root: &Node, findings: &mut Findings) {
    let Action::Run { command, .. } = &step.action else { return };
    let (shell, line) = match command {
        Command::Shell(line) => (runbook.shell.join(" "), line.0.clone()),
        Command::Argv(argv) => {
            let words: Vec<&str> = argv.iter().map(|word| word.0.as_str()).collect();
            let is_shell = words.first().is_some_and(|program| program.ends_with("sh"));
            match words.split_last() {
                Some((line, before)) if is_shell => (before.join(" "), (*line).to_owned()),
                _ => return,
            }
        }
    };
    let pipes = line.split('|').skip(1).any(|part| part.split_whitespace().next() == Some("tee"));
    if pipes && !shell.contains("pipefail") && !line.contains("pipefail") {
        let span = step_node(root, step).at("run").span.clone();
        findings.add(
            Diagnostic::new(Code::Tee, span, "the exit code is `tee`'s, whatever the command before it did")
                .help("use a shell with `-o pipefail`; the output is recorded without `tee` too"),
        );
    }
}

fn no_way_back(runbook: &Runbook, nodes: &Node, findings: &mut Findings) {
    // What runs before the first stage that can be undone is taken to look, not to change.
    let first = runbook.stages.iter().position(|stage| !stage.rollback.is_empty()).unwrap_or(1);
    for (index, stage) in runbook.stages.iter().enumerate() {
        if !stage.rollback.is_empty() || stage.point_of_no_return || !stage.applies {
            continue;
        }
        if let Some(step) = stage.steps.iter().find(|step| changes(step, index >= first)) {
            let span = nodes.item(index).at("id").span.clone();
            findings.add(
                Diagnostic::new(
                    Code::NoRollback,
                    span,
                    format!(
                        "stage `{}` changes something with `{}` and has no way back",
                        stage.id,
                        step.id.step()
                    ),
                )
                .help("add a `[[stage.rollback]]` step that undoes it"),
            );
        }
    }
}

fn changes(step: &Step, runs_too: bool) -> bool {
    match &step.action {
        Action::Start { .. } | Action::Signal { .. } | Action::Link { .. } | Action::Restore { .. } => true,
        Action::Request { target, .. } => !matches!(target.method.as_str(), "GET" | "HEAD" | "OPTIONS"),
        Action::Run { .. } => runs_too && !step.idempotent,
        _ => false,
    }
}

fn wrong_table(root: &Node, findings: &mut Findings) {
    for entry in root.get("env").map_or(&[][..], Node::entries) {
        if SCHEMA["properties"].get(&entry.key).is_some() {
            let message =
                format!("`{}` is an environment variable here, not the runbook's own key", entry.key);
            findings.add(
                Diagnostic::new(Code::WrongTable, entry.key_span.clone(), message)
                    .help("if the runbook's own is meant, write it above the first `[table]`"),
            );
        }
    }
}

/// Roles that are asked for, against those that are given: where some are given, one that is not is a slip of the pen
/// more often than meant for everybody.
fn roles(runbook: &Runbook, root: &Node, findings: &mut Findings) {
    let mut asked: Vec<(&str, Range<usize>)> = Vec::new();
    for (index, stage) in runbook.stages.iter().enumerate() {
        let node = root.at("stage").item(index).at("gate").at("roles");
        let roles = stage.gate.roles.iter().enumerate();
        asked.extend(roles.map(|(index, role)| (role.as_str(), node.item(index).span.clone())));
    }
    for step in runbook.all_steps() {
        if let Action::Confirm { role: Some(role), .. } = &step.action {
            asked.push((role, step_node(root, step).at("role").span.clone()));
        }
    }
    let given = || runbook.roles.keys().map(String::as_str);
    for role in given().filter(|role| asked.iter().all(|(asked, _)| asked != role)) {
        let message = format!("nothing asks for the role `{role}`");
        let help = suggest(role, "role", asked.iter().map(|(role, _)| *role));
        let span = root.at("roles").key_span(role);
        findings.add(Diagnostic::new(Code::IdleRole, span, message).help(help));
    }
    if runbook.roles.is_empty() {
        return;
    }
    for (role, span) in asked.into_iter().filter(|(role, _)| !runbook.roles.contains_key(*role)) {
        let message = format!("`{role}` is not in `[roles]`, so whoever says so stands for it");
        let help = suggest(role, "role: say in `[roles]` who may", given());
        findings.add(Diagnostic::new(Code::OpenRole, span, message).help(help));
    }
}

fn never_used(runbook: &Runbook, root: &Node, findings: &mut Findings) {
    let mut used: Vec<&CheckId> = runbook.rollback.ready.iter().collect();
    used.extend(runbook.rollback.gate.iter().flat_map(|gate| &gate.checks));
    used.extend(runbook.triggers.iter().map(|trigger| &trigger.check));
    used.extend(runbook.stages.iter().flat_map(|stage| stage.watch.iter().chain(&stage.gate.checks)));
    for step in runbook.all_steps() {
        used.extend(step.action.fenced_checks());
        if let Action::Signal { process, .. } = &step.action {
            used.push(process);
        }
    }
    for check in runbook.checks.values() {
        used.extend(check.probe.lives_on());
        if let Probe::Metric(metric) = &check.probe
            && let MetricSource::Process { check, .. } = &metric.source
        {
            used.push(check);
        }
    }
    let used: HashSet<&CheckId> = used.into_iter().collect();
    for id in
        runbook.checks.keys().filter(|id| root.at("check").get(id.as_str()).is_some() && !used.contains(id))
    {
        let span = root.at("check").key_span(id.as_str());
        findings.add(
            Diagnostic::new(
                Code::NeverUsed,
                span,
                format!("nothing uses the check `{id}`, so it is never polled"),
            )
            .help("name it in a stage's `watch`, in a step, a gate or a trigger"),
        );
    }
}

/// The files that rollback steps name, with their places. Those whose names are not known yet are left out.
pub fn rollback_files(runbook: &Runbook, root: &Node) -> Vec<(PathBuf, Range<usize>)> {
    let mut files = Vec::new();
    for step in super::build::steps_back(runbook) {
        let node = step_node(root, step).at("files");
        files.extend(
            script(step).map(|path| (runbook.dir.join(path), step_node(root, step).at("run").span.clone())),
        );
        for (index, file) in step.files.iter().enumerate().filter(|(_, file)| !file.0.contains("${{")) {
            files.push((runbook.dir.join(&file.0), node.item(index).span.clone()));
        }
    }
    files
}

/// The script that a step runs by its path, where it is plain which file is meant: no folder or user of its own.
fn script(step: &Step) -> Option<&str> {
    let Action::Run { command, .. } = &step.action else { return None };
    let first = match command {
        Command::Argv(words) => words.first()?.as_str(),
        Command::Shell(line) => line.as_str().split_whitespace().next()?,
    };
    let plain = |c: char| c.is_alphanumeric() || "_./-".contains(c);
    let its_own =
        step.cwd.is_some() || step.user.is_some() || step.files.iter().any(|file| file.as_str() == first);
    (!its_own && step.applies && first.contains('/') && first.chars().all(plain)).then_some(first)
}
