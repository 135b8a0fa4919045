//! The survey: one pass over a log on a thread of its own, and then along as it grows. What it has found so far is there
//! for whoever asks while it goes on.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::samples::SampleIndex;
use crate::audit::dir;
use crate::audit::follow::{End, Follow};
use crate::event::{Event, EventKind};
use crate::history::{Axis, Timeline};
use crate::runbook::StepId;
use crate::session::State;

/// A state is kept after each so many events: a seek folds no more than these.
pub(super) const EVERY: u64 = 4096;
/// What was found is handed on after this many events.
const BATCH: usize = 1024;
/// How often a log is looked at for whether it has grown: one that an engine writes, and any other.
const LIVE: Duration = Duration::from_millis(200);
const STILL: Duration = Duration::from_secs(1);

/// What the survey has found so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The byte behind each event's line.
    pub ends: Vec<u64>,
    /// Where each event lies in session time.
    pub times: Vec<u64>,
    /// The state after each [`EVERY`] events, without the last events themselves.
    pub states: Vec<Arc<State>>,
    pub axis: Axis,
    pub timeline: Arc<Timeline>,
    pub attempts: HashMap<(StepId, u32), Attempt>,
    /// The events with which engines were started, and where they lie.
    pub engines: Vec<(u64, u64)>,
    pub samples: SampleIndex,
    /// Whole lines in the file, good or not.
    pub lines: u64,
    /// How the walk along the log ended; `None` while it goes on for the first time.
    pub end: Option<Result<End, String>>,
    /// All that was in the log and beside it at the last look was read.
    pub whole: bool,
    /// An engine holds the session.
    pub live: bool,
    /// How often the survey began anew, because the log had become shorter.
    pub round: u64,
}

/// An attempt of a step, as its output needs to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attempt {
    /// The event with which it started, and where that lies.
    pub seq: u64,
    pub started_ms: u64,
    /// Where its end lies, as far as one is recorded.
    pub ended_ms: Option<u64>,
}

/// What the survey's thread and whoever asks have in common.
#[derive(Debug, Default)]
pub(super) struct Shared {
    found: Mutex<Found>,
    changed: Condvar,
    stopped: Mutex<bool>,
    stop: Condvar,
}

impl Shared {
    pub fn found(&self) -> MutexGuard<'_, Found> {
        // Each batch is written whole, so that whoever panicked with it left nothing half.
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `enough` was found, or for this long.
    pub fn wait(&self, most: Duration, mut enough: impl FnMut(&Found) -> bool) {
        drop(self.changed.wait_timeout_while(self.found(), most, |found| !enough(found)));
    }

    /// Ends the survey.
    pub fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.notify_all();
    }

    fn is_stopped(&self) -> bool {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rests for this long; whether the survey is to go on.
    fn rest(&self, long: Duration) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let rested = self.stop.wait_timeout_while(stopped, long, |stopped| !*stopped);
        !*rested.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Surveys the log until it is stopped.
pub(super) fn run(shared: &Arc<Shared>, file: &Arc<File>, path: &Path) {
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    let mut survey = Survey::new(shared, file, folder);
    let mut seen = None;
    loop {
        let length = file.metadata().map(|meta| meta.len()).unwrap_or(0);
        if length < survey.follow.length() {
            // What was written and not acknowledged was taken back, or another hand was in it.
            let round = shared.found().round + 1;
            survey = Survey::new(shared, file, survey.folder);
            *shared.found() = Found { round, live: survey.live, ..Found::default() };
            seen = None;
        }
        if seen != Some(length) {
            survey.read_log(length);
            seen = Some(length);
        }
        survey.read_samples();
        survey.hand_on_all();
        if !shared.rest(if survey.live { LIVE } else { STILL }) {
            return;
        }
        // A look at the lock takes it for a moment, which an engine that starts just then would meet: it is looked at
        // while an engine has it, and once more when somebody wrote.
        let grown = file.metadata().is_ok_and(|meta| Some(meta.len()) != seen);
        if survey.live || grown {
            survey.live = dir::is_live(&survey.folder);
        }
    }
}

struct Survey<'a> {
    shared: &'a Shared,
    file: &'a Arc<File>,
    folder: PathBuf,
    live: bool,
    follow: Follow,
    state: State,
    axis: Axis,
    timeline: Timeline,
    /// How much of the timeline was handed on.
    shown: usize,
    samples: super::samples::Reader,
    /// Whole lines, and the bytes that were searched for them.
    lines: (u64, u64),
}

/// What is handed on at once.
#[derive(Default)]
struct Batch {
    ends: Vec<u64>,
    times: Vec<u64>,
    states: Vec<Arc<State>>,
    attempts: Vec<((StepId, u32), Attempt)>,
    ended: Vec<((StepId, u32), u64)>,
    engines: Vec<(u64, u64)>,
}

