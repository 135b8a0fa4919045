//! When a stage is GO, and what is missing where it is not.

use serde::Serialize;

use super::past;
use super::rollback;
use super::starting::FENCE;
use super::state::{Hold, State, StepStatus};
use super::votes;
use crate::event::Health;
use crate::runbook::model::Stage;
use crate::runbook::{CheckId, StageId};

/// A gate's verdict: GO exactly when nothing is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    pub missing: Vec<Missing>,
}

/// One thing that keeps a gate NO-GO.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// What is missing: `check readyz is failing: status 503, expected 200`. It holds no running time, so that a
    /// gate that does not change is not recorded anew.
    pub what: String,
    /// What would release it: `readyz green`.
    pub release: String,
    /// An override with a reason lifts it.
    pub liftable: bool,
}

impl Verdict {
    /// Whether the gate is GO.
    #[must_use]
    pub fn is_go(&self) -> bool {
        self.missing.is_empty()
    }

    /// Whether an override may lift all that is missing.
    #[must_use]
    pub fn is_liftable(&self) -> bool {
        self.missing.iter().all(|m| m.liftable)
    }

    /// What is missing, a sentence each.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        self.missing.iter().map(|m| m.what.clone()).collect()
    }

    /// The verdict in one line.
    #[must_use]
    pub fn in_a_line(&self) -> String {
        match self.missing.as_slice() {
            [] => "GO".to_owned(),
            [only] => format!("NO-GO: {}", only.what),
            [first, rest @ ..] => format!("NO-GO: {} (and {} more)", first.what, rest.len()),
        }
    }

    fn lack(&mut self, what: String, release: impl Into<String>, liftable: bool) {
        self.missing.push(Missing { what, release: release.into(), liftable });
    }
}

/// The gate of `stage` as it stands.
#[must_use]
pub fn evaluate(state: &State, stage: &StageId) -> Verdict {
    judge(state, stage, &|check| state.blocks(check).then(|| check_sentence(state, check)))
}

/// The gate of `stage` as it stands, but for the row of sessions that it asks for: what a session adds to that row.
#[must_use]
pub(super) fn evaluate_but_for_the_row(state: &State, stage: &StageId) -> Verdict {
    let mut verdict = evaluate(state, stage);
    let row = state.stage_plan(stage).and_then(|plan| past::row_missing(state, plan));
    verdict.missing.retain(|missing| Some(missing) != row.as_ref());
    verdict
}

/// Whether a gate that is GO is gone through without anybody: never where a rollback came back to it.
#[must_use]
pub fn promotes_itself(state: &State, stage: &Stage) -> bool {
    stage.gate.auto && rollback::came_back_to(state).is_none()
}

/// Whether the gate of `stage` waits for people and for nothing else: for ticks and votes, or to be advanced.
#[must_use]
pub fn waits_for_people(state: &State, id: &StageId) -> bool {
    let (Some(plan), Some(stage)) = (state.stage_plan(id), state.stages.get(id)) else { return false };
    let unticked = plan.gate.accept.iter().filter(|item| !stage.ticks.contains_key(*item)).count();
    match evaluate(state, id).missing.len() {
        0 => !promotes_itself(state, plan),
        lacks => lacks == unticked + votes::missing(state, plan, stage).len(),
    }
}

/// The checks of which only samples count that begin when `stage` comes to its gate: the gate's, those of the way back,
/// which may have gone since it was last looked at, and the frozen files'.
#[must_use]
pub fn fenced_checks(state: &State, stage: &Stage) -> Vec<CheckId> {
    let mut fenced = stage.gate.checks.clone();
    let runbook = state.runbook.iter();
    let ready = runbook.flat_map(|r| r.rollback.ready.iter().chain(r.frozen().map(|check| &check.id)));
    fenced.extend(ready.filter(|check| !stage.gate.checks.contains(check)).cloned());
    fenced
}

/// The gate of `stage` at the moment when the stage comes to it: no sample from before counts.
#[must_use]
pub(super) fn evaluate_fenced(state: &State, stage: &StageId) -> Verdict {
    judge(state, stage, &|check| {
        let counts =
            state.runbook.as_ref().and_then(|r| r.check(check)).is_some_and(|c| c.applies && !c.advisory);
        counts.then(|| match state.check(check).health {
            Health::Ok | Health::Stale => format!("check {check} is pending: {FENCE}"),
            _ => check_sentence(state, check),
        })
    })
}

