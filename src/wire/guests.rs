//! Who is attached: each person once, over however many connections. Their coming and leaving is recorded; a screen is
//! shown who is there.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::message::Kind;
use crate::clock;
use crate::engine::Engine;
use crate::event::{By, Credentials, EventKind, Person, Seat};
use crate::session::telemetry::{Measure, Presence};

/// The least time between two records of somebody who was turned away, for each uid.
const REFUSAL_MS: u64 = 60_000;

/// Somebody who was let in.
#[derive(Debug, Clone)]
pub(super) struct Guest {
    /// The seat is a wish: the engine gives it.
    pub person: Person,
    pub credentials: Credentials,
    pub roles: Vec<String>,
    pub kind: Kind,
    /// They count among those who are here: a cockpit at once, a script from its first command on.
    counted: Arc<AtomicBool>,
}

impl Guest {
    pub(super) fn new(person: Person, credentials: Credentials, roles: Vec<String>, kind: Kind) -> Self {
        Self { person, credentials, roles, kind, counted: Arc::default() }
    }

    /// Whether this connection only looks on.
    pub(super) fn observes(&self) -> bool {
        self.person.seat == Seat::Observer
    }

    fn is_script(&self) -> bool {
        self.kind == Kind::Ctl
    }
}

/// Everybody who is attached to one engine.
#[derive(Debug)]
pub(super) struct Guests {
    engine: Engine,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    connections: usize,
    people: BTreeMap<String, Here>,
    /// When somebody of a uid was last recorded as turned away.
    refused: HashMap<u32, u64>,
    shown: Vec<Presence>,
}

/// One person.
#[derive(Debug)]
struct Here {
    person: Person,
    roles: Vec<String>,
    cockpits: u32,
    /// Scripts that asked for something.
    scripts: u32,
    active_up_ms: u64,
}

impl Inner {
    /// Somebody who is here, or comes now.
    fn here(&mut self, person: &Person, up_ms: u64) -> &mut Here {
        self.people.entry(person.person.clone()).or_insert_with(|| Here {
            person: Person { seat: Seat::Observer, ..person.clone() },
            roles: Vec::new(),
            cockpits: 0,
            scripts: 0,
            active_up_ms: up_ms,
        })
    }
}

impl Here {
    /// Takes in what a guest stands for and where they wish to sit; whether that is more than before.
    fn grows(&mut self, guest: &Guest, wish: Seat) -> bool {
        let (roles, seat) = (self.roles.len(), self.person.seat);
        for role in &guest.roles {
            if !self.roles.contains(role) {
                self.roles.push(role.clone());
            }
        }
        if (seat, wish) != (Seat::Driver, Seat::Navigator) && wish != Seat::Observer {
            self.person.seat = wish;
        }
        self.roles.len() > roles || self.person.seat != seat
    }
}

impl Guests {
    /// Nobody but who sits in the engine's own process.
    pub(super) fn new(engine: Engine, resident: Option<(Person, Vec<String>)>) -> Self {
        let mut inner = Inner::default();
        if let Some((person, roles)) = resident {
            let (name, active_up_ms) = (person.person.clone(), clock::up_ms());
            inner.people.insert(name, Here { person, roles, cockpits: 1, scripts: 0, active_up_ms });
        }
        Self { engine, inner: Mutex::new(inner) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Each change is whole in itself: what a panic left behind is still true.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one of `most` places; false where all are taken.
    pub(super) fn take_place(&self, most: usize) -> bool {
        let mut inner = self.inner();
        let free = inner.connections < most;
        inner.connections += usize::from(free);
        free
    }

    pub(super) fn leave_place(&self) {
        self.inner().connections -= 1;
    }

    /// How many are connected.
    pub(super) fn connections(&self) -> usize {
        self.inner().connections
    }

    /// Somebody comes. It is recorded where they were not here, or want more than they wanted before.
    pub(super) fn arrive(&self, guest: &Guest, up_ms: u64) {
        if guest.is_script() || guest.counted.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut inner = self.inner();
        let here = inner.here(&guest.person, up_ms);
        here.cockpits += 1;
        here.active_up_ms = up_ms;
        let is_new = here.cockpits + here.scripts == 1;
        if here.grows(guest, guest.person.seat) || is_new {
            // Under the lock, so that nobody's leaving is recorded between.
            self.join(here, &guest.credentials);
        }
    }

    /// Somebody asks for a command that needs `seat`. The first one of a script is its coming: that is recorded where
    /// its person is not here, so that what they do counts as theirs. The wheel goes to nobody who does not drive.
    pub(super) fn act(&self, guest: &Guest, seat: Seat, up_ms: u64) {
        if !guest.is_script() || guest.counted.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut inner = self.inner();
        let here = inner.here(&guest.person, up_ms);
        here.scripts += 1;
        let is_new = here.cockpits + here.scripts == 1;
        let wish = match (here.cockpits, seat) {
            (0, Seat::Driver) => Seat::Driver,
            (0, Seat::Navigator | Seat::Observer) => Seat::Navigator,
            // Whoever sits at a cockpit has chosen their seat there.
            _ => here.person.seat,
        };
        if here.grows(guest, wish) || is_new {
            self.join(here, &guest.credentials);
        }
    }

    fn join(&self, here: &Here, credentials: &Credentials) {
        let joined = EventKind::OperatorJoined {
            person: here.person.clone(),
            credentials: credentials.clone(),
            roles: here.roles.clone(),
        };
        self.engine.record(By::Person(here.person.clone()), joined);
    }

    /// Somebody's connection ended; with their last one they have left.
    pub(super) fn depart(&self, guest: &Guest, why: &str) {
        if !guest.counted.swap(false, Ordering::Relaxed) {
            return;
        }
        let mut inner = self.inner();
        let name = &guest.person.person;
        let Some(here) = inner.people.get_mut(name) else { return };
        let count = if guest.is_script() { &mut here.scripts } else { &mut here.cockpits };
        *count -= 1;
        if here.cockpits + here.scripts == 0 {
            let why = if guest.is_script() && why.is_empty() { "a script's" } else { why };
            self.engine.depart(here.person.clone(), why);
            inner.people.remove(name);
        }
    }

    /// Somebody pressed a key.
    pub(super) fn active(&self, guest: &Guest, up_ms: u64) {
        if let Some(here) = self.inner().people.get_mut(&guest.person.person) {
            here.active_up_ms = up_ms;
        }
    }

    /// Shows who is there, where that is something new.
    pub(super) fn show(&self) {
        let mut inner = self.inner();
        let presence = |(name, here): (&String, &Here)| Presence {
            person: name.clone(),
            active_up_ms: here.active_up_ms,
            connections: here.cockpits + here.scripts,
        };
        let now: Vec<Presence> = inner.people.iter().map(presence).collect();
        if now != inner.shown {
            inner.shown.clone_from(&now);
            self.engine.show(Measure::Presence(now));
        }
    }

    /// Records that somebody was turned away, once a minute at most for each uid.
    pub(super) fn turned_away(&self, uid: u32, why: &str, up_ms: u64) {
        let mut inner = self.inner();
        inner.refused.retain(|_, last| up_ms < *last + REFUSAL_MS);
        if inner.refused.contains_key(&uid) {
            return;
        }
        inner.refused.insert(uid, up_ms);
        let refused = EventKind::CommandRefused { command: "attach".to_owned(), why: why.to_owned() };
        self.engine.record(By::ENGINE, refused);
    }
}