impl<'a> Survey<'a> {
    fn new(shared: &'a Shared, file: &'a Arc<File>, folder: PathBuf) -> Self {
        Self {
            shared,
            file,
            live: dir::is_live(&folder),
            samples: super::samples::Reader::new(folder.join(dir::TELEMETRY)),
            folder,
            follow: Follow::default(),
            state: State::default(),
            axis: Axis::default(),
            timeline: Timeline::default(),
            shown: 0,
            lines: (0, 0),
        }
    }

    /// Reads what the log holds behind what was read, up to byte `length`.
    fn read_log(&mut self, length: u64) {
        self.count_lines(length);
        self.shared.found().live = self.live;
        let mut batch = Batch::default();
        let (state, axis, timeline) = (&mut self.state, &mut self.axis, &mut self.timeline);
        let (shared, shown) = (self.shared, &mut self.shown);
        let enough = || shared.is_stopped();
        let end = self.follow.read_on(self.file, length, enough, |event, behind| {
            let t_ms = axis.push(&event);
            state.apply(&event);
            timeline.push(&event, t_ms, state);
            batch.take(&event, t_ms, behind);
            if event.seq.is_multiple_of(EVERY) {
                batch.states.push(Arc::new(State { recent: Default::default(), ..state.clone() }));
            }
            if batch.ends.len() == BATCH || event.seq == 1 {
                hand_on(shared, std::mem::take(&mut batch), axis, shown_of(timeline, shown, false));
            }
        });
        hand_on(shared, batch, axis, shown_of(timeline, shown, true));
        if !self.shared.is_stopped() {
            self.shared.found().end = Some(end.map_err(|e| e.to_string()));
        }
    }

    /// Counts the whole lines up to byte `length`, far faster than they can be read.
    fn count_lines(&mut self, length: u64) {
        let (mut lines, mut at) = self.lines;
        let mut bytes = vec![0; 1 << 17];
        while at < length {
            let most = usize::try_from(length - at).map_or(bytes.len(), |most| most.min(bytes.len()));
            let Ok(read @ 1..) = self.file.read_at(&mut bytes[..most], at) else { break };
            lines += bytes[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
            at += read as u64;
        }
        self.lines = (lines, at);
        self.shared.found().lines = lines;
    }

    fn read_samples(&mut self) {
        let shared = self.shared;
        while !shared.is_stopped() && self.samples.read_on(&self.axis, self.follow.seq()) {
            shared.found().samples.extend(self.samples.take());
        }
        shared.found().samples.extend(self.samples.take());
    }

    /// All is there that there is by now.
    fn hand_on_all(&self) {
        let mut found = self.shared.found();
        (found.live, found.whole) = (self.live, true);
        drop(found);
        self.shared.changed.notify_all();
    }
}

impl Batch {
    fn take(&mut self, event: &Event, t_ms: u64, behind: u64) {
        self.ends.push(behind);
        self.times.push(t_ms);
        match &event.event {
            EventKind::EngineStarted { .. } => self.engines.push((event.seq, t_ms)),
            EventKind::StepStarted { step, attempt, .. } => {
                let started = Attempt { seq: event.seq, started_ms: t_ms, ended_ms: None };
                self.attempts.push(((step.clone(), *attempt), started));
            }
            EventKind::StepFinished(finish) => {
                self.ended.push(((finish.step.clone(), finish.attempt), t_ms));
            }
            EventKind::StepUnknown { step, attempt, .. } => {
                self.ended.push(((step.clone(), *attempt), t_ms));
            }
            _ => {}
        }
    }
}

/// The timeline, where so much is new that a copy is worth it: always, or when it has half as much again.
fn shown_of(timeline: &Timeline, shown: &mut usize, always: bool) -> Option<Arc<Timeline>> {
    let size = timeline.bands.len() + timeline.marks.len();
    let worth = always || size > *shown + *shown / 2 + 64;
    worth.then(|| {
        *shown = size;
        Arc::new(timeline.clone())
    })
}

fn hand_on(shared: &Shared, batch: Batch, axis: &Axis, timeline: Option<Arc<Timeline>>) {
    let mut found = shared.found();
    found.ends.extend(batch.ends);
    found.times.extend(batch.times);
    found.states.extend(batch.states);
    found.attempts.extend(batch.attempts);
    found.engines.extend(batch.engines);
    for (attempt, t_ms) in batch.ended {
        if let Some(attempt) = found.attempts.get_mut(&attempt) {
            attempt.ended_ms = Some(t_ms);
        }
    }
    if found.axis != *axis {
        found.axis = axis.clone();
    }
    if let Some(timeline) = timeline {
        found.timeline = timeline;
    }
    drop(found);
    shared.changed.notify_all();
}