fn judge(state: &State, stage: &StageId, blocking: &dyn Fn(&CheckId) -> Option<String>) -> Verdict {
    let mut verdict = Verdict::default();
    let (Some(plan), Some(stage)) = (state.stage_plan(stage), state.stages.get(stage)) else {
        return verdict;
    };
    for step in plan.steps.iter().filter(|s| s.applies) {
        let id = &step.id;
        let seen = state.step(id);
        let why = seen.why.as_deref().unwrap_or("no reason was recorded");
        match seen.status {
            StepStatus::Passed | StepStatus::Skipped => {}
            StepStatus::Failed if state.will_retry(step) => {
                verdict.lack(
                    format!("step {id} failed and will be tried again: {why}"),
                    format!("{id} passed"),
                    false,
                );
            }
            StepStatus::Failed => {
                verdict.lack(
                    format!("step {id} failed: {why}"),
                    if step.skippable { format!("retry or skip {id}") } else { format!("retry {id}") },
                    true,
                );
            }
            StepStatus::Unknown => {
                verdict.lack(
                    format!("step {id} is unknown: {why}"),
                    format!("say what became of {id}"),
                    false,
                );
            }
            StepStatus::Waiting => {
                verdict.lack(format!("step {id} waits for an answer"), format!("answer {id}"), false);
            }
            StepStatus::Running => {
                verdict.lack(format!("step {id} is running"), format!("{id} passed"), false)
            }
            StepStatus::Pending => {
                verdict.lack(format!("step {id} has not run"), format!("{id} passed"), false)
            }
        }
    }
    for check in &plan.gate.checks {
        if let Some(sentence) = blocking(check) {
            verdict.lack(sentence, format!("{check} green"), true);
        }
    }
    for item in &plan.gate.accept {
        match stage.ticks.get(item) {
            Some(tick) if tick.pass => {}
            Some(tick) => {
                let note = tick.note.as_deref().unwrap_or("no note");
                verdict.lack(
                    format!("\"{item}\" was failed by {}: {note}", tick.by),
                    format!("tick \"{item}\" as passed"),
                    false,
                );
            }
            None => verdict.lack(format!("\"{item}\" is not ticked"), format!("tick \"{item}\""), false),
        }
    }
    verdict.missing.extend(votes::missing(state, plan, stage));
    // A soak comes by itself: what waits for people is told before it.
    if let Some(soak) = plan.gate.soak.filter(|_| !stage.soak.reached) {
        let soak = humantime::format_duration(soak);
        verdict.lack(
            format!("the soak of {soak} is not reached"),
            format!("all its checks green for {soak}"),
            true,
        );
    }
    verdict.missing.extend(past::row_missing(state, plan));
    verdict.missing.extend(past::drill_missing(state, plan));
    verdict.missing.extend(hatch(state, blocking).missing);
    verdict.missing.extend(unguarded(state, blocking));
    for hold in state.holds() {
        match hold {
            Hold::Drift { put_back: false, .. } => {
                let release = "put the files back, or accept the drift with a reason";
                verdict.lack(hold.sentence(), release, false);
            }
            Hold::Trigger { .. } | Hold::Drift { .. } => verdict.lack(hold.sentence(), "resume", false),
            Hold::StepFailed { .. } | Hold::StepUnknown { .. } => {}
        }
    }
    if let Some(pause) = &state.paused {
        verdict.lack(format!("the session is paused by {}", pause.by), "resume", false);
    }
    verdict
}

/// The escape hatch: GO exactly when everything that rolling back needs is green.
#[must_use]
pub fn escape_hatch(state: &State) -> Verdict {
    hatch(state, &|check| state.blocks(check).then(|| check_sentence(state, check)))
}

fn hatch(state: &State, blocking: &dyn Fn(&CheckId) -> Option<String>) -> Verdict {
    let mut verdict = Verdict::default();
    for check in state.runbook.iter().flat_map(|r| &r.rollback.ready) {
        if let Some(sentence) = blocking(check) {
            let sentence = format!("the way back is not ready: {sentence}");
            verdict.lack(sentence, format!("{check} green"), false);
        }
    }
    verdict
}

/// What must be there before the first stage is entered: the way back, and every frozen file as it was.
#[must_use]
pub fn to_begin(state: &State) -> Verdict {
    let mut verdict = escape_hatch(state);
    verdict
        .missing
        .extend(unguarded(state, &|check| state.blocks(check).then(|| check_sentence(state, check))));
    verdict
}

/// That nobody can say whether the frozen files are what they were. A drift itself holds the session, and says so.
fn unguarded(state: &State, blocking: &dyn Fn(&CheckId) -> Option<String>) -> Option<Missing> {
    let check = state.runbook.as_ref()?.frozen().filter(|_| state.drift.is_none())?;
    let what = format!("the frozen files: {}", blocking(&check.id)?);
    Some(Missing { what, release: format!("{} green", check.id), liftable: true })
}

/// `check readyz is failing: status 503`.
#[must_use]
pub fn check_sentence(state: &State, check: &CheckId) -> String {
    let seen = state.check(check);
    let word = seen.health.word();
    if seen.reason.is_empty() {
        format!("check {check} is {word}")
    } else {
        format!("check {check} is {word}: {}", seen.reason)
    }
}
