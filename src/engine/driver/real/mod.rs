//! The real world: commands under shims, requests, links, signals, samples. Every effect is a task of its own; the
//! loop never waits for one.

mod collect;
mod command;
mod files;
mod link;
mod look;
mod signal;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use tokio::sync::{mpsc, watch};

use super::{Driver, Effect, Report, SampleOrder, StepOrder, scope};
use crate::check;
use crate::clock;
use crate::engine::machine::Input;
use crate::engine::shim::client::Program;
use crate::engine::shim::record::Secret;
use crate::event::{EventKind, OutputRecord, StepFinished};
use crate::process::Identity;
use crate::proof::{self, Proof};
use crate::redact::Redactor;
use crate::runbook::StepId;
use crate::runbook::interpolate::{Place, Scope};
use crate::runbook::model::{Action, Step, Template};

/// What every effect needs of the session.
pub struct Surroundings {
    /// Secrets, session and runbook folders; captures and the attempt come with each order.
    pub scope: Scope,
    pub session_dir: PathBuf,
    pub secrets: Vec<Secret>,
    pub redactor: Redactor,
    /// The binary from which shims are started.
    pub program: Program,
    pub checks: check::Context,
}

/// The driver of the real world.
pub struct Real {
    around: Arc<Surroundings>,
    inbox: mpsc::UnboundedSender<Input>,
    /// Tells a running attempt that it is to end.
    ends: HashMap<(StepId, u32), watch::Sender<bool>>,
}

impl Real {
    /// A driver that reports to `inbox`.
    #[must_use]
    pub fn new(around: Surroundings, inbox: mpsc::UnboundedSender<Input>) -> Self {
        Self { around: Arc::new(around), inbox, ends: HashMap::new() }
    }
}

impl Driver for Real {
    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Step(order) => {
                self.ends.retain(|_, end| !end.is_closed());
                let (end, ended) = watch::channel(false);
                self.ends.insert((order.step.clone(), order.attempt), end);
                tokio::spawn(perform(Arc::clone(&self.around), order, ended, self.inbox.clone()));
            }
            Effect::End { step, attempt } => {
                if let Some(end) = self.ends.get(&(step, attempt)) {
                    end.send_replace(true);
                }
            }
            Effect::Sample(order) => {
                tokio::spawn(take_sample(Arc::clone(&self.around), order, self.inbox.clone()));
            }
        }
    }
}

async fn take_sample(around: Arc<Surroundings>, order: SampleOrder, inbox: mpsc::UnboundedSender<Input>) {
    let scope = scope(&around.scope, &order.world, None);
    let mut sample = check::sample(&order.check, &scope, &around.checks).await;
    redact(&mut sample, &around.redactor);
    let _ = inbox.send(Input::Report(Report::Sampled(sample)));
}

/// Masks every secret in what a look has seen.
fn redact(sample: &mut check::Sample, redactor: &Redactor) {
    if redactor.is_empty() {
        return;
    }
    sample.point.reason = redactor.redact(&sample.point.reason);
    if let Some(value) = &mut sample.point.value {
        *value = redactor.redact(value);
    }
    for process in &mut sample.processes {
        process.name = redactor.redact(&process.name);
    }
}

/// One attempt as it is carried out.
struct Attempt {
    around: Arc<Surroundings>,
    order: StepOrder,
    scope: Scope,
    ended: watch::Receiver<bool>,
    inbox: mpsc::UnboundedSender<Input>,
    /// When it began, by both clocks.
    begun: clock::Now,
}

/// How an attempt ended, before it becomes an event.
#[derive(Default)]
struct Done {
    proofs: Vec<Proof>,
    /// Where the proofs do not say it better.
    why: Option<String>,
    failed: bool,
    exit: Option<i32>,
    output: Option<OutputRecord>,
    captures: IndexMap<String, String>,
    remains: Vec<u32>,
    before: Vec<EventKind>,
}

/// What an attempt comes to.
enum End {
    Done(Box<Done>),
    /// A `start` step's process is up; the engine goes on from there.
    Launched(Identity),
    Unknown(String),
}

impl End {
    fn done(done: Done) -> Self {
        Self::Done(Box::new(done))
    }
}

