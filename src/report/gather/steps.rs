//! Every attempt of every step.

use indexmap::IndexMap;

use crate::event::{Event, EventKind, ItemOf, Resolution, StepFinished, author};
use crate::report::model::{
    Answer, Attempt, Killed, Output, Proof, Resolved, Skipped, Step, StepStatus, Tick, When,
};
use crate::runbook::StepId;
use crate::runbook::model;
use crate::session::State;

/// What became of the steps so far.
#[derive(Debug, Default)]
pub(super) struct Steps {
    by_id: IndexMap<StepId, Course>,
}

/// What became of one step.
#[derive(Debug, Default)]
struct Course {
    attempts: Vec<Attempt>,
    skipped: Option<Skipped>,
}

impl Course {
    fn attempt(&mut self, number: u32) -> Option<&mut Attempt> {
        self.attempts.iter_mut().rfind(|attempt| attempt.attempt == number)
    }
}

impl Steps {
    /// Takes the next event; `after` is the state with it.
    pub fn push(&mut self, event: &Event, when: When, after: &State) {
        let by = || author(&event.by);
        match &event.event {
            EventKind::StepStarted { step, attempt, what, sha256 } => {
                self.by_id.entry(step.clone()).or_default().attempts.push(Attempt {
                    attempt: *attempt,
                    started: when,
                    by: by(),
                    what: what.clone(),
                    sha256: sha256.clone(),
                    ended: None,
                    status: after.step(step).status,
                    why: String::new(),
                    took_ms: None,
                    exit: None,
                    proofs: Vec::new(),
                    captures: IndexMap::new(),
                    output: None,
                    remains: Vec::new(),
                    pid: None,
                    killed: None,
                    unknown: None,
                    resolved: None,
                    answer: None,
                    ticks: Vec::new(),
                });
            }
            EventKind::StepLaunched { step, attempt, process } => {
                self.at(step, *attempt, |found| found.pid = Some(process.pid));
            }
            EventKind::StepFinished(finish) => {
                self.at(&finish.step, finish.attempt, |found| finished(found, finish, when));
            }
            EventKind::StepUnknown { step, attempt, evidence } => self.at(step, *attempt, |found| {
                found.ended = Some(when);
                found.status = StepStatus::Unknown;
                found.unknown = Some(evidence.clone());
            }),
            EventKind::StepResolved { step, attempt, outcome, reason } => {
                self.at(step, *attempt, |found| {
                    found.status = match outcome {
                        Resolution::Done => StepStatus::Passed,
                        Resolution::Failed => StepStatus::Failed,
                        Resolution::RunAgain => StepStatus::Unknown,
                    };
                    let (outcome, reason) = (*outcome, reason.clone());
                    found.resolved = Some(Resolved { when, by: by(), outcome, reason });
                });
            }
            EventKind::StepSkipped { step, reason } => {
                let course = self.by_id.entry(step.clone()).or_default();
                course.skipped = Some(Skipped { when, by: by(), reason: reason.clone() });
                if let Some(open) = course.attempts.last_mut().filter(|attempt| attempt.ended.is_none()) {
                    open.ended = Some(when);
                    open.status = StepStatus::Skipped;
                }
            }
            EventKind::StepKilled { step, attempt, why, timed_out } => self.at(step, *attempt, |found| {
                let (why, timed_out) = (why.clone(), *timed_out);
                found.killed = Some(Killed { when, by: by(), why, timed_out, refused: None });
            }),
            EventKind::EndRefused { step, attempt, why } => self.at(step, *attempt, |found| {
                if let Some(killed) = &mut found.killed {
                    killed.refused = Some(why.clone());
                }
            }),
            EventKind::Confirmed { step, attempt, note } => self.at(step, *attempt, |found| {
                found.answer = Some(Answer { when, by: by(), yes: true, note: note.clone() });
            }),
            EventKind::Declined { step, attempt, note } => self.at(step, *attempt, |found| {
                found.answer = Some(Answer { when, by: by(), yes: false, note: note.clone() });
            }),
            EventKind::ItemTicked { on: ItemOf::Step(step), item, pass, note } => {
                let newest = self.by_id.get_mut(step).and_then(|course| course.attempts.last_mut());
                if let Some(newest) = newest {
                    let (item, note) = (item.clone(), note.clone());
                    tick(&mut newest.ticks, Tick { item, pass: *pass, by: by(), at: event.at, note });
                }
            }
            _ => {}
        }
    }

    fn at(&mut self, step: &StepId, attempt: u32, change: impl FnOnce(&mut Attempt)) {
        if let Some(found) = self.by_id.get_mut(step).and_then(|course| course.attempt(attempt)) {
            change(found);
        }
    }

    /// A step of the plan, with what became of it; it is given once.
    pub fn take(&mut self, plan: &model::Step, state: &State) -> Step {
        let Course { attempts, skipped } = self.by_id.swap_remove(&plan.id).unwrap_or_default();
        Step {
            id: plan.id.to_string(),
            title: plan.title.clone(),
            kind: plan.action.kind().to_owned(),
            applies: plan.applies,
            status: state.step(&plan.id).status,
            estimate_ms: plan.estimate.map(super::plan::ms),
            timeout_ms: plan.timeout.map(super::plan::ms),
            user: plan.user.clone(),
            attempts,
            skipped,
        }
    }

    /// The steps of a stage that no plan tells of, with what became of them.
    pub fn take_unplanned(&mut self, stage: &str, state: &State) -> Vec<Step> {
        let of_stage = self.by_id.keys().filter(|id| id.stage() == stage).cloned();
        let of_stage: Vec<StepId> = of_stage.collect();
        let taken = of_stage.into_iter().filter_map(|id| {
            let Course { attempts, skipped } = self.by_id.shift_remove(&id)?;
            Some(Step {
                id: id.to_string(),
                title: id.to_string(),
                kind: String::new(),
                applies: true,
                status: state.step(&id).status,
                estimate_ms: None,
                timeout_ms: None,
                user: None,
                attempts,
                skipped,
            })
        });
        taken.collect()
    }
}

fn finished(found: &mut Attempt, finish: &StepFinished, when: When) {
    found.ended = Some(when);
    found.status = if finish.passed { StepStatus::Passed } else { StepStatus::Failed };
    found.why.clone_from(&finish.why);
    found.took_ms = Some(finish.took_ms);
    found.exit = finish.exit;
    let proofs = finish.proofs.iter();
    found.proofs = proofs
        .map(|proof| Proof { expected: proof.expected.clone(), seen: proof.seen.clone(), met: proof.met })
        .collect();
    found.captures.clone_from(&finish.captures);
    found.output = finish.output.as_ref().map(|output| Output {
        path: output.path.clone(),
        bytes: output.bytes,
        sha256: output.sha256.clone(),
        dropped: output.dropped,
    });
    found.remains.clone_from(&finish.remains);
}

/// Takes the newest word on an item.
pub(super) fn tick(ticks: &mut Vec<Tick>, tick: Tick) {
    match ticks.iter_mut().find(|known| known.item == tick.item) {
        Some(known) => *known = tick,
        None => ticks.push(tick),
    }
}
