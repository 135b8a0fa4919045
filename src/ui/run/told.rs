//! What the cockpit is told from outside: what its session tells, and the session anew where it was lost.

use tokio::sync::mpsc;

use crate::feed::{Feed, FeedItem};

/// How many items of the feed are folded between two looks at the keys.
const BATCH: usize = 256;

/// A session that was lost: its feed once it has an engine again, or why it will not be shown any more, a sentence.
pub type Again = Result<Feed, String>;

/// Where that comes from; nothing comes over a recording.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub items: Option<mpsc::Receiver<FeedItem>>,
    pub again: Option<mpsc::Receiver<Again>>,
}

/// The next of what comes one by one; never, where nothing comes any more.
pub(super) async fn next<T>(from: &mut Option<mpsc::Receiver<T>>) -> Option<T> {
    match from {
        Some(from) => from.recv().await,
        None => std::future::pending().await,
    }
}

/// Puts some of what the session tells into `batch`, and says how many; never, where nothing comes any more.
pub(super) async fn some(items: &mut Option<mpsc::Receiver<FeedItem>>, batch: &mut Vec<FeedItem>) -> usize {
    match items {
        Some(items) => items.recv_many(batch, BATCH).await,
        None => std::future::pending().await,
    }
}
