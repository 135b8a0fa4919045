//! What runs between the socket and the feed: lines become items, and wishes become messages.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot, watch};

use super::{Chain, Head, LAG};
use crate::event::EventKind;
use crate::feed::{Ask, FeedItem, Order, OutputPiece, ReadOutput, way_to_resume};
use crate::session::Refusal;
use crate::session::telemetry::Measure;
use crate::wire::codec::{self, LOG_LINE, Lines};
use crate::wire::message::{LONGEST_ASKED, PART_BYTES, ToClient, ToServer};
use crate::wire::missed::Missed;

/// An engine pings every few seconds: one that says nothing for so long is stopped, and what is shown of it is old.
const SILENCE: Duration = Duration::from_secs(20);
/// With more than this waiting to be sent, the cockpit's wishes wait too.
const ROOM_BYTES: usize = 256 << 10;

/// Turns lines into items, and wishes into messages.
pub(super) struct Pump {
    pub(super) session: String,
    /// The session is over: an engine that goes then is not missed.
    pub(super) closed: bool,
    pub(super) missed: Missed,
    pub(super) chain: Chain,
    pub(super) head: watch::Sender<Head>,
    pub(super) items: mpsc::Sender<FeedItem>,
    pub(super) out: Vec<u8>,
    pub(super) answers: HashMap<u64, oneshot::Sender<Result<(), Refusal>>>,
    pub(super) pieces: HashMap<u64, oneshot::Sender<OutputPiece>>,
    pub(super) next_id: u64,
    /// A key was reported since the last ping.
    pub(super) active: bool,
}

impl Pump {
    pub(super) async fn run(
        mut self,
        mut lines: Lines<OwnedReadHalf>,
        mut writer: OwnedWriteHalf,
        mut asks: mpsc::Receiver<Ask>,
        mut reads: mpsc::Receiver<ReadOutput>,
        mut orders: mpsc::Receiver<Order>,
    ) {
        let items = self.items.clone();
        let silence = tokio::time::sleep(SILENCE);
        tokio::pin!(silence);
        let lost = loop {
            let room = self.out.len() < ROOM_BYTES;
            tokio::select! {
                () = items.closed() => return,
                line = lines.next() => {
                    let taken = match line {
                        Ok(Some(line)) => self.take(line).await,
                        Ok(None) | Err(_) => Err(way_to_resume(&self.session)),
                    };
                    if let Err(why) = taken {
                        break why;
                    }
                    silence.as_mut().reset(tokio::time::Instant::now() + SILENCE);
                }
                written = writer.write(&self.out), if !self.out.is_empty() => match written {
                    Ok(count) if count > 0 => {
                        self.out.drain(..count);
                    }
                    _ => break way_to_resume(&self.session),
                },
                () = &mut silence => break format!(
                    "nothing was heard of the engine for {}: it may be stopped",
                    humantime::format_duration(SILENCE)
                ),
                Some(ask) = asks.recv(), if room => self.ask(ask, None),
                Some(read) = reads.recv(), if room => self.read_output(read),
                Some(order) = orders.recv(), if room => self.obey(order),
            }
        };
        // What is under way is answered by being dropped: the engine is gone.
        drop((asks, reads, orders, self.answers, self.pieces));
        if self.closed {
            items.closed().await;
        } else {
            let _ = items.send(FeedItem::Lost(lost)).await;
        }
    }

    fn send(&mut self, message: &ToServer) {
        codec::encode(message, &mut self.out);
    }

    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Takes one line.
    ///
    /// # Errors
    /// Why it is the last one.
    async fn take(&mut self, line: &[u8]) -> Result<(), String> {
        if line.starts_with(LOG_LINE) {
            let event = self
                .chain
                .follow(line)
                .map_err(|why| format!("the log that this engine shows is not whole: {why}"))?;
            self.closed |= matches!(event.event, EventKind::SessionClosed { .. });
            self.head.send_replace(self.chain.0.clone());
            // A screen that does not read holds up its own connection and nothing else.
            let _ = self.items.send(FeedItem::Event(Arc::new(event))).await;
            return Ok(());
        }
        match codec::decode(line)
            .map_err(|e| format!("the engine says what this gonogo does not know: {e}"))?
        {
            ToClient::Measure { measure } => self.measure(measure),
            ToClient::Answer { id, refusal } => {
                if let Some(answer) = self.answers.remove(&id) {
                    let _ = answer.send(refusal.map_or(Ok(()), |why| Err(Refusal(why))));
                }
            }
            ToClient::Output { id, offset, bytes, total, stderr } => {
                if let Some(answer) = self.pieces.remove(&id) {
                    let _ = answer.send(OutputPiece { offset, bytes, total, stderr });
                }
            }
            ToClient::Ping {} => {
                self.active = false;
                self.send(&ToServer::Pong {});
            }
            ToClient::Bye { why } | ToClient::Refused { why } => {
                return Err(why);
            }
            ToClient::Welcome { .. } | ToClient::CaughtUp { .. } => {}
        }
        Ok(())
    }

    /// Hands a measure on, or folds it into those that the screen is told once it reads again.
    fn measure(&mut self, measure: Measure) {
        if self.items.capacity() < LAG / 2 {
            self.missed.fold(measure);
            return;
        }
        self.missed.told(&measure);
        for measure in self.missed.take().into_iter().chain([measure]) {
            if let Err(mpsc::error::TrySendError::Full(FeedItem::Measure(measure))) =
                self.items.try_send(FeedItem::Measure(measure))
            {
                self.missed.fold(measure);
            }
        }
    }

    fn ask(&mut self, ask: Ask, upload: Option<u64>) {
        let Ask { command, seen_seq, answer, .. } = ask;
        let (id, before) = (self.id(), self.out.len());
        self.send(&ToServer::Ask { id, command, seen_seq, upload });
        if self.out.len() - before > LONGEST_ASKED {
            self.out.truncate(before);
            let _ = answer.send(Err(Refusal::new("this is longer than 64 KiB: say it shorter")));
            return;
        }
        self.answers.insert(id, answer);
    }

    fn read_output(&mut self, read: ReadOutput) {
        let ReadOutput { step, attempt, offset, len, answer } = read;
        let id = self.id();
        self.send(&ToServer::ReadOutput { id, step, attempt, offset, len: len as u64 });
        self.pieces.insert(id, answer);
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Active if self.active => {}
            Order::Active => {
                self.active = true;
                self.send(&ToServer::Active {});
            }
            Order::AskWithFile { ask, name, bytes } => {
                let name: String = name.chars().take(200).collect();
                let id = self.id();
                let mut parts = bytes.chunks(PART_BYTES).peekable();
                while let Some(part) = parts.next() {
                    let last = parts.peek().is_none();
                    self.send(&ToServer::Upload { id, name: name.clone(), part: part.to_vec(), last });
                }
                if bytes.is_empty() {
                    self.send(&ToServer::Upload { id, name, part: Vec::new(), last: true });
                }
                self.ask(*ask, Some(id));
            }
        }
    }
}
