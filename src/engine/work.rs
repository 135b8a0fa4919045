//! A batch in the making: events are folded into a working state as they are decided, so that each decision sees those
//! before it; nothing of it is true before it is on disk.

use std::sync::Arc;

use super::driver::{Effect, NotifyOrder, Report, StepOrder, World};
use super::fact;
use super::machine::Input;
use crate::check::Change;
use crate::clock::Now;
use crate::event::{By, Event, EventKind, Health, Person};
use crate::redact::Redactor;
use crate::runbook::model::{Action, MaxDuration};
use crate::runbook::{CheckId, StepId};
use crate::session::crew::seat_on_arrival;
use crate::session::notices::{self, Notice};
use crate::session::{Ending, Frozen, Guarded, State, drifted, starting, watch};

/// A batch in the making: the state with its events folded in.
pub(super) struct Work {
    pub state: State,
    pub events: Vec<Arc<Event>>,
    /// Checks whose samples from before this moment no longer count.
    pub fences: Vec<CheckId>,
    /// How many of the tracker's changes are in the events.
    pub changes_taken: usize,
    /// How far the telemetry file goes.
    pub mark: Option<(u64, String)>,
    pub redactor: Redactor,
    pub now: Now,
}

impl Work {
    /// Lets something happen: it is masked, numbered, folded in and kept for the log.
    pub fn happen(&mut self, by: By, event: EventKind) {
        if matches!(event, EventKind::Promoted { .. } | EventKind::SessionClosed { .. }) {
            self.checkpoint();
        }
        let event = fact::masked(event, &self.redactor);
        let event = stamp(&self.state, self.now, by, fact::fitting(event));
        self.state.apply(&event);
        self.fences.extend(watch::fenced(&self.state, &event.event, self.now));
        self.events.push(event);
    }

    /// Records the tracker's changes that are not in the events yet, as far as the first check that fails: what a
    /// failure breaks is broken, even where the check was green again before anybody could look.
    pub fn record_changes(&mut self, changes: &[Change]) {
        for change in &changes[self.changes_taken..] {
            self.changes_taken += 1;
            let from = self.state.check(&change.check).health;
            if from == change.to {
                continue;
            }
            self.happen(By::ENGINE, Change { from, ..change.clone() }.into());
            if change.to == Health::Failing {
                return;
            }
        }
    }

    /// Says how far the telemetry goes, once a batch.
    pub fn checkpoint(&mut self) {
        if let Some((telemetry_bytes, telemetry_sha256)) = self.mark.take() {
            self.happen(By::ENGINE, EventKind::Checkpoint { telemetry_bytes, telemetry_sha256 });
        }
    }
}

/// An event behind the last of `state`.
pub(super) fn stamp(state: &State, now: Now, by: By, event: EventKind) -> Arc<Event> {
    Arc::new(Event { seq: state.seq + 1, at: now.at, up_ms: now.up_ms, by, event })
}

/// Folds a fact from outside into the batch. What no longer fits (an attempt that was given up) is passed over.
pub(super) fn fact_events(work: &mut Work, fact: &Input) {
    let open = |state: &State, step: &StepId, attempt: u32| {
        let seen = state.step(step);
        seen.status.is_open() && seen.attempt == attempt && !state.is_closed()
    };
    match fact {
        Input::Own(by, EventKind::OperatorJoined { person, credentials, roles }) => {
            let person = Person { seat: seat_on_arrival(&work.state, person), ..person.clone() };
            let by = if matches!(by, By::Person(_)) { By::Person(person.clone()) } else { by.clone() };
            let (credentials, roles) = (credentials.clone(), roles.clone());
            work.happen(by, EventKind::OperatorJoined { person, credentials, roles });
        }
        Input::Own(by, event) => work.happen(by.clone(), event.clone()),
        // An engine that takes over an attempt finds again what an earlier one has recorded already.
        Input::Report(Report::Launched { step, attempt, process })
            if open(&work.state, step, *attempt)
                && work.state.step(step).process.as_ref() != Some(process) =>
        {
            let launched =
                EventKind::StepLaunched { step: step.clone(), attempt: *attempt, process: process.clone() };
            work.happen(By::ENGINE, launched);
        }
        Input::Report(Report::Finished { before, finish })
            if open(&work.state, &finish.step, finish.attempt) =>
        {
            for event in before {
                work.happen(By::ENGINE, event.clone());
            }
            let mut finish = finish.clone();
            if let Some(Ending { why, .. }) = &work.state.step(&finish.step).killed {
                finish.passed = false;
                finish.why =
                    if finish.why.is_empty() { why.clone() } else { format!("{why} ({})", finish.why) };
            }
            work.happen(By::ENGINE, EventKind::StepFinished(finish));
        }
        Input::Report(Report::Unknown { before, step, attempt, evidence })
            if open(&work.state, step, *attempt) =>
        {
            for event in before {
                work.happen(By::ENGINE, event.clone());
            }
            let unknown =
                EventKind::StepUnknown { step: step.clone(), attempt: *attempt, evidence: evidence.clone() };
            work.happen(By::ENGINE, unknown);
        }
        Input::Report(Report::EndRefused { step, attempt, why })
            if open(&work.state, step, *attempt) && work.state.step(step).killed.is_some() =>
        {
            let refused = EventKind::EndRefused { step: step.clone(), attempt: *attempt, why: why.clone() };
            work.happen(By::ENGINE, refused);
        }
        Input::Report(Report::Told(told)) => {
            if let EventKind::Notified { notify, of, .. } | EventKind::NotifyFailed { notify, of, .. } = told
                && work.state.notices.iter().any(|notice| (notice.notify, notice.of) == (*notify, *of))
            {
                work.happen(By::ENGINE, told.clone());
            }
        }
        Input::Report(Report::Frozen(files)) if !work.state.is_closed() => {
            if let Some(event) = frozen(&work.state, files) {
                work.happen(By::ENGINE, event);
            }
        }
        Input::Report(_) | Input::Ask(_) | Input::Show(_) => {}
    }
}

