//! What people may do among themselves: come and go, pass the wheel, vote, and override by two.

use super::{Legal, Place, must};
use crate::event::{By, Person};
use crate::runbook::StageId;
use crate::runbook::model::Override;
use crate::session::{crew, gate, roles, second};

impl<'a> Place<'a> {
    /// Only a person does this.
    pub(super) fn person(&self) -> Result<&'a Person, String> {
        match &self.event.by {
            By::Person(person) => Ok(person),
            By::Engine(_) | By::Trigger { .. } => Err("only a person decides this".to_owned()),
        }
    }

    /// Only a person who is there does this.
    fn somebody(&self) -> Result<&'a str, String> {
        let person = self.person()?;
        crew::here(self.state, person).map_err(|refusal| refusal.0)?;
        Ok(&person.person)
    }

    pub(super) fn joins(&self, person: &Person) -> Legal {
        let seat = crew::seat_on_arrival(self.state, person);
        must(seat == person.seat, || {
            format!("{} comes as {}, and not as {}", person.person, seat.word(), person.seat.word())
        })
    }

    pub(super) fn leaves(&self, person: &Person) -> Legal {
        must(self.state.crew.contains_key(&person.person), || format!("{} never came", person.person))
    }

    fn has_wheel(&self, name: &str) -> bool {
        self.state.wheel.as_deref() == Some(name)
    }

    pub(super) fn asks_wheel(&self) -> Legal {
        let name = self.somebody()?;
        must(!self.has_wheel(name), || format!("{name} had the wheel"))
    }

    pub(super) fn offers_wheel(&self, to: &str) -> Legal {
        let name = self.somebody()?;
        must(self.has_wheel(name), || format!("{name} did not have the wheel"))?;
        must(crew::is_here(self.state, to), || format!("{to} was not there"))
    }

    pub(super) fn declines_wheel(&self) -> Legal {
        let name = self.somebody()?;
        let offered = self.state.wheel_offer.as_ref().is_some_and(|o| o.from == name || o.to == name);
        let asked = self.state.wheel_asked.iter().any(|asked| asked == name || self.has_wheel(name));
        must(offered || asked, || "nobody had offered the wheel or asked for it".to_owned())
    }

    pub(super) fn passes_wheel(&self, from: Option<&str>, to: &str) -> Legal {
        let name = self.somebody()?;
        must(name == to, || format!("{name} takes it for {to}"))?;
        must(from == self.state.wheel.as_deref(), || "the wheel was somebody else's".to_owned())?;
        let offered = self.state.wheel_offer.as_ref().is_some_and(|offer| offer.to == to);
        let free = from.is_none_or(|holder| holder != to && self.state.driver().is_none());
        must(offered || free, || format!("nobody had offered {to} the wheel"))
    }

    pub(super) fn takes_over(&self) -> Legal {
        let name = self.somebody()?;
        let offered = self.state.wheel_offer.as_ref().is_some_and(|offer| offer.to == name);
        must(offered, || format!("nobody had offered {name} the wheel"))
    }

    pub(super) fn votes(&self, stage: &StageId, role: Option<&str>) -> Legal {
        let name = self.somebody()?;
        self.at_gate(stage)?;
        let Some(role) = role else { return Ok(()) };
        let asked = self.stage(stage)?.gate.roles.iter().any(|known| known == role);
        must(asked, || format!("the gate of {stage} asks for no {role}"))?;
        must(roles::stands_for(self.state, name, role), || format!("{name} did not stand for {role}"))
    }

    pub(super) fn asks_override(&self, stage: &StageId) -> Legal {
        self.somebody()?;
        self.in_hand(stage)?;
        let by_two = self.stage(stage)?.gate.over == Override::Two;
        must(by_two, || format!("the gate of {stage} is not overridden by two"))?;
        let verdict = gate::evaluate(self.state, stage);
        must(verdict.is_liftable(), || format!("no override lifts this: {}", verdict.in_a_line()))
    }

    pub(super) fn declines_override(&self, stage: &StageId) -> Legal {
        self.somebody()?;
        let standing = second::standing(self.state).is_some_and(|(current, _)| current == stage);
        must(standing, || format!("nobody had asked to override the gate of {stage}"))
    }

    /// A second person, whom the system can tell apart from the first, says yes to what was asked.
    pub(super) fn seconds(&self, stage: &StageId, asked_by: Option<&str>) -> Legal {
        self.somebody()?;
        let asked = second::standing(self.state).filter(|(current, _)| *current == stage);
        let (_, asked) = asked.ok_or_else(|| format!("nobody had asked to override the gate of {stage}"))?;
        must(asked_by == Some(asked.by.as_str()), || format!("{} had asked for it", asked.by))?;
        let second = crew::principal_of(self.state, self.person()?);
        let two = second.is_some() && asked.principal.is_some() && second != asked.principal;
        must(two, || "it needs two people, and they could not be told apart".to_owned())
    }
}
