//! What was planned and what became of it: stages, steps with every attempt, the way back, triggers.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{By, StageStatus, StepStatus, Tick, Vote, When};
use crate::event::Resolution;

/// A stage: its plan, and every time that it was entered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stage {
    pub id: String,
    pub title: String,
    pub description: Option<String>,
    /// `false`: its `when` rules it out.
    pub applies: bool,
    pub point_of_no_return: bool,
    /// Where the record ends.
    pub status: StageStatus,
    /// How long it was to take.
    pub estimate_ms: Option<u64>,
    pub gate: GatePlan,
    /// Each time that it was entered; more than one after a rollback.
    pub entries: Vec<Entry>,
    pub steps: Vec<Step>,
    /// The steps that undo it.
    pub rollback: Vec<Step>,
}

/// What the gate of a stage asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GatePlan {
    /// Checks that must be green.
    pub checks: Vec<String>,
    pub soak_ms: Option<u64>,
    /// Items that somebody ticks.
    pub accept: Vec<String>,
    /// So many people must vote GO.
    pub approvals: u32,
    /// For each of these somebody must vote GO.
    pub roles: Vec<String>,
    /// So many live sessions in a row, this one with them, must have had it GO.
    #[serde(default)]
    pub consecutive_sessions: u32,
    /// A good drill must be on record that is no older than this.
    #[serde(default)]
    pub drilled_within_ms: Option<u64>,
    /// In which environment; `null`: in any.
    #[serde(default)]
    pub drilled_environment: Option<String>,
    /// It promotes by itself.
    pub auto: bool,
    /// Whether a NO-GO may be overridden: `reason`, `two` or `never`.
    pub over: String,
}

/// One passage through a stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    pub entered: When,
    /// When it first came to its gate.
    pub at_gate: Option<When>,
    /// `null`: the record ends, or the session was closed, in it.
    pub ended: Option<Ended>,
    /// When a rollback had undone it, also after it had been promoted.
    #[serde(default)]
    pub undone: Option<When>,
    /// From the entry to the end, or to the end of the record.
    pub took_ms: u64,
    /// How long a check of its gate was failing or stale meanwhile; an advisory one does not count.
    pub red_ms: u64,
    /// Attempts of its steps that followed a first one in this passage.
    pub retries: u32,
    pub soak: Soak,
    /// What its gate said, each time that this changed.
    pub verdicts: Vec<GateVerdict>,
    pub votes: Vec<Vote>,
    /// The word on each item, as it was last.
    pub ticks: Vec<Tick>,
}

impl Entry {
    /// When it was undone, where it had ended otherwise before.
    #[must_use]
    pub fn undone_later(&self) -> Option<When> {
        let ended = self.ended.as_ref()?;
        self.undone.filter(|_| ended.how != EndedHow::RolledBack)
    }
}

/// How a passage through a stage ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ended {
    pub when: When,
    pub by: String,
    pub how: EndedHow,
}

/// How a passage through a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndedHow {
    /// Its gate was GO and it was promoted.
    Promoted,
    /// It was promoted over a NO-GO.
    Overridden,
    /// It was rolled back.
    RolledBack,
}

/// A soak, in one passage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Soak {
    pub started: Option<When>,
    pub reached: Option<When>,
    pub breaks: Vec<Break>,
}

/// A soak was sent back to its beginning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Break {
    pub when: When,
    pub why: String,
}

/// What a gate said, from here on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateVerdict {
    pub when: When,
    pub go: bool,
    /// A sentence each; empty when GO.
    pub missing: Vec<String>,
}

/// A step and every attempt of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// The full name: `switch.start-go`.
    pub id: String,
    pub title: String,
    /// `run`, `start`, `request`, `await`, `assert`, `confirm`, `wait`, `signal`, `link`, `collect`; empty where the
    /// plan cannot be read.
    pub kind: String,
    /// `false`: its `when` rules it out.
    pub applies: bool,
    /// Where the record ends.
    pub status: StepStatus,
    /// How long it was to take, and the most that it may take.
    pub estimate_ms: Option<u64>,
    pub timeout_ms: Option<u64>,
    /// The system user that it runs as, where it is another.
    pub user: Option<String>,
    pub attempts: Vec<Attempt>,
    /// The last time that somebody skipped it.
    pub skipped: Option<Skipped>,
}

/// A step was skipped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Skipped {
    pub when: When,
    pub by: String,
    pub reason: String,
}

