//! How a session is reached: over its engine's socket, or, where no engine answers, in its log.

use serde_json::{Value, json};

use super::handover::Reading;
use super::status::{Engine, Status, gone};
use crate::cli::exit;
use crate::cli::knock::knock;
use crate::cli::place::Place;
use crate::cli::recorded::{self, Recorded};
use crate::clock::{self, Now};
use crate::session::State;
use crate::wire::client::{Attached, ConnectError};
use crate::wire::message::Hello;

/// Why `ctl` did not do what it was asked for.
#[derive(Debug)]
pub(super) enum Failure {
    /// The engine is gone, or cannot be reached.
    Lost(String),
    /// It names what is not there.
    Usage(String),
    Refused(String),
}

impl Failure {
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Lost(_) => exit::ERROR,
            Self::Usage(_) => exit::USAGE,
            Self::Refused(_) => exit::HELD,
        }
    }

    pub(super) fn as_json(&self) -> Value {
        match self {
            Self::Lost(why) | Self::Usage(why) => json!({ "ok": false, "error": why }),
            Self::Refused(why) => json!({ "ok": false, "refused": why }),
        }
    }

    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Lost(why) | Self::Usage(why) => why.clone(),
            Self::Refused(why) => format!("refused: {why}"),
        }
    }
}

/// A session that was reached.
pub(super) enum Reached {
    /// Over its engine's socket.
    Attached(Box<Attached>),
    /// In its log; why not over a socket.
    Recorded { recorded: Box<Recorded>, engine: Engine, why: String },
}

impl Reached {
    pub(super) fn state(&self) -> &State {
        match self {
            Self::Attached(attached) => &attached.feed.state,
            Self::Recorded { recorded, .. } => &recorded.state,
        }
    }

    pub(super) fn status(&self) -> Status {
        let telemetry = match self {
            Self::Attached(attached) => Some(&attached.feed.telemetry),
            Self::Recorded { .. } => None,
        };
        let (engine, head, now) = self.at();
        Status::of(self.state(), engine, telemetry, head, now)
    }

    pub(super) fn handover(&self) -> Reading {
        let (engine, head, now) = self.at();
        Reading::of(self.state(), engine, head, now)
    }

    /// Whether anybody drives it, the log's head, and what time it is there.
    fn at(&self) -> (Engine, Option<String>, Now) {
        match self {
            Self::Attached(attached) => {
                let over = attached.feed.state.outcome;
                let engine = over.map_or(Engine::Live, |(_, at)| Engine::Over { since: at.at });
                (engine, attached.head.borrow().short(), clock::now())
            }
            Self::Recorded { recorded, engine, .. } => {
                let now = if *engine == Engine::Live { clock::now() } else { recorded.now() };
                (*engine, Some(recorded.log.head()), now)
            }
        }
    }
}

/// Reaches the session at `place`.
///
/// # Errors
/// Neither an engine answers nor is there a log that can be read.
pub(super) async fn reach(place: &Place, hello: Hello) -> Result<Reached, Failure> {
    match knock(place, hello, None).await {
        Ok(attached) => Ok(Reached::Attached(Box::new(attached))),
        Err(
            e @ (ConnectError::NoEngine { .. }
            | ConnectError::NotListening { .. }
            | ConnectError::Silent
            | ConnectError::Lost(_)),
        ) => read(place, e.to_string()),
        Err(ConnectError::Refused(why)) => Err(Failure::Refused(why)),
        Err(e @ (ConnectError::Closed { .. } | ConnectError::NotWhole(_))) => {
            Err(Failure::Lost(e.to_string()))
        }
    }
}

fn read(place: &Place, why: String) -> Result<Reached, Failure> {
    let Some(log) = &place.log else { return Err(Failure::Lost(why)) };
    let recorded = recorded::read(log).map_err(Failure::Lost)?;
    let state = &recorded.state;
    let (engine, why) = match (state.outcome, recorded::over(state)) {
        (Some((_, at)), Some(over)) => (Engine::Over { since: at.at }, over),
        _ if place.is_live() => (Engine::Live, why),
        _ => {
            let since = recorded.last_sign;
            (Engine::Gone { since }, gone(&place.name, since))
        }
    };
    Ok(Reached::Recorded { recorded: Box::new(recorded), engine, why })
}
