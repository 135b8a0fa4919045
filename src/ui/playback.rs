//! Where what is on the screen comes from: a session that is under way, whose events come as they happen, or a recording
//! with a playhead. The loop and the screen ask it for state, telemetry and the time, and do not mind which it is.

use std::time::Duration;

use super::recorded::Recorded;
use super::replay::Replay;
use crate::clock::{self, Now};
use crate::session::{State, Telemetry};

/// The source of the screen.
#[derive(Debug)]
pub enum Playback {
    Live(Box<Live>),
    Recorded(Box<Recorded>),
}

/// A session that is under way.
#[derive(Debug)]
pub struct Live {
    pub state: State,
    pub telemetry: Telemetry,
    /// When the engine was heard of last, once it is gone: what came behind it is not known.
    pub lost: Option<Now>,
}

impl Playback {
    /// The state to show.
    #[must_use]
    pub fn state(&self) -> &State {
        match self {
            Self::Live(live) => &live.state,
            Self::Recorded(recorded) => recorded.player.state(),
        }
    }

    /// What was sampled.
    #[must_use]
    pub fn telemetry(&self) -> &Telemetry {
        match self {
            Self::Live(live) => &live.telemetry,
            Self::Recorded(recorded) => recorded.player.telemetry(),
        }
    }

    /// What the session's clocks show: of a recording, where its playhead stands.
    #[must_use]
    pub fn now(&self) -> Now {
        match self {
            Self::Live(live) => live.lost.unwrap_or_else(clock::now),
            Self::Recorded(recorded) => recorded.player.now(),
        }
    }

    /// The recording, where it is one.
    #[must_use]
    pub fn replay(&self) -> Option<&Replay> {
        match self {
            Self::Live(_) => None,
            Self::Recorded(recorded) => Some(&recorded.replay),
        }
    }

    /// How soon it may have moved by itself; `None` where that comes as an event.
    #[must_use]
    pub fn turns_in(&self) -> Option<Duration> {
        match self {
            Self::Live(_) => None,
            Self::Recorded(recorded) => Some(recorded.turns_in()),
        }
    }
}
