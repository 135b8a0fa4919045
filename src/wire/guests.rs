//! Who is attached: each person once, over however many connections. Their coming and leaving is recorded; a screen is
//! shown who is there.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::message::Kind;
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
}

impl Guest {
    /// Whether this connection only looks on.
    pub(super) fn observes(&self) -> bool {
        self.person.seat == Seat::Observer
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
    active_up_ms: u64,
}

impl Guests {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine, inner: Mutex::default() }
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
        if guest.kind == Kind::Ctl {
            return;
        }
        let mut inner = self.inner();
        let here = inner.people.entry(guest.person.person.clone()).or_insert_with(|| Here {
            person: Person { seat: Seat::Observer, ..guest.person.clone() },
            roles: Vec::new(),
            cockpits: 0,
            active_up_ms: up_ms,
        });
        let new_roles = guest.roles.iter().filter(|role| !here.roles.contains(role)).cloned();
        let new_roles: Vec<String> = new_roles.collect();
        let wants_more = !new_roles.is_empty() || (here.person.seat == Seat::Observer && !guest.observes());
        here.roles.extend(new_roles);
        here.cockpits += 1;
        here.active_up_ms = up_ms;
        if !guest.observes() {
            here.person.seat = guest.person.seat;
        }
        if here.cockpits == 1 || wants_more {
            // Under the lock, so that nobody's leaving is recorded between.
            let joined = EventKind::OperatorJoined {
                person: here.person.clone(),
                credentials: guest.credentials.clone(),
                roles: here.roles.clone(),
            };
            self.engine.record(By::Person(here.person.clone()), joined);
        }
    }

    /// Somebody's connection ended; with their last one they have left.
    pub(super) fn depart(&self, guest: &Guest, why: &str) {
        let mut inner = self.inner();
        let name = &guest.person.person;
        let Some(here) = inner.people.get_mut(name).filter(|_| guest.kind == Kind::Cockpit) else { return };
        here.cockpits -= 1;
        if here.cockpits == 0 {
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
            connections: here.cockpits,
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
