//! `[[stage.step]]` and the rollback steps into the model.

use std::time::Duration;

use indexmap::IndexMap;

use super::check::command_line;
use super::expect::{keys, signal_expect};
use super::names::Counts;
use super::{Build, duration, duration_or, env, pattern, size, template, templates, text};
use crate::runbook::codes::Code;
use crate::runbook::file::step::{
    CaptureFile, LinkFile, NoteFile, OnFailureFile, RetriesFile, SignalName, StartFile, StepFile,
};
use crate::runbook::id::StepId;
use crate::runbook::interpolate::{Part, parts};
use crate::runbook::load::format::parse_duration;
use crate::runbook::load::tree::Node;
use crate::runbook::model::{Action, Capture, LinkTarget, OnFailure, Retries, Step};
use crate::runbook::patterns;

/// Which list a step stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    Forward,
    /// A stage's rollback.
    Back,
    /// `[[rollback.prepare]]`.
    Prepare,
    /// `[[rollback.step]]`.
    AllTheWay,
}

/// What is kept of a command's output where nothing else is said.
const OUTPUT_LIMIT: u64 = 64 << 20;

/// Keys that go with some kinds only.
const BELONGS: &[(&str, &[&str])] = &[
    ("for", &["await"]),
    ("note", &["confirm"]),
    ("items", &["confirm"]),
    ("role", &["confirm"]),
    ("env", &["run", "start"]),
    ("cwd", &["run", "start"]),
    ("user", &["run", "start"]),
    ("output_limit", &["run"]),
    ("capture", &["run", "request"]),
    (
        "retries",
        &["run", "start", "await", "assert", "baseline", "signal", "link", "snapshot", "restore", "collect"],
    ),
];

