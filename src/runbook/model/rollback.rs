//! Triggers and the way back.

use std::time::Duration;

use super::Step;
use crate::runbook::id::{CheckId, StageId, TriggerId};

/// What a check leads to when it stays red.
#[derive(Debug, Clone)]
pub struct Trigger {
    pub id: TriggerId,
    /// The stage that it belongs to; `None`: from stage 1 to the close.
    pub stage: Option<StageId>,
    pub applies: bool,
    pub check: CheckId,
    pub condition: TriggerWhen,
    pub then: TriggerThen,
    /// Armed from the stage's entry, not only once its last step has passed.
    pub armed_from_entry: bool,
}

/// What sets a trigger off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TriggerWhen {
    /// Counted from the first bad sample of the streak.
    FailingFor(Duration),
    StaleFor(Duration),
    /// Bad samples, in a row or not.
    Failures {
        count: u32,
        within: Duration,
    },
}

/// What a trigger does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TriggerThen {
    /// Proposes the rollback to the operator.
    Alert,
    Hold,
    Rollback {
        to: Option<StageId>,
        grace: Duration,
    },
}

/// The check that the loader makes of the `files` of all rollback steps.
pub const ROLLBACK_FILES: &str = "rollback-files";

/// The check that the loader makes of the copies that rollback steps put back.
pub const ROLLBACK_SNAPSHOTS: &str = "rollback-snapshots";

/// The way back as a whole.
#[derive(Debug, Clone, Default)]
pub struct Rollback {
    pub window: Option<RollbackWindow>,
    /// The escape hatch: checks that must be green before stage 1 and at every gate. Files that rollback steps
    /// name with `files` are here as one check, [`ROLLBACK_FILES`], and the copies that they put back as another,
    /// [`ROLLBACK_SNAPSHOTS`].
    pub ready: Vec<CheckId>,
    /// Forensics, run before any undoing; failures are passed over.
    pub prepare: Vec<Step>,
    /// After the stages' own, when the roll back goes all the way.
    pub steps: Vec<Step>,
    pub gate: Option<RollbackGate>,
}

/// Until when rolling back needs no reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackWindow {
    pub from: StageId,
    pub lasts: Duration,
}

/// What proves that the old system is back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackGate {
    pub checks: Vec<CheckId>,
    pub timeout: Duration,
}
