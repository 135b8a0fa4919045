//! One client that was let in: the log's lines and measures to it, its commands from it. It never holds up anybody:
//! what it has not read waits in the log's file, and of measures it is told the newest once it reads again.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::codec::{self, CodecError, Lines};
use super::guests::Guest;
use super::message::{ToClient, ToServer};
use super::outbox::Outbox;
use super::server::House;
use super::upload::{Uploads, Whole};
use crate::audit::dir;
use crate::audit::reader::Tail;
use crate::clock;
use crate::event::{By, EventKind};
use crate::feed::{Commander, Feed, FeedItem, OutputReader, PIECE_BYTES};
use crate::session::{Command, Refusal};

/// How many commands and reads of one client may be under way; more wait in its socket.
const MOST_UNDER_WAY: usize = 8;
/// What one client may ask for in a second, in messages; more waits in its socket.
const BUDGET: u32 = 1000;
/// What a command costs of that: each may become a line of the log.
const ASK_COST: u32 = 20;
/// How many items of the feed are taken at once.
const BATCH: usize = 256;
/// How much of the log is read at once.
const READ_BYTES: usize = 128 << 10;
/// How long a last word may take.
const LAST_WORD: Duration = Duration::from_secs(1);

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// The client went, or its connection broke.
    Left,
    /// The server lets go of this client; why, as a phrase.
    Dropped(String),
    /// The server lets go of everybody; why, as a sentence.
    Closed(String),
    /// What the client sent was no message.
    Garbage(String),
}

/// One client's connection.
pub(super) struct Connection {
    house: Arc<House>,
    guest: Guest,
    items: mpsc::Receiver<FeedItem>,
    /// `None` where the session takes no commands any more.
    commander: Option<Commander>,
    outputs: OutputReader,
    out: Outbox,
    uploads: Uploads,
    replies: mpsc::Sender<ToClient>,
    replied: mpsc::Receiver<ToClient>,
    /// Replies that wait until the client was told the log up to this line: whoever is answered has seen what happened.
    held: VecDeque<(u64, ToClient)>,
    /// Commands and reads whose answer is not there yet.
    under_way: usize,
    budget: u32,
    /// Ticks since the client was last heard, and since it last read something of what waits for it.
    silent: u32,
    stuck: u32,
}

impl Connection {
    /// A connection to `guest`, who is told `welcome`, and then everything since the session's beginning.
    pub(super) fn new(house: Arc<House>, guest: Guest, feed: Feed, welcome: &ToClient) -> Self {
        let (replies, replied) = mpsc::channel(MOST_UNDER_WAY);
        let mut out = Outbox::new(feed.state.seq, feed.telemetry);
        out.tell(welcome);
        Self {
            house,
            guest,
            items: feed.items,
            commander: feed.commander,
            outputs: feed.outputs,
            out,
            uploads: Uploads::default(),
            replies,
            replied,
            held: VecDeque::new(),
            under_way: 0,
            budget: BUDGET,
            silent: 0,
            stuck: 0,
        }
    }

    /// Serves the client until one of both ends it.
    pub(super) async fn serve(mut self, mut lines: Lines<OwnedReadHalf>, mut writer: OwnedWriteHalf) -> End {
        let end = self.run(&mut lines, &mut writer).await;
        let why = match &end {
            End::Left => None,
            End::Dropped(why) | End::Garbage(why) => Some(format!("the engine let go of this client: {why}")),
            End::Closed(why) => Some(why.clone()),
        };
        if let Some(why) = why {
            self.out.tell(&ToClient::Bye { why });
            // Whoever does not read does not hear it.
            let _ = tokio::time::timeout(LAST_WORD, writer.write_all(self.out.waiting())).await;
        }
        end
    }

