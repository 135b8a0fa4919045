//! Two sessions of one runbook side by side: how long, how often, how red, and what differed.

mod compare;
mod markdown;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use compare::compare;
pub use markdown::markdown;

use super::model::{StageStatus, StepStatus, When};
use crate::event::{Mode, Outcome};
use crate::session::Situation;

/// Two sessions side by side. What only one has is `null` in the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// The format of this document: 1.
    pub format: u32,
    /// The session that was asked about.
    pub this: Side,
    /// The one that it is held against.
    pub other: Side,
    /// What differs and matters, a sentence each.
    pub differences: Vec<String>,
    /// From the other's runbook to this one's, as a unified diff; empty where they are the same.
    pub runbook_diff: String,
    /// Inputs that stood for something else.
    pub vars: Vec<Var>,
    /// Every stage of either, in this one's order.
    pub stages: Vec<StagePair>,
    /// Every step that either ran or skipped, in this one's order.
    pub steps: Vec<StepPair>,
    /// Every check that either polled.
    pub checks: Vec<CheckPair>,
}

/// A session in a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Side {
    pub session: String,
    pub runbook_id: String,
    pub runbook_sha256: String,
    pub mode: Mode,
    pub host: String,
    pub opened: When,
    pub duration_ms: u64,
    pub closed: bool,
    pub situation: Situation,
    pub outcome: Option<Outcome>,
    /// The gravest of `gonogo verify`'s verdicts on its record.
    pub verdict: String,
    pub head: Option<String>,
    pub overrides: u32,
    pub rollbacks: u32,
    /// How long nobody observed anything.
    pub unobserved_ms: u64,
}

/// An input that stood for something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Var {
    pub name: String,
    pub this: Option<String>,
    pub other: Option<String>,
}

/// A stage in both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StagePair {
    pub id: String,
    pub this: Option<StageSide>,
    pub other: Option<StageSide>,
}

/// A stage in one session, over all its passages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StageSide {
    pub status: StageStatus,
    pub passages: u32,
    pub took_ms: u64,
    /// How long a check of its gate was failing or stale.
    pub red_ms: u64,
    pub retries: u32,
    pub soak_breaks: u32,
    pub overridden: bool,
}

/// A step in both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepPair {
    pub id: String,
    pub this: Option<StepSide>,
    pub other: Option<StepSide>,
    /// What the last attempt of each was to prove and that was seen otherwise.
    pub proofs: Vec<ProofPair>,
}

/// A step in one session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepSide {
    pub status: StepStatus,
    pub attempts: u32,
    /// How long the last attempt that ended took.
    pub took_ms: Option<u64>,
}

/// A proof that was seen otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProofPair {
    pub expected: String,
    pub this: Option<ProofSide>,
    pub other: Option<ProofSide>,
}

/// What was seen for a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProofSide {
    pub met: bool,
    pub seen: String,
}

/// A check in both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckPair {
    pub id: String,
    pub this: Option<CheckSide>,
    pub other: Option<CheckSide>,
}

/// A check in one session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckSide {
    pub failing_ms: u64,
    pub stale_ms: u64,
    pub samples: u64,
    /// Of how long its samples took, in milliseconds.
    pub latency_p95_ms: Option<f64>,
    /// Of the numbers that it saw.
    pub number_median: Option<f64>,
    pub number_max: Option<f64>,
}

#[cfg(test)]
mod tests;
