//! Who was there and who had the wheel, and what people decided on what they knew.

use indexmap::IndexMap;

use crate::event::{Event, EventKind};
use crate::history;
use crate::report::model::{Decision, Knew, Member, NotGreen, Present, Span, StandingVote, Stay, When};
use crate::session::State;

/// The people of a session so far.
#[derive(Debug, Default)]
pub(super) struct Crew {
    members: IndexMap<String, Member>,
    wheel: Option<String>,
    engines: u32,
    decisions: Vec<Decision>,
}

impl Crew {
    /// Takes an event's decision, if it is one; `before` is the state without it.
    pub fn decide(&mut self, event: &Event, when: When, before: &State) {
        if let Some(decision) = history::Decision::of(event, before) {
            self.decisions.push(Decision {
                when,
                by: decision.by.person,
                seat: decision.by.seat,
                what: decision.what,
                reason: decision.reason,
                knew: knew(decision.knew),
            });
        }
    }

    /// Takes the next event; `last` is the moment of the one before, `after` the state with it.
    pub fn push(&mut self, event: &Event, when: When, last: Option<When>, after: &State) {
        match &event.event {
            EventKind::OperatorJoined { person, credentials, roles } => {
                let member = self.members.entry(person.person.clone()).or_insert_with(|| Member {
                    person: person.person.clone(),
                    uid: 0,
                    login_uid: None,
                    ssh: None,
                    passphrase: false,
                    known_as: None,
                    roles: Vec::new(),
                    stays: Vec::new(),
                    wheel: Vec::new(),
                });
                member.uid = credentials.uid;
                member.login_uid = credentials.login_uid;
                member.ssh.clone_from(&credentials.ssh);
                member.passphrase = credentials.passphrase;
                member.known_as = credentials.principal(&person.person).map(|known| known.to_string());
                let new = roles.iter().filter(|role| !member.roles.contains(role)).cloned();
                let new: Vec<String> = new.collect();
                member.roles.extend(new);
                // Somebody may come again over another connection before the first is given up.
                if member.stays.last().is_none_or(|stay| stay.to.is_some()) {
                    member.stays.push(Stay { from: when, to: None, seat: person.seat, why: String::new() });
                }
            }
            EventKind::OperatorLeft { person, why } => {
                if let Some(member) = self.members.get_mut(&person.person) {
                    leave(member, when, why);
                }
            }
            EventKind::EngineStarted { .. } => {
                self.engines += 1;
                if self.engines > 1 {
                    let gone = last.unwrap_or(when);
                    self.members.values_mut().for_each(|member| leave(member, gone, "the engine was gone"));
                }
            }
            _ => {}
        }
        if self.wheel != after.wheel {
            if let Some(had) = self.wheel.as_ref().and_then(|name| self.members.get_mut(name))
                && let Some(span) = had.wheel.last_mut()
            {
                span.to_ms = Some(when.t_ms);
            }
            self.wheel.clone_from(&after.wheel);
            if let Some(has) = self.wheel.as_ref().and_then(|name| self.members.get_mut(name)) {
                has.wheel.push(Span { from_ms: when.t_ms, to_ms: None });
            }
        }
    }

    pub fn finish(self) -> (Vec<Member>, Vec<Decision>) {
        (self.members.into_values().collect(), self.decisions)
    }
}

fn leave(member: &mut Member, when: When, why: &str) {
    if let Some(stay) = member.stays.last_mut().filter(|stay| stay.to.is_none()) {
        stay.to = Some(when);
        why.clone_into(&mut stay.why);
    }
}

fn knew(knew: history::Knew) -> Knew {
    let not_green = knew.not_green.into_iter().map(|seen| NotGreen {
        check: seen.check.to_string(),
        health: seen.health,
        value: seen.value,
        reason: seen.reason,
        advisory: seen.advisory,
    });
    let votes = knew.votes.into_iter().map(|vote| StandingVote {
        person: vote.person,
        role: vote.role,
        go: vote.go,
        note: vote.note,
    });
    let present = knew.present.into_iter().map(|here| Present {
        person: here.person,
        seat: here.seat,
        roles: here.roles,
    });
    Knew {
        stage: knew.stage.map(|stage| stage.to_string()),
        go: knew.verdict.as_ref().map(crate::session::gate::Verdict::is_go),
        gate_missing: knew.verdict.map(|verdict| verdict.sentences()).unwrap_or_default(),
        not_green: not_green.collect(),
        holds: knew.holds,
        counting_down: knew.counting_down,
        votes: votes.collect(),
        present: present.collect(),
    }
}
