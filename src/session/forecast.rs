//! When a cutover will be done, and when each stage was to begin: by the estimates of the runbook, along the critical
//! path of what is left, from what has happened. Where something says nothing of its time, the answer says so.

mod back;
mod left;
#[cfg(test)]
mod tests;

pub use back::{BackLeft, Known, back_left};

use chrono::{DateTime, TimeDelta, Utc};

use super::{State, gate};
use crate::clock::Now;
use crate::event::Outcome;
use crate::runbook::StageId;
use crate::runbook::model::Stage;
use crate::runbook::plan::{Estimate, stage_estimate};

/// The whole course as planned, as it was and as it is to be expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// The stages that apply, in order.
    pub stages: Vec<StageTimes>,
    /// When everything was to be done; `None` where some stage says nothing of its time.
    pub planned_end: Option<DateTime<Utc>>,
    pub end: End,
    /// At so many gates that are still to come a person says GO: how long that takes is in no estimate.
    pub gates: usize,
}

/// One stage on the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageTimes {
    pub stage: StageId,
    /// When it was to begin; `None` after a stage that says nothing of its time.
    pub planned: Option<DateTime<Utc>>,
    /// When it did.
    pub actual: Option<DateTime<Utc>>,
    /// When it is to be expected to begin, where it has not.
    pub expected: Option<Moment>,
}

/// A moment to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub at: DateTime<Utc>,
    /// It will not be before `at`: of some of what comes first nobody knows how long it takes.
    pub at_least: bool,
}

/// When everything is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The session is completed; when it was.
    Over(DateTime<Utc>),
    Expected(Moment),
    /// A rollback is under way: see [`back_left`].
    GoingBack,
    /// It was rolled back or aborted: it does not come to its end.
    Without,
    /// Nothing that is left says how long it takes.
    NoEstimate,
}

impl End {
    /// When, where that is known.
    #[must_use]
    pub fn at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Over(at) | Self::Expected(Moment { at, .. }) => Some(*at),
            Self::GoingBack | Self::Without | Self::NoEstimate => None,
        }
    }
}

impl Forecast {
    /// How many milliseconds later than planned it ends; negative where it is earlier.
    #[must_use]
    pub fn late_ms(&self) -> Option<i64> {
        Some((self.end.at()? - self.planned_end?).num_milliseconds())
    }

    /// The times of one stage.
    #[must_use]
    pub fn stage(&self, id: &StageId) -> Option<&StageTimes> {
        self.stages.iter().find(|times| times.stage == *id)
    }
}

impl StageTimes {
    /// How many milliseconds later than planned it began; negative where it was earlier.
    #[must_use]
    pub fn late_ms(&self) -> Option<i64> {
        Some((self.actual? - self.planned?).num_milliseconds())
    }
}

/// The course as of `now`.
#[must_use]
pub fn forecast(state: &State, now: Now) -> Forecast {
    let mut planned = begins(state);
    let mut left = Estimate::default();
    let mut stages = Vec::new();
    let mut gates = 0;
    let going_forward = !state.is_closed() && state.active_rollback().is_none();
    // Something has to happen first that nobody knows the time of.
    let stands = !state.holds().is_empty() || state.paused.is_some() || state.current_stage().is_none();
    let moment = |left| moment(left, stands, now);
    for stage in state.runbook.iter().flat_map(|runbook| &runbook.stages).filter(|stage| stage.applies) {
        let actual = state.stages.get(&stage.id).and_then(|seen| seen.entered).map(|entered| entered.at);
        let waits = left::is_to_come(state, stage);
        let expected = (waits && going_forward).then(|| moment(left)).flatten();
        stages.push(StageTimes { stage: stage.id.clone(), planned, actual, expected });
        planned = planned.and_then(|begins| ends(begins, stage));
        gates += usize::from(!gate::promotes_itself(state, stage) && left::gate_is_to_come(state, stage));
        left = left.then(left::of_stage(state, stage, now));
    }
    let end = match (&state.outcome, state.active_rollback()) {
        (Some((Outcome::Completed, at)), _) => End::Over(at.at),
        // What did not come to its end has none that could be late.
        (Some((Outcome::RolledBack | Outcome::Aborted, _)), _) => End::Without,
        (None, Some(_)) => End::GoingBack,
        (None, None) => moment(left).map_or(End::NoEstimate, End::Expected),
    };
    Forecast { stages, planned_end: planned, end, gates: if going_forward { gates } else { 0 } }
}

/// From when the plan counts: the session's begin, or the opening of the change window where that is later.
fn begins(state: &State) -> Option<DateTime<Utc>> {
    let opens = state.runbook.as_ref()?.window.and_then(|window| window.opens);
    Some(opens.into_iter().fold(state.started?.at, DateTime::max))
}

fn ends(begins: DateTime<Utc>, stage: &Stage) -> Option<DateTime<Utc>> {
    let takes = stage_estimate(stage);
    if takes.unknown > 0 {
        return None;
    }
    begins.checked_add_signed(TimeDelta::from_std(takes.known).ok()?)
}

/// The moment after `left`; `None` where nothing of it is known.
fn moment(left: Estimate, stands: bool, now: Now) -> Option<Moment> {
    if left.known.is_zero() && left.unknown > 0 {
        return None;
    }
    let at = now.at.checked_add_signed(TimeDelta::from_std(left.known).ok()?)?;
    Some(Moment { at, at_least: stands || left.unknown > 0 })
}
