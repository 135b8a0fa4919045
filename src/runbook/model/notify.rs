//! Who is told of what happens, and how.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Command, Template};

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Notify {
    /// Of what; not empty.
    pub on: Vec<Topic>,
    pub way: NotifyWay,
}

/// How somebody is told.
#[derive(Debug, Clone, PartialEq)]
pub enum NotifyWay {
    /// A POST with JSON to this URL.
    Webhook(Template),
    /// A command with the same JSON on its standard input.
    Run(Command),
}

/// What one can be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Topic {
    Stage,
    Hold,
    Question,
    Trigger,
    Rollback,
    Stuck,
    Drift,
    Finished,
}

impl Topic {
    /// The word for it in the runbook, in the log and in what is sent.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Stage => "stage",
            Self::Hold => "hold",
            Self::Question => "question",
            Self::Trigger => "trigger",
            Self::Rollback => "rollback",
            Self::Stuck => "stuck",
            Self::Drift => "drift",
            Self::Finished => "finished",
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
