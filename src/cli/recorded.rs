//! A session as its log has it, for whoever asks while no engine does.

use std::fs;
use std::path::Path;

use chrono::{DateTime, Utc};

use crate::audit::reader::{self, Log};
use crate::audit::{dir, verify};
use crate::clock::Now;
use crate::event::EventKind;
use crate::session::State;

/// The fold of a log.
#[derive(Debug)]
pub(super) struct Recorded {
    pub state: State,
    pub log: Log,
    /// When its engine was last known to run.
    pub last_sign: DateTime<Utc>,
}

impl Recorded {
    /// The moment that its clocks stand at while no engine runs: the last that was recorded.
    pub(super) fn now(&self) -> Now {
        self.state.last.unwrap_or_else(crate::clock::now)
    }
}

/// Reads and folds the log at `path`; every hash in it is checked.
///
/// # Errors
/// Why it cannot be read, as a sentence.
pub(super) fn read(path: &Path) -> Result<Recorded, String> {
    let log = reader::read(path).map_err(|e| e.to_string())?;
    let state = State::of(&log.events);
    let last_sign = last_sign(&log, path);
    Ok(Recorded { state, log, last_sign })
}

/// That a session is over, where it is.
pub(super) fn over(state: &State) -> Option<String> {
    state.outcome.map(|(outcome, _)| format!("the session is over: {}", outcome.word()))
}

/// What is wrong with a log that cannot be read, in a few words.
pub(super) fn problem(path: &Path) -> String {
    match verify::verify(path, &[]) {
        Ok(report) => report.verdicts.first().map(ToString::to_string).unwrap_or_default(),
        Err(e) => format!("cannot be read: {e}"),
    }
}

/// An engine that could say so said when it stopped; of one that died the last sample tells.
fn last_sign(log: &Log, path: &Path) -> DateTime<Utc> {
    let last = log.events.last().expect("a log that can be read is not empty");
    let tells =
        |event: &EventKind| matches!(event, EventKind::Notified { .. } | EventKind::NotifyFailed { .. });
    let work = log.events.iter().rev().find(|event| !tells(&event.event)).unwrap_or(last);
    if matches!(work.event, EventKind::EngineStopping { .. } | EventKind::SessionClosed { .. }) {
        return last.at;
    }
    let telemetry = path.with_file_name(dir::TELEMETRY);
    let sampled = fs::metadata(telemetry).and_then(|meta| meta.modified()).ok().map(DateTime::<Utc>::from);
    sampled.map_or(last.at, |sampled| sampled.max(last.at))
}
