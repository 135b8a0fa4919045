//! A cockpit's end of the socket: it folds what the engine shows into a [`Feed`], checks the chain of every line as it
//! would a file's, and sends what the cockpit asks for.

mod pump;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};

use super::codec::{self, CodecError, LOG_LINE, Lines};
use super::message::{FORMAT, Hello, LONGEST_ASKED, LONGEST_TOLD, ToClient, ToServer};
use super::missed::Missed;
use super::socket::{self, SOCKET};
use crate::audit::line::{self, Hash};
use crate::event::{Event, Person};
use crate::feed::{Commander, Feed, Line, OutputReader};
use crate::session::{State, Telemetry};
use pump::Pump;

/// How many items a screen may lag behind; measures are folded together for it at half of that.
const LAG: usize = 8192;
/// How long an engine may take to answer a hello.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection to an engine.
#[derive(Debug)]
pub struct Attached {
    pub feed: Feed,
    pub session: String,
    /// Who we are there.
    pub person: Person,
    /// The engine is another version of gonogo; which, as a sentence.
    pub note: Option<String>,
    /// The last line that was seen and found whole: whoever keeps it can hold the log against it later.
    pub head: watch::Receiver<Head>,
}

/// The chain's end, as far as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub seq: u64,
    pub hash: Hash,
}

impl Head {
    /// Whether this may be the log in which `known` was seen: at that event it is the same, elsewhere it says nothing.
    fn may_follow(&self, known: &Self) -> bool {
        self.seq != known.seq || self.hash.starts_with(&known.hash)
    }

    /// `seq:hash8`, as it is shown; `None` before the first line.
    #[must_use]
    pub fn short(&self) -> Option<String> {
        (self.seq > 0).then(|| format!("{}:{}", self.seq, &self.hash[..8]))
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody listens: the engine is dead, or the session was never served.
    #[error("no engine answers in {folder}: `gonogo resume` brings the session back")]
    NoEngine { folder: PathBuf },
    /// An engine holds the session, and nobody can come in.
    #[error("the engine of {session} does not listen: it is just starting, or stopping")]
    NotListening { session: String },
    #[error("{folder} is closed to you: {source}")]
    Closed { folder: PathBuf, source: io::Error },
    #[error("the engine does not let you in: {0}")]
    Refused(String),
    #[error("the log that this engine shows is not whole: {0}")]
    NotWhole(String),
    #[error("the engine does not answer: its machine may be stopped or overloaded")]
    Silent,
    #[error("the engine is gone again: {0}")]
    Lost(String),
}

impl From<CodecError> for ConnectError {
    fn from(error: CodecError) -> Self {
        Self::Lost(error.to_string())
    }
}

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> Self {
        Self::Lost(error.to_string())
    }
}

/// Attaches to the engine whose socket is `place`, or lies in it: reads everything that happened, and then goes on
/// reading beside whoever holds the feed. The connection ends when the feed is dropped.
///
/// # Errors
/// [`ConnectError`], a sentence.
pub async fn connect(place: &Path, hello: Hello) -> Result<Attached, ConnectError> {
    connect_knowing(place, hello, None).await
}

