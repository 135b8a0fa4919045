//! Looks on: prints what happens, or waits for a state.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::reach::{Failure, Reached};
use super::until::Until;
use crate::audit::reader;
use crate::cli::recorded;
use crate::event::{Event, author, describe};
use crate::feed::{Feed, FeedItem, GONE};
use crate::session::State;
use crate::text::{safe_line, visible_json};

/// Prints the events after `after`, and with `follow` those to come.
///
/// # Errors
/// The engine is gone before the session is over.
pub(super) async fn events(
    reached: Reached,
    log: Option<&Path>,
    after: u64,
    follow: bool,
    json: bool,
) -> Result<(), Failure> {
    let told = reached.state().seq;
    let history = match &reached {
        Reached::Recorded { recorded, .. } => recorded.log.events.clone(),
        // An engine hands on what it keeps for a screen; the whole lies in the log.
        Reached::Attached(attached) => match log.and_then(|log| reader::read(log).ok()) {
            Some(log) => log.events,
            None => attached.feed.state.recent.iter().cloned().collect(),
        },
    };
    for event in history.iter().filter(|event| event.seq > after && event.seq <= told) {
        if print(event, json).is_err() {
            return Ok(());
        }
    }
    let mut feed = match reached {
        Reached::Attached(attached) if follow => attached.feed,
        Reached::Recorded { why, recorded, .. } if follow && !recorded.state.is_closed() => {
            return Err(Failure::Lost(why));
        }
        _ => return Ok(()),
    };
    while !feed.state.is_closed() {
        let event = next(&mut feed).await?;
        if event.seq > after && print(&event, json).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Waits until the session is in one of the states `until`; returns which, and the number of the last event then.
///
/// # Errors
/// It is over before that, the time is, or the engine is gone.
pub(super) async fn wait(
    reached: Reached,
    until: &[Until],
    timeout: Option<Duration>,
) -> Result<(Until, u64), Failure> {
    let arrived = |state: &State| until.iter().find(|one| one.is_reached(state)).map(|one| (*one, state.seq));
    let mut feed = match reached {
        Reached::Attached(attached) => attached.feed,
        Reached::Recorded { recorded, why, .. } => {
            return match arrived(&recorded.state) {
                _ if !recorded.state.is_closed() => Err(Failure::Lost(why)),
                None => Err(Failure::Refused(why)),
                Some(arrived) => Ok(arrived),
            };
        }
    };
    let deadline = timeout.map(|timeout| (timeout, Instant::now() + timeout));
    loop {
        if let Some(arrived) = arrived(&feed.state) {
            return Ok(arrived);
        }
        if let Some(why) = recorded::over(&feed.state) {
            return Err(Failure::Refused(why));
        }
        match deadline {
            None => next(&mut feed).await.map(drop)?,
            Some((timeout, at)) => match timeout_at(at, next(&mut feed)).await {
                Ok(event) => event.map(drop)?,
                Err(_) => {
                    let words: Vec<&str> = until.iter().map(|one| one.word()).collect();
                    let (words, timeout) = (words.join(" or "), humantime::format_duration(timeout));
                    return Err(Failure::Refused(format!("not {words} within {timeout}")));
                }
            },
        }
    }
}

/// The next event, folded into the feed's state.
async fn next(feed: &mut Feed) -> Result<Arc<Event>, Failure> {
    loop {
        match feed.items.recv().await {
            Some(FeedItem::Event(event)) => {
                feed.state.apply(&event);
                return Ok(event);
            }
            Some(FeedItem::Measure(_)) => {}
            Some(FeedItem::Lost(why)) => return Err(Failure::Lost(why)),
            None => return Err(Failure::Lost(GONE.to_owned())),
        }
    }
}

/// Prints one event. It fails where nobody reads any more.
fn print(event: &Event, json: bool) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    if json {
        return writeln!(out, "{}", visible_json(serde_json::to_string(event)?));
    }
    let (time, by) = (event.at.format("%H:%M:%S%.3fZ"), author(&event.by));
    let (by, what) = (safe_line(&by).into_owned(), describe(event));
    writeln!(out, "{time} #{:<4} {by:<10} {}", event.seq, safe_line(&what))
}
