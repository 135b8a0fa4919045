//! What a runbook would do, before anything runs: the way forward stage by stage, and the way back as commands to
//! paste. Pure: the same text for `gonogo plan`, for the preview of a rollback and for an operator who goes on by hand.

mod back;
pub mod estimate;
pub mod expect;
mod forward;
mod paste;
#[cfg(test)]
mod tests;

pub use back::{PlannedStep, planned, rollback_commands, rollback_text};
pub use estimate::{Estimate, along_needs, in_order, of_step as estimate_of, stage_estimate, steps_estimate};
pub use forward::{describe_trigger, forward_text};

use super::interpolate::Scope;
use super::model::Runbook;

/// The names as they are known before a session: secrets are only named, as `secret:name`.
#[must_use]
pub fn scope(runbook: &Runbook) -> Scope {
    Scope {
        secrets: runbook.secrets.keys().map(|name| (name.clone(), format!("secret:{name}"))).collect(),
        runbook_dir: runbook.dir.clone(),
        ..Scope::default()
    }
}
