//! The escape hatch as it is shown: is the way back ready, what would run, until when is it open.

use chrono::{DateTime, TimeDelta, Utc};

use super::format;
use super::theme::Mark;
use crate::clock::Now;
use crate::runbook::{StageId, StepId};
use crate::session::{State, rollback};

/// The way back, at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hatch {
    pub mark: Mark,
    /// `READY`, or why not.
    pub ready: String,
    /// What rolling back all the way would run: `4 steps, about 40s`; `None` where there is nothing to undo.
    pub plan: Option<String>,
    pub window: Option<Window>,
}

/// Until when rolling back needs no reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Window {
    /// Opens when this stage is entered.
    From(StageId),
    Open {
        left_ms: u64,
        /// The last moment at which a rollback can start and still end within the window.
        last_start: DateTime<Utc>,
    },
    Over,
}

/// How the way back stands.
#[must_use]
pub fn hatch(state: &State, now: Now) -> Hatch {
    let Some(runbook) = &state.runbook else {
        let ready = "UNKNOWN: no runbook yet".to_owned();
        return Hatch { mark: Mark::Pending, ready, plan: None, window: None };
    };
    let red = runbook.rollback.ready.iter().find(|check| state.blocks(check));
    let (mark, ready) = match red {
        _ if state.is_closed() => (Mark::Pending, "CLOSED: the session is over".to_owned()),
        _ if state.active_rollback().is_some() => (Mark::Running, "IN USE: rolling back".to_owned()),
        Some(check) => {
            let seen = state.check(check);
            let why = if seen.reason.is_empty() { "" } else { ": " };
            (Mark::Fail, format!("NOT READY: {check} is {}{why}{}", seen.health.word(), seen.reason))
        }
        None => (Mark::Ok, "READY".to_owned()),
    };
    let plan = rollback::plan(state, None).filter(|plan| !state.is_closed() && !plan.steps.is_empty());
    let estimate = plan.as_ref().and_then(|plan| estimate(state, &plan.steps));
    let plan = plan.map(|plan| {
        let steps = plan.steps.len();
        let plural = if steps == 1 { "" } else { "s" };
        let about = estimate.map_or(String::new(), |ms| format!(", about {}", format::about(ms)));
        format!("{steps} step{plural}{about}")
    });
    let window = runbook.rollback.window.as_ref().map(|window| {
        let Some(from) = state.stages.get(&window.from).and_then(|stage| stage.entered) else {
            return Window::From(window.from.clone());
        };
        let left = format::ms(window.lasts).saturating_sub(now.up_ms.saturating_sub(from.up_ms));
        if left == 0 {
            return Window::Over;
        }
        let spare = i64::try_from(left.saturating_sub(estimate.unwrap_or(0))).unwrap_or(i64::MAX);
        let spare = TimeDelta::try_milliseconds(spare).unwrap_or_default();
        let last_start = now.at.checked_add_signed(spare).unwrap_or(DateTime::<Utc>::MAX_UTC);
        Window::Open { left_ms: left, last_start }
    });
    Hatch { mark, ready, plan, window }
}

/// What these steps take by their estimates, in milliseconds; `None` while one has none.
#[must_use]
pub fn estimate(state: &State, steps: &[StepId]) -> Option<u64> {
    steps.iter().map(|id| state.step_plan(id)?.estimate.map(format::ms)).sum()
}
