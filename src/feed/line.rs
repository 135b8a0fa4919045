//! What goes over a cockpit's connection beside its commands: that somebody sits there, and files for notes.

use std::path::Path;

use tokio::sync::{mpsc, oneshot};

use super::{Ask, GONE};
use crate::event::Person;
use crate::session::{Command, Refusal};

/// The most bytes of a file that belongs to a note.
const FILE_BYTES: usize = 4 << 20;

/// A cockpit's connection, as far as it is more than commands.
#[derive(Debug, Clone)]
pub struct Line {
    operator: Person,
    orders: mpsc::Sender<Order>,
}

/// What a connection is to carry.
#[derive(Debug)]
pub enum Order {
    /// A key was pressed.
    Active,
    /// A command, and a file that goes with it.
    AskWithFile { ask: Box<Ask>, name: String, bytes: Vec<u8> },
}

impl Line {
    /// A line of `operator` that carries what is sent to `orders`.
    #[must_use]
    pub fn new(operator: Person, orders: mpsc::Sender<Order>) -> Self {
        Self { operator, orders }
    }

    /// A key was pressed; it may be called at every one.
    pub fn active(&self) {
        // Where much is waiting already, one more says nothing new.
        let _ = self.orders.try_send(Order::Active);
    }

    /// Asks for a note with a file beside it, which goes into the session's evidence.
    ///
    /// # Errors
    /// The refusal, or that the engine is gone.
    pub async fn ask_with_file(
        &self,
        command: Command,
        seen_seq: u64,
        name: String,
        bytes: Vec<u8>,
    ) -> Result<(), Refusal> {
        if bytes.len() > FILE_BYTES {
            return Err(too_long());
        }
        let gone = || Refusal::new(GONE);
        let (answer, answered) = oneshot::channel();
        let ask = Box::new(Ask { operator: self.operator.clone(), command, seen_seq, answer });
        self.orders.send(Order::AskWithFile { ask, name, bytes }).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

/// A file's name and bytes, where it is one that a note can take along.
pub(super) async fn read(path: &Path) -> Result<(String, Vec<u8>), Refusal> {
    let refuse = |why: &dyn std::fmt::Display| Refusal::new(format!("{}: {why}", path.display()));
    let about = tokio::fs::metadata(path).await.map_err(|e| refuse(&e))?;
    if !about.is_file() {
        return Err(refuse(&"only a file can be attached"));
    }
    if about.len() > FILE_BYTES as u64 {
        return Err(too_long());
    }
    let bytes = tokio::fs::read(path).await.map_err(|e| refuse(&e))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok((name, bytes))
}

fn too_long() -> Refusal {
    Refusal::new(format!("a file for a note holds at most {} MiB", FILE_BYTES >> 20))
}
