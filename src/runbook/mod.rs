//! What a runbook may say: its model, and the way from a TOML file to it.

pub mod describe;
pub mod id;
pub mod interpolate;
pub mod model;
pub mod plan;
pub mod quote;

pub use describe::describe_action;
pub use id::{CheckId, StageId, StepId, TriggerId};
