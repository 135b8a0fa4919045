//! Appends to the log: each record one `write`, one `fdatasync` a batch. A failed write or sync is never tried again
//! on the same descriptor: the kernel may have dropped what it said it could not write.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use super::dir::{self, create_new, sync_folder};
use super::line::{self, Hash};
use super::reader::Log;
use crate::event::Event;

/// What is given up when the disk is full, so that a rollback can still be recorded.
const RESERVE_BYTES: usize = 1 << 20;
/// With less than this free nothing more can be relied on.
const BRIM_BYTES: u64 = 64 << 10;
/// With less than this free the reserve is not taken back: the disk counts as full.
const COMFORT_BYTES: u64 = 2 << 20;

/// Why the log cannot be written now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The disk is full.
    #[error("{free} bytes are free for {path}")]
    Full { path: PathBuf, free: u64 },
    #[error("{path}: {why}")]
    Failed { path: PathBuf, why: String },
}

/// What was cut off behind the last acknowledged line.
struct Cut {
    bytes: u64,
    sha256: String,
    /// The side file.
    kept: Option<String>,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, sha256, kept } = self;
        write!(f, "{bytes} bytes of an unfinished record were cut off (SHA-256 {sha256})")?;
        match kept {
            Some(name) => write!(f, " and kept in {name}"),
            None => f.write_str("; there was no room to keep them"),
        }
    }
}

/// The log of one session, open for appending.
#[derive(Debug)]
pub struct Writer {
    folder: PathBuf,
    /// `None` after a failure, until [`Writer::recover`].
    file: Option<File>,
    /// What is durable: the last event's number and hash, the file's length.
    seq: u64,
    prev: Hash,
    length: u64,
    /// The reserve was given up and is not back yet.
    spent: bool,
}

impl Writer {
    /// Creates the log and its reserve in a session's folder.
    ///
    /// # Errors
    /// [`LogError`], a sentence.
    pub fn create(folder: &Path) -> Result<Self, LogError> {
        let mut writer = Self {
            folder: folder.to_owned(),
            file: None,
            seq: 0,
            prev: line::genesis(),
            length: 0,
            spent: false,
        };
        let made = create_new(&writer.path()).and_then(|file| {
            writer.make_reserve()?;
            file.sync_all()?;
            sync_folder(folder)?;
            Ok(file)
        });
        writer.file = Some(made.map_err(|e| writer.error(&e))?);
        Ok(writer)
    }

    /// Goes on with the log in `folder` as it was read: what a crash left behind its last whole line is cut off and
    /// kept in a side file. Nobody else may have it open. Says what was cut.
    ///
    /// # Errors
    /// [`LogError`], a sentence. Nothing was changed where the file is not the one that was read.
    pub fn reopen(folder: &Path, log: &Log) -> Result<(Self, Option<String>), LogError> {
        let mut writer = Self {
            folder: folder.to_owned(),
            file: None,
            seq: log.events.len() as u64,
            prev: log.hash.clone(),
            length: log.length,
            spent: true,
        };
        let cut = writer.open().map_err(|e| writer.error(&e))?;
        // One that is only in part there is no reserve.
        writer.spent = fs::metadata(folder.join(dir::RESERVE)).map_or(0, |m| m.len()) < RESERVE_BYTES as u64;
        if writer.spent {
            writer.give_reserve_up();
            writer.take_reserve_back();
        }
        Ok((writer, cut.map(|cut| cut.to_string())))
    }

    /// The log's head, `seq:hash8`.
    #[must_use]
    pub fn head(&self) -> String {
        format!("{}:{}", self.seq, &self.prev[..8])
    }

    /// Writes the events and syncs once. On an error none of them happened, and the log waits for
    /// [`Writer::recover`].
    ///
    /// # Errors
    /// [`LogError`], a sentence.
    pub fn append(&mut self, events: &[Arc<Event>]) -> Result<(), LogError> {
        let Some(file) = &mut self.file else {
            return Err(LogError::Failed { path: self.path(), why: "it waits to be recovered".to_owned() });
        };
        let (mut seq, mut prev, mut length) = (self.seq, self.prev.clone(), self.length);
        let written = (|| {
            for event in events {
                if event.seq != seq + 1 {
                    return Err(io::Error::other(format!("event {} does not follow {seq}", event.seq)));
                }
                let (bytes, hash) = line::encode(event, &prev).map_err(io::Error::other)?;
                write_once(file, &bytes)?;
                (seq, prev, length) = (event.seq, hash, length + bytes.len() as u64);
            }
            file.sync_data()
        })();
        match written {
            Ok(()) => {
                (self.seq, self.prev, self.length) = (seq, prev, length);
                self.take_reserve_back();
                Ok(())
            }
            Err(e) => {
                self.file = None;
                Err(self.error(&e))
            }
        }
    }

