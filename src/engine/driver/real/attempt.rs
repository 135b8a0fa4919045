//! One attempt at a step: begun here or taken over from an earlier engine, and made into what is reported of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use tokio::sync::{mpsc, watch};
use tokio::task::block_in_place;

use super::{Surroundings, fit};
use crate::clock;
use crate::engine::driver::{Report, StepOrder, scope};
use crate::engine::machine::Input;
use crate::engine::shim::evidence::{Evidence, evidence};
use crate::event::{EventKind, OutputRecord, StepFinished};
use crate::process::Identity;
use crate::proof::{self, Proof};
use crate::runbook::interpolate::{Place, Scope};
use crate::runbook::model::{Action, Step, Template};

/// What is known of an attempt that is taken over.
#[derive(Clone, Copy)]
pub(super) struct Taken {
    pub begun: clock::Now,
    pub killed: bool,
}

/// One attempt as it is carried out.
pub(super) struct Attempt {
    pub around: Arc<Surroundings>,
    pub order: StepOrder,
    pub scope: Scope,
    /// How often it was asked to end.
    pub ended: watch::Receiver<u32>,
    pub inbox: mpsc::UnboundedSender<Input>,
    /// When it began, by both clocks.
    pub begun: clock::Now,
}

/// How an attempt ended, before it becomes an event.
#[derive(Default)]
pub(super) struct Done {
    pub proofs: Vec<Proof>,
    /// Where the proofs do not say it better.
    pub why: Option<String>,
    pub failed: bool,
    pub exit: Option<i32>,
    pub output: Option<OutputRecord>,
    pub captures: IndexMap<String, String>,
    pub remains: Vec<u32>,
    pub before: Vec<EventKind>,
    /// Where it is not the time since it began: how long its command ran.
    pub took_ms: Option<u64>,
}

/// What an attempt comes to.
pub(super) enum End {
    Done(Box<Done>),
    /// A `start` step's process is up; the engine goes on from there.
    Launched(Identity),
    /// What is known of it; what that vouches for is recorded first.
    Unknown {
        evidence: String,
        before: Vec<EventKind>,
    },
}

impl End {
    pub(super) fn done(done: Done) -> Self {
        Self::Done(Box::new(done))
    }

    pub(super) fn unknown(evidence: impl Into<String>) -> Self {
        Self::Unknown { evidence: evidence.into(), before: Vec::new() }
    }
}

impl Done {
    pub(super) fn failed(why: impl Into<String>) -> Self {
        Self { why: Some(why.into()), failed: true, ..Self::default() }
    }
}

pub(super) async fn perform(
    around: Arc<Surroundings>,
    order: StepOrder,
    taken: Option<Taken>,
    ended: watch::Receiver<u32>,
    inbox: mpsc::UnboundedSender<Input>,
) {
    let mut scope = scope(&around.scope, &order.world, Some(order.attempt));
    scope.stage = Some(order.step.stage().to_owned());
    let Some(step) = order.runbook.step(&order.step).cloned() else { return };
    // Looks that are taken again begin now: only a command goes on from where it was.
    let begun = taken.filter(|_| is_command(&step.action)).map_or_else(clock::now, |taken| taken.begun);
    let attempt = Attempt { around, order, scope, ended, inbox, begun };
    let end = if taken.is_some() { attempt.take_over(&step).await } else { attempt.begin(&step).await };
    let (id, number) = (attempt.order.step.clone(), attempt.order.attempt);
    let report = match end {
        End::Launched(process) => {
            attempt.around.checks.note_started(id.clone(), process.clone());
            Report::Launched { step: id, attempt: number, process }
        }
        End::Unknown { evidence, before } => {
            let evidence = fit(&evidence, &attempt.around.redactor);
            Report::Unknown { before, step: id, attempt: number, evidence }
        }
        End::Done(done) => block_in_place(|| attempt.finished(&step, *done)),
    };
    let _ = attempt.inbox.send(Input::Report(report));
}

/// Whether an action goes on under a shim, whatever becomes of the engine.
fn is_command(action: &Action) -> bool {
    matches!(action, Action::Run { .. } | Action::Start { .. })
}

impl Attempt {
    /// The attempt from its beginning.
    async fn begin(&self, step: &Step) -> End {
        match block_in_place(|| self.missing_file(step)) {
            Some(missing) => End::done(missing),
            None => self.act(step).await,
        }
    }

