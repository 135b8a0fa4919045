//! The way back: what rolling back would do, at any moment.

use super::state::{StageStatus, State, StepStatus};
use crate::clock::Now;
use crate::runbook::model::{Runbook, Step};
use crate::runbook::{StageId, StepId};

/// What a rollback would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The stage that is undone last.
    pub to: StageId,
    /// Everything is undone and the session closes afterwards.
    pub full: bool,
    /// Steps that are under way and will be ended first.
    pub cancels: Vec<StepId>,
    /// What runs, in order.
    pub steps: Vec<StepId>,
    /// Undone stages, latest first.
    pub stages: Vec<StageId>,
}

fn was_entered(status: StageStatus) -> bool {
    matches!(
        status,
        StageStatus::Active | StageStatus::AtGate | StageStatus::Passed | StageStatus::RollingBack
    )
}

/// The latest stage that is a point of no return and has started its first step: nothing before it can be undone, also
/// when the stage itself was undone since.
#[must_use]
pub fn point_passed(state: &State) -> Option<&StageId> {
    let started = |step: &Step| state.step(&step.id).attempt > 0;
    let stages = state.runbook.as_ref()?.stages.iter();
    let stage = stages.rev().find(|stage| stage.point_of_no_return && stage.steps.iter().any(started))?;
    Some(&stage.id)
}

/// The stages that a rollback may go to now, latest first: the first is the smallest rollback, the last the whole.
#[must_use]
pub fn targets(state: &State) -> Vec<StageId> {
    let floor = point_passed(state).and_then(|point| state.stages.get_index_of(point)).unwrap_or(0);
    let reachable = state.stages.iter().skip(floor).rev();
    reachable.filter(|(_, stage)| was_entered(stage.status)).map(|(id, _)| id.clone()).collect()
}

/// Whether a rollback to `to` (`None`: all the way) is possible now.
#[must_use]
pub fn reaches(state: &State, to: Option<&StageId>) -> bool {
    match to {
        Some(stage) => targets(state).contains(stage),
        None => point_passed(state).is_none() && !targets(state).is_empty(),
    }
}

/// What rolling back to `to` (`None`: as far as it goes) would do now; `None` where there is nothing to undo, or
/// `to` lies behind a point of no return.
#[must_use]
pub fn plan(state: &State, to: Option<&StageId>) -> Option<Plan> {
    let runbook = state.runbook.as_ref()?;
    let targets = targets(state);
    let to = to.or(targets.last()).filter(|to| targets.contains(to))?;
    let first_entered = state.stages.iter().find(|(_, s)| was_entered(s.status)).map(|(id, _)| id);
    let full = first_entered == Some(to);
    let mut steps: Vec<StepId> =
        runbook.rollback.prepare.iter().filter(|s| s.applies).map(|s| s.id.clone()).collect();
    let mut stages = Vec::new();
    for (id, seen) in state.stages.iter().skip(state.stages.get_index_of(to)?).rev() {
        let entered = was_entered(seen.status);
        let undo = runbook.stage(id).into_iter().flat_map(|stage| &stage.rollback);
        let due = undo.filter(|s| if entered { is_due(state, s) } else { is_owed(state, s) });
        let before = steps.len();
        steps.extend(due.map(|s| s.id.clone()));
        // A stage that was rolled back is undone once more where that left something as it was.
        if entered || steps.len() > before {
            stages.push(id.clone());
        }
    }
    if full {
        steps.extend(runbook.rollback.steps.iter().filter(|s| is_due(state, s)).map(|s| s.id.clone()));
    }
    let cancels = open_steps(state, runbook).map(|s| s.id.clone()).collect();
    Some(Plan { to: to.clone(), full, cancels, steps, stages })
}

/// Whether an undoing is due: what it undoes was started since it was undone last, or it always runs.
fn is_due(state: &State, undo: &Step) -> bool {
    undo.applies && (undo.undoes.is_empty() || is_owed(state, undo))
}

/// Whether an undoing is due whether or not its stage is entered again: no rollback has got through it since what it
/// undoes was started.
pub(super) fn is_owed(state: &State, undo: &Step) -> bool {
    let seen = state.step(&undo.id);
    let passed = seen.status == StepStatus::Passed;
    let stands = |id: &StepId| {
        let began = state.step(id).began;
        began > 0 && !(passed && seen.began > began)
    };
    undo.applies
        && match undo.undoes.as_slice() {
            [] => matches!(seen.status, StepStatus::Skipped | StepStatus::Failed),
            undone => undone.iter().any(stands),
        }
}

/// The steps that are under way, in the order of the runbook.
pub fn open_steps<'a>(state: &'a State, runbook: &'a Runbook) -> impl Iterator<Item = &'a Step> {
    let open = state.steps.iter().filter(|(_, step)| step.status.is_open()).map(|(id, _)| id);
    let open: Vec<&StepId> = open.collect();
    // Mostly there is one at the most: then a long runbook need not be gone through, each frame several times.
    let only = open.first().filter(|_| open.len() == 1).and_then(|id| runbook.step(id));
    let several = (open.len() > 1).then(|| runbook.all_steps().filter(move |step| open.contains(&&step.id)));
    only.into_iter().chain(several.into_iter().flatten())
}

/// The stage whose gate a rollback to `to` comes back to, where it does not go all the way.
#[must_use]
pub fn stage_before<'a>(state: &'a State, to: &StageId) -> Option<&'a StageId> {
    let undone = state.stages.get_index_of(to)?;
    let mut before = state.stages.iter().take(undone);
    before.rfind(|(_, stage)| stage.status == StageStatus::Passed).map(|(id, _)| id)
}

/// The stage that a rollback ended before, while nothing has been entered since.
#[must_use]
pub fn came_back_to(state: &State) -> Option<&StageId> {
    let rollback =
        state.rollback.as_ref().filter(|rollback| rollback.finished.is_some() && !rollback.full)?;
    Some(&rollback.to)
}

/// The steps of the last rollback that somebody passed over, in order: what they undo stays. What an earlier one passed
/// over is among the steps of each that goes further back.
#[must_use]
pub fn skipped(state: &State) -> Vec<StepId> {
    let steps = state.rollback.iter().flat_map(|rollback| &rollback.steps);
    steps.filter(|id| state.step(id).status == StepStatus::Skipped).cloned().collect()
}

/// How many milliseconds are left of the window in which rolling back needs no reason, 0 once it is over; `None` while
/// it has not begun, or where the runbook has none.
#[must_use]
pub fn window_left(state: &State, now: Now) -> Option<u64> {
    let window = state.runbook.as_ref()?.rollback.window.as_ref()?;
    let from = state.stages.get(&window.from)?.entered?;
    let lasts = u64::try_from(window.lasts.as_millis()).unwrap_or(u64::MAX);
    Some(lasts.saturating_sub(state.since(from, now)))
}

/// Whether that window has ended.
#[must_use]
pub fn window_is_over(state: &State, now: Now) -> bool {
    window_left(state, now) == Some(0)
}
