//! Asks an engine for a command, and says what the log has of it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::reach::Failure;
use super::verb::Verb;
use crate::cli::standing;
use crate::event::{By, Event, EventKind, describe};
use crate::feed::{Feed, FeedItem, GONE};
use crate::session::{Command, Refusal};
use crate::wire::client::Attached;

/// How long the log's word on a command that was carried out is waited for.
const WORD: Duration = Duration::from_secs(2);
/// How long more of one command is waited for behind its first event.
const MORE: Duration = Duration::from_millis(50);

/// What became of a command.
pub(super) struct Done {
    /// What the log says; `None` where there was nothing to be done.
    did: Option<String>,
    /// The last event of it.
    seq: Option<u64>,
}

impl Done {
    pub(super) fn as_json(&self) -> Value {
        json!({ "ok": true, "did": self.did, "seq": self.seq })
    }

    pub(super) fn in_words(&self) -> &str {
        self.did.as_deref().unwrap_or("it stands so already")
    }
}

/// Asks for `verb`, seen from event `seen`, or from what this connection has folded.
///
/// # Errors
/// The refusal, or that the engine is gone, or that something is named that is not there.
pub(super) async fn ask(
    attached: Attached,
    verb: &Verb,
    command: Command,
    seen: Option<u64>,
) -> Result<Done, Failure> {
    let Attached { mut feed, session, person, .. } = attached;
    let commander = feed.commander.take().ok_or_else(|| gone(&session))?;
    let seen = seen.unwrap_or(feed.state.seq);
    let answer = match verb {
        Verb::Note { attach: Some(path), .. } => {
            if let Err(e) = std::fs::metadata(path) {
                return Err(Failure::Usage(format!("{} cannot be read: {e}", path.display())));
            }
            commander.ask_with_file(command.clone(), path, seen).await
        }
        _ => commander.ask(command.clone(), seen).await,
    };
    if let Err(Refusal(why)) = answer {
        return Err(match why == GONE {
            false => Failure::Refused(why),
            true => over(&mut feed).map_or_else(|| gone(&session), Failure::Refused),
        });
    }
    let mut events = Vec::new();
    let pauses_again = command == Command::Pause && feed.state.paused.is_some();
    if !pauses_again {
        let mine = |event: &Event| {
            matches!(&event.by, By::Person(by) if by.person == person.person)
                && event.seq > feed.state.seq
                && is_of(&command, &event.event)
        };
        collect(&mut feed.items, &mut events, mine).await;
    }
    let did: Vec<String> = events.iter().map(|event| describe(event)).collect();
    Ok(Done { did: (!did.is_empty()).then(|| did.join("; ")), seq: events.last().map(|event| event.seq) })
}

fn gone(session: &str) -> Failure {
    Failure::Lost(format!(
        "the engine of {session} went before it answered: `gonogo ctl {session} events` says whether it still did \
         this, `gonogo resume {session}` brings it back"
    ))
}

/// That the session is over, where that is why nobody answers any more.
fn over(feed: &mut Feed) -> Option<String> {
    while let Ok(item) = feed.items.try_recv() {
        if let FeedItem::Event(event) = item {
            feed.state.apply(&event);
        }
    }
    standing::over(&feed.state)
}

/// Collects the events of one command, which come together.
async fn collect(
    items: &mut mpsc::Receiver<FeedItem>,
    events: &mut Vec<Arc<Event>>,
    mine: impl Fn(&Event) -> bool,
) {
    let mut until = Instant::now() + WORD;
    while let Ok(Some(item)) = timeout_at(until, items.recv()).await {
        match item {
            FeedItem::Event(event) if mine(&event) => {
                events.push(event);
                until = Instant::now() + MORE;
            }
            FeedItem::Event(_) | FeedItem::Measure(_) => {}
            FeedItem::Lost(_) => return,
        }
    }
}

/// Whether an event says what a command did.
fn is_of(command: &Command, event: &EventKind) -> bool {
    use EventKind as E;
    match command {
        Command::Acknowledge => matches!(event, E::PolicyAcknowledged),
        Command::Advance { .. } | Command::Second { .. } => matches!(
            event,
            E::StageEntered { .. }
                | E::Promoted { .. }
                | E::OverrideAsked { .. }
                | E::OverrideDeclined { .. }
                | E::SessionClosed { .. }
        ),
        Command::Pause => matches!(event, E::Paused),
        Command::Resume => matches!(event, E::Resumed),
        Command::Rollback { .. } => matches!(event, E::RollbackStarted { .. }),
        Command::Retry { .. } => matches!(event, E::StepStarted { .. }),
        Command::Skip { .. } => matches!(event, E::StepSkipped { .. }),
        Command::Kill { .. } => matches!(event, E::StepKilled { .. }),
        Command::Confirm { .. } => matches!(event, E::Confirmed { .. } | E::Declined { .. }),
        Command::Tick { .. } => matches!(event, E::ItemTicked { .. }),
        Command::Veto { .. } => matches!(event, E::TriggerVetoed { .. }),
        Command::Resolve { .. } => matches!(event, E::StepResolved { .. } | E::StepStarted { .. }),
        Command::Note { .. } => matches!(event, E::NoteAdded { .. } | E::EvidenceAdded { .. }),
        Command::Vote { .. } => matches!(event, E::Voted { .. }),
        Command::AskWheel => matches!(event, E::WheelAsked),
        Command::OfferWheel { .. } => matches!(event, E::WheelOffered { .. }),
        Command::AcceptWheel | Command::TakeWheel => {
            matches!(event, E::WheelPassed { .. } | E::HandoverAcknowledged)
        }
        Command::DeclineWheel => matches!(event, E::WheelDeclined),
        Command::Abort { .. } => matches!(event, E::SessionClosed { .. }),
    }
}
