//! The real world: commands under shims, requests, links, signals, samples. Every effect is a task of its own; the
//! loop never waits for one.

mod attempt;
mod collect;
mod command;
mod files;
mod freeze;
mod link;
mod look;
mod notify;
mod signal;
mod snapshot;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::sync::{mpsc, watch};

use super::{AdoptOrder, Driver, Effect, Report, SampleOrder, StepOrder, scope};
use crate::check;
use crate::engine::machine::Input;
use crate::engine::shim::client::Program;
use crate::engine::shim::record::Secret;
use crate::guard::Prints;
use crate::redact::Redactor;
use crate::runbook::StepId;
use crate::runbook::interpolate::Scope;
use crate::runbook::model::Probe;
use crate::session::State;
use crate::text;
use attempt::{Attempt, Done, End, Taken, perform};
use notify::Desk;

/// The longest text that a fact holds of what others wrote, in bytes.
const LONGEST_TEXT: usize = 4 << 10;

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
    /// Digests of the files that must not change.
    pub frozen: Mutex<Option<Prints>>,
}

impl Surroundings {
    /// Lets the checks know the processes that steps started under an earlier engine.
    pub fn recall(&self, state: &State) {
        for (id, step) in &state.steps {
            if let Some(process) = &step.process {
                self.checks.note_started(id.clone(), process.clone());
            }
        }
    }
}

/// The driver of the real world.
pub struct Real {
    around: Arc<Surroundings>,
    inbox: mpsc::UnboundedSender<Input>,
    /// Tells a running attempt how often it was asked to end.
    ends: HashMap<(StepId, u32), watch::Sender<u32>>,
    desk: Desk,
}

impl Real {
    /// A driver that reports to `inbox`.
    #[must_use]
    pub fn new(around: Surroundings, inbox: mpsc::UnboundedSender<Input>) -> Self {
        Self { around: Arc::new(around), inbox, ends: HashMap::new(), desk: Desk::default() }
    }

    /// A task of its own for an attempt, whether it is begun here or taken over.
    fn attempt(&mut self, order: StepOrder, taken: Option<Taken>) {
        self.ends.retain(|_, end| !end.is_closed());
        let (end, ended) = watch::channel(u32::from(taken.is_some_and(|taken| taken.killed)));
        self.ends.insert((order.step.clone(), order.attempt), end);
        tokio::spawn(perform(Arc::clone(&self.around), order, taken, ended, self.inbox.clone()));
    }
}

impl Driver for Real {
    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Step(order) => self.attempt(order, None),
            Effect::Adopt(AdoptOrder { order, begun, killed }) => {
                self.attempt(order, Some(Taken { begun, killed }));
            }
            Effect::End { step, attempt } => {
                if let Some(end) = self.ends.get(&(step, attempt)) {
                    end.send_modify(|times| *times += 1);
                }
            }
            Effect::Notify(order) => self.desk.tell(Arc::clone(&self.around), order, self.inbox.clone()),
            Effect::Sample(order) => {
                if let Probe::Frozen(paths) = &order.check.probe {
                    let (around, paths) = (Arc::clone(&self.around), paths.clone());
                    tokio::spawn(freeze::look(around, paths, order, self.inbox.clone()));
                    return;
                }
                tokio::spawn(take_sample(Arc::clone(&self.around), order, self.inbox.clone()));
            }
        }
    }
}

async fn take_sample(around: Arc<Surroundings>, order: SampleOrder, inbox: mpsc::UnboundedSender<Input>) {
    let scope = scope(&around.scope, &order.world, None);
    let guarding = around.checks.guarding(&order.check, &around.session_dir, &order.world.guarded);
    let checks = guarding.as_ref().unwrap_or(&around.checks);
    let mut sample = check::sample(&order.check, &scope, checks).await;
    tidy(&mut sample, &around.redactor);
    let _ = inbox.send(Input::Report(Report::Sampled(sample)));
}

/// Makes what a look has seen fit for a fact.
fn tidy(sample: &mut check::Sample, redactor: &Redactor) {
    let names = sample.processes.iter_mut().map(|process| &mut process.name);
    for text in [&mut sample.point.reason].into_iter().chain(&mut sample.point.value).chain(names) {
        *text = fit(text, redactor);
    }
}

/// What others wrote as a fact may hold it: every secret masked, and only then cut, so that no half of one is left.
fn fit(text: &str, redactor: &Redactor) -> String {
    text::shortened(&redactor.redact(text), LONGEST_TEXT).into_owned()
}
