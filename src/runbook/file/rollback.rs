//! `[rollback]`: the way back as a whole.

use schemars::JsonSchema;
use serde::Deserialize;

use super::step::StepFile;
use super::values::{CheckRef, Span, StageRef};

/// The way back as a whole.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackFile {
    /// Until when rolling back needs no reason.
    pub window: Option<WindowFile>,
    /// The escape hatch: checks that must be green before stage 1 and at every gate.
    #[serde(default)]
    pub ready: Vec<CheckRef>,
    /// Forensics, run before any undoing; failures are recorded and passed over.
    #[serde(default)]
    pub prepare: Vec<StepFile>,
    /// Run after the stages' own rollback steps, when the rollback goes all the way.
    #[serde(default)]
    pub step: Vec<StepFile>,
    /// What proves that the old system is back.
    pub gate: Option<RollbackGateFile>,
}

/// The rollback window.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowFile {
    /// The stage whose entry opens it.
    pub from: StageRef,
    /// How long it lasts.
    pub lasts: Span,
}

/// What proves that the old system is back.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackGateFile {
    /// The checks that must be green.
    #[schemars(length(min = 1))]
    pub checks: Vec<CheckRef>,
    /// How long that may take. Default: 5m.
    pub timeout: Option<Span>,
}
