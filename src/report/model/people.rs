//! Who was there, and what they said and decided.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::When;
use crate::event::{Health, NoteTag, Seat};

/// Somebody who came to the controls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// The name that they go by.
    pub person: String,
    /// The uid as which they came, as the kernel says it.
    pub uid: u32,
    /// The uid with which they logged in, as the kernel's audit keeps it.
    pub login_uid: Option<u32>,
    /// The SSH connection that they came over: addresses and ports.
    pub ssh: Option<String>,
    /// They gave the passphrase that belongs to their name.
    pub passphrase: bool,
    /// What counts as this one person: `uid 1000`, `opsA by passphrase`. `null`: cannot be told apart from others.
    pub known_as: Option<String>,
    /// What they stood for.
    pub roles: Vec<String>,
    /// When they were here.
    pub stays: Vec<Stay>,
    /// When they had the wheel.
    pub wheel: Vec<Span>,
}

/// From when to when somebody was here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stay {
    pub from: When,
    /// `null`: they were here where the record ends.
    pub to: Option<When>,
    /// The seat that they came to.
    pub seat: Seat,
    /// Why they left.
    pub why: String,
}

/// A span of session time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    pub from_ms: u64,
    /// `null`: not ended where the record ends.
    pub to_ms: Option<u64>,
}

/// Something that a person decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    pub when: When,
    pub by: String,
    pub seat: Seat,
    /// One line, without the reason.
    pub what: String,
    /// The reason or the note that they gave.
    pub reason: Option<String>,
    pub knew: Knew,
}

/// What there was to know at that moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Knew {
    /// The stage in hand.
    pub stage: Option<String>,
    /// Whether its gate was GO; `null` where it had not come to its gate.
    pub go: Option<bool>,
    /// What its gate missed, a sentence each.
    pub gate_missing: Vec<String>,
    /// The checks that something needed and that were not green.
    pub not_green: Vec<NotGreen>,
    /// Why nothing new started, a sentence each.
    pub holds: Vec<String>,
    /// Triggers that counted down, a sentence each.
    pub counting_down: Vec<String>,
    /// The votes that stood at the gate.
    pub votes: Vec<StandingVote>,
    /// Who was at the controls.
    pub present: Vec<Present>,
}

/// A check that was not green.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotGreen {
    pub check: String,
    pub health: Health,
    pub value: Option<String>,
    pub reason: String,
    /// It is shown and never counted.
    pub advisory: bool,
}

/// A vote that stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StandingVote {
    pub person: String,
    pub role: Option<String>,
    pub go: bool,
    pub note: Option<String>,
}

/// Somebody at the controls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Present {
    pub person: String,
    pub seat: Seat,
    pub roles: Vec<String>,
}

/// A vote, as it was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Vote {
    pub when: When,
    pub by: String,
    /// For whom, where the gate asks for roles.
    pub role: Option<String>,
    pub go: bool,
    pub note: Option<String>,
}

/// Something about the override of a gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Override {
    pub when: When,
    pub by: String,
    pub stage: String,
    pub what: OverrideStep,
    /// What it lifts, a sentence each.
    pub lifts: Vec<String>,
    pub reason: Option<String>,
    /// Who had asked for it, where a second person did it.
    pub asked_by: Option<String>,
}

/// How far an override had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OverrideStep {
    /// A second person was asked.
    Asked,
    Declined,
    /// The gate was overridden.
    Done,
}

/// A command that was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    pub when: When,
    pub by: String,
    pub command: String,
    pub why: String,
}

/// Something that somebody wrote down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Note {
    pub when: When,
    pub by: String,
    pub tag: NoteTag,
    pub text: String,
    /// The file that was attached, in the session's folder.
    pub attached: Option<String>,
}

/// An item that was ticked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tick {
    pub item: String,
    pub pass: bool,
    pub by: String,
    pub at: DateTime<Utc>,
    pub note: Option<String>,
}
