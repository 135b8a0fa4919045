//! What the session is about, and what it holds for.

use serde::{Deserialize, Serialize};

use super::{State, StepState, StepStatus, TriggerState};
use crate::event::{Outcome, drift_line};
use crate::runbook::model::{Action, OnFailure, Step};
use crate::runbook::{StepId, TriggerId};
use crate::session::rollback;

/// A session's states as the header shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Situation {
    /// Waits for the policy to be acknowledged.
    Acknowledging,
    Running,
    /// Waits for an operator: see [`State::holds`].
    Holding,
    RollingBack,
    RollbackStuck,
    RolledBack,
    Completed,
    Aborted,
}

impl Situation {
    /// The word on the screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Acknowledging => "acknowledging",
            Self::Running => "running",
            Self::Holding => "holding",
            Self::RollingBack => "rolling back",
            Self::RollbackStuck => "rollback stuck",
            Self::RolledBack => "rolled back",
            Self::Completed => "completed",
            Self::Aborted => "aborted",
        }
    }
}

/// Why nothing new starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    StepFailed {
        step: StepId,
        why: String,
    },
    StepUnknown {
        step: StepId,
        why: String,
    },
    Trigger {
        trigger: TriggerId,
        why: String,
    },
    /// Frozen files have changed; where they are put back, somebody is to say that it goes on.
    Drift {
        why: String,
        put_back: bool,
    },
}

impl Hold {
    /// Why, in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::StepFailed { step, why } => format!("step {step} failed: {why}"),
            Self::StepUnknown { step, why } => format!("step {step} is unknown: {why}"),
            Self::Trigger { trigger, why } => format!("trigger {trigger} holds: {why}"),
            Self::Drift { why, put_back: false } => format!("frozen files drifted: {why}"),
            Self::Drift { why, put_back: true } => {
                format!("frozen files had drifted and are what they were again: {why}")
            }
        }
    }

    /// Whether `resume` ends it.
    #[must_use]
    pub fn is_resumable(&self) -> bool {
        matches!(self, Self::Trigger { .. } | Self::Drift { put_back: true, .. })
    }
}

impl State {
    /// Why nothing new starts; empty while nothing holds.
    #[must_use]
    pub fn holds(&self) -> Vec<Hold> {
        let mut holds = Vec::new();
        let Some(runbook) = &self.runbook else { return holds };
        // Mostly no step does, and each frame asks several times.
        let may_hold = |step: &StepState| matches!(step.status, StepStatus::Unknown | StepStatus::Failed);
        if self.active_rollback().is_none()
            && self.steps.values().any(may_hold)
            && let Some(stage) = self.current_stage().and_then(|id| runbook.stage(id))
        {
            for step in &stage.steps {
                let state = self.step(&step.id);
                let why = state.why.clone().unwrap_or_default();
                match state.status {
                    StepStatus::Unknown => holds.push(Hold::StepUnknown { step: step.id.clone(), why }),
                    StepStatus::Failed
                        if step.on_failure != OnFailure::Continue && !self.will_retry(step) =>
                    {
                        holds.push(Hold::StepFailed { step: step.id.clone(), why });
                    }
                    _ => {}
                }
            }
        }
        for (trigger, state) in &self.triggers {
            if let TriggerState::Fired { why, holding: true } = state {
                holds.push(Hold::Trigger { trigger: trigger.clone(), why: why.clone() });
            }
        }
        holds.extend(
            self.drift
                .as_ref()
                .map(|drift| Hold::Drift { why: drift_line(&drift.files), put_back: drift.put_back }),
        );
        holds
    }

    /// The session as a whole, in one word.
    #[must_use]
    pub fn situation(&self) -> Situation {
        match &self.outcome {
            Some((Outcome::Completed, _)) => return Situation::Completed,
            Some((Outcome::RolledBack, _)) => return Situation::RolledBack,
            Some((Outcome::Aborted, _)) => return Situation::Aborted,
            None => {}
        }
        if let Some(rollback) = self.active_rollback() {
            return if rollback.stuck.is_some() { Situation::RollbackStuck } else { Situation::RollingBack };
        }
        if self.needs_acknowledgement() {
            Situation::Acknowledging
        } else if self.holds().is_empty() {
            Situation::Running
        } else {
            Situation::Holding
        }
    }

    /// The situation in words, with what a rollback that is over left as it was: `rolled back, NOT ALL: web.stop skipped`.
    #[must_use]
    pub fn stands(&self) -> String {
        let word = self.situation().word().to_owned();
        match self.situation() {
            Situation::RolledBack => word + &self.not_undone(),
            _ => word,
        }
    }

    /// What a rollback left as it was, as the end of a sentence; empty where it was all.
    #[must_use]
    pub fn not_undone(&self) -> String {
        match rollback::skipped(self).as_slice() {
            [] => String::new(),
            [one] => format!(", NOT ALL: {one} skipped"),
            [first, more @ ..] => format!(", NOT ALL: {first} and {} more skipped", more.len()),
        }
    }

    /// The steps that wait for a person's answer, in the order of the runbook.
    #[must_use]
    pub fn questions(&self) -> Vec<StepId> {
        let Some(runbook) = &self.runbook else { return Vec::new() };
        let may_ask = |step: &StepState| matches!(step.status, StepStatus::Unknown | StepStatus::Waiting);
        // Mostly nothing does, and each frame asks several times: then a long runbook need not be gone through.
        if !self.steps.values().any(may_ask) {
            return Vec::new();
        }
        runbook
            .all_steps()
            .filter(|s| {
                let status = self.step(&s.id).status;
                status == StepStatus::Unknown
                    || (status == StepStatus::Waiting && matches!(s.action, Action::Confirm { .. }))
            })
            .map(|s| s.id.clone())
            .collect()
    }

    /// Whether a failed step will be tried again by itself.
    #[must_use]
    pub fn will_retry(&self, step: &Step) -> bool {
        let state = self.step(&step.id);
        state.status == StepStatus::Failed
            && state.killed.as_ref().is_none_or(|ending| ending.timed_out)
            && state.tries > 0
            && state.tries < step.retries.attempts
    }
}
