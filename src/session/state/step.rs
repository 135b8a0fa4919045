//! What is known of a step.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::Tick;
use crate::clock::Now;
use crate::event::{Identity, StepFinished};

/// One step or rollback step.
#[derive(Debug, Clone, Default)]
pub struct StepState {
    pub status: StepStatus,
    /// The newest attempt's number; 0 before the first.
    pub attempt: u32,
    /// Attempts since a person last started it, or since its stage was entered: what `retries` counts.
    pub tries: u32,
    pub started: Option<Now>,
    pub ended: Option<Now>,
    /// Of the newest attempt, the milliseconds in which the engine at work did not look.
    pub unobserved_ms: u64,
    /// What the newest attempt runs, resolved, secrets masked.
    pub what: Option<String>,
    /// The newest finish, with its proofs.
    pub finish: Option<Arc<StepFinished>>,
    /// One line: why it failed, was skipped, is unknown, could not be ended.
    pub why: Option<String>,
    /// The newest attempt is being ended.
    pub killed: Option<Ending>,
    /// When ending the newest attempt was refused last; `why` says what refused it. It runs on.
    pub end_refused: Option<Now>,
    /// The number of the event that started the newest attempt, in whatever entry of its stage; 0 before the first.
    pub began: u64,
    /// What the newest attempt of a `start` step started.
    pub process: Option<Identity>,
    /// The items of a `confirm` step.
    pub ticks: IndexMap<String, Tick>,
}

/// An attempt that is being ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    pub why: String,
    pub since: Now,
    /// It took longer than its `timeout`; nobody wanted it to end.
    pub timed_out: bool,
}

/// A step's states. A `confirm` that waits for its person is `Waiting`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    #[default]
    Pending,
    Running,
    Waiting,
    Passed,
    Failed,
    Unknown,
    Skipped,
}

impl StepStatus {
    /// An attempt is under way.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Waiting)
    }
}