/// As [`connect`], by somebody who has seen the session before: `known` is where it stood then, its hash whole or its
/// first digits. A log that does not go on from there is not that session's.
///
/// # Errors
/// [`ConnectError`], a sentence.
pub async fn connect_knowing(
    place: &Path,
    hello: Hello,
    known: Option<Head>,
) -> Result<Attached, ConnectError> {
    let folder = if place.ends_with(SOCKET) { place.parent().unwrap_or(place) } else { place };
    let stream = socket::connect(folder).await.map_err(|source| match source.kind() {
        io::ErrorKind::PermissionDenied => ConnectError::Closed { folder: folder.to_owned(), source },
        _ => ConnectError::NoEngine { folder: folder.to_owned() },
    })?;
    let (read, mut writer) = stream.into_split();
    let mut lines = Lines::new(read, LONGEST_TOLD);
    let mut out = Vec::new();
    codec::encode(&ToServer::Hello(hello), &mut out);
    if out.len() > LONGEST_ASKED {
        return Err(ConnectError::Refused("who you say you are is longer than 64 KiB".to_owned()));
    }
    // A server that refuses us at sight says so, and may not read any more.
    let said = writer.write_all(&out).await;
    let heard = tokio::time::timeout(PATIENCE, lines.next()).await.map_err(|_| ConnectError::Silent)?;
    let line = match heard {
        Ok(Some(line)) => line,
        Ok(None) => return Err(ConnectError::Lost("it closed the connection".to_owned())),
        Err(e) => return Err(said.err().map_or_else(|| e.into(), ConnectError::from)),
    };
    let (version, session, person) = match codec::decode(line)? {
        ToClient::Welcome { format: FORMAT, version, session, person, .. } => (version, session, person),
        ToClient::Welcome { format, program, .. } => {
            let program = program.display();
            return Err(ConnectError::Refused(format!("it speaks format {format}: attach with {program}")));
        }
        ToClient::Refused { why } => return Err(ConnectError::Refused(why)),
        _ => return Err(ConnectError::Lost("it does not answer a hello with a welcome".to_owned())),
    };
    let own = env!("CARGO_PKG_VERSION");
    let note = (version != own).then(|| format!("the engine is gonogo {version}, this is gonogo {own}"));
    let (history, chain) = read_history(&mut lines, &mut writer, known).await?;
    let (asks, asks_end) = mpsc::channel(64);
    let (reads, reads_end) = mpsc::channel(64);
    let (orders, orders_end) = mpsc::channel(8);
    let (items, items_end) = mpsc::channel(LAG);
    let (head, head_end) = watch::channel(chain.0.clone());
    let pump = Pump {
        session: session.clone(),
        closed: history.0.is_closed(),
        missed: Missed::after(&history.1),
        chain,
        head,
        items,
        out: Vec::new(),
        answers: HashMap::new(),
        pieces: HashMap::new(),
        next_id: 1,
        active: false,
    };
    tokio::spawn(pump.run(lines, writer, asks_end, reads_end, orders_end));
    let (state, telemetry) = history;
    let line = Line::new(person.clone(), orders);
    let commander = Some(Commander::new(person.clone(), asks).over(line));
    let feed = Feed { state, telemetry, items: items_end, commander, outputs: OutputReader::new(reads) };
    Ok(Attached { feed, session, person, note, head: head_end })
}

/// Folds everything up to `caught_up`.
async fn read_history(
    lines: &mut Lines<OwnedReadHalf>,
    writer: &mut OwnedWriteHalf,
    known: Option<Head>,
) -> Result<((State, Telemetry), Chain), ConnectError> {
    let (mut state, mut telemetry, mut chain) = (State::default(), Telemetry::default(), Chain::new());
    loop {
        let heard = tokio::time::timeout(PATIENCE, lines.next()).await.map_err(|_| ConnectError::Silent)?;
        let Some(line) = heard? else {
            return Err(ConnectError::Lost("it closed the connection".to_owned()));
        };
        if line.starts_with(LOG_LINE) {
            let event = chain.follow(line).map_err(ConnectError::NotWhole)?;
            if known.as_ref().is_some_and(|known| !chain.0.may_follow(known)) {
                let why = format!("event {} is not the one that was seen here before", event.seq);
                return Err(ConnectError::NotWhole(why));
            }
            state.apply(&Arc::new(event));
            continue;
        }
        match codec::decode(line)? {
            ToClient::CaughtUp { seq } => {
                let seen = known.map_or(seq, |known| known.seq.max(seq));
                if chain.0.seq < seen {
                    let why = format!("it ends at event {}, and event {seen} was there", chain.0.seq);
                    return Err(ConnectError::NotWhole(why));
                }
                return Ok(((state, telemetry), chain));
            }
            ToClient::Measure { measure } => telemetry.record(measure),
            ToClient::Ping {} => {
                let mut pong = Vec::new();
                codec::encode(&ToServer::Pong {}, &mut pong);
                writer.write_all(&pong).await?;
            }
            ToClient::Bye { why } | ToClient::Refused { why } => return Err(ConnectError::Lost(why)),
            ToClient::Welcome { .. } | ToClient::Answer { .. } | ToClient::Output { .. } => {}
        }
    }
}

