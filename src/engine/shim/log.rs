//! `output.log`, and `late.log` after the command's end: bytes up to a limit, then only the last 64 KiB, counted and digested. A log
//! that cannot be written never stops the command: what is lost is counted, and the reason kept.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::files;
use super::index::{self, Entry, Source};
use super::record::Output;

/// Bytes from the end of a cut output that are kept.
pub const TAIL: usize = 64 * 1024;

/// Where a command's output goes: to `output.log` until that is closed, from then on to `late.log`.
pub struct Outlet<'a> {
    step_dir: &'a Path,
    limit: u64,
    now: Option<Log>,
    late: Option<Log>,
}

impl<'a> Outlet<'a> {
    /// Creates `output.log` and `output.idx`.
    ///
    /// # Errors
    /// What the system says; the files must not exist.
    pub fn create(step_dir: &'a Path, limit: u64) -> io::Result<Self> {
        let log = files::create_new(&step_dir.join("output.log"))?;
        let index = files::create_new(&step_dir.join("output.idx"))?;
        let now = Some(Log::new(log, Some(index::Writer::new(index)), limit));
        Ok(Self { step_dir, limit, now, late: None })
    }

    /// Appends redacted bytes of one stream.
    pub fn append(&mut self, bytes: &[u8], source: Source, up_ms: u64) {
        if self.now.is_none() && self.late.is_none() {
            // Where it cannot be made the late bytes are lost: no proof reads them.
            self.late = files::create_new(&self.step_dir.join("late.log"))
                .ok()
                .map(|file| Log::new(file, None, self.limit));
        }
        if let Some(log) = self.now.as_mut().or(self.late.as_mut()) {
            log.append(bytes, source, up_ms);
        }
    }

    /// When index records wait to be written, in milliseconds since boot.
    pub fn due(&self) -> Option<u64> {
        self.now.as_ref()?.index.as_ref()?.due()
    }

    /// Writes the index records whose time has come.
    pub fn flush_due(&mut self, up_ms: u64) {
        if self.due().is_some_and(|due| due <= up_ms)
            && let Some(index) = self.now.as_mut().and_then(|log| log.index.as_mut())
        {
            index.flush();
        }
    }

    /// Closes the log that is open now, durably. Returns what it holds.
    pub fn close(&mut self, up_ms: u64) -> Option<Output> {
        self.now.take().or_else(|| self.late.take()).map(|mut log| log.finish(up_ms))
    }
}

/// One log file.
struct Log {
    file: File,
    index: Option<index::Writer>,
    limit: u64,
    /// Bytes in the file.
    bytes: u64,
    digest: Sha256,
    /// The end of what came after the limit: at most twice `TAIL`.
    tail: Vec<u8>,
    /// Bytes that came after the limit.
    beyond: u64,
    error: Option<String>,
}

impl Log {
    /// A log over an empty file.
    fn new(file: File, index: Option<index::Writer>, limit: u64) -> Self {
        Self { file, index, limit, bytes: 0, digest: Sha256::new(), tail: Vec::new(), beyond: 0, error: None }
    }

    /// Appends redacted bytes of one stream.
    fn append(&mut self, bytes: &[u8], source: Source, up_ms: u64) {
        let room = if self.error.is_some() || self.beyond > 0 { 0 } else { self.limit - self.bytes };
        let fits = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        let written = self.write(&bytes[..fits], source, up_ms);
        let rest = &bytes[written..];
        if !rest.is_empty() {
            self.beyond += rest.len() as u64;
            self.tail.extend_from_slice(&rest[rest.len().saturating_sub(TAIL)..]);
            if self.tail.len() > 2 * TAIL {
                self.tail.drain(..self.tail.len() - TAIL);
            }
        }
    }

