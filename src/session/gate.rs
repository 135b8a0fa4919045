//! When a stage is GO, and what is missing where it is not.

use super::State;
use crate::clock::Now;
use crate::runbook::StageId;

/// A gate's verdict: GO exactly when nothing is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    pub missing: Vec<Missing>,
}

/// One thing that keeps a gate NO-GO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What is missing: `readyz is failing: 503, wanted 200`.
    pub what: String,
    /// What would release it: `readyz green`.
    pub release: String,
    /// An override with a reason lifts it.
    pub liftable: bool,
}

impl Verdict {
    /// Whether the gate is GO.
    #[must_use]
    pub fn is_go(&self) -> bool {
        self.missing.is_empty()
    }
}

/// The gate of `stage` as it stands.
#[must_use]
pub fn evaluate(_state: &State, _stage: &StageId, _now: Now) -> Verdict {
    Verdict::default()
}
