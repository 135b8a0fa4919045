//! A report's content: what every form of it is written from, and what the JSON form is. Every text in it may have been
//! written by others.
//!
//! Times: `at` is the wall clock in UTC; `t_ms` is *session time*, milliseconds since the session's first event over all
//! boots of the machine; a duration `…_ms` is milliseconds.

mod checks;
mod course;
mod people;

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use checks::*;
pub use course::*;
pub use people::*;

use crate::event::{Mode, Outcome};
use crate::session::Situation;

/// The format of the JSON that this build writes. It changes only where a reader of the one before would be misled.
pub const FORMAT: u32 = 1;

/// A report of one session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The format of this document: 1.
    pub format: u32,
    pub session: Session,
    pub record: Record,
    /// What could not be told, and why, a sentence each: a folder that is not there, samples that were not kept.
    pub missing: Vec<String>,
    pub runbook: Runbook,
    pub policy: Policy,
    /// Everybody who came to the controls, in the order in which they first came.
    pub crew: Vec<Member>,
    /// What people decided and what they knew, in order.
    pub decisions: Vec<Decision>,
    /// In the runbook's order.
    pub stages: Vec<Stage>,
    pub way_back: WayBack,
    /// Rollbacks, in the order in which they were started.
    pub rollbacks: Vec<Rollback>,
    pub triggers: Vec<Trigger>,
    pub checks: Vec<Check>,
    /// Old beside new, for each check that is held against a baseline.
    #[serde(default)]
    pub versus: Vec<Versus>,
    /// Overrides of gates: asked for, declined, done.
    pub overrides: Vec<Override>,
    /// Commands that were refused, and why.
    pub refusals: Vec<Refusal>,
    pub notes: Vec<Note>,
    pub evidence: Vec<Evidence>,
    /// Times in which nobody observed anything.
    pub unobserved: Vec<Unobserved>,
    /// The session as a picture along its time.
    pub timeline: Timeline,
}

/// A moment of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct When {
    /// The number of the event that tells it.
    pub seq: u64,
    /// By the wall clock, in UTC.
    pub at: DateTime<Utc>,
    /// In session time.
    pub t_ms: u64,
}

/// The session as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// Its name, which is its folder's.
    pub name: String,
    /// Whether it was a cutover, a rehearsal, or touched nothing.
    pub mode: Mode,
    pub host: Host,
    /// The group that might attach besides the session's owner.
    pub share: Option<String>,
    /// Where its record was written.
    pub folder: String,
    pub opened: When,
    /// The last event of the record.
    pub last: When,
    /// The session was closed, so that this is all of it. Otherwise everything here is so far.
    pub closed: bool,
    /// From the first event to the last.
    pub duration_ms: u64,
    /// Where it stands, or how it ended.
    pub situation: Situation,
    /// `null` while it is not closed.
    pub outcome: Option<Outcome>,
    /// The reason that was given for the close.
    pub reason: Option<String>,
    /// Why nothing new starts, where the record ends, a sentence each.
    pub holds: Vec<String>,
    /// Every start of an engine that drove it.
    pub engines: Vec<Engine>,
}

/// The machine that it ran on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    pub name: String,
    /// `linux`, `macos`.
    pub os: String,
    /// `x86_64`, `aarch64`.
    pub arch: String,
}

/// An engine that drove the session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Engine {
    pub when: When,
    /// The version of gonogo.
    pub version: String,
    pub pid: u32,
    /// The boot of the machine.
    pub boot_id: String,
    /// What a resume found and did, a sentence each.
    pub recovered: Vec<String>,
}

/// Whether the record is whole: what `gonogo verify` says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// The gravest first; never empty.
    pub verdicts: Vec<Verdict>,
    /// The exit code of `gonogo verify`: 0 where it is whole.
    pub code: u8,
    /// An engine was driving the session when this was made.
    pub live: bool,
    /// It was held against a head that somebody had kept. Without one a cut tail or a whole rewrite is not seen.
    pub anchored: bool,
    /// Good lines of the log.
    pub events: u64,
    /// `seq:hash8` of the last good line, to keep.
    pub head: Option<String>,
    /// What is worth knowing and breaks nothing, a sentence each.
    pub findings: Vec<String>,
}

/// One verdict on the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// `CLEAN`, `CLEAN UNFINISHED`, `TORN TAIL`, `BROKEN`, `TRUNCATED`, `REWRITTEN`, `MISSING`, `OUTPUT CHANGED`.
    pub word: String,
    pub code: u8,
    /// The word and what it is about.
    pub text: String,
}

/// The plan, as it was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Runbook {
    pub id: String,
    pub title: String,
    pub owner: Option<String>,
    pub ticket: Option<String>,
    pub environment: Option<String>,
    /// The folder that it lay in, and the name of its file there.
    pub dir: String,
    pub file: String,
    /// Of the file's bytes.
    pub sha256: String,
    /// Every input and what it stood for; secrets are never here.
    pub vars: IndexMap<String, String>,
    /// The file's text.
    pub text: String,
    /// When the work was to be done.
    #[serde(default)]
    pub window: Option<Window>,
    /// Whether this build can read it. Where not, everything here is as the events tell it, without the plan.
    pub readable: bool,
}

/// The change window; `null`: it has no such end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    pub opens: Option<DateTime<Utc>>,
    pub closes: Option<DateTime<Utc>>,
}

/// What was to be acknowledged before the first stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Policy {
    pub sentences: Vec<String>,
    /// `null` where nobody did.
    pub acknowledged: Option<By>,
}

/// Who did something, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct By {
    pub when: When,
    /// A person's name, `engine`, or `trigger NAME`.
    pub by: String,
}

/// A file that was taken as evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    pub when: When,
    pub by: String,
    /// The step that it was taken by; `null` where a person attached it.
    pub step: Option<String>,
    /// Where it was taken from.
    pub source: String,
    /// Where it lies, in the session's folder.
    pub path: String,
    pub bytes: u64,
    pub sha256: String,
}

/// A time in which nobody observed anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unobserved {
    pub from_ms: u64,
    pub to_ms: u64,
}

/// What lasted and what happened, in session time. Attempts of steps and the health of checks stand with these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timeline {
    /// Where the record ends.
    pub end_ms: u64,
    pub bands: Vec<Band>,
    pub marks: Vec<Mark>,
}

/// Something that lasted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Band {
    pub what: BandKind,
    pub from_ms: u64,
    /// `null`: it had not ended where the record ends.
    pub to_ms: Option<u64>,
}

/// What lasted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BandKind {
    /// A stage was active, at its gate, or being rolled back.
    Stage {
        stage: String,
        status: StageStatus,
    },
    /// What the gate of a stage said, or, under the name `rollback`, the gate of the way back.
    Gate {
        stage: String,
        go: bool,
    },
    /// The clock of a soak ran.
    Soak {
        stage: String,
    },
    RollingBack {
        to: String,
        full: bool,
    },
    /// A rollback could not go on.
    Stuck,
    Paused {
        by: String,
    },
    /// Nothing new started, because of a failure, an unknown or a trigger.
    Holding,
    /// Nobody observed anything.
    Unobserved,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mark {
    pub seq: u64,
    pub t_ms: u64,
    /// What it is, what matters most first.
    pub kinds: Vec<MarkKind>,
    /// One line.
    pub label: String,
    /// The person or the trigger; `null` for the engine.
    pub by: Option<String>,
}

pub use crate::history::MarkKind;
pub use crate::session::{StageStatus, StepStatus};
