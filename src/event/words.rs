//! The words that events are told in: how a check is, what a session counts as, how it ended, what a note is.

use serde::{Deserialize, Serialize};

use crate::runbook::{StageId, StepId};

/// A check's health. *Green* is `Ok` and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Not polled now.
    #[default]
    Idle,
    /// Too few samples.
    Pending,
    Ok,
    Failing,
    /// No sample came for three periods.
    Stale,
}

impl Health {
    /// The word for it on the screen and in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Pending => "pending",
            Self::Ok => "ok",
            Self::Failing => "failing",
            Self::Stale => "stale",
        }
    }
}

/// What a person says became of an unknown attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    Done,
    Failed,
    RunAgain,
}

/// What an item belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemOf {
    Gate(StageId),
    Step(StepId),
}

/// What a note is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoteTag {
    #[default]
    Observation,
    Decision,
    Bug,
}

/// What a session counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Live,
    Rehearsal,
    Simulated,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Completed,
    RolledBack,
    Aborted,
}

impl Mode {
    /// The word for it on the screen and in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Rehearsal => "rehearsal",
            Self::Simulated => "simulated",
        }
    }
}

impl Outcome {
    /// The word for it on the screen and in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::RolledBack => "rolled back",
            Self::Aborted => "aborted",
        }
    }
}

impl Resolution {
    /// The word for it on the screen and in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::RunAgain => "run again",
        }
    }
}

impl NoteTag {
    /// The word for it on the screen and in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Observation => "note",
            Self::Decision => "decision",
            Self::Bug => "bug",
        }
    }
}
