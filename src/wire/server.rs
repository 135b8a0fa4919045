//! Serves an engine to the cockpits of other processes: it looks who comes, lets in whom it may, and keeps each one
//! apart from the engine and from the others.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::codec::{self, CodecError, Lines};
use super::connection::{Connection, End};
use super::guests::{Guest, Guests};
use super::message::{FORMAT, Hello, LONGEST_ASKED, ToClient, ToServer};
use super::naming::{self, Passphrases};
use super::peer::{self, Door};
use super::socket::Listening;
use crate::clock;
use crate::engine::Engine;
use crate::event::{Credentials, Person, Seat};
use crate::session::{State, roles};

/// How long a session that is over is shown to whoever still looks at it.
const LINGER: Duration = Duration::from_secs(600);
/// How long clients have to take their last word.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long a refusal may take to be read.
const REFUSAL: Duration = Duration::from_secs(1);
/// How often who is there is shown anew.
const PRESENCE: Duration = Duration::from_secs(1);
/// After a connection that could not be accepted.
const PAUSE: Duration = Duration::from_millis(100);
/// The most roles that one person claims.
const MOST_ROLES: usize = 8;

/// What is served.
#[derive(Debug, Default)]
pub struct About {
    /// Who sits in the engine's own process, without a connection, and for which roles: they are there as long as it
    /// runs.
    pub resident: Option<(Person, Vec<String>)>,
    pub limits: Limits,
}

/// How much patience there is with clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many may be attached.
    pub clients: usize,
    /// How many may be about to say hello.
    pub strangers: usize,
    /// How long a client has to say hello.
    pub hello: Duration,
    /// What the next three are counted in.
    pub tick: Duration,
    /// Ticks between two pings.
    pub ping: u32,
    /// Ticks without a word after which a client is gone.
    pub silent: u32,
    /// Ticks without reading after which a client is cut off.
    pub stuck: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            clients: 16,
            strangers: 64,
            hello: Duration::from_secs(2),
            tick: Duration::from_secs(1),
            ping: 5,
            silent: 30,
            stuck: 30,
        }
    }
}

impl Limits {
    /// So many ticks, as they are said.
    pub(super) fn span(&self, ticks: u32) -> humantime::FormattedDuration {
        humantime::format_duration(self.tick * ticks)
    }
}

/// What all connections share.
pub(super) struct House {
    pub engine: Engine,
    pub about: About,
    pub guests: Guests,
    /// Why everybody has to go.
    pub closing: watch::Sender<Option<String>>,
    door: Door,
    names: Mutex<Passphrases>,
}

