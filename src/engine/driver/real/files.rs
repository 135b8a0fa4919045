//! Files that an attempt reads: its output, what it started, what a log has said since.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::audit::outputs::{self, Entry, Source};
use crate::engine::shim::record::{Command, Output};
use crate::process::Identity;
use crate::text;

/// How much of a log is read.
const LOG_LIMIT: u64 = 64 << 20;

/// A command's output, decoded; or why it cannot be read.
#[derive(Debug)]
pub(super) struct Texts {
    pub both: Result<String, String>,
    pub stdout: Result<String, String>,
    pub stderr: Result<String, String>,
}

impl Texts {
    /// A step's output, together and by stream: what its shim told of, and not a byte more or less.
    pub fn read(dir: &Path, told: &Output) -> Self {
        let both = match told_bytes(dir, told) {
            Ok(both) => both,
            Err(e) => return Self::unread(&e.to_string()),
        };
        let plain = |bytes: &[u8]| text::plain(&text::decode(bytes)).into_owned();
        let entries = outputs::whole_index(dir, told.bytes);
        let stream = |source| match &entries {
            Ok(entries) => Ok(plain(&of_stream(&both, entries, source))),
            Err(e) => Err(format!("{}: {e}", outputs::INDEX)),
        };
        Self { both: Ok(plain(&both)), stdout: stream(Source::Out), stderr: stream(Source::Err) }
    }

    /// None of it can be read.
    pub fn unread(why: &str) -> Self {
        let unread = || Err(why.to_owned());
        Self { both: unread(), stdout: unread(), stderr: unread() }
    }
}

/// The bytes that a shim told of. What came later is not among them.
fn told_bytes(dir: &Path, told: &Output) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(dir.join(outputs::LOG))?.take(told.bytes).read_to_end(&mut bytes)?;
    if base16ct::lower::encode_string(&Sha256::digest(&bytes)) != told.sha256 {
        return Err(io::Error::other(format!("{} is not what was written to it", outputs::LOG)));
    }
    Ok(bytes)
}

fn of_stream(both: &[u8], entries: &[Entry], source: Source) -> Vec<u8> {
    let at = |offset: u64| usize::try_from(offset).unwrap_or(both.len()).min(both.len());
    let ends = entries.iter().skip(1).map(|next| at(next.offset)).chain([both.len()]);
    let pieces = entries.iter().zip(ends).filter(|(entry, _)| entry.source == source);
    pieces.map(|(entry, end)| &both[at(entry.offset).min(end)..end]).collect::<Vec<_>>().concat()
}

/// The process that a `start` step's shim recorded.
pub(super) fn started_process(dir: &Path) -> Option<Identity> {
    let record: Command = serde_json::from_slice(&std::fs::read(dir.join("command.json")).ok()?).ok()?;
    Some(record.command)
}

/// What a log holds behind its first `from` bytes; a log that is shorter now was begun anew.
///
/// # Errors
/// What the system says.
pub(super) fn log_since(path: &Path, from: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let start = if length < from { 0 } else { from };
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    file.take(LOG_LIMIT).read_to_end(&mut bytes)?;
    Ok(text::plain(&text::decode(&bytes)).into_owned())
}