/// What a look at the frozen files tells that was not known.
fn frozen(state: &State, files: &Frozen) -> Option<EventKind> {
    let Some(was) = &state.frozen else { return Some(EventKind::FilesFrozen { files: files.clone() }) };
    let found = drifted(was, files);
    match &state.drift {
        None if found.is_empty() => None,
        Some(drift) if found.is_empty() => (!drift.put_back).then_some(EventKind::DriftGone),
        Some(drift) if drift.files == found && !drift.put_back => None,
        _ => Some(EventKind::DriftFound { files: found }),
    }
}

/// What an event sets in motion outside.
pub(super) fn effect(state: &State, event: &EventKind) -> Option<Effect> {
    match event {
        EventKind::StepStarted { step, attempt, .. } => {
            let runbook = Arc::clone(state.runbook.as_ref()?);
            let judged_here = starting::is_judged_here(&runbook.step(step)?.action);
            let order =
                StepOrder { runbook, step: step.clone(), attempt: *attempt, world: world_of(state, step) };
            (!judged_here).then_some(Effect::Step(order))
        }
        EventKind::StepKilled { step, attempt, .. } => {
            Some(Effect::End { step: step.clone(), attempt: *attempt })
        }
        _ => None,
    }
}

/// Whom to tell what happened behind event `since`, where the log's head is `head`.
pub(super) fn notices(state: &State, since: u64, head: &str) -> Vec<Effect> {
    let Some(runbook) = &state.runbook else { return Vec::new() };
    let new = state.notices.iter().filter(|notice| notice.of > since);
    let order = |notice: &Notice| {
        let way = runbook.notify.get(notice.notify.checked_sub(1)? as usize)?.way.clone();
        let body = notices::body(state, notice, head);
        Some(Effect::Notify(NotifyOrder { notice: notice.clone(), way, body, world: world(state) }))
    };
    new.filter_map(order).collect()
}

/// That it will never be known whether those were told who are being told: the engine that told them has ended.
pub(super) fn untold(state: &State) -> Vec<EventKind> {
    const WHY: &str = "the engine ended before it was known whether it got through; it is not sent again";
    let Some(runbook) = &state.runbook else { return Vec::new() };
    state.notices.iter().map(|notice| notice.untold(runbook, WHY)).collect()
}

/// What of the state an effect needs to know.
pub(super) fn world(state: &State) -> World {
    let stage = state.current_stage().map(ToString::to_string);
    let (captures, baselines) = (state.captures.clone(), state.baselines.clone());
    World { captures, stage, baselines, guarded: Guarded::of(state), ..World::default() }
}

/// What of the state a step needs to know.
pub(super) fn world_of(state: &State, step: &StepId) -> World {
    let against = match state.step_plan(step).map(|plan| &plan.action) {
        Some(Action::Run { expect, .. }) => match &expect.max_duration {
            Some(MaxDuration::OfStep { step, .. }) => Some(step),
            _ => None,
        },
        _ => None,
    };
    let took = against.and_then(|step| {
        let finish = state.step(step).finish.as_ref().filter(|finish| finish.passed)?;
        Some((step.clone(), finish.took_ms))
    });
    World { took: took.into_iter().collect(), ..world(state) }
}
