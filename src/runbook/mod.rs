//! What a runbook may say: its model, and the way from a TOML file to it.

pub mod id;
pub mod interpolate;
pub mod model;

pub use id::{CheckId, StageId, StepId, TriggerId};
