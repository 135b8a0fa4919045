//! What folds in of people: who came and went, the wheel, votes, and overrides that need two.

use crate::clock::Now;
use crate::event::{Event, EventKind, Seat, author};
use crate::runbook::{CheckId, StageId, StepId};
use crate::session::crew::principal_of;
use crate::session::second::OverrideAsked;
use crate::session::state::{Operator, StageStatus, State, WheelOffer};
use crate::session::votes::Vote;

impl State {
    /// Folds in what people do among themselves; nothing else.
    pub(super) fn fold_crew(&mut self, event: &Event, now: Now) {
        match &event.event {
            EventKind::OperatorJoined { person, credentials, roles } => {
                let (credentials, roles) = (credentials.clone(), roles.clone());
                let operator =
                    Operator { person: person.clone(), credentials, roles, since: now, left: None };
                // Somebody who only looks on from a second terminal keeps their seat at the first.
                let sits = |known: &Operator| known.left.is_none() && known.person.seat != Seat::Observer;
                if person.seat == Seat::Observer && self.crew.get(&person.person).is_some_and(sits) {
                    return;
                }
                self.crew.insert(person.person.clone(), operator);
                if person.seat == Seat::Driver {
                    self.pass_wheel(&person.person);
                }
            }
            EventKind::OperatorLeft { person, .. } => self.leave(&person.person, now),
            EventKind::WheelAsked => {
                let name = author(&event.by);
                if !self.wheel_asked.contains(&name) {
                    self.wheel_asked.push(name);
                }
            }
            EventKind::WheelOffered { to } => {
                self.wheel_offer = Some(WheelOffer { from: author(&event.by), to: to.clone() });
            }
            EventKind::WheelDeclined => self.decline_wheel(&author(&event.by)),
            EventKind::WheelPassed { to, .. } => self.pass_wheel(to),
            EventKind::Voted { stage, role, go, note } => {
                let vote = Vote {
                    person: author(&event.by),
                    principal: self.author_principal(event),
                    role: role.clone(),
                    go: *go,
                    note: note.clone(),
                    at: event.at,
                    void: None,
                    also: Vec::new(),
                };
                if let Some(stage) = self.stages.get_mut(stage).filter(|s| s.status == StageStatus::AtGate) {
                    stage.cast(vote);
                }
            }
            EventKind::OverrideAsked { stage, missing, reason } => {
                let asked = OverrideAsked {
                    by: author(&event.by),
                    principal: self.author_principal(event),
                    missing: missing.clone(),
                    reason: reason.clone(),
                    seq: event.seq,
                };
                if let Some(stage) = self.stages.get_mut(stage) {
                    stage.override_asked = Some(asked);
                }
            }
            EventKind::OverrideDeclined { stage, .. } => {
                if let Some(stage) = self.stages.get_mut(stage) {
                    stage.override_asked = None;
                }
            }
            _ => {}
        }
    }

    fn author_principal(&self, event: &Event) -> Option<crate::event::Principal> {
        let crate::event::By::Person(person) = &event.by else { return None };
        principal_of(self, person)
    }

    /// An engine starts anew: whoever was connected to an earlier one went with it, and comes again or does not.
    pub(super) fn everybody_left(&mut self, now: Now) {
        let here: Vec<String> = self.present().map(|operator| operator.person.person.clone()).collect();
        here.iter().for_each(|name| self.leave(name, now));
    }

    fn leave(&mut self, name: &str, now: Now) {
        if let Some(operator) = self.crew.get_mut(name) {
            operator.left = Some(now);
        }
        self.wheel_asked.retain(|asked| asked != name);
        self.wheel_offer = self.wheel_offer.take().filter(|o| o.from != name && o.to != name);
    }

    /// An offer ends; where `by` has none, what was asked for: by themselves, or, as the driver, by anybody.
    fn decline_wheel(&mut self, by: &str) {
        match self.wheel_offer.take_if(|offer| offer.from == by || offer.to == by) {
            Some(offer) if offer.from == by => {}
            None if self.wheel.as_deref() == Some(by) => self.wheel_asked.clear(),
            _ => self.wheel_asked.retain(|asked| asked != by),
        }
    }

    fn pass_wheel(&mut self, to: &str) {
        self.wheel = Some(to.to_owned());
        self.wheel_offer = None;
        self.wheel_asked.retain(|asked| asked != to);
        for (name, operator) in &mut self.crew {
            operator.person.seat = match operator.person.seat {
                _ if name == to => Seat::Driver,
                Seat::Driver => Seat::Navigator,
                other => other,
            };
        }
    }

    /// A check turned failing: who said GO at the gate that counts it said so before.
    pub(super) fn void_approvals_on(&mut self, check: &CheckId) {
        let Some(stage) = self.current_stage().and_then(|id| self.stage_plan(id)) else { return };
        if stage.gate.checks.contains(check) {
            let id = stage.id.clone();
            let why = format!("check {check} turned failing after it");
            self.stages.get_mut(&id).into_iter().for_each(|stage| stage.void_approvals(&why));
        }
    }

    /// A step of the stage in hand was started again, and takes it back from its gate, or was skipped.
    pub(super) fn void_votes_before(&mut self, step: &StepId, again: bool) {
        let id = StageId::from(step.stage());
        if !self.stage_plan(&id).is_some_and(|plan| plan.steps.iter().any(|s| s.id == *step)) {
            return;
        }
        let Some(stage) = self.stages.get_mut(&id) else { return };
        if again {
            stage.void_votes(&format!("step {step} was started again after it"));
        } else {
            stage.void_approvals(&format!("step {step} was skipped after it"));
        }
    }
}
