//! What a runbook may say: its model, and the way from a TOML file to it.

pub mod id;
pub mod interpolate;
pub mod model;

pub use id::{CheckId, StageId, StepId, TriggerId};

/// The one-line `what` of a step.
#[must_use]
pub fn describe_action(step: &model::Step, _scope: &interpolate::Scope, _shell: &[String]) -> String {
    format!("{} {}", step.action.kind(), step.id)
}
