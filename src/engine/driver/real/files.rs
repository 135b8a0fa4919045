//! Files that an attempt reads: its output, what it started, what a log has said since.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use crate::audit::outputs::{self, Source};
use crate::engine::shim::record::Command;
use crate::process::Identity;
use crate::text;

/// How much of a log is read.
const LOG_LIMIT: u64 = 64 << 20;

/// A command's decoded output.
#[derive(Debug, Default)]
pub(super) struct Texts {
    pub both: String,
    pub stdout: String,
    pub stderr: String,
}

/// The first `bytes` bytes of a step's output, together and by stream.
pub(super) fn output_texts(dir: &Path, bytes: u64) -> Texts {
    let mut both = Vec::new();
    if let Ok(file) = File::open(dir.join("output.log")) {
        let _ = file.take(bytes).read_to_end(&mut both);
    }
    let entries = outputs::entries(dir);
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    for (i, entry) in entries.iter().enumerate() {
        let end = entries.get(i + 1).map_or(both.len(), |next| at(next.offset, both.len()));
        let piece = &both[at(entry.offset, end)..end];
        match entry.source {
            Source::Out => stdout.extend_from_slice(piece),
            Source::Err => stderr.extend_from_slice(piece),
            Source::Shim => {}
        }
    }
    let plain = |bytes: &[u8]| text::plain(&text::decode(bytes)).into_owned();
    Texts { both: plain(&both), stdout: plain(&stdout), stderr: plain(&stderr) }
}

fn at(offset: u64, most: usize) -> usize {
    usize::try_from(offset).unwrap_or(most).min(most)
}

/// The process that a `start` step's shim recorded.
pub(super) fn started_process(dir: &Path) -> Option<Identity> {
    let record: Command = serde_json::from_slice(&std::fs::read(dir.join("command.json")).ok()?).ok()?;
    Some(record.command)
}

/// What a log holds behind its first `from` bytes; a log that is shorter now was begun anew.
pub(super) fn log_since(path: &Path, from: u64) -> String {
    let Ok(mut file) = File::open(path) else { return String::new() };
    let length = file.metadata().map_or(0, |m| m.len());
    let start = if length < from { 0 } else { from };
    let mut bytes = Vec::new();
    let read =
        file.seek(SeekFrom::Start(start)).and_then(|_| file.by_ref().take(LOG_LIMIT).read_to_end(&mut bytes));
    match read {
        Ok(_) => text::plain(&text::decode(&bytes)).into_owned(),
        Err(_) => String::new(),
    }
}
