//! Pieces of the steps' output files for the screens.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use super::shim::index::{Entry, Source};
use crate::feed::{OutputPiece, ReadOutput};

/// The longest piece that is handed out at once.
const LONGEST: usize = 1 << 20;

/// Answers requests until nobody asks any more.
pub(super) async fn serve(session_dir: PathBuf, mut requests: mpsc::Receiver<ReadOutput>) {
    while let Some(request) = requests.recv().await {
        let dir = session_dir.join(format!("steps/{}.{}", request.step, request.attempt));
        let (offset, len) = (request.offset, request.len.min(LONGEST));
        let piece = tokio::task::spawn_blocking(move || read(&dir, offset, len)).await.unwrap_or_default();
        let _ = request.answer.send(piece);
    }
}

fn read(dir: &Path, offset: u64, len: usize) -> OutputPiece {
    let Ok(mut file) = File::open(dir.join("output.log")) else { return OutputPiece::default() };
    let total = file.metadata().map_or(0, |m| m.len());
    let offset = offset.min(total);
    let mut bytes = Vec::new();
    if file.seek(SeekFrom::Start(offset)).is_ok() {
        // A piece that cannot be read is an empty one: the screen shows what there is.
        let _ = file.take(len as u64).read_to_end(&mut bytes);
    }
    let end = offset + bytes.len() as u64;
    OutputPiece { offset, bytes, total, stderr: stderr_ranges(dir, offset, end, total) }
}

/// The ranges between `from` and `to` that came over stderr.
fn stderr_ranges(dir: &Path, from: u64, to: u64, total: u64) -> Vec<(u64, u64)> {
    let index = std::fs::read_to_string(dir.join("output.idx")).unwrap_or_default();
    let mut ranges = Vec::new();
    let mut entries = index.lines().filter_map(Entry::parse).peekable();
    while let Some(entry) = entries.next() {
        let end = entries.peek().map_or(total, |next| next.offset);
        if entry.source == Source::Err && entry.offset < to && end > from {
            ranges.push((entry.offset.max(from), end.min(to)));
        }
    }
    ranges
}
