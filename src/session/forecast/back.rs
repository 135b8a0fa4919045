//! The time that a rollback under way still takes, as a countdown.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::left::since;
use crate::clock::Now;
use crate::runbook::model::OnFailure;
use crate::session::way_back::time_of;
use crate::session::{RollbackState, State, StepStatus};

/// What a rollback under way still takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackLeft {
    /// Steps that are over, of all.
    pub done: usize,
    pub of: usize,
    /// Milliseconds that are known to be needed still.
    pub ms: u64,
    pub known: Known,
    /// When everything is back by that; `None` while nothing is known of it, or it is stuck.
    pub at: Option<DateTime<Utc>>,
}

/// How the time that is left is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// As it was measured last.
    Measured,
    /// As the runbook says it, some of it or all.
    Written,
    /// At least so long: something says nothing of its time, or is over it.
    AtLeast,
    /// Nothing that is left says how long it takes.
    No,
}

impl Known {
    /// How, as it stands beside a time.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Measured => "as measured",
            Self::Written => "as written",
            Self::AtLeast => "at least",
            Self::No => "time unknown",
        }
    }
}

/// What the rollback that is under way still takes; `None` while there is none.
#[must_use]
pub fn back_left(state: &State, now: Now) -> Option<BackLeft> {
    let rollback = state.active_rollback()?;
    let mut sum = Sum::default();
    let mut done = 0;
    for id in &rollback.steps {
        let seen = state.step(id);
        let goes_on = || state.step_plan(id).is_some_and(|step| step.on_failure == OnFailure::Continue);
        match seen.status {
            StepStatus::Passed | StepStatus::Skipped => done += 1,
            StepStatus::Failed if goes_on() => done += 1,
            status => {
                let started = seen.started.filter(|_| status.is_open());
                let elapsed = started.map_or(Duration::ZERO, |started| since(state, started, now));
                let time = time_of(state, id).map(|time| (time.ms, time.measured.is_some()));
                sum.add(time, elapsed);
            }
        }
    }
    // What proves that the old system is back takes its time too.
    if rollback.full && state.runbook.as_ref().is_some_and(|runbook| runbook.rollback.gate.is_some()) {
        let last = state.past.as_ref().and_then(|past| past.rollback.as_ref());
        let elapsed = rollback.at_gate.map_or(Duration::ZERO, |at| since(state, at, now));
        sum.add(last.map(|last| (last.gate_ms, true)), elapsed);
    }
    let known = sum.known();
    let at = TimeDelta::try_milliseconds(i64::try_from(sum.ms).unwrap_or(i64::MAX));
    let at = at.and_then(|left| now.at.checked_add_signed(left));
    let at = at.filter(|_| known != Known::No && !is_stuck(rollback));
    Some(BackLeft { done, of: rollback.steps.len(), ms: sum.ms, known, at })
}

fn is_stuck(rollback: &RollbackState) -> bool {
    rollback.stuck.is_some()
}

#[derive(Debug, Default)]
struct Sum {
    ms: u64,
    measured: usize,
    written: usize,
    /// Says nothing of its time.
    silent: usize,
    /// Is over its time.
    over: usize,
}

impl Sum {
    /// Adds what has a time, and whether that was measured, of which some has elapsed.
    fn add(&mut self, time: Option<(u64, bool)>, elapsed: Duration) {
        let elapsed = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        match time {
            None => self.silent += 1,
            Some((ms, _)) if elapsed > ms => self.over += 1,
            Some((ms, measured)) => {
                self.ms = self.ms.saturating_add(ms - elapsed);
                self.measured += usize::from(measured);
                self.written += usize::from(!measured);
            }
        }
    }

    fn known(&self) -> Known {
        match (self.measured, self.written, self.silent + self.over) {
            (0, 0, 1..) => Known::No,
            (.., 1..) => Known::AtLeast,
            (_, 1.., 0) => Known::Written,
            (_, 0, 0) => Known::Measured,
        }
    }
}
