//! Pieces of the steps' output files for the screens.

use std::path::PathBuf;

use tokio::sync::mpsc;

use crate::audit::outputs::{self, Piece};
use crate::feed::{OutputPiece, ReadOutput};

/// The longest piece that is handed out at once.
const LONGEST: usize = 1 << 20;

/// Answers requests until nobody asks any more.
pub(super) async fn serve(session_dir: PathBuf, mut requests: mpsc::Receiver<ReadOutput>) {
    while let Some(request) = requests.recv().await {
        let dir = outputs::folder(&session_dir, &request.step, request.attempt);
        let (offset, len) = (request.offset, request.len.min(LONGEST));
        let read = tokio::task::spawn_blocking(move || outputs::read(&dir, offset, len, u64::MAX)).await;
        let Piece { offset, bytes, total, stderr } = read.unwrap_or_default();
        let _ = request.answer.send(OutputPiece { offset, bytes, total, stderr });
    }
}