/// Serves `engine` until it has ended and everybody knows: a session that is over is shown for a while to whoever
/// still looks at it.
///
/// # Errors
/// The session's passphrases cannot be read: nobody could be told apart by them.
pub async fn serve(listening: Listening, engine: Engine, about: About) -> io::Result<()> {
    let names = Mutex::new(Passphrases::read(&engine.session_dir)?);
    let house = Arc::new(House {
        guests: Guests::new(engine.clone(), about.resident.clone()),
        engine,
        door: Door::own(listening.group().cloned()),
        names,
        closing: watch::Sender::new(None),
        about,
    });
    let strangers = Arc::new(Semaphore::new(house.about.limits.strangers));
    let mut show = tokio::time::interval(PRESENCE);
    let end = over(&house);
    tokio::pin!(end);
    let why = loop {
        tokio::select! {
            accepted = listening.accept() => match accepted {
                Ok(stream) => {
                    // In a flood the next ones are dropped unheard: those who are attached come first.
                    if let Ok(permit) = Arc::clone(&strangers).try_acquire_owned() {
                        tokio::spawn(receive(Arc::clone(&house), stream, permit));
                    }
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            },
            _ = show.tick() => house.guests.show(),
            why = &mut end => break why,
        }
    };
    drop(listening);
    house.closing.send_replace(Some(why));
    let _ = tokio::time::timeout(FAREWELL, all_left(&house)).await;
    Ok(())
}

/// Waits for the engine's end; returns what its clients are told.
async fn over(house: &House) -> String {
    house.engine.ended().await;
    let nobody = Person { person: String::new(), uid: 0, seat: Seat::Observer };
    if house.engine.feed(nobody).await.is_some_and(|feed| feed.state.is_closed()) {
        let _ = tokio::time::timeout(LINGER, all_left(house)).await;
        return "the session is over".to_owned();
    }
    format!("the engine has stopped: `gonogo resume {}` brings the session back", house.engine.session)
}

async fn all_left(house: &House) {
    while house.guests.connections() > 0 {
        tokio::time::sleep(PAUSE).await;
    }
}

/// Why somebody is not let in.
enum TurnedAway {
    /// They may come another way.
    Refused(String),
    /// They are nobody, or sent what is no message: this is recorded.
    Recorded(String),
}

impl From<String> for TurnedAway {
    fn from(why: String) -> Self {
        Self::Refused(why)
    }
}

/// Receives whoever connected.
async fn receive(house: Arc<House>, stream: UnixStream, permit: OwnedSemaphorePermit) {
    // Who has which uid may be asked of another machine, and takes its time.
    let door = house.door.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let known = peer::of(&stream).map(|credentials| {
            let user = door.admit(&credentials);
            (credentials, user)
        });
        (stream, known)
    });
    let Ok((stream, known)) = looked.await else { return };
    let uid = known.as_ref().map_or(u32::MAX, |(credentials, _)| credentials.uid);
    let (read, mut write) = stream.into_split();
    let mut lines = Lines::new(read, LONGEST_ASKED);
    let admitted = match known {
        Ok((credentials, Ok(user))) => admit(&house, &mut lines, user, credentials).await,
        Ok((_, Err(e))) | Err(e) => Err(TurnedAway::Recorded(e.to_string())),
    };
    let guest = match admitted {
        Ok(guest) if house.guests.take_place(house.about.limits.clients) => guest,
        Ok(_) => {
            let most = house.about.limits.clients;
            let why = format!("{most} clients are attached already: one of them has to leave first");
            return refuse(&mut write, why).await;
        }
        Err(TurnedAway::Refused(why)) => return refuse(&mut write, why).await,
        Err(TurnedAway::Recorded(why)) => {
            house.guests.turned_away(uid, &why, clock::up_ms());
            return refuse(&mut write, why).await;
        }
    };
    drop(permit);
    attend(house, guest, lines, write).await;
}

/// Serves somebody who was let in.
async fn attend(house: Arc<House>, guest: Guest, lines: Lines<OwnedReadHalf>, mut write: OwnedWriteHalf) {
    let mut visit = Visit { house: Arc::clone(&house), guest: guest.clone(), why: String::new() };
    house.guests.arrive(&guest, clock::up_ms());
    let Some(feed) = house.engine.feed(guest.person.clone()).await else {
        return refuse(&mut write, "the engine has ended".to_owned()).await;
    };
    let welcome = ToClient::Welcome {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        program: program(),
        session: house.engine.session.clone(),
        person: guest.person.clone(),
    };
    let uid = guest.credentials.uid;
    match Connection::new(Arc::clone(&house), guest, feed, &welcome).serve(lines, write).await {
        End::Left => {}
        End::Dropped(why) | End::Closed(why) => visit.why = why,
        End::Garbage(why) => {
            house.guests.turned_away(uid, &why, clock::up_ms());
            visit.why = why;
        }
    }
}

/// Somebody's stay; whatever ends it, their place is free and their leaving recorded.
struct Visit {
    house: Arc<House>,
    guest: Guest,
    why: String,
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.house.guests.depart(&self.guest, &self.why);
        self.house.guests.leave_place();
    }
}

/// The part of a hello that every format has.
#[derive(Deserialize)]
struct AnyHello {
    format: u32,
    version: String,
}

