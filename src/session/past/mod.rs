//! What earlier sessions of a runbook teach this one: how long the way back takes, whether a gate was GO often enough
//! in a row, whether the way back was drilled.

mod chronicle;

pub use chronicle::Chronicle;

use chrono::{DateTime, TimeDelta, Utc};

use super::gate::Missing;
use super::rollback::Plan;
use super::state::{State, StepStatus};
use crate::event::{Mode, PastDrill, PastRollback, PastSession, PastStep};
use crate::runbook::model::{Drilled, Runbook, Stage};
use crate::runbook::plan::estimate;
use crate::runbook::{StageId, StepId};

/// How long a way back takes, by the best that is known of each of its steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WayBackTime {
    /// The sum of what is known: only a lower limit while `unknown` is not 0.
    pub known_ms: u64,
    /// How many steps were measured, are only estimated by the runbook, and are known by neither.
    pub measured: usize,
    pub written: usize,
    pub unknown: usize,
}

/// How long a rollback step took when it passed last, in this session or in an earlier one.
#[must_use]
pub fn measured(state: &State, step: &StepId) -> Option<PastStep> {
    let own = state.step(step);
    let finish = own.finish.as_ref().filter(|finish| own.status == StepStatus::Passed && finish.passed);
    if let (Some(finish), Some(ended), Some(opened)) = (finish, own.ended, &state.opened) {
        let (session, mode) = (opened.session.clone(), opened.mode);
        return Some(PastStep { session, mode, at: ended.at, took_ms: finish.took_ms });
    }
    state.past.as_ref()?.steps.get(step).cloned()
}

/// The last whole way back that was measured before this session.
#[must_use]
pub fn last_rollback(state: &State) -> Option<&PastRollback> {
    state.past.as_ref()?.rollback.as_ref()
}

/// How long `plan` takes: each step as it was last measured, else as the runbook estimates it; and behind a whole way
/// back the time that its gate took last.
#[must_use]
pub fn way_back_time(state: &State, plan: &Plan) -> WayBackTime {
    let mut time = WayBackTime::default();
    for id in &plan.steps {
        let written = || state.step_plan(id).and_then(estimate::of_step);
        if let Some(last) = measured(state, id) {
            time.known_ms += last.took_ms;
            time.measured += 1;
        } else if let Some(written) = written() {
            time.known_ms += u64::try_from(written.as_millis()).unwrap_or(u64::MAX);
            time.written += 1;
        } else {
            time.unknown += 1;
        }
    }
    if plan.full {
        time.known_ms += last_rollback(state).map_or(0, |last| last.gate_ms);
    }
    time
}

/// The stage at whose gate a drill turns back: the last from which all the way back is open. `None` where there is
/// none.
#[must_use]
pub fn turning_point(runbook: &Runbook) -> Option<&Stage> {
    runbook.stages.iter().filter(|stage| stage.applies).take_while(|stage| !stage.point_of_no_return).last()
}

/// How many live sessions before this one had the gate of `stage` GO, newest first without a break; and the one that
/// broke the row, with why, where one did.
#[must_use]
pub fn row<'a>(state: &'a State, stage: &StageId) -> (u32, Option<(&'a PastSession, &'a str)>) {
    let mut row = 0;
    for session in state.past.iter().flat_map(|past| &past.live) {
        let broken = session.broken.as_deref().or_else(|| match session.gates.get(stage) {
            Some(gate) if gate.go => None,
            Some(gate) => Some(gate.why.as_str()),
            None => Some("it says nothing of this gate"),
        });
        match broken {
            Some(why) => return (row, Some((session, why))),
            None => row += 1,
        }
    }
    (row, None)
}

/// The row of sessions that the gate of a stage still lacks. Only live sessions are asked for it: no other could ever
/// be one of the row.
pub(super) fn row_missing(state: &State, plan: &Stage) -> Option<Missing> {
    let asked = plan.gate.consecutive_sessions;
    if asked < 2 || !is_live(state) {
        return None;
    }
    let (row, broken) = row(state, &plan.id);
    let now = row + 1;
    let left = asked.saturating_sub(now);
    let broken = broken.map(|(session, why)| format!(" ({} broke the row: {why})", session.session));
    (left > 0).then(|| Missing {
        what: format!(
            "this gate was GO in {now} of {asked} live sessions in a row, this one with them{}",
            broken.unwrap_or_default()
        ),
        release: format!("this gate GO in {left} more live sessions"),
        liftable: true,
    })
}

/// The drill that the gate of a stage still lacks. Only live sessions are asked for it: a drill could else never be
/// the first.
pub(super) fn drill_missing(state: &State, plan: &Stage) -> Option<Missing> {
    let asked = plan.gate.drilled.as_ref().filter(|_| is_live(state))?;
    let place = asked.environment.as_ref().map(|place| format!(" in {place}")).unwrap_or_default();
    let what = match last_drill(state, asked) {
        None => format!("no good drill{place} is on record"),
        Some(drill) if is_older(drill.finished, asked, state.last?.at) => format!(
            "the last good drill{place} was finished at {}, more than {} ago",
            drill.finished.format("%Y-%m-%d %H:%M:%SZ"),
            humantime::format_duration(asked.within)
        ),
        Some(_) => return None,
    };
    let release =
        format!("a good `gonogo drill` of this runbook{place}, and this session resumed or run anew");
    Some(Missing { what, release, liftable: true })
}

/// The last good drill of those that a gate takes.
#[must_use]
pub fn last_drill<'a>(state: &'a State, asked: &Drilled) -> Option<&'a PastDrill> {
    let drills = state.past.iter().flat_map(|past| &past.drills);
    drills
        .filter(|drill| asked.environment.is_none() || drill.environment == asked.environment)
        .max_by_key(|drill| drill.finished)
}

fn is_older(finished: DateTime<Utc>, asked: &Drilled, now: DateTime<Utc>) -> bool {
    TimeDelta::from_std(asked.within).is_ok_and(|within| now - finished > within)
}

fn is_live(state: &State) -> bool {
    state.opened.as_ref().is_some_and(|opened| opened.mode == Mode::Live)
}
