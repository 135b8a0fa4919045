//! The facts of a cutover: what happened, when, and by whom. The log is a list of these; everything that a screen
//! shows is folded from them.

mod crew;
mod describe;
mod kind;
mod past;
mod words;

pub use crew::{Credentials, Person, Principal, Seat};
pub use describe::{author, describe, is_failure};
pub use kind::*;
pub use past::*;
pub use words::*;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::clock::Now;
use crate::runbook::TriggerId;

/// One fact. `seq` counts from 1 without a gap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub seq: u64,
    pub at: DateTime<Utc>,
    pub up_ms: u64,
    pub by: By,
    pub event: EventKind,
}

impl Event {
    /// When it happened, by both clocks.
    #[must_use]
    pub fn now(&self) -> Now {
        Now { at: self.at, up_ms: self.up_ms }
    }
}

/// Who caused a fact: `"engine"`, `{"trigger":…}` or a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum By {
    Engine(EngineWord),
    Trigger { trigger: TriggerId },
    Person(Person),
}

impl By {
    /// The engine itself.
    pub const ENGINE: Self = Self::Engine(EngineWord::Engine);
}

/// The word that stands for the engine in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineWord {
    Engine,
}