    async fn run(&mut self, lines: &mut Lines<OwnedReadHalf>, writer: &mut OwnedWriteHalf) -> End {
        let mut closing = self.house.closing.subscribe();
        let limits = self.house.about.limits;
        let mut tick = tokio::time::interval(limits.tick);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut told, mut reading) =
            (Some(Place::default()), None::<JoinHandle<io::Result<(Place, Vec<u8>)>>>);
        let mut batch = Vec::with_capacity(BATCH);
        let mut ticks = 0_u32;
        loop {
            if let Some(told) = &told {
                self.out.fill(told.seq);
                while let Some((_, reply)) = self.held.pop_front_if(|(seq, _)| *seq <= told.seq) {
                    self.out.tell(&reply);
                }
            }
            if let Some(place) = told.take_if(|told| self.out.wants_lines(told.seq)) {
                let (house, last) = (Arc::clone(&self.house), self.out.acknowledged());
                reading = Some(tokio::task::spawn_blocking(move || {
                    place.read(&house.engine.session_dir.join(dir::LOG), last)
                }));
            }
            let all_told = reading.is_none() && self.out.waiting().is_empty() && self.items.is_empty();
            if let Some(why) = closing.borrow().clone().filter(|_| all_told) {
                return End::Closed(why);
            }
            let listens = self.under_way < MOST_UNDER_WAY && self.budget > 0;
            tokio::select! {
                line = lines.next(), if listens => {
                    let taken = match line {
                        Ok(Some(line)) => codec::decode_strictly(line),
                        Ok(None) | Err(CodecError::Io(_) | CodecError::CutOff) => return End::Left,
                        Err(e) => Err(e),
                    };
                    self.silent = 0;
                    let heard = match taken {
                        Ok(message) => self.hear(message).await,
                        Err(e) => Err(End::Garbage(e.to_string())),
                    };
                    if let Err(end) = heard {
                        return end;
                    }
                }
                written = writer.write(self.out.waiting()), if !self.out.waiting().is_empty() => match written {
                    Ok(count) if count > 0 => {
                        self.out.sent(count);
                        self.stuck = 0;
                    }
                    _ => return End::Left,
                },
                read = async { reading.as_mut().expect("guarded").await }, if reading.is_some() => {
                    reading = None;
                    match read.map_err(io::Error::other).flatten() {
                        Ok((place, lines)) => {
                            self.out.lines(&lines);
                            told = Some(place);
                        }
                        Err(e) => return End::Dropped(format!("the log cannot be read: {e}")),
                    }
                }
                count = self.items.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        return End::Dropped("there is nothing more to be heard of the session".to_owned());
                    }
                    if let Err(end) = batch.drain(..).try_for_each(|item| self.take(item)) {
                        return end;
                    }
                }
                reply = self.replied.recv(), if self.out.has_room() => {
                    self.under_way = self.under_way.saturating_sub(1);
                    // What a command led to is in the feed before its answer is here.
                    while let Ok(item) = self.items.try_recv() {
                        if let Err(end) = self.take(item) {
                            return end;
                        }
                    }
                    self.held.extend(reply.map(|reply| (self.out.acknowledged(), reply)));
                }
                _ = closing.changed() => {}
                _ = tick.tick() => {
                    ticks = ticks.wrapping_add(1);
                    if ticks.is_multiple_of(limits.ping) {
                        self.out.tell(&ToClient::Ping {});
                    }
                    self.silent += u32::from(listens);
                    self.stuck += u32::from(!self.out.waiting().is_empty());
                    self.budget = BUDGET;
                    if let Err(end) = self.check_patience() {
                        return end;
                    }
                }
            }
        }
    }

    /// Takes what the engine tells.
    fn take(&mut self, item: FeedItem) -> Result<(), End> {
        match item {
            // Its line is read from the log.
            FeedItem::Event(event) => self.out.acknowledge(event.seq),
            FeedItem::Measure(measure) => self.out.measure(measure),
            FeedItem::Lost(why) => return Err(End::Dropped(why)),
        }
        Ok(())
    }

    fn check_patience(&self) -> Result<(), End> {
        let limits = &self.house.about.limits;
        if self.stuck > limits.stuck {
            return Err(End::Dropped(format!("it read nothing for {}", limits.span(limits.stuck))));
        }
        if self.silent > limits.silent {
            return Err(End::Dropped(format!("no answer for {}", limits.span(limits.silent))));
        }
        Ok(())
    }

    /// Takes one message.
    async fn hear(&mut self, message: ToServer) -> Result<(), End> {
        let cost = if matches!(message, ToServer::Ask { .. }) { ASK_COST } else { 1 };
        self.budget = self.budget.saturating_sub(cost);
        match message {
            ToServer::Hello(_) => Err(End::Garbage("a second hello".to_owned())),
            ToServer::Pong {} => Ok(()),
            ToServer::Active {} => {
                self.house.guests.active(&self.guest, clock::up_ms());
                Ok(())
            }
            ToServer::Ask { id, command, seen_seq, upload } => {
                match self.with_upload(command, upload) {
                    Ok(command) => self.ask(id, command, seen_seq),
                    Err(why) => self.out.tell(&ToClient::Answer { id, refusal: Some(why) }),
                }
                Ok(())
            }
            ToServer::ReadOutput { id, step, attempt, offset, len } => {
                if step.as_str().contains(['/', '\0']) {
                    return Err(End::Garbage("a step's name holds no slash".to_owned()));
                }
                let len = usize::try_from(len).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
                let (outputs, replies) = (self.outputs.clone(), self.replies.clone());
                self.under_way += 1;
                tokio::spawn(async move {
                    let piece = outputs.read(step, attempt, offset, len).await;
                    let _ = replies.send(ToClient::output(id, piece)).await;
                });
                Ok(())
            }
            ToServer::Upload { id, name, part, last } => {
                match self.uploads.take(id, name, &part, last) {
                    Ok(Some(whole)) => self.lay(whole).await,
                    Ok(None) => {}
                    Err(why) => return Err(End::Dropped(why)),
                }
                Ok(())
            }
        }
    }

    /// Lays a file into the evidence; the client's next messages wait for it.
    async fn lay(&mut self, whole: Whole) {
        let (house, id) = (Arc::clone(&self.house), whole.id);
        let laid =
            tokio::task::spawn_blocking(move || whole.lay(&house.engine.session_dir, &house.engine.redactor));
        self.uploads.keep(id, laid.await.unwrap_or_else(|e| Err(e.to_string())));
    }

    /// The command with the file that belongs to it: only what this server laid into the evidence counts.
    fn with_upload(&mut self, command: Command, upload: Option<u64>) -> Result<Command, String> {
        match (command, upload) {
            (Command::Note { tag, text, .. }, upload) => {
                let attached = upload.map(|id| self.uploads.claim(id)).transpose()?;
                Ok(Command::Note { tag, text, attached })
            }
            (_, Some(_)) => Err("a file belongs to a note".to_owned()),
            (command, None) => Ok(command),
        }
    }

    /// Asks the engine, in the name of the person whom the kernel named.
    fn ask(&mut self, id: u64, command: Command, seen_seq: u64) {
        let operator = self.guest.person.clone();
        if self.guest.observes() && command != Command::Pause {
            let why = format!("an observer cannot {}: attach without --observe for that", command.word());
            let refused = EventKind::CommandRefused { command: command.word().to_owned(), why: why.clone() };
            self.house.engine.record(By::Person(operator), refused);
            self.out.tell(&ToClient::Answer { id, refusal: Some(why) });
            return;
        }
        self.house.guests.act(&self.guest, command.needs(), clock::up_ms());
        let Some(commander) = self.commander.clone() else {
            let refusal = Some("this session takes no commands".to_owned());
            return self.out.tell(&ToClient::Answer { id, refusal });
        };
        let replies = self.replies.clone();
        self.under_way += 1;
        tokio::spawn(async move {
            let refusal = commander.ask(command, seen_seq).await.err().map(|Refusal(why)| why);
            let _ = replies.send(ToClient::Answer { id, refusal }).await;
        });
    }
}

/// How far into the log a client was told.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    seq: u64,
    /// The byte behind that line.
    at: u64,
}

impl Place {
    /// The next lines, none later than event `last`, and the place behind them. Each look opens the log anew: what
    /// was seen of it beyond `last` may be another by the next one.
    fn read(mut self, log: &Path, last: u64) -> io::Result<(Self, Vec<u8>)> {
        let mut tail = Tail::open(log, self.at)?;
        let mut lines = Vec::with_capacity(READ_BYTES);
        while lines.len() < READ_BYTES
            && let Some(line) = tail.next(last)?
        {
            lines.extend_from_slice(&line.bytes);
            lines.push(b'\n');
            self = Self { seq: line.seq, at: tail.at() };
        }
        if lines.is_empty() {
            let why = format!("it ends at event {} where {last} was acknowledged", self.seq);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, why));
        }
        Ok((self, lines))
    }
}
