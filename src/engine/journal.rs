//! Where the machine's events are made durable, and a session's log and telemetry as that place.

use std::sync::Arc;

use crate::audit::dir::SessionDir;
use crate::audit::reader::Log;
use crate::audit::telemetry::TelemetryFile;
use crate::audit::writer::{LogError, Writer};
use crate::clock::{self, Now};
use crate::event::{Event, EventKind};
use crate::session::telemetry::{LogFile, LogHealth, Measure};

/// Where events are made durable.
pub trait Journal: Send {
    /// Writes the events and syncs once; all or none count. Returns the log's new head, `seq:hash8`.
    ///
    /// # Errors
    /// Why the log cannot be written now. The events did not happen.
    fn append(&mut self, events: &[Arc<Event>]) -> Result<String, LogHealth>;

    /// Tries to make the log writable again after a failure; `urgent` gives up the reserve for what must be recorded.
    /// Returns how many bytes of an unacknowledged tail were cut.
    ///
    /// # Errors
    /// Why it still cannot be written.
    fn recover(&mut self, urgent: bool) -> Result<u64, LogHealth>;

    /// Looks after the disk. While it is full, and the log is written on its reserve, it says so: only what must be
    /// recorded should be.
    fn mind_the_disk(&mut self) -> Option<LogHealth>;

    /// What its file and its disk are like; `None` where there is none.
    fn file(&self) -> Option<LogFile> {
        None
    }

    /// Keeps a sample for the telemetry file; returns nothing, because nothing depends on it.
    fn keep(&mut self, after: u64, now: Now, measure: &Measure);

    /// How far the telemetry file goes: length and SHA-256.
    fn telemetry_mark(&mut self) -> Option<(u64, String)>;

    /// Nothing more is written: the session is over.
    fn closed(&mut self) {}
}

/// The files of one session, open for writing.
#[derive(Debug)]
pub(super) struct SessionLog {
    writer: Writer,
    telemetry: TelemetryFile,
    /// How long the last record took to be durable, in milliseconds.
    sync_ms: u64,
    /// Held for its locks.
    dir: SessionDir,
}

impl SessionLog {
    /// Creates the files in a session's folder.
    pub(super) fn create(dir: SessionDir) -> Result<Self, LogError> {
        // The log's creation syncs the folder, with what is in it by then.
        let telemetry = TelemetryFile::create(dir.path());
        Ok(Self { writer: Writer::create(dir.path())?, telemetry, sync_ms: 0, dir })
    }

    /// Goes on with the files in a session's folder, whose log was read under its lock. Returns what was found and
    /// done, a sentence each.
    pub(super) fn open(dir: SessionDir, log: &Log) -> Result<(Self, Vec<String>), LogError> {
        let (writer, cut) = Writer::reopen(dir.path(), log)?;
        let checkpoint = log.events.iter().rev().find_map(|event| match &event.event {
            EventKind::Checkpoint { telemetry_bytes, telemetry_sha256 } => {
                Some((*telemetry_bytes, telemetry_sha256.as_str()))
            }
            _ => None,
        });
        let (telemetry, lost) = TelemetryFile::reopen(dir.path(), checkpoint);
        Ok((Self { writer, telemetry, sync_ms: 0, dir }, cut.into_iter().chain(lost).collect()))
    }
}

impl SessionLog {
    /// The last sign of an engine that sampled, on the boot clock.
    pub(super) fn last_sampled(&self) -> u64 {
        self.telemetry.written_up_ms()
    }
}

impl Journal for SessionLog {
    fn append(&mut self, events: &[Arc<Event>]) -> Result<String, LogHealth> {
        if events.iter().any(|event| matches!(event.event, EventKind::Checkpoint { .. })) {
            // The log may only vouch for what a power cut leaves as it is.
            self.telemetry.sync();
        }
        let begun = clock::up_ms();
        self.writer.append(events).map_err(health)?;
        self.sync_ms = clock::up_ms().saturating_sub(begun);
        Ok(self.writer.head())
    }

    fn file(&self) -> Option<LogFile> {
        let (bytes, free) = self.writer.room();
        Some(LogFile { bytes, sync_ms: self.sync_ms, free })
    }

    fn recover(&mut self, urgent: bool) -> Result<u64, LogHealth> {
        self.writer.recover(urgent).map_err(health)
    }

    fn mind_the_disk(&mut self) -> Option<LogHealth> {
        let full = self.writer.mind_the_disk()?;
        Some(LogHealth::Full(format!("{full}; until there is room only ends and ways back are recorded")))
    }

    fn keep(&mut self, after: u64, now: Now, measure: &Measure) {
        self.telemetry.keep(after, now.up_ms, measure);
    }

    fn telemetry_mark(&mut self) -> Option<(u64, String)> {
        Some(self.telemetry.mark())
    }

    fn closed(&mut self) {
        self.dir.release_cutover();
    }
}

fn health(error: LogError) -> LogHealth {
    match error {
        LogError::Full { .. } => LogHealth::Full(error.to_string()),
        LogError::Failed { .. } => LogHealth::Failed(error.to_string()),
    }
}