    /// Ends the log: after a cut, the words that say so and the tail. Returns what the file holds.
    fn finish(&mut self, up_ms: u64) -> Output {
        let kept = self.bytes;
        let tail = std::mem::take(&mut self.tail);
        let tail = &tail[tail.len().saturating_sub(TAIL)..];
        let mut dropped = self.beyond;
        if self.beyond > 0 {
            let cut = self.beyond - tail.len() as u64;
            let words = format!("\n… {cut} bytes were cut …\n");
            if self.write(words.as_bytes(), Source::Shim, up_ms) == words.len() {
                dropped -= self.write(tail, Source::Shim, up_ms) as u64;
            }
        }
        if self.bytes > 0
            && let Err(e) = self.file.sync_data()
        {
            self.error.get_or_insert(e.to_string());
        }
        if let Some(index) = &mut self.index
            && let Err(e) = index.finish()
        {
            self.error.get_or_insert(format!("which stream wrote what: {e}"));
        }
        Output {
            bytes: self.bytes,
            sha256: base16ct::lower::encode_string(&self.digest.clone().finalize()),
            kept: kept + (self.beyond - dropped),
            dropped,
            masked: 0,
            error: self.error.clone(),
        }
    }

    /// Writes as much as the system takes; returns how much that was.
    fn write(&mut self, bytes: &[u8], source: Source, up_ms: u64) -> usize {
        let offset = self.bytes;
        let mut done = 0;
        while done < bytes.len() {
            match self.file.write(&bytes[done..]) {
                Ok(0) => {
                    self.error.get_or_insert_with(|| "the file takes no more bytes".to_owned());
                    break;
                }
                Ok(n) => done += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.error.get_or_insert(e.to_string());
                    break;
                }
            }
        }
        if done > 0 {
            self.digest.update(&bytes[..done]);
            self.bytes += done as u64;
            if let Some(index) = &mut self.index {
                index.note(Entry { up_ms, offset, source });
            }
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _};

    use super::*;

    fn content(log: &mut Log) -> Vec<u8> {
        let mut bytes = Vec::new();
        log.file.rewind().and_then(|()| log.file.read_to_end(&mut bytes)).expect("a temporary file");
        bytes
    }

    #[test]
    fn beyond_the_limit_the_end_is_kept_and_the_rest_is_counted() {
        let mut log = Log::new(tempfile::tempfile().expect("a file"), None, 10);
        log.append(b"0123456789ABC", Source::Out, 1);
        for i in 0..100u8 {
            log.append(&[i; 4096], Source::Out, 2);
        }
        let output = log.finish(3);
        let cut = 3 + 100 * 4096 - TAIL as u64;
        let head = format!("0123456789\n… {cut} bytes were cut …\n");
        assert_eq!((output.kept, output.dropped), (10 + TAIL as u64, cut));
        let bytes = content(&mut log);
        assert!(bytes.starts_with(head.as_bytes()) && bytes.ends_with(&[99; 4096]));
        assert_eq!((bytes.len(), output.bytes), (head.len() + TAIL, bytes.len() as u64));
        assert_eq!(output.sha256, base16ct::lower::encode_string(&Sha256::digest(&bytes)));
    }

    #[test]
    fn a_full_disk_is_said_and_counted() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let Ok(full) = full else { return };
        let mut log = Log::new(full, None, 1 << 20);
        log.append(b"lost words", Source::Out, 1);
        let output = log.finish(2);
        assert_eq!((output.bytes, output.kept, output.dropped), (0, 0, 10));
        assert!(output.error.is_some());
    }

    #[test]
    fn an_index_that_cannot_be_written_is_said() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let (Ok(full), file) = (full, tempfile::tempfile().expect("a file")) else { return };
        let mut log = Log::new(file, Some(index::Writer::new(full)), 1 << 20);
        log.append(b"words", Source::Err, 1);
        let output = log.finish(2);
        assert_eq!((output.bytes, output.dropped), (5, 0));
        assert!(output.error.is_some_and(|e| e.starts_with("which stream wrote what: ")));
    }
}