    /// The attempt as an earlier engine left it. What may have had its effect is never done a second time.
    async fn take_over(&self, step: &Step) -> End {
        let gone = |what: &str| End::unknown(format!("the engine ended while {what}"));
        match &step.action {
            action if is_command(action) && (self.is_to_end() || self.evidence_is_there()) => {
                self.act(step).await
            }
            Action::Request { .. } => gone("this request was on its way: whether it arrived is not known"),
            Action::Signal { process, signal, .. } => {
                let now = self.processes_now(process).await;
                gone(&format!("it sent {signal}: whether that was received is not known; {now}"))
            }
            Action::Link { path, target } => block_in_place(|| self.link_left(path, target)),
            Action::Snapshot { .. } => block_in_place(|| self.snapshot_left()),
            Action::Restore { of } => {
                gone(&format!("it put files back: {}", block_in_place(|| self.restore_left(of))))
            }
            _ => self.begin(step).await,
        }
    }

    fn evidence_is_there(&self) -> bool {
        evidence(&self.folder().1) != Evidence::NotStarted
    }

    async fn act(&self, step: &Step) -> End {
        match &step.action {
            Action::Run { command, expect } => self.run(step, command, expect).await,
            Action::Start { argv, log, min_uptime, .. } => self.start(step, argv, log, *min_uptime).await,
            Action::Request { target, expect } => End::done(self.request(step, target, expect).await),
            Action::Assert { checks } => End::done(self.assert(checks).await),
            Action::Signal { process, signal, expect } => {
                End::done(self.signal(process, signal, expect).await)
            }
            Action::Link { path, target } => End::done(block_in_place(|| self.link(path, target))),
            Action::Snapshot { globs } => End::done(self.snapshot(globs)),
            Action::Restore { of } => End::done(self.restore(of)),
            Action::Collect { globs } => End::done(block_in_place(|| self.collect(globs))),
            // The engine judges these itself and orders nothing.
            Action::Await { .. } | Action::Confirm { .. } | Action::Wait { .. } | Action::Baseline { .. } => {
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

    pub(super) fn text(&self, template: &Template) -> Result<String, String> {
        self.scope.resolve(template, Place::Plain).map_err(|e| e.to_string())
    }

    /// A path of the runbook, absolute.
    pub(super) fn path(&self, template: &Template) -> Result<PathBuf, String> {
        Ok(self.order.runbook.dir.join(self.text(template)?))
    }

    /// The step's own folder under the session's, relative and absolute.
    pub(super) fn folder(&self) -> (String, PathBuf) {
        let name = format!("steps/{}.{}", self.order.step, self.order.attempt);
        let path = self.around.session_dir.join(&name);
        (name, path)
    }

    /// Resolves when the attempt is to end.
    pub(super) async fn told_to_end(&self) {
        self.told_again(0).await;
    }

    /// Resolves when the attempt was asked to end more than `times`, with how often it was.
    pub(super) async fn told_again(&self, times: u32) -> u32 {
        let mut ended = self.ended.clone();
        if ended.wait_for(|asked| *asked > times).await.is_err() {
            // The driver is gone: nobody asks any more.
            std::future::pending::<()>().await;
        }
        *ended.borrow()
    }

    pub(super) fn is_to_end(&self) -> bool {
        *self.ended.borrow() > 0
    }

    fn finished(&self, step: &Step, mut done: Done) -> Report {
        done.before.extend(self.evidence(step, &done));
        let passed = !done.failed && proof::all_met(&done.proofs);
        let why = done.why.unwrap_or_else(|| match proof::why_not(&done.proofs) {
            Some(why) if !passed => why,
            _ => format!("{} of {} proofs seen", done.proofs.len(), done.proofs.len()),
        });
        let redactor = &self.around.redactor;
        let finish = StepFinished {
            step: self.order.step.clone(),
            attempt: self.order.attempt,
            passed,
            why: fit(&why, redactor),
            proofs: done.proofs.into_iter().map(|p| Proof { seen: fit(&p.seen, redactor), ..p }).collect(),
            exit: done.exit,
            took_ms: done.took_ms.unwrap_or_else(|| clock::up_ms().saturating_sub(self.begun.up_ms)),
            output: done.output,
            captures: done.captures,
            remains: done.remains,
        };
        Report::Finished { before: done.before, finish: Box::new(finish) }
    }

    pub(super) fn session_dir(&self) -> &Path {
        &self.around.session_dir
    }
}