/// Hears who comes, and decides whether they may.
async fn admit(
    house: &Arc<House>,
    lines: &mut Lines<OwnedReadHalf>,
    user: String,
    credentials: Credentials,
) -> Result<Guest, TurnedAway> {
    let patience = house.about.limits.hello;
    let line = match tokio::time::timeout(patience, lines.next()).await {
        Ok(Ok(Some(line))) => line,
        Ok(Ok(None) | Err(CodecError::CutOff | CodecError::Io(_))) => {
            return Err(TurnedAway::Refused("it left without a hello".to_owned()));
        }
        Ok(Err(e)) => return Err(TurnedAway::Recorded(e.to_string())),
        Err(_) => {
            let patience = humantime::format_duration(patience);
            return Err(TurnedAway::Refused(format!("no hello came within {patience}")));
        }
    };
    let garbage = |e: CodecError| TurnedAway::Recorded(e.to_string());
    let theirs: AnyHello = codec::decode(line).map_err(garbage)?;
    if theirs.format != FORMAT {
        return Err(TurnedAway::Refused(format!(
            "this engine is gonogo {} and speaks format {FORMAT}, gonogo {} speaks format {}: attach with the \
             engine's own binary, {}",
            env!("CARGO_PKG_VERSION"),
            crate::text::safe(&theirs.version),
            theirs.format,
            program().display()
        )));
    }
    let ToServer::Hello(hello) = codec::decode_strictly(line).map_err(garbage)? else {
        return Err(TurnedAway::Recorded("the first message is no hello".to_owned()));
    };
    let ours = &house.engine.session;
    if let Some(theirs) = hello.session.as_ref().filter(|theirs| *theirs != ours) {
        let theirs = crate::text::safe(theirs);
        return Err(TurnedAway::Refused(format!("this is session {ours}, not {theirs}")));
    }
    Ok(name(house, hello, user, credentials).await?)
}

/// Gives somebody their name, roles and wish of a seat.
async fn name(
    house: &Arc<House>,
    hello: Hello,
    user: String,
    credentials: Credentials,
) -> Result<Guest, String> {
    let uid = credentials.login_uid.unwrap_or(credentials.uid);
    // A script has no seat of its own: it acts from that of whoever runs it.
    let seat = if hello.observe { Seat::Observer } else { Seat::Driver };
    let person = Person { person: user.clone(), uid, seat };
    let state = house.engine.feed(person.clone()).await.ok_or("the engine has ended")?.state;
    let kind = hello.kind;
    let at = Arc::clone(house);
    let naming = tokio::task::spawn_blocking(move || {
        let mut names = at.names.lock().unwrap_or_else(PoisonError::into_inner);
        let (name, passphrase) = names.name(&hello, &user, &credentials, &state)?;
        let roles = stands_for(&state, &hello.roles, &name, &peer::groups_of(&user))?;
        Ok((name, Credentials { passphrase, ..credentials }, roles))
    });
    match naming.await.unwrap_or_else(|e| Err(e.to_string())) {
        Ok((name, credentials, roles)) => {
            Ok(Guest::new(Person { person: name, ..person }, credentials, roles, kind))
        }
        Err(why) => {
            // Whoever guesses at passphrases has to take their time.
            tokio::time::sleep(REFUSAL).await;
            Err(why)
        }
    }
}

/// What somebody stands for: what the runbook gives them, and what they claim of the rest.
fn stands_for(
    state: &State,
    claimed: &[String],
    name: &str,
    groups: &[String],
) -> Result<Vec<String>, String> {
    if claimed.len() > MOST_ROLES {
        return Err(format!("one person claims at most {MOST_ROLES} roles"));
    }
    claimed.iter().try_for_each(|role| naming::check_name(role))?;
    match &state.runbook {
        Some(runbook) => roles::roles_of(runbook, name, groups, claimed).map_err(|refusal| refusal.0),
        None => Ok(claimed.to_vec()),
    }
}

/// Says why somebody is not let in.
async fn refuse(write: &mut OwnedWriteHalf, why: String) {
    let mut line = Vec::new();
    codec::encode(&ToClient::Refused { why }, &mut line);
    // Whoever does not read does not hear it.
    let _ = tokio::time::timeout(REFUSAL, write.write_all(&line)).await;
}

/// Where this engine's own binary can be started, though another may lie in its place by now.
fn program() -> PathBuf {
    let own = std::env::current_exe().ok().filter(|path| path.exists());
    own.unwrap_or_else(|| format!("/proc/{}/exe", std::process::id()).into())
}
