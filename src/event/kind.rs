//! What can happen: one variant a kind of fact, in the order in which a cutover meets them.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::words::{Health, ItemOf, Mode, NoteTag, Outcome, Resolution};
use super::{Credentials, DrillPart, PastSessions, Person};
pub use crate::process::Identity;
pub use crate::proof::Proof;
use crate::runbook::model::{Host, Topic};
use crate::runbook::{CheckId, StageId, StepId, TriggerId};

/// The format of the log that this build writes.
pub const LOG_FORMAT: u32 = 1;

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// The first fact of every log: the whole plan.
    SessionOpened(Box<SessionOpened>),
    EngineStarted {
        boot_id: String,
        version: String,
        pid: u32,
        /// What a resume found and did, a sentence each; empty at the first start.
        recovered: Vec<String>,
    },
    EngineStopping {
        reason: String,
    },
    /// What the records of earlier sessions of this runbook say, behind each start of an engine.
    PastSessions(Box<PastSessions>),
    /// Nobody observed anything from one reading of the boot clock to the other.
    Unobserved {
        from: u64,
        to: u64,
    },
    /// The log could not be written for a while and can be again.
    LogRecovered {
        why: String,
        dropped_bytes: u64,
    },
    /// Somebody came to the controls, and how we know who it is.
    OperatorJoined {
        person: Person,
        #[serde(default)]
        credentials: Credentials,
        /// What they stand for, as claimed or as the runbook's `[roles]` lets them.
        #[serde(default)]
        roles: Vec<String>,
    },
    OperatorLeft {
        person: Person,
        #[serde(default)]
        why: String,
    },
    /// Somebody would like the wheel.
    WheelAsked,
    /// The driver offers the wheel; it passes when the other takes it.
    WheelOffered {
        to: String,
    },
    /// An offer was declined, or taken back.
    WheelDeclined,
    WheelPassed {
        /// Who had it; `None` where nobody did.
        from: Option<String>,
        to: String,
    },
    /// The incoming driver has read where the session stands.
    HandoverAcknowledged,
    CommandRefused {
        command: String,
        why: String,
    },
    PolicyAcknowledged,
    StageEntered {
        stage: StageId,
    },
    /// The intent to start an attempt; its effect follows once this is on disk.
    StepStarted {
        step: StepId,
        attempt: u32,
        /// What is run, resolved, secrets masked.
        what: String,
        /// SHA-256 of `what`.
        sha256: String,
    },
    /// A `start` step's process is up; it belongs to the host from here on.
    StepLaunched {
        step: StepId,
        attempt: u32,
        process: Identity,
    },
    StepFinished(Box<StepFinished>),
    /// What became of an attempt cannot be known.
    StepUnknown {
        step: StepId,
        attempt: u32,
        evidence: String,
    },
    /// An operator said what became of it.
    StepResolved {
        step: StepId,
        attempt: u32,
        outcome: Resolution,
        reason: String,
    },
    StepSkipped {
        step: StepId,
        reason: String,
    },
    /// The intent to end a running attempt.
    StepKilled {
        step: StepId,
        attempt: u32,
        why: String,
        /// It took longer than its `timeout`: then `retries` may start it again. After a person or a rollback has ended
        /// it they never do.
        #[serde(default)]
        timed_out: bool,
    },
    /// The attempt that was to be ended could not be: it runs on, and ending it may be asked for again.
    EndRefused {
        step: StepId,
        attempt: u32,
        why: String,
    },
    OutputCut {
        step: StepId,
        attempt: u32,
        kept: u64,
        dropped: u64,
    },
    Confirmed {
        step: StepId,
        attempt: u32,
        note: Option<String>,
    },
    Declined {
        step: StepId,
        attempt: u32,
        note: Option<String>,
    },
    /// An `accept` item of a gate, or an item of a `confirm` step's checklist.
    ItemTicked {
        on: ItemOf,
        item: String,
        pass: bool,
        note: Option<String>,
    },
    CheckChanged {
        check: CheckId,
        from: Health,
        to: Health,
        reason: String,
        /// What was seen last, as it is shown.
        value: Option<String>,
        /// Boot-clock time of the first sample of the streak that led here.
        since: u64,
    },
    /// What a `baseline` step measured of the old system.
    BaselineTaken {
        step: StepId,
        attempt: u32,
        name: String,
        checks: IndexMap<CheckId, Measured>,
    },
    /// The files of `[freeze]` as they were when the session started, by name. A digest is keyed with a secret of the
    /// session: nobody learns from it what a file holds. `None`: it could not be read.
    FilesFrozen {
        files: IndexMap<String, Option<String>>,
    },
    /// Frozen files are not what they were. It names all that differ, never their content.
    DriftFound {
        files: Vec<Drifted>,
    },
    /// The frozen files are what they were again.
    DriftGone,
    /// A person takes these files as they are now for what is frozen.
    DriftAccepted {
        files: Vec<Drifted>,
        reason: String,
    },
    /// Exact copies that a `snapshot` step made. They lie in the session's folder and nowhere else.
    SnapshotTaken {
        step: StepId,
        attempt: u32,
        /// Their folder, relative to the session's.
        path: String,
        files: u32,
        /// Of all files together.
        bytes: u64,
        /// Of the manifest in that folder, which holds the digest of each copy.
        sha256: String,
    },
    /// What the link of a `link` step was before the step: where its way back leads.
    LinkFound {
        step: StepId,
        attempt: u32,
        /// What it pointed to; `None`: there was no link.
        was: Option<String>,
        /// What this attempt was to make of it; `None`: nothing was to be there.
        to: Option<String>,
    },
    GateChanged {
        stage: StageId,
        go: bool,
        /// What is missing, a sentence each; empty when GO.
        missing: Vec<String>,
    },
    SoakStarted {
        stage: StageId,
    },
    SoakBroken {
        stage: StageId,
        why: String,
    },
    SoakReached {
        stage: StageId,
    },
    Voted {
        stage: StageId,
        /// For whom, where the gate asks for roles.
        role: Option<String>,
        go: bool,
        note: Option<String>,
    },
    /// The driver wants to override a gate that needs a second person's word.
    OverrideAsked {
        stage: StageId,
        /// What it would lift, a sentence each.
        missing: Vec<String>,
        reason: String,
    },
    OverrideDeclined {
        stage: StageId,
        note: Option<String>,
    },
    Promoted {
        stage: StageId,
        /// What was lifted by an override, a sentence each.
        overridden: Vec<String>,
        reason: Option<String>,
        /// Who asked for the override, where a second person promoted it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        asked_by: Option<String>,
    },
    Paused,
    Resumed,
    /// The condition is reached; the grace runs.
    TriggerArmed {
        trigger: TriggerId,
        why: String,
        grace_ms: u64,
    },
    TriggerCleared {
        trigger: TriggerId,
    },
    TriggerVetoed {
        trigger: TriggerId,
        reason: Option<String>,
    },
    TriggerFired {
        trigger: TriggerId,
        why: String,
    },
    RollbackStarted {
        /// The stage that is undone last.
        to: StageId,
        /// Everything is undone and the session closes afterwards.
        full: bool,
        /// The steps that will run, in order.
        steps: Vec<StepId>,
        reason: Option<String>,
    },
    StageRolledBack {
        stage: StageId,
    },
    RollbackStuck {
        step: Option<StepId>,
        why: String,
        remaining: Vec<StepId>,
    },
    RollbackFinished {
        full: bool,
        /// The steps of the way back that somebody passed over: what they undo stays.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        skipped: Vec<StepId>,
    },
    /// Somebody was told of an event, as `[[notify]]` asks.
    Notified {
        /// Which `[[notify]]`, counted from 1.
        notify: u32,
        /// The number of the event that was told of.
        of: u64,
        on: Topic,
        /// How, secrets masked.
        to: String,
    },
    /// Somebody was not told of an event, or it is not known whether they were.
    NotifyFailed {
        notify: u32,
        of: u64,
        on: Topic,
        to: String,
        why: String,
    },
    NoteAdded {
        tag: NoteTag,
        text: String,
    },
    EvidenceAdded {
        step: Option<StepId>,
        /// Where it was taken from.
        source: String,
        /// Where it lies in the session's folder.
        path: String,
        bytes: u64,
        sha256: String,
    },
    /// How far `telemetry.jsonl` goes, so that it can be held against this.
    Checkpoint {
        telemetry_bytes: u64,
        telemetry_sha256: String,
    },
    SessionClosed {
        outcome: Outcome,
        reason: Option<String>,
    },
    /// A kind that a newer gonogo wrote; folded over, shown as such.
    #[serde(other)]
    Unknown,
}