/// The chain of the lines that were seen.
#[derive(Debug)]
struct Chain(Head);

impl Chain {
    fn new() -> Self {
        Self(Head { seq: 0, hash: line::genesis() })
    }

    /// The next line's event, where it follows the last one.
    fn follow(&mut self, line: &[u8]) -> Result<Event, String> {
        let next = self.0.seq + 1;
        let (prev, hash) = line::check(line).map_err(|why| format!("event {next}: {why}"))?;
        if prev != self.0.hash {
            return Err(format!("event {next} does not follow the one before it"));
        }
        let event: Event =
            serde_json::from_slice(line).map_err(|e| format!("event {next} is no event: {e}"))?;
        if event.seq != next {
            return Err(format!("event {} stands where {next} belongs", event.seq));
        }
        self.0 = Head { seq: next, hash: hash.to_owned() };
        Ok(event)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::event::{By, EventKind, Seat};
    use crate::feed::FeedItem;
    use crate::session::Command;
    use crate::wire::message::Kind;

    fn lines(count: u64) -> Vec<Vec<u8>> {
        let mut prev = line::genesis();
        let at = chrono::DateTime::from_timestamp_millis(1_795_000_000_113).expect("a date");
        let line = |seq| {
            let event = Event { seq, at, up_ms: seq, by: By::ENGINE, event: EventKind::Paused };
            let (mut line, hash) = line::encode(&event, &prev).expect("short");
            line.pop();
            prev = hash;
            line
        };
        (1..=count).map(line).collect()
    }

    #[test]
    fn a_line_that_does_not_follow_is_seen() {
        let lines = lines(3);
        let mut chain = Chain::new();
        assert!(chain.follow(&lines[1]).is_err(), "not the first");
        assert_eq!(chain.follow(&lines[0]).map(|event| event.seq), Ok(1));
        assert!(chain.follow(&lines[0]).is_err(), "twice");
        assert!(chain.follow(&lines[2]).is_err(), "one is missing");
        let mut changed = lines[1].clone();
        let at = changed.iter().position(|byte| *byte == b'p').expect("a letter");
        changed[at] = b'q';
        assert!(chain.follow(&changed).is_err(), "changed");
        assert_eq!(chain.follow(&lines[1]).map(|event| event.seq), Ok(2));
        assert_eq!(chain.0.seq, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn an_engine_that_says_nothing_any_more_is_lost() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o700)).expect("ours");
        let listening = socket::bind(folder.path()).expect("bound");
        let engine = tokio::spawn(async move {
            let (read, mut write) = listening.accept().await.expect("a client").into_split();
            let person = Person { person: "anna".to_owned(), uid: 0, seat: Seat::Driver };
            let welcome = ToClient::Welcome {
                format: FORMAT,
                version: "0.0.1".to_owned(),
                program: "/gonogo".into(),
                session: "s".to_owned(),
                person,
            };
            let mut out = Vec::new();
            codec::encode(&welcome, &mut out);
            codec::encode(&ToClient::CaughtUp { seq: 0 }, &mut out);
            write.write_all(&out).await.expect("sent");
            let mut lines = Lines::new(read, LONGEST_ASKED);
            while let Ok(Some(_)) = lines.next().await {}
        });
        let mut attached = connect(folder.path(), Hello::new(Kind::Cockpit)).await.expect("let in");
        assert!(attached.note.is_some_and(|note| note.contains("0.0.1")), "it is another version");
        match attached.feed.items.recv().await {
            Some(FeedItem::Lost(why)) => assert!(why.contains("nothing was heard"), "{why}"),
            other => panic!("{other:?}"),
        }
        let refusal = attached.feed.commander.expect("a way to command").ask(Command::Pause, 0).await;
        assert!(refusal.is_err());
        engine.await.expect("it hears that the client went");
    }
}
