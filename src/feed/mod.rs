//! The seam between a session and the screens that show it: what comes out of it, and maybe a way to command it.
//! Live and attach are different makers of one [`Feed`]. A replay has a player in its place and nothing of a
//! [`Commander`], so it cannot act.

mod line;

pub use line::{Line, Order};

use std::path::Path;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::event::{Event, Person};
use crate::runbook::StepId;
use crate::session::telemetry::Measure;
use crate::session::{Command, Refusal, State, Telemetry};

/// The refusal of a command whose engine went before it answered.
pub const GONE: &str = "the engine is gone: `gonogo resume` brings the session back";

/// What brings back a session whose engine is gone, a sentence.
#[must_use]
pub fn way_to_resume(session: &str) -> String {
    format!("`gonogo resume {session}` brings the engine back")
}

/// One screen's view of a session.
#[derive(Debug)]
pub struct Feed {
    /// Where the session stood when the feed was opened; everything after comes through `items`.
    pub state: State,
    pub telemetry: Telemetry,
    pub items: mpsc::Receiver<FeedItem>,
    /// `None` where nothing can be commanded.
    pub commander: Option<Commander>,
    pub outputs: OutputReader,
}

/// What a session tells its screens, in order.
#[derive(Debug, Clone)]
pub enum FeedItem {
    Event(Arc<Event>),
    Measure(Measure),
    /// The engine is gone; why, as a sentence.
    Lost(String),
}

/// Sends an operator's commands to the engine.
#[derive(Debug, Clone)]
pub struct Commander {
    pub operator: Person,
    asks: mpsc::Sender<Ask>,
    /// `None` where the engine is not at the other end of a connection.
    line: Option<Line>,
}

/// A command on its way to the engine.
#[derive(Debug)]
pub struct Ask {
    pub operator: Person,
    pub command: Command,
    /// The last event that the operator had seen.
    pub seen_seq: u64,
    pub answer: oneshot::Sender<Result<(), Refusal>>,
}

impl Commander {
    /// A commander for `operator` that asks over `asks`.
    #[must_use]
    pub fn new(operator: Person, asks: mpsc::Sender<Ask>) -> Self {
        Self { operator, asks, line: None }
    }

    /// The commander with what its connection does besides.
    #[must_use]
    pub fn over(self, line: Line) -> Self {
        Self { line: Some(line), ..self }
    }

    /// A key was pressed: whoever looks sees that somebody sits here. It may be called at every one.
    pub fn active(&self) {
        if let Some(line) = &self.line {
            line.active();
        }
    }

    /// Asks for a note with the file at `path` beside it, which goes into the session's evidence.
    ///
    /// # Errors
    /// The refusal, that the file cannot be read, or that the engine is gone.
    pub async fn ask_with_file(&self, command: Command, path: &Path, seen_seq: u64) -> Result<(), Refusal> {
        let Some(line) = &self.line else {
            return Err(Refusal::new("a file goes along only over a connection: attach to the session"));
        };
        let (name, bytes) = line::read(path).await?;
        line.ask_with_file(command, seen_seq, name, bytes).await
    }

    /// Asks for a command; the answer comes once it is on disk, or is refused.
    ///
    /// # Errors
    /// The refusal, or that the engine is gone.
    pub async fn ask(&self, command: Command, seen_seq: u64) -> Result<(), Refusal> {
        let gone = || Refusal::new(GONE);
        let (answer, answered) = oneshot::channel();
        let ask = Ask { operator: self.operator.clone(), command, seen_seq, answer };
        self.asks.send(ask).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

/// The most bytes of output in one answer, wherever the file is: who asks for more gets as much.
pub const PIECE_BYTES: usize = 256 << 10;

/// Reads pieces of the steps' output files, wherever they are.
#[derive(Debug, Clone)]
pub struct OutputReader {
    requests: mpsc::Sender<ReadOutput>,
}

/// A request for a piece of an output.
#[derive(Debug)]
pub struct ReadOutput {
    pub step: StepId,
    pub attempt: u32,
    /// Bytes from the start of the file.
    pub offset: u64,
    pub len: usize,
    pub answer: oneshot::Sender<OutputPiece>,
}

/// A piece of an output file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutputPiece {
    pub offset: u64,
    pub bytes: Vec<u8>,
    /// The whole file's length now.
    pub total: u64,
    /// Ranges of the file `(start, end)` that came over stderr and touch this piece.
    pub stderr: Vec<(u64, u64)>,
}

impl OutputReader {
    /// A reader that asks over `requests`.
    #[must_use]
    pub fn new(requests: mpsc::Sender<ReadOutput>) -> Self {
        Self { requests }
    }

    /// Reads up to `len` bytes from `offset`; empty where there is nothing, or the session is gone.
    pub async fn read(&self, step: StepId, attempt: u32, offset: u64, len: usize) -> OutputPiece {
        let (answer, answered) = oneshot::channel();
        if self.requests.send(ReadOutput { step, attempt, offset, len, answer }).await.is_err() {
            return OutputPiece::default();
        }
        answered.await.unwrap_or_default()
    }
}
