//! A recorded session: its log, and what is known of it as a whole.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::survey::{self, EVERY, Found, Shared};
use crate::audit::dir;
use crate::audit::follow::End;
use crate::clock::Now;
use crate::event::{Event, EventKind, SessionOpened};
use crate::history::{Axis, Timeline};
use crate::session::{RECENT_EVENTS, State};

/// How long opening waits for the survey: an ordinary log is through by then, and of a huge one the first events are
/// shown while it goes on.
const PATIENCE: Duration = Duration::from_millis(250);

/// Why a recording cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot read {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path} is no regular file: a recording is a session's folder, or its {log}", log = dir::LOG)]
    NoFile { path: PathBuf },
    #[error("{path} holds no whole event: nothing was recorded that could be shown")]
    Empty { path: PathBuf },
    #[error("{path} is no log of a session: its first line does not hold: {why}")]
    NoLog { path: PathBuf, why: String },
}

/// A recorded session, or one that is being recorded. It is surveyed on a thread of its own until it is dropped.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    file: Arc<File>,
    opened: Arc<SessionOpened>,
    pub(super) shared: Arc<Shared>,
}

/// How far the survey is, and what it says of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveyed {
    /// Events that are good, and can be shown.
    pub events: u64,
    /// Whole lines in the log.
    pub lines: u64,
    /// Where the session ends so far, in session time.
    pub end_ms: u64,
    /// All that is in the file now was read.
    pub whole: bool,
    /// An engine runs the session: there may be more to come.
    pub live: bool,
    pub chain: Chain,
    /// How often the log became shorter, so that everything known of it was found anew.
    pub round: u64,
}

/// Whether each line follows from the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chain {
    /// Not all of it was looked at yet.
    Reading,
    Holds,
    /// All whole lines are good; so many bytes follow without a line end, and nobody writes.
    Torn {
        bytes: u64,
    },
    /// What follows the last good event is not what was written.
    Broken {
        line: u64,
        byte: u64,
        why: String,
    },
    /// The file cannot be read on.
    Unreadable {
        why: String,
    },
}

impl Surveyed {
    /// What is to be said of the chain: `chain ok 388/388`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let (events, lines) = (self.events, self.lines);
        match &self.chain {
            Chain::Reading => format!("reading {events}/{lines}"),
            Chain::Holds => format!("chain ok {events}/{lines}"),
            Chain::Torn { bytes } => {
                format!("chain ok {events}/{lines}, TORN: {bytes} bytes follow the last whole line")
            }
            Chain::Broken { line, byte, why } => {
                format!("chain BROKEN at line {line}, byte {byte}: {why}; shown are the {events} good events")
            }
            Chain::Unreadable { why } => format!("chain ok {events}, the rest cannot be read: {why}"),
        }
    }

    /// Whether nothing is wrong with the log as far as it was read.
    #[must_use]
    pub fn is_good(&self) -> bool {
        matches!(self.chain, Chain::Reading | Chain::Holds)
    }
}

