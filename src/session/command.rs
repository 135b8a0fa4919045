//! What an operator can ask for, and why it may be refused.

use serde::{Deserialize, Serialize};

use crate::event::{ItemOf, NoteTag, Resolution, Seat};
use crate::runbook::{StageId, StepId, TriggerId};

/// What an operator asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Acknowledge the policy.
    Acknowledge,
    /// Enter the first stage, or promote the one at its gate and enter the next.
    Advance {
        /// The next stage's name as typed, needed before a point of no return; or this stage's, for an override.
        typed: Option<String>,
        /// Override a NO-GO, with this reason.
        over: Option<String>,
    },
    Pause,
    Resume,
    /// Undo every entered stage down to `to`, or all of them.
    Rollback {
        to: Option<StageId>,
        reason: Option<String>,
    },
    Retry {
        step: StepId,
    },
    Skip {
        step: StepId,
        reason: String,
    },
    Kill {
        step: StepId,
    },
    /// Answer a `confirm` step.
    Confirm {
        step: StepId,
        yes: bool,
        note: Option<String>,
    },
    Tick {
        on: ItemOf,
        item: String,
        pass: bool,
        note: Option<String>,
    },
    Veto {
        trigger: TriggerId,
        reason: Option<String>,
    },
    /// Take frozen files as they are now for what is frozen.
    AcceptDrift {
        reason: String,
    },
    /// Say what became of an unknown step.
    Resolve {
        step: StepId,
        outcome: Resolution,
        reason: String,
    },
    Note {
        tag: NoteTag,
        text: String,
        /// A file that was put into the session's evidence for it; the engine alone fills this in.
        #[serde(default)]
        attached: Option<Attached>,
    },
    /// Say GO or NO-GO at the gate of the stage in hand.
    Vote {
        stage: StageId,
        role: Option<String>,
        go: bool,
        note: Option<String>,
    },
    /// A second person's word on an override that the driver asked for.
    Second {
        stage: StageId,
        go: bool,
        note: Option<String>,
    },
    /// Ask the driver for the wheel.
    AskWheel,
    /// Offer the wheel to somebody who is here.
    OfferWheel {
        to: String,
    },
    /// Take the wheel that was offered, having read where the session stands.
    AcceptWheel,
    /// Decline an offer, or take one's own back.
    DeclineWheel,
    /// Take the wheel whose holder is away.
    TakeWheel,
    /// End the session as it stands; nothing is undone.
    Abort {
        reason: String,
    },
}

/// A file in the session's evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// Where it was taken from, as its giver named it.
    pub source: String,
    /// Relative to the session's folder.
    pub path: String,
    pub bytes: u64,
    pub sha256: String,
}

impl Command {
    /// The seat that it needs at the least: anyone may pause, those who sit at the controls answer and note, the driver
    /// does the rest.
    #[must_use]
    pub fn needs(&self) -> Seat {
        match self {
            Self::Pause => Seat::Observer,
            Self::Confirm { .. }
            | Self::Tick { .. }
            | Self::Note { .. }
            | Self::Veto { .. }
            | Self::Vote { .. }
            | Self::Second { .. }
            | Self::AskWheel
            | Self::AcceptWheel
            | Self::DeclineWheel
            | Self::TakeWheel => Seat::Navigator,
            Self::Acknowledge
            | Self::Advance { .. }
            | Self::Resume
            | Self::Rollback { .. }
            | Self::Retry { .. }
            | Self::Skip { .. }
            | Self::Kill { .. }
            | Self::Resolve { .. }
            | Self::AcceptDrift { .. }
            | Self::OfferWheel { .. }
            | Self::Abort { .. } => Seat::Driver,
        }
    }

    /// The word for it in refusals, help and the log.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Advance { .. } => "advance",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Rollback { .. } => "roll back",
            Self::Retry { .. } => "retry",
            Self::Skip { .. } => "skip",
            Self::Kill { .. } => "kill",
            Self::Confirm { .. } => "confirm",
            Self::Tick { .. } => "tick",
            Self::Veto { .. } => "veto",
            Self::Resolve { .. } => "resolve",
            Self::AcceptDrift { .. } => "accept the drift",
            Self::Note { .. } => "note",
            Self::Vote { .. } => "vote",
            Self::Second { .. } => "second an override",
            Self::AskWheel => "ask for the wheel",
            Self::OfferWheel { .. } => "offer the wheel",
            Self::AcceptWheel => "accept the wheel",
            Self::DeclineWheel => "decline the wheel",
            Self::TakeWheel => "take the wheel",
            Self::Abort { .. } => "abort",
        }
    }
}

/// Why a command is not carried out, in words that an operator reads; the same words explain a key that does
/// nothing now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

impl Refusal {
    /// A refusal that says `why`.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}