    /// Makes the log writable again: what was written but never acknowledged is cut off and kept in a side file.
    /// `urgent` gives up the reserve where the disk is full. Returns how many bytes were cut.
    ///
    /// # Errors
    /// Why it still cannot be written.
    pub fn recover(&mut self, urgent: bool) -> Result<u64, LogError> {
        if self.file.is_some() {
            return Ok(0);
        }
        let free = free_bytes(&self.folder);
        if free < COMFORT_BYTES {
            if !urgent || self.spent {
                return Err(LogError::Full { path: self.path(), free });
            }
            self.give_reserve_up();
        }
        let recovered = self.open();
        let cut = recovered.map_err(|e| self.error(&e))?;
        self.take_reserve_back();
        Ok(cut.map_or(0, |cut| cut.bytes))
    }

    /// Looks after the disk. Where it is full to the brim the reserve is given up, so that shims and log can still
    /// record how things end; as long as that lasts it says how full it is, and only what must be recorded should be.
    pub fn mind_the_disk(&mut self) -> Option<LogError> {
        let free = free_bytes(&self.folder);
        if free < BRIM_BYTES && !self.spent {
            self.give_reserve_up();
        }
        (self.spent && free < COMFORT_BYTES).then(|| LogError::Full { path: self.path(), free })
    }

    /// How many bytes of the log are durable, and how many are free on its disk.
    #[must_use]
    pub fn room(&self) -> (u64, u64) {
        (self.length, free_bytes(&self.folder))
    }

    fn path(&self) -> PathBuf {
        self.folder.join(dir::LOG)
    }

    /// Opens the file, holds it against what is known, and cuts the unacknowledged rest.
    fn open(&mut self) -> io::Result<Option<Cut>> {
        let path = self.path();
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(&path)?;
        dir::only_ours(&file.metadata()?).map_err(io::Error::other)?;
        let on_disk = file.metadata()?.len();
        if on_disk < self.length || !self.ends_as_known(&file)? {
            return Err(io::Error::other(format!(
                "it no longer holds the {} bytes that were acknowledged: keep it as it is, and do not go on",
                self.length
            )));
        }
        let mut cut = None;
        if on_disk > self.length {
            let mut rest = Vec::new();
            file.seek(SeekFrom::Start(self.length))?;
            (&file).take(on_disk - self.length).read_to_end(&mut rest)?;
            cut = Some(Cut {
                bytes: rest.len() as u64,
                sha256: base16ct::lower::encode_string(&Sha256::digest(&rest)),
                kept: self.keep_aside(&rest),
            });
            file.set_len(self.length)?;
        }
        file.sync_all()?;
        self.file = Some(file);
        Ok(cut)
    }

    /// The last acknowledged bytes are the last line's hash.
    fn ends_as_known(&self, file: &File) -> io::Result<bool> {
        if self.length == 0 {
            return Ok(true);
        }
        let tail = format!("{}\"}}\n", self.prev);
        let mut seen = vec![0; tail.len()];
        file.read_exact_at(&mut seen, self.length - tail.len() as u64)?;
        Ok(seen == tail.as_bytes())
    }

    /// Nobody was told of these bytes, but they may interest whoever asks what happened. Returns the file's name.
    fn keep_aside(&self, bytes: &[u8]) -> Option<String> {
        for number in 1..1000 {
            let name = format!("audit.cut-{}-{number}", self.seq);
            match create_new(&self.folder.join(&name)) {
                // On a full disk the side file is what can be done without.
                Ok(mut file) => {
                    let kept = file.write_all(bytes).and_then(|()| file.sync_all());
                    return kept.and_then(|()| sync_folder(&self.folder)).ok().map(|()| name);
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(_) => return None,
            }
        }
        None
    }

    fn make_reserve(&self) -> io::Result<()> {
        let path = self.folder.join(dir::RESERVE);
        let made = create_new(&path).and_then(|mut file| {
            // Real blocks, not a hole.
            file.write_all(&vec![0x5a; RESERVE_BYTES])?;
            file.sync_all()
        });
        if made.is_err() {
            let _ = fs::remove_file(&path);
        }
        made
    }

    /// Takes the reserve back once the disk has room again, so that the next full disk is met with one.
    fn take_reserve_back(&mut self) {
        if self.spent && free_bytes(&self.folder) >= COMFORT_BYTES {
            // Without a reserve the log works; the next record tries again.
            self.spent = self.make_reserve().is_err();
        }
    }

    fn give_reserve_up(&mut self) {
        self.spent = true;
        let _ = fs::remove_file(self.folder.join(dir::RESERVE));
    }

    fn error(&self, e: &io::Error) -> LogError {
        let full = matches!(
            e.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        );
        if full {
            LogError::Full { path: self.path(), free: free_bytes(&self.folder) }
        } else {
            LogError::Failed { path: self.path(), why: e.to_string() }
        }
    }
}

/// One record is one `write`: a short one is a failure, never continued.
fn write_once(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    loop {
        match file.write(bytes) {
            Ok(n) if n == bytes.len() => return Ok(()),
            // The file system took what fitted: it is full.
            Ok(_) => return Err(io::ErrorKind::StorageFull.into()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

fn free_bytes(folder: &Path) -> u64 {
    rustix::fs::statvfs(folder).map_or(0, |s| s.f_bavail.saturating_mul(s.f_frsize))
}

#[cfg(test)]
pub(super) mod tests;