impl Build<'_> {
    /// One step; `None` where nothing says what it does, which was reported.
    pub fn step(
        &mut self,
        mut file: StepFile,
        node: &Node,
        stage: &str,
        list: List,
        before: &[StepId],
    ) -> Option<Step> {
        let id = StepId::new(stage, &file.id.0);
        let applies = self.applies(file.when.take(), node);
        let needs = self.needs(&mut file, node, stage, list, before);
        let undoes = self.undoes(&mut file, node, stage, list);
        let on_failure = self.on_failure(&file, node, list);
        let retries = retries(file.retries.take());
        let capture = self.captures(&mut file, node);
        let mut step = Step {
            title: text(file.title.take()).unwrap_or_else(|| file.id.0.clone()),
            id,
            description: text(file.description.take()),
            applies,
            timeout: file.timeout.as_ref().map(duration),
            estimate: file.estimate.as_ref().map(duration),
            env: env(std::mem::take(&mut file.env)),
            cwd: file.cwd.take().map(template),
            user: file.user.take().map(|user| user.0),
            files: templates(std::mem::take(&mut file.files)),
            needs,
            retries,
            on_failure,
            idempotent: file.idempotent,
            repeatable: file.repeatable,
            skippable: file.skippable,
            output_limit: file.output_limit.as_ref().map_or(OUTPUT_LIMIT, size),
            evidence: templates(std::mem::take(&mut file.evidence)),
            capture,
            undoes,
            action: self.action(file, node, stage)?,
        };
        self.belongs(&step, node);
        step.timeout = step.timeout.or_else(|| default_timeout(&step.action));
        self.times(&step, node);
        Some(step)
    }

    fn action(&mut self, file: StepFile, node: &Node, stage: &str) -> Option<Action> {
        let at = node.at("expect");
        let expect = file.expect.map(|expect| expect.0);
        Some(if let Some(command) = file.run {
            self.not_empty(node.at("run"));
            Action::Run { command: command_line(command), expect: self.run_expect(keys(expect), at) }
        } else if let Some(start) = file.start {
            self.start(start, node.at("start"))
        } else if let Some(request) = file.request {
            Action::Request {
                target: self.http_target(request, node.at("request")),
                expect: self.http_expect(keys(expect), at),
            }
        } else if let Some(checks) = file.wait_for {
            Action::Await {
                checks: self.checks(checks, node.at("await"), Counts::Must),
                hold: duration_or(file.stay.as_ref(), 0),
            }
        } else if let Some(checks) = file.assert {
            let checks = self.checks(checks, node.at("assert"), Counts::Must);
            self.told_by_one_look(&checks, node.at("assert"));
            Action::Assert { checks }
        } else if let Some(question) = file.confirm {
            self.not_empty(node.at("confirm"));
            Action::Confirm {
                question: template(question),
                note_required: file.note == Some(NoteFile::Required),
                role: file.role.map(|role| role.0),
                items: file.items.into_iter().map(|item| item.0).collect(),
            }
        } else if let Some(wait) = file.wait {
            Action::Wait { duration: duration(&wait) }
        } else if let Some(baseline) = file.baseline {
            self.baseline(baseline, node.at("baseline"))
        } else if let Some(signal) = file.signal {
            let expect = signal_expect(keys(expect));
            if !expect.exit.is_empty() && !self.is_started_here(&signal.process) {
                let message = "how a process ends is known only of one that a `start` step has started";
                let help =
                    "give its check `process = { step = \"stage.step\" }`, or expect `gone_within` alone";
                self.error(Code::Impossible, node.at("expect").key_span("exit"), message, help);
            }
            Action::Signal {
                process: self.process_ref(&signal.process, node.at("signal").at("process"))?,
                signal: signal_name(signal.signal).to_owned(),
                expect,
            }
        } else if let Some(link) = file.link {
            self.link(link, node.at("link"), stage)?
        } else if let Some(globs) = file.snapshot {
            self.not_empty(node.at("snapshot"));
            Action::Snapshot { globs: templates(globs) }
        } else if let Some(of) = file.restore {
            Action::Restore { of: self.step_of_kind(&of, node.at("restore"), Some(stage), "snapshot")? }
        } else {
            Action::Collect { globs: templates(file.collect?) }
        })
    }

    /// Text that must not be empty: the node's own, or its first item's.
    pub fn not_empty(&mut self, node: &Node) {
        let first = node.item(0);
        if first.as_str().is_some_and(|text| text.trim().is_empty()) {
            self.error(Code::EmptyText, first.span.clone(), "there is nothing in it", "say what is meant");
        }
    }

    fn start(&mut self, file: StartFile, node: &Node) -> Action {
        self.not_empty(node.at("argv"));
        self.not_empty(node.at("log"));
        Action::Start {
            argv: templates(file.argv),
            log: template(file.log),
            ready: self.checks(file.ready, node.at("ready"), Counts::Must),
            min_uptime: duration_or(file.min_uptime.as_ref(), 5),
        }
    }

    fn link(&mut self, file: LinkFile, node: &Node, stage: &str) -> Option<Action> {
        let target = match (file.to, file.back_to) {
            (Some(to), None) => LinkTarget::To(template(to)),
            (None, Some(step)) => {
                LinkTarget::BackTo(self.step_of_kind(&step, node.at("back_to"), Some(stage), "link")?)
            }
            (Some(_), Some(_)) => {
                let message = "`to` and `back_to` cannot stand together";
                self.error(Code::SeveralKinds, node.key_span("back_to"), message, "keep one of them");
                return None;
            }
            (None, None) => {
                let help = "say `to`, or `back_to = \"stage.step\"`";
                self.error(
                    Code::MissingKey,
                    node.span.clone(),
                    "nothing says where the link points afterwards",
                    help,
                );
                return None;
            }
        };
        Some(Action::Link { path: template(file.path), target })
    }

    fn needs(
        &mut self,
        file: &mut StepFile,
        node: &Node,
        stage: &str,
        list: List,
        before: &[StepId],
    ) -> Vec<StepId> {
        match file.needs.take() {
            Some(_) if list != List::Forward => {
                let help = "take `needs` away";
                self.error(
                    Code::NotInRollback,
                    node.key_span("needs"),
                    "rollback steps run in the order written",
                    help,
                );
                Vec::new()
            }
            Some(needs) => self.own_steps(needs, node.at("needs"), stage, false),
            None if list == List::Forward => before.to_vec(),
            None => Vec::new(),
        }
    }

    fn undoes(&mut self, file: &mut StepFile, node: &Node, stage: &str, list: List) -> Vec<StepId> {
        match (file.undoes.take(), list) {
            (None, _) => Vec::new(),
            (Some(steps), List::Back) => self.own_steps(steps, node.at("undoes"), stage, false),
            (Some(steps), List::AllTheWay) => self.forward_steps(steps, node.at("undoes")),
            (Some(_), List::Forward) => {
                let help = "move the step to `[[stage.rollback]]`, or take `undoes` away";
                self.error(
                    Code::OnlyInRollback,
                    node.key_span("undoes"),
                    "only rollback steps undo something",
                    help,
                );
                Vec::new()
            }
            (Some(_), List::Prepare) => {
                let help = "take `undoes` away: these steps run before any undoing, whatever was started";
                self.error(
                    Code::OnlyInRollback,
                    node.key_span("undoes"),
                    "a `prepare` step undoes nothing",
                    help,
                );
                Vec::new()
            }
        }
    }

    fn on_failure(&mut self, file: &StepFile, node: &Node, list: List) -> OnFailure {
        let span = node.at("on_failure").span.clone();
        if file.grace.is_some() && (file.on_failure != Some(OnFailureFile::Rollback) || list != List::Forward)
        {
            let message = "`grace` goes with `on_failure = \"rollback\"` only";
            self.error(Code::WrongKind, node.key_span("grace"), message, "take `grace` away");
        }
        let default = match list {
            List::Forward => OnFailure::Hold,
            List::Back | List::AllTheWay => OnFailure::Stuck,
            List::Prepare => OnFailure::Continue,
        };
        match (file.on_failure, list) {
            (None, _) => default,
            (Some(OnFailureFile::Continue), _) => OnFailure::Continue,
            (Some(OnFailureFile::Hold), List::Forward) => OnFailure::Hold,
            (Some(OnFailureFile::Rollback), List::Forward) => {
                OnFailure::Rollback { grace: duration_or(file.grace.as_ref(), 30) }
            }
            (Some(OnFailureFile::Stuck), List::Back | List::AllTheWay) => OnFailure::Stuck,
            (Some(OnFailureFile::Stuck), List::Forward) => {
                let help = "write `hold`, `rollback` or `continue`";
                self.error(Code::OnlyInRollback, span, "only rollback steps get stuck", help);
                default
            }
            (Some(_), List::Prepare) => {
                let help = "take `on_failure` away";
                self.error(
                    Code::NotInRollback,
                    span,
                    "what fails before the undoing is always passed over",
                    help,
                );
                default
            }
            (Some(_), List::Back | List::AllTheWay) => {
                let help = "write `stuck` or `continue`";
                self.error(
                    Code::NotInRollback,
                    span,
                    "a rollback step can only be stuck or be passed over",
                    help,
                );
                default
            }
        }
    }

    fn captures(&mut self, file: &mut StepFile, node: &Node) -> IndexMap<String, Capture> {
        let table = node.at("capture");
        let mut captures = IndexMap::new();
        for (name, capture) in std::mem::take(&mut file.capture) {
            let capture = match capture {
                CaptureFile::Json(at) => Capture::Json(at.json.0),
                CaptureFile::Regex(regex) => {
                    if !has_group(&regex.0) {
                        let message = "the pattern has no group, so it would capture nothing";
                        let help = "put what is wanted in parentheses: `^evidence_log=(.+)$`";
                        self.error(Code::BadPattern, table.at(&name).span.clone(), message, help);
                    }
                    Capture::Regex(pattern(regex))
                }
            };
            captures.insert(name, capture);
        }
        captures
    }

    fn belongs(&mut self, step: &Step, node: &Node) {
        let kind = step.action.kind();
        for (key, kinds) in BELONGS {
            if node.get(key).is_some() && !kinds.contains(&kind) {
                let message = format!("`{key}` does not go with `{kind}`");
                let help = format!("it goes with `{}`; take it away", kinds.join("`, `"));
                self.error(Code::WrongKind, node.key_span(key), message, help);
            }
        }
    }

    /// Times that could never come true together.
    fn times(&mut self, step: &Step, node: &Node) {
        for key in ["timeout", "wait", "for"] {
            if let Some(Ok(time)) = node.get(key).and_then(Node::as_str).map(parse_duration) {
                self.some_time(time, node, key);
            }
        }
        let Some(timeout) = step.timeout else { return };
        let (key, needed) = match &step.action {
            Action::Await { hold, .. } => ("for", *hold),
            Action::Start { min_uptime, .. } => ("start", *min_uptime),
            Action::Wait { duration } => ("wait", *duration),
            Action::Baseline { window, .. } => ("baseline", *window),
            _ => return,
        };
        if needed > timeout {
            let message = format!(
                "the step ends after {} at the latest, so it can never pass",
                humantime::format_duration(timeout)
            );
            self.error(Code::Impossible, node.at(key).span.clone(), message, "make `timeout` longer");
        }
    }
}

