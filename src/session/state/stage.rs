//! What is known of a stage: where it is, its gate, its soak, its ticks.

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::clock::Now;
use crate::session::second::OverrideAsked;
use crate::session::votes::Vote;

/// One stage.
#[derive(Debug, Clone, Default)]
pub struct StageState {
    pub status: StageStatus,
    /// Of this entry of it.
    pub entered: Option<Now>,
    pub ended: Option<Now>,
    /// When it came to its gate, in this entry.
    pub at_gate: Option<Now>,
    pub soak: Soak,
    pub ticks: IndexMap<String, Tick>,
    /// Those that stand and those that are void, a person's latest for each role.
    pub votes: Vec<Vote>,
    /// What the driver asked a second person for last; [`crate::session::second::standing`] says whether it still waits.
    pub override_asked: Option<OverrideAsked>,
    /// The last `gate_changed`: GO, or what was missing.
    pub gate: Option<GateSeen>,
    /// The event with which its gate came to wait for people alone, the first time in this entry.
    pub called: Option<u64>,
    /// The override that it was promoted with.
    pub overridden: Option<String>,
}

/// A stage's states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StageStatus {
    #[default]
    Pending,
    Active,
    AtGate,
    Passed,
    RollingBack,
    RolledBack,
    /// Its `when` is false.
    Skipped,
}

/// A gate as last recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateSeen {
    pub go: bool,
    pub missing: Vec<String>,
    pub since: Now,
}

/// A soak's clock: it runs on green time only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Soak {
    /// The first time that it started in this entry of the stage.
    pub started: bool,
    /// Green milliseconds of the streak, up to `running_since`.
    pub banked_ms: u64,
    /// Boot-clock time since when it runs; `None` while it stands still.
    pub running_since: Option<u64>,
    pub reached: bool,
    /// Unobserved milliseconds of the current gap-tolerant streak.
    pub unobserved_ms: u64,
    pub broken: u32,
    pub last_broken: Option<String>,
}

impl Soak {
    /// Green milliseconds so far.
    #[must_use]
    pub fn so_far_ms(&self, now_up_ms: u64) -> u64 {
        self.banked_ms + self.running_since.map_or(0, |since| now_up_ms.saturating_sub(since))
    }
}

/// An operator's word on an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    pub pass: bool,
    pub by: String,
    pub at: DateTime<Utc>,
    pub note: Option<String>,
}