/// One attempt of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// From 1; it goes on over every entry of the stage.
    pub attempt: u32,
    pub started: When,
    /// Who started it: `engine`, a person, a trigger.
    pub by: String,
    /// What ran, resolved, secrets masked; and its SHA-256.
    pub what: String,
    pub sha256: String,
    pub ended: Option<When>,
    /// How it ended; `running` or `waiting` while it has not.
    pub status: StepStatus,
    /// One line that says why not, or what proved it.
    pub why: String,
    /// How long it took, as it measured itself.
    pub took_ms: Option<u64>,
    pub exit: Option<i32>,
    pub proofs: Vec<Proof>,
    /// Values taken for later steps.
    pub captures: IndexMap<String, String>,
    pub output: Option<Output>,
    /// Background processes that it left, by pid.
    pub remains: Vec<u32>,
    /// What a `start` step started.
    pub pid: Option<u32>,
    /// It was to be ended before its end.
    pub killed: Option<Killed>,
    /// What could not be known of it, and what somebody said became of it.
    pub unknown: Option<String>,
    pub resolved: Option<Resolved>,
    /// The answer to a `confirm`.
    pub answer: Option<Answer>,
    /// The items of a `confirm`, each as it was ticked last.
    pub ticks: Vec<Tick>,
}

/// One thing that was expected, and what was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    pub expected: String,
    pub seen: String,
    pub met: bool,
}

/// The output of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// In the session's folder.
    pub path: String,
    pub bytes: u64,
    pub sha256: String,
    /// Bytes that were cut at the limit.
    pub dropped: u64,
}

/// An attempt was to be ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Killed {
    pub when: When,
    pub by: String,
    pub why: String,
    /// It took longer than its `timeout`.
    pub timed_out: bool,
    /// Why it could not be ended, where it could not.
    pub refused: Option<String>,
}

/// What somebody said became of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Resolved {
    pub when: When,
    pub by: String,
    pub outcome: Resolution,
    pub reason: String,
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    pub when: When,
    pub by: String,
    pub yes: bool,
    pub note: Option<String>,
}

/// The way back, as planned, and its own steps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WayBack {
    /// The stage from whose entry the window runs, and how long: until then rolling back needs no reason.
    pub window_from: Option<String>,
    pub window_ms: Option<u64>,
    /// Checks that must be green at every gate.
    pub ready: Vec<String>,
    /// The checks that prove that the old system is back, and how long they may take.
    pub gate_checks: Vec<String>,
    pub gate_timeout_ms: Option<u64>,
    /// Run before any undoing.
    pub prepare: Vec<Step>,
    /// Run after the stages' own, when the rollback goes all the way.
    pub steps: Vec<Step>,
}

/// A rollback.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rollback {
    pub started: When,
    pub by: String,
    pub reason: Option<String>,
    /// The stage that is undone last.
    pub to: String,
    /// Everything is undone.
    pub full: bool,
    /// The steps that were to run, in order.
    pub steps: Vec<String>,
    /// Stages that were undone.
    pub stages: Vec<RolledBack>,
    /// Steps that somebody passed over: what they undo stays.
    pub skipped: Vec<String>,
    pub stuck: Vec<Stuck>,
    /// What the gate of the way back said.
    pub verdicts: Vec<GateVerdict>,
    /// `null`: not finished where the record ends.
    pub finished: Option<When>,
    /// To its end, or to the end of the record.
    pub took_ms: u64,
}

/// A stage was undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RolledBack {
    pub when: When,
    pub stage: String,
}

/// A rollback could not go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stuck {
    pub when: When,
    pub step: Option<String>,
    pub why: String,
    /// The steps that were still to run.
    pub remaining: Vec<String>,
}

/// A trigger: its rule, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trigger {
    /// Of a step that rolls back when it fails, the step's name.
    pub id: String,
    /// The stage that it belongs to; `null`: to all.
    pub stage: Option<String>,
    /// The check that it watches; `null` where it is a step's.
    pub check: Option<String>,
    /// What sets it off: `failing for 30s`.
    pub condition: String,
    /// What it does: `alert`, `hold`, `roll back to switch after 30s`.
    pub then: String,
    pub events: Vec<TriggerEvent>,
}

/// Something that became of a trigger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TriggerEvent {
    #[serde(flatten)]
    pub by: By,
    pub what: TriggerStep,
    /// Why it was reached or fired, or the reason of a veto.
    pub why: Option<String>,
    /// How long somebody had to veto it.
    pub grace_ms: Option<u64>,
}

/// What became of a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TriggerStep {
    Armed,
    Cleared,
    Vetoed,
    Fired,
}
