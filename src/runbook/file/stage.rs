//! `[[stage]]`, `[stage.gate]`, `[[trigger]]` and `when`.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::step::StepFile;
use super::values::{CheckRef, Id, OneOrMany, Role, Span, StageRef, Text};

/// Vars, `host.os` or `host.arch` → the value, or the values, for which this applies. Where it does not, it is skipped.
pub type WhenFile = IndexMap<String, OneOrMany<Text>>;

/// A stage: the steps that do the work, the gate that must be GO before the next one, and the steps that undo it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageFile {
    /// The stage's id.
    pub id: Id,
    /// What it does, in words. Default: the id.
    pub title: Option<Text>,
    /// More about it.
    pub description: Option<Text>,
    /// The checks that are polled while it is active.
    #[serde(default)]
    pub watch: Vec<CheckRef>,
    /// Where it applies at all.
    pub when: Option<WhenFile>,
    /// How long it will take. Default: the sum of its steps.
    pub estimate: Option<Span>,
    /// Once its first step has started, nothing before it can be rolled back.
    #[serde(default)]
    pub point_of_no_return: bool,
    /// What is done.
    #[serde(default)]
    pub step: Vec<StepFile>,
    /// What undoes it, in the order in which it runs.
    #[serde(default)]
    pub rollback: Vec<StepFile>,
    /// When it is GO.
    pub gate: Option<GateFile>,
    /// What its checks lead to when they stay red.
    #[serde(default)]
    pub trigger: Vec<TriggerFile>,
}

/// When a stage is GO.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateFile {
    /// The checks that must be green. Default: the stage's `watch`.
    pub checks: Option<Vec<CheckRef>>,
    /// All of them green for this long without a break.
    pub soak: Option<Span>,
    /// Items that an operator ticks.
    #[serde(default)]
    pub accept: Vec<Text>,
    /// Go on by itself when GO. Default: an operator advances.
    #[serde(default)]
    pub auto: bool,
    /// Whether a NO-GO may be overridden. Default: `"reason"`; `"two"` where people vote (`approvals` of two or more, or
    /// `roles`); `"never"` before a point of no return.
    #[serde(rename = "override")]
    pub over: Option<OverrideFile>,
    /// So many people must vote GO, each counted once under however many names.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100))]
    pub approvals: u32,
    /// For each of these roles somebody must vote GO who stands for it.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// So many live sessions in a row, this one with them, must have had this gate GO without an override.
    #[schemars(range(min = 1, max = 100))]
    pub consecutive_sessions: Option<u32>,
    /// The way back must have been drilled.
    pub drilled: Option<DrilledFile>,
}

/// A good drill (`gonogo drill`) that must be on record.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DrilledFile {
    /// It is no older than this.
    pub within: Span,
    /// The `environment` of its runbook. Default: any.
    pub environment: Option<Text>,
}

/// Whether a NO-GO may be overridden: with a typed reason, by two people, or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum OverrideFile {
    Reason,
    Two,
    Never,
}

/// What a check leads to when it stays red. It has exactly one of the conditions.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TriggerFile {
    /// The check.
    pub check: CheckRef,
    /// Condition: failing for this long, counted from the first bad sample of the streak.
    pub failing_for: Option<Span>,
    /// Condition: without a sample for this long.
    pub stale_for: Option<Span>,
    /// Condition: so many bad samples within a time, in a row or not.
    pub failures: Option<FailuresFile>,
    /// What happens: `"alert"` (the default) proposes the rollback, `"hold"` pauses, `"rollback"` rolls back.
    pub then: Option<ThenFile>,
    /// The stage that `then = "rollback"` goes back to. Default: all the way.
    pub to: Option<StageRef>,
    /// The countdown before `then = "rollback"`, in which an operator can veto. Default: 30s.
    pub grace: Option<Span>,
    /// `"stage"`: armed from the stage's entry, not only once its last step has passed.
    pub armed: Option<ArmedFile>,
    /// Where it applies at all.
    pub when: Option<WhenFile>,
}

/// So many bad samples within a time.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailuresFile {
    /// How many.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub count: u32,
    /// Within which time.
    pub within: Span,
}

/// What a trigger does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum ThenFile {
    Alert,
    Hold,
    Rollback,
}

/// From when on a stage's trigger is armed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum ArmedFile {
    Stage,
}