/// Whether a pattern has a group 1, with any value that is still missing read as a word.
pub fn has_group(pattern: &str) -> bool {
    let filled: String = parts(pattern)
        .into_iter()
        .map(|(_, part)| match part {
            Part::Text(text) => text,
            _ => "x0",
        })
        .collect();
    patterns::of_lines(&filled).map_or(true, |regex| regex.captures_len() > 1)
}

fn retries(file: Option<RetriesFile>) -> Retries {
    let file = file.unwrap_or(RetriesFile { attempts: 1, ..RetriesFile::default() });
    Retries {
        attempts: file.attempts,
        delay: duration_or(file.delay.as_ref(), 1),
        backoff: file.backoff.unwrap_or(1.0),
    }
}

fn default_timeout(action: &Action) -> Option<Duration> {
    let seconds = match action {
        Action::Run { .. } => 600,
        Action::Await { .. } | Action::Start { .. } | Action::Snapshot { .. } | Action::Restore { .. } => 300,
        Action::Request { .. } | Action::Signal { .. } => 30,
        Action::Assert { .. } | Action::Link { .. } | Action::Collect { .. } => 60,
        Action::Confirm { .. } | Action::Wait { .. } | Action::Baseline { .. } => return None,
    };
    Some(Duration::from_secs(seconds))
}

fn signal_name(signal: SignalName) -> &'static str {
    match signal {
        SignalName::Term => "TERM",
        SignalName::Hup => "HUP",
        SignalName::Int => "INT",
        SignalName::Quit => "QUIT",
        SignalName::Kill => "KILL",
        SignalName::Usr1 => "USR1",
        SignalName::Usr2 => "USR2",
        SignalName::Winch => "WINCH",
        SignalName::Stop => "STOP",
        SignalName::Cont => "CONT",
        SignalName::Alrm => "ALRM",
    }
}
