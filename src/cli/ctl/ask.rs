//! Asks an engine for a command, and says what the log has of it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::reach::Failure;
use super::verb::Verb;
use crate::cli::recorded;
use crate::event::{By, Event, EventKind, describe};
use crate::feed::{Feed, FeedItem, GONE};
use crate::session::{Command, Refusal};
use crate::wire::client::Attached;

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
    // The engine tells what a command led to before it answers it.
    let mine = |event: &Event| {
        matches!(&event.by, By::Person(by) if by.person == person.person) && is_of(&command, &event.event)
    };
    let events: Vec<_> = told(&mut feed).into_iter().filter(|event| mine(event)).collect();
    let did: Vec<String> = events.iter().map(|event| describe(event)).collect();
    Ok(Done { did: (!did.is_empty()).then(|| did.join("; ")), seq: events.last().map(|event| event.seq) })
}

/// What the engine has told since the connection was made.
fn told(feed: &mut Feed) -> Vec<Arc<Event>> {
    let items = std::iter::from_fn(|| feed.items.try_recv().ok());
    items
        .filter_map(|item| match item {
            FeedItem::Event(event) => Some(event),
            FeedItem::Measure(_) | FeedItem::Lost(_) => None,
        })
        .collect()
}

fn gone(session: &str) -> Failure {
    Failure::Lost(format!(
        "the engine of {session} went before it answered: `gonogo ctl {session} events` says whether it still did \
         this, `gonogo resume {session}` brings it back"
    ))
}

/// That the session is over, where that is why nobody answers any more.
fn over(feed: &mut Feed) -> Option<String> {
    told(feed).iter().for_each(|event| feed.state.apply(event));
    recorded::over(&feed.state)
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
        Command::AcceptDrift { .. } => matches!(event, E::DriftAccepted { .. }),
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
