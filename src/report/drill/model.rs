//! What `gonogo drill` reports.

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A drill: forward to the last gate from which all the way back is open, all the way back, and forward again, with
/// every stage and every step timed. Times are in milliseconds unless a key says otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Drill {
    /// The format of this document: 1.
    pub format: u32,
    /// The gonogo that made it.
    pub version: String,
    pub runbook: Runbook,
    /// The machine that it was made on.
    pub host: String,
    pub started: DateTime<Utc>,
    pub finished: DateTime<Utc>,
    pub verdict: Verdict,
    /// Why it is not good, a sentence; empty where it is.
    pub why: String,
    /// What `gonogo drill` ended with.
    pub exit_code: u8,
    /// The stage at whose gate it turned back.
    pub turned_at: String,
    /// The soaks that were shortened; `null`: none was.
    pub soak: Option<ShortSoak>,
    /// Forward, back, and forward again, as far as it came.
    pub legs: Vec<Leg>,
    /// The steps and stages that took longer than the runbook estimates, `LEG: NAME`, with both times.
    pub over_estimate: Vec<String>,
}

/// Which runbook, with which inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Runbook {
    pub id: String,
    pub title: String,
    pub environment: Option<String>,
    /// Its file, and the SHA-256 of that.
    pub file: String,
    pub sha256: String,
    pub vars: IndexMap<String, String>,
}

/// How a drill, or a leg of it, went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Good,
    Failed,
}

/// Soaks that were cut: what they prove is less than what the runbook asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShortSoak {
    /// No soak was longer than this.
    pub most_ms: u64,
    /// The stages whose soak is longer in the runbook, and how long.
    pub written_ms: IndexMap<String, u64>,
}

/// Where a leg goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Forward,
    Back,
}

/// One way through the runbook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Leg {
    pub direction: Direction,
    pub verdict: Verdict,
    /// Why it is not good, a sentence; empty where it is.
    pub why: String,
    /// The session that recorded it; `gonogo report` and `gonogo replay` take it.
    pub session: String,
    /// The head of that session's record, `SEQ:HASH`: `gonogo verify --anchor` takes it.
    pub head: String,
    pub started: DateTime<Utc>,
    pub took_ms: u64,
    /// Of a way back: how long the old system took to prove that it is back, behind the last step.
    pub gate_ms: Option<u64>,
    pub stages: Vec<StageTime>,
    pub steps: Vec<StepTime>,
}

/// How something's time stands against what the runbook says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Judged {
    /// Within its `estimate` and its limit, where it has them.
    Within,
    /// It passed, and took longer than its `estimate`.
    OverEstimate,
    /// The runbook gives neither an `estimate` nor a limit.
    NotJudged,
    /// It did not pass, or not in time.
    Failed,
    Skipped,
    /// It was not ended, or not reached by the end of the leg.
    Open,
}

/// A stage's time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StageTime {
    pub stage: String,
    pub title: String,
    /// From its entry until it was left; of a way back, from its first step until it was undone. `null`: not ended.
    pub took_ms: Option<u64>,
    /// How much of that it was at its gate, soak included.
    pub gate_ms: Option<u64>,
    /// What the runbook estimates, soak included; `null`: not for all of it.
    pub estimate_ms: Option<u64>,
    pub judged: Judged,
}

/// A step's time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepTime {
    pub step: String,
    pub title: String,
    /// What it is: `run`, `start`, `signal`, …
    pub kind: String,
    pub attempts: u32,
    /// How long its last attempt took; `null`: it was not ended.
    pub took_ms: Option<u64>,
    pub estimate_ms: Option<u64>,
    /// Its `max_duration`, or the `gone_within` of a signal: over it the step fails.
    pub limit_ms: Option<u64>,
    pub judged: Judged,
    /// What proved it, or why it failed.
    pub why: String,
}