/// The whole plan, so that a log needs no other file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionOpened {
    pub format: u32,
    pub session: String,
    /// The runbook's text as it was run, and the SHA-256 of its bytes.
    pub runbook: String,
    pub sha256: String,
    /// The folder that the runbook lay in, and the name of its file there.
    pub dir: String,
    pub file: String,
    /// Every var and what it stood for; secrets are never here.
    pub vars: IndexMap<String, String>,
    pub mode: Mode,
    pub host: Host,
    /// The group that may attach besides the session's owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<String>,
    /// Which part of a drill it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<DrillPart>,
    /// Where the log and everything else of this session was written.
    pub session_dir: String,
    pub version: String,
}

/// A frozen file that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drifted {
    pub file: String,
    pub what: Drift,
    /// What it is now, keyed; `None` where it is gone or cannot be read.
    pub sha256: Option<String>,
}

/// How a frozen file differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drift {
    Changed,
    Gone,
    New,
    /// It could be read before.
    Unreadable,
}

impl Drift {
    /// The words for it on the screen and in the log.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Changed => "has changed",
            Self::Gone => "is gone",
            Self::New => "is new",
            Self::Unreadable => "cannot be read any more",
        }
    }
}

/// What has become of frozen files, in one line: all of them where there are few, else the first and how many more.
#[must_use]
pub fn drift_line(files: &[Drifted]) -> String {
    let named = |drifted: &Drifted| format!("{} {}", drifted.file, drifted.what.words());
    let (shown, more) = files.split_at(files.len().min(3));
    let shown = shown.iter().map(named).collect::<Vec<_>>().join(", ");
    if more.is_empty() { shown } else { format!("{shown} (and {} more)", more.len()) }
}

/// How an attempt ended, with every proof and what was seen for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepFinished {
    pub step: StepId,
    pub attempt: u32,
    pub passed: bool,
    /// One line that says why not, or what proved it.
    pub why: String,
    pub proofs: Vec<Proof>,
    pub exit: Option<i32>,
    pub took_ms: u64,
    pub output: Option<OutputRecord>,
    pub captures: IndexMap<String, String>,
    /// Background processes of the command that were still there, by pid.
    pub remains: Vec<u32>,
}

/// What a finish event says of a step's output file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputRecord {
    /// Relative to the session's folder.
    pub path: String,
    pub bytes: u64,
    pub sha256: String,
    /// Bytes that were cut at `output_limit`.
    pub dropped: u64,
}

/// A number that was made of several looks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Finite.
    pub value: f64,
    /// As an operator reads it, with its unit.
    pub shown: String,
    /// Of how many looks.
    pub samples: u32,
}
