//! The steps' outputs as they had grown at the playhead.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use super::survey::Shared;
use crate::audit::outputs::{self, Piece};
use crate::feed::{OutputPiece, OutputReader, ReadOutput};
use crate::runbook::StepId;

/// The longest piece that is handed out at once.
const LONGEST: usize = 1 << 20;
/// How many requests may wait.
const WAITING: usize = 64;

/// What was written when.
#[derive(Debug)]
pub(super) struct Outputs {
    shared: Arc<Shared>,
    session_dir: PathBuf,
    /// Of each attempt that was asked for.
    grown: HashMap<(StepId, u32), Grown>,
}

/// How an output grew.
#[derive(Debug)]
struct Grown {
    /// How long its index was when it was read.
    index: u64,
    /// From each moment of session time on, bytes were written from this place on.
    writes: Vec<(u64, u64)>,
}

impl Outputs {
    /// The outputs that lie in a session's folder; they may be missing.
    pub fn new(shared: Arc<Shared>, session_dir: PathBuf) -> Self {
        Self { shared, session_dir, grown: HashMap::new() }
    }

    /// The bytes that an attempt had written by a moment of session time. Where nothing tells when they came they are
    /// there from the attempt's end on.
    pub fn written_by(&mut self, step: &StepId, attempt: u32, t_ms: u64) -> u64 {
        let key = (step.clone(), attempt);
        let of = self.shared.found().attempts.get(&key).copied();
        let Some(of) = of.filter(|of| of.started_ms <= t_ms) else { return 0 };
        let dir = outputs::folder(&self.session_dir, step, attempt);
        if of.ended_ms.is_some_and(|ended_ms| ended_ms <= t_ms) {
            return outputs::length(&dir);
        }
        let index = std::fs::metadata(dir.join(outputs::INDEX)).map_or(0, |meta| meta.len());
        if self.grown.get(&key).is_none_or(|grown| grown.index != index) {
            let axis = self.shared.found().axis.clone();
            let place = |entry: outputs::Entry| (axis.of_up_ms(entry.up_ms, of.seq).0, entry.offset);
            let writes = outputs::entries(&dir).into_iter().map(place).collect();
            self.grown.insert(key.clone(), Grown { index, writes });
        }
        let writes = self.grown.get(&key).map_or(&[][..], |grown| &grown.writes);
        match writes.iter().find(|(at_ms, _)| *at_ms > t_ms) {
            Some((_, offset)) => outputs::length(&dir).min(*offset),
            None if writes.is_empty() => 0,
            None => outputs::length(&dir),
        }
    }

    /// Answers whoever reads outputs, as of the moment that `playhead` says, until nobody asks any more.
    pub fn serve(mut self, playhead: Arc<AtomicU64>) -> OutputReader {
        let (requests, mut asked) = mpsc::channel::<ReadOutput>(WAITING);
        let serving = move || {
            while let Some(request) = asked.blocking_recv() {
                let t_ms = playhead.load(Ordering::Relaxed);
                let most = self.written_by(&request.step, request.attempt, t_ms);
                let dir = outputs::folder(&self.session_dir, &request.step, request.attempt);
                let piece = outputs::read(&dir, request.offset, request.len.min(LONGEST), most);
                let Piece { offset, bytes, total, stderr } = piece;
                let _ = request.answer.send(OutputPiece { offset, bytes, total, stderr });
            }
        };
        // Without a thread nobody answers, which a reader takes for an empty output.
        let _ = std::thread::Builder::new().name("outputs".to_owned()).spawn(serving);
        OutputReader::new(requests)
    }
}
