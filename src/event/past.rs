//! What earlier sessions of a runbook teach, as an engine read it off their verified records.

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::Mode;
use crate::runbook::{StageId, StepId};

/// A record as far as it was read: whoever reads it later can tell whether it is still the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionHead {
    pub session: String,
    /// Its last event then, and all of that one's hash.
    pub seq: u64,
    pub sha256: String,
}

/// Which part of a drill a session is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillPart {
    /// The session that went forward and all the way back, where this is the one that goes forward again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<SessionHead>,
    /// No soak is longer than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soak_ms: Option<u64>,
}

/// What earlier sessions of this runbook teach. Only what a verified record says is here.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PastSessions {
    /// The live ones, newest first, as far back as a gate's row needs them.
    #[serde(default)]
    pub live: Vec<PastSession>,
    /// The last good drill of each environment.
    #[serde(default)]
    pub drills: Vec<PastDrill>,
    /// The last whole way back that went through without getting stuck.
    #[serde(default)]
    pub rollback: Option<PastRollback>,
    /// How long each rollback step took when it passed last.
    #[serde(default)]
    pub steps: IndexMap<StepId, PastStep>,
}

/// A live session before this one, and what it says of the gates that ask for a row of sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastSession {
    pub session: String,
    /// How far its record was read; `None` where it could not be.
    pub head: Option<SessionHead>,
    pub gates: IndexMap<StageId, PastGate>,
    /// Why it counts for no gate: it was aborted, was not finished, or its record is not whole. A phrase.
    pub broken: Option<String>,
}

/// What a session says of one gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastGate {
    /// It was GO, but for the row itself, and nobody overrode it.
    pub go: bool,
    /// Why not, a phrase; empty where it was.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// A drill that went forward, all the way back, and forward again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastDrill {
    pub environment: Option<String>,
    pub finished: DateTime<Utc>,
    /// Its two sessions.
    pub back: SessionHead,
    pub forward: SessionHead,
    /// Soaks were cut to this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soak_ms: Option<u64>,
}

/// A whole rollback as it was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastRollback {
    pub session: String,
    pub mode: Mode,
    /// A drill measured it.
    pub drill: bool,
    pub environment: Option<String>,
    /// Who started it.
    pub by: String,
    /// When it was finished.
    pub at: DateTime<Utc>,
    /// The stage that was in hand, or passed last, when it began.
    pub from: StageId,
    /// From its start until its gate was green, and how much of that the gate took.
    pub took_ms: u64,
    pub gate_ms: u64,
}

/// A rollback step as it was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastStep {
    pub session: String,
    pub mode: Mode,
    pub at: DateTime<Utc>,
    pub took_ms: u64,
}