impl Done {
    fn failed(why: impl Into<String>) -> Self {
        Self { why: Some(why.into()), failed: true, ..Self::default() }
    }
}

async fn perform(
    around: Arc<Surroundings>,
    order: StepOrder,
    ended: watch::Receiver<bool>,
    inbox: mpsc::UnboundedSender<Input>,
) {
    let mut scope = scope(&around.scope, &order.world, Some(order.attempt));
    scope.stage = Some(order.step.stage().to_owned());
    let attempt = Attempt { around, order, scope, ended, inbox, begun: clock::now() };
    let Some(step) = attempt.order.runbook.step(&attempt.order.step).cloned() else { return };
    let end = match attempt.missing_file(&step) {
        Some(missing) => End::done(missing),
        None => attempt.act(&step).await,
    };
    let (id, number) = (attempt.order.step.clone(), attempt.order.attempt);
    let report = match end {
        End::Launched(process) => {
            attempt.around.checks.note_started(id.clone(), process.clone());
            Report::Launched { step: id, attempt: number, process }
        }
        End::Unknown(evidence) => Report::Unknown { step: id, attempt: number, evidence },
        End::Done(done) => attempt.finished(&step, *done),
    };
    let _ = attempt.inbox.send(Input::Report(report));
}

impl Attempt {
    async fn act(&self, step: &Step) -> End {
        match &step.action {
            Action::Run { command, expect } => self.run(step, command, expect).await,
            Action::Start { argv, log, min_uptime, .. } => self.start(step, argv, log, *min_uptime).await,
            Action::Request { target, expect } => End::done(self.request(step, target, expect).await),
            Action::Assert { checks } => End::done(self.assert(checks).await),
            Action::Signal { process, signal, expect } => {
                End::done(self.signal(process, signal, expect).await)
            }
            Action::Link { path, target } => End::done(self.link(path, target)),
            Action::Collect { globs } => End::done(self.collect(globs)),
            // The engine judges these itself and orders nothing.
            Action::Await { .. } | Action::Confirm { .. } | Action::Wait { .. } => {
                End::done(Done::failed("nothing is to be done here"))
            }
        }
    }

    /// The first of the step's `files` that is not there.
    fn missing_file(&self, step: &Step) -> Option<Done> {
        step.files.iter().find_map(|file| {
            let problem = match self.path(file) {
                Ok(path) if path.exists() => return None,
                Ok(path) => format!("{} is not there", path.display()),
                Err(why) => why,
            };
            let expected = format!("file {} exists", file.as_str());
            Some(Done { proofs: vec![Proof { expected, met: false, seen: problem }], ..Done::default() })
        })
    }

    fn text(&self, template: &Template) -> Result<String, String> {
        self.scope.resolve(template, Place::Plain).map_err(|e| e.to_string())
    }

    /// A path of the runbook, absolute.
    fn path(&self, template: &Template) -> Result<PathBuf, String> {
        Ok(self.order.runbook.dir.join(self.text(template)?))
    }

    /// The step's own folder under the session's, relative and absolute.
    fn folder(&self) -> (String, PathBuf) {
        let name = format!("steps/{}.{}", self.order.step, self.order.attempt);
        let path = self.around.session_dir.join(&name);
        (name, path)
    }

    /// Resolves when the attempt is to end.
    async fn told_to_end(&self) {
        let mut ended = self.ended.clone();
        if ended.wait_for(|end| *end).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    fn finished(&self, step: &Step, mut done: Done) -> Report {
        done.before.extend(self.evidence(step, &done));
        let passed = !done.failed && proof::all_met(&done.proofs);
        let why = done.why.unwrap_or_else(|| match proof::why_not(&done.proofs) {
            Some(why) if !passed => why,
            _ => format!("{} of {} proofs seen", done.proofs.len(), done.proofs.len()),
        });
        let finish = StepFinished {
            step: self.order.step.clone(),
            attempt: self.order.attempt,
            passed,
            why,
            proofs: done.proofs,
            exit: done.exit,
            took_ms: clock::up_ms().saturating_sub(self.begun.up_ms),
            output: done.output,
            captures: done.captures,
            remains: done.remains,
        };
        Report::Finished { before: done.before, finish: Box::new(finish) }
    }

    fn session_dir(&self) -> &Path {
        &self.around.session_dir
    }
}
