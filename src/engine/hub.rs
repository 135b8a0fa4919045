//! Whoever looks on: each feed gets the state and then everything after it, in one turn.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::machine::Input;
use crate::event::{By, Credentials, Event, EventKind, Person};
use crate::feed::{Ask, Commander, Feed, FeedItem, OutputReader, ReadOutput};
use crate::redact::Redactor;
use crate::session::telemetry::Measure;
use crate::session::{State, Telemetry};

/// How many items a feed may lag behind before it is cut off; measures are left out for it at half of that.
const LAG: usize = 1 << 16;

/// A request for a feed.
pub(super) struct Subscribe {
    answer: oneshot::Sender<(State, Telemetry, mpsc::Receiver<FeedItem>)>,
}

/// The feeds of one engine.
#[derive(Debug, Default)]
pub(super) struct Hub {
    telemetry: Telemetry,
    feeds: Vec<mpsc::Sender<FeedItem>>,
}

impl Hub {
    /// Hands out a feed from this moment on.
    pub(super) fn join(&mut self, join: Subscribe, state: &State) {
        let (sender, items) = mpsc::channel(LAG);
        if join.answer.send((state.clone(), self.telemetry.clone(), items)).is_ok() {
            self.feeds.push(sender);
        }
    }

    /// Hands on what happened. A feed that does not keep up is cut off; nobody waits for it.
    pub(super) fn publish(&mut self, events: &[Arc<Event>], measures: &[Measure]) {
        measures.iter().for_each(|measure| self.telemetry.record(measure.clone()));
        self.feeds.retain(|feed| {
            let room = feed.capacity();
            let measures = measures.iter().filter(|_| room > LAG / 2).cloned().map(FeedItem::Measure);
            measures
                .chain(events.iter().cloned().map(FeedItem::Event))
                .all(|item| feed.try_send(item).is_ok())
        });
    }
}

/// A running engine, as its cockpit holds it.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(super) joins: mpsc::Sender<Subscribe>,
    pub(super) asks: mpsc::Sender<Ask>,
    pub(super) outputs: mpsc::Sender<ReadOutput>,
    pub(super) inbox: mpsc::UnboundedSender<Input>,
    /// The session's name.
    pub session: String,
    /// The session's folder.
    pub session_dir: std::path::PathBuf,
    /// Masks the session's secrets.
    pub redactor: Redactor,
}

impl Engine {
    /// Somebody comes to the controls: it is recorded, and they get a feed. The seat is a wish: whoever does not only
    /// look on gets the wheel where nobody has it. `None` where the engine is gone.
    pub async fn arrive(&self, person: Person, credentials: Credentials, roles: Vec<String>) -> Option<Feed> {
        let joined = EventKind::OperatorJoined { person: person.clone(), credentials, roles };
        self.record(By::Person(person.clone()), joined);
        self.feed(person).await
    }

    /// Somebody left the controls; why, as a phrase.
    pub fn depart(&self, person: Person, why: &str) {
        let left = EventKind::OperatorLeft { person: person.clone(), why: why.to_owned() };
        self.record(By::Person(person), left);
    }

    /// Records what happened to the engine itself. One that has ended records nothing any more.
    pub fn record(&self, by: By, event: EventKind) {
        let _ = self.inbox.send(Input::Own(by, event));
    }

    /// Shows something to every screen that is no fact of the session.
    pub fn show(&self, measure: Measure) {
        let _ = self.inbox.send(Input::Show(measure));
    }

    /// A feed on the session for `operator`; `None` where the engine is gone.
    pub async fn feed(&self, operator: Person) -> Option<Feed> {
        let (answer, answered) = oneshot::channel();
        self.joins.send(Subscribe { answer }).await.ok()?;
        let (state, telemetry, items) = answered.await.ok()?;
        Some(Feed {
            state,
            telemetry,
            items,
            commander: Some(Commander::new(operator, self.asks.clone())),
            outputs: OutputReader::new(self.outputs.clone()),
        })
    }

    /// The log's head, `seq:hash8`; `None` where the engine is gone.
    pub async fn head(&self) -> Option<String> {
        let (answer, answered) = oneshot::channel();
        self.joins.send(Subscribe { answer }).await.ok()?;
        answered.await.ok()?.1.head
    }

    /// Records that the engine stops, for this reason; running commands live on under their shims.
    pub fn stop(&self, reason: &str) {
        let stopping = EventKind::EngineStopping { reason: reason.to_owned() };
        self.record(By::ENGINE, stopping);
    }

    /// Waits until the loop has taken its last turn.
    pub async fn ended(&self) {
        self.inbox.closed().await;
    }
}