impl Recording {
    /// Opens a session's folder, or a log wherever it lies. Returns when an ordinary log is read, and of a huge one the
    /// beginning.
    ///
    /// # Errors
    /// [`OpenError`], a sentence: there is not one good event.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let path = if path.is_dir() { path.join(dir::LOG) } else { path.to_owned() };
        let at = |source| OpenError::Io { path: path.clone(), source };
        // Nothing is waited for: a pipe is no recording.
        let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(&path).map_err(at)?;
        if !file.metadata().map_err(at)?.is_file() {
            return Err(OpenError::NoFile { path });
        }
        let (file, shared) = (Arc::new(file), Arc::new(Shared::default()));
        let (surveys, of, lies) = (Arc::clone(&shared), Arc::clone(&file), path.clone());
        std::thread::Builder::new()
            .name("survey".to_owned())
            .spawn(move || survey::run(&surveys, &of, &lies))
            .map_err(at)?;
        shared.wait(PATIENCE, |found| found.whole());
        // Of one file the first event is always there soon: a line is at most 1 MiB long.
        shared.wait(Duration::MAX, |found| found.end.is_some() || !found.ends.is_empty());
        let opened = read_event(&file, &shared, 1).and_then(|event| match &event.event {
            EventKind::SessionOpened(opened) => Some(Arc::new((**opened).clone())),
            _ => None,
        });
        let Some(opened) = opened else {
            shared.stop();
            return Err(match shared.found().end.take() {
                Some(Ok(End::Broken { why, .. }) | Err(why)) => OpenError::NoLog { path, why },
                _ => OpenError::Empty { path },
            });
        };
        Ok(Self { path, file, opened, shared })
    }

    /// The log's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder that the log lies in; what lies beside it may be missing.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// The first event: the plan.
    #[must_use]
    pub fn opened(&self) -> &Arc<SessionOpened> {
        &self.opened
    }

    /// How far the survey is, and what it says.
    #[must_use]
    pub fn surveyed(&self) -> Surveyed {
        let found = self.shared.found();
        let chain = match &found.end {
            None => Chain::Reading,
            Some(Ok(End::Whole { torn })) if *torn == 0 || found.live => Chain::Holds,
            Some(Ok(End::Whole { torn })) => Chain::Torn { bytes: *torn },
            Some(Ok(End::Broken { line, byte, why })) => {
                Chain::Broken { line: *line, byte: *byte, why: why.clone() }
            }
            Some(Err(why)) => Chain::Unreadable { why: why.clone() },
        };
        Surveyed {
            events: found.ends.len() as u64,
            lines: found.lines,
            end_ms: found.end_ms(),
            whole: found.whole(),
            live: found.live,
            chain,
            round: found.round,
        }
    }

    /// How many events can be shown by now; at least 1, unless the log was emptied since.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.shared.found().ends.len() as u64
    }

    /// Waits until all that is in the file now was surveyed.
    pub fn wait_until_surveyed(&self) {
        self.shared.wait(Duration::MAX, Found::whole);
    }

    /// The event of that number; `None` where the survey has not come to it, or the file has lost it since.
    #[must_use]
    pub fn event(&self, seq: u64) -> Option<Arc<Event>> {
        read_event(&self.file, &self.shared, seq)
    }

    /// The events from number `from` to number `to`, both included, as far as they are there; read at once.
    #[must_use]
    pub fn events_between(&self, from: u64, to: u64) -> Vec<Arc<Event>> {
        read_events(&self.file, &self.shared, from, to)
    }

    /// The state after event `seq`, or after the last one that is there.
    #[must_use]
    pub fn state_at(&self, seq: u64) -> State {
        let (base, seq) = {
            let found = self.shared.found();
            let seq = seq.min(found.ends.len() as u64);
            let kept = usize::try_from(seq / EVERY).ok().and_then(|n| found.states.get(n.checked_sub(1)?));
            (kept.cloned(), seq)
        };
        let mut state = base.map_or_else(State::default, |base| State::clone(&base));
        // The last events of a state that was kept stand in the log: they are read again.
        let before = state.seq.saturating_sub(RECENT_EVENTS as u64);
        for event in self.events_between(before + 1, seq) {
            if event.seq <= state.seq {
                state.recent.push_back(event);
            } else {
                state.apply(&event);
            }
        }
        state
    }

    /// Where event `seq` lies in session time; of one that is not there, where the last one does.
    #[must_use]
    pub fn time_of(&self, seq: u64) -> u64 {
        let found = self.shared.found();
        let at = usize::try_from(seq.saturating_sub(1)).unwrap_or(usize::MAX);
        found.times.get(at).or(found.times.last()).copied().unwrap_or(0)
    }

    /// The last event that is not after this moment of session time; the first one before it.
    #[must_use]
    pub fn event_at(&self, t_ms: u64) -> u64 {
        let found = self.shared.found();
        (found.times.partition_point(|time| *time <= t_ms) as u64).max(1)
    }

    /// The moment of session time at which the wall clock showed `at`.
    #[must_use]
    pub fn time_at(&self, at: DateTime<Utc>) -> u64 {
        let (mut low, mut high) = (1, self.events() + 1);
        // The first event behind `at`; where the wall clock jumped, one of several.
        while low < high {
            let middle = low + (high - low) / 2;
            match self.event(middle) {
                Some(event) if event.at <= at => low = middle + 1,
                _ => high = middle,
            }
        }
        let Some(event) = self.event(low.saturating_sub(1).max(1)) else { return 0 };
        let later = u64::try_from((at - event.at).num_milliseconds()).unwrap_or(0);
        let next = if low <= self.events() { self.time_of(low) } else { u64::MAX };
        self.time_of(event.seq).saturating_add(later).min(next)
    }

    /// What the clocks showed at a moment of session time, of which `seq` is the last event.
    #[must_use]
    pub fn clocks(&self, t_ms: u64, seq: u64) -> Option<Now> {
        let event = self.event(seq)?;
        Some(Axis::after(event.now(), t_ms.saturating_sub(self.time_of(seq))))
    }

    /// The log's head after event `seq`, `seq:hash8`.
    #[must_use]
    pub fn head(&self, seq: u64) -> Option<String> {
        let (from, to) = bytes_of(&self.shared, seq, seq)?;
        // The line ends with its hash: `"hash":"<64 hex>"}` and LF.
        let mut hash = [0; 8];
        self.file.read_exact_at(&mut hash, to.checked_sub(67).filter(|at| *at > from)?).ok()?;
        let hash =
            std::str::from_utf8(&hash).ok().filter(|hash| hash.bytes().all(|b| b.is_ascii_hexdigit()))?;
        Some(format!("{seq}:{hash}"))
    }

    /// The session as a picture along its time, as far as it was surveyed.
    #[must_use]
    pub fn timeline(&self) -> Arc<Timeline> {
        Arc::clone(&self.shared.found().timeline)
    }

    /// Where every moment lies.
    #[must_use]
    pub fn axis(&self) -> Axis {
        self.shared.found().axis.clone()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

impl Found {
    /// All that was in the file at the last look was read.
    pub fn whole(&self) -> bool {
        self.whole
    }

    /// Where the session ends so far: with its last event, or with a sample after that.
    pub fn end_ms(&self) -> u64 {
        self.times.last().copied().unwrap_or(0).max(self.samples.end_ms())
    }

    /// The event with which the engine was started that ran at this moment, and that of the next one; 0 and
    /// `u64::MAX` where there is none.
    pub fn engine_at(&self, t_ms: u64) -> (u64, u64) {
        let next = self.engines.partition_point(|(_, started_ms)| *started_ms <= t_ms);
        let since = next.checked_sub(1).map_or(0, |at| self.engines[at].0);
        (since, self.engines.get(next).map_or(u64::MAX, |(seq, _)| *seq))
    }
}

/// Where the lines of these events lie in the file.
fn bytes_of(shared: &Shared, from: u64, to: u64) -> Option<(u64, u64)> {
    let found = shared.found();
    let at = |seq: u64| usize::try_from(seq.checked_sub(1)?).ok();
    let start = match at(from)? {
        0 => 0,
        first => *found.ends.get(first - 1)?,
    };
    Some((start, *found.ends.get(at(to)?)?))
}

fn read_event(file: &File, shared: &Shared, seq: u64) -> Option<Arc<Event>> {
    read_events(file, shared, seq, seq).pop()
}

fn read_events(file: &File, shared: &Shared, from: u64, to: u64) -> Vec<Arc<Event>> {
    let to = to.min(shared.found().ends.len() as u64);
    let from = from.max(1);
    let Some((start, end)) = bytes_of(shared, from, to).filter(|_| from <= to) else { return Vec::new() };
    let mut bytes = vec![0; usize::try_from(end - start).unwrap_or(0)];
    // What was read once and is not there any more is shown no more: the survey will say so.
    if file.read_exact_at(&mut bytes, start).is_err() {
        return Vec::new();
    }
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.filter_map(|line| serde_json::from_slice(line).ok()).map(Arc::new).collect()
}
