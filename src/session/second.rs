//! An override that needs two: the driver asks, and a second person, whom the system can tell apart, says yes or no.

use super::decide::{Decision, moved_on, refuse};
use super::starting::{self, Overriding};
use super::state::State;
use super::{crew, gate};
use crate::event::{EventKind, Person, Principal};
use crate::runbook::StageId;

/// An override that waits for a second person's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverrideAsked {
    pub by: String,
    pub principal: Option<Principal>,
    /// What it would lift, a sentence each.
    pub missing: Vec<String>,
    pub reason: String,
    /// The event's number.
    pub seq: u64,
}

/// The override that waits for a second person now. Whatever decides anything ends it: it was about what was there
/// to see when it was asked.
#[must_use]
pub fn standing(state: &State) -> Option<(&StageId, &OverrideAsked)> {
    let stage = state.current_stage()?;
    let asked = state.stages.get(stage)?.override_asked.as_ref()?;
    (asked.seq > state.decisive_seq).then_some((stage, asked))
}

pub(super) fn ask(
    state: &State,
    operator: &Person,
    stage: &StageId,
    missing: Vec<String>,
    reason: &str,
) -> Decision {
    if crew::principal_of(state, operator).is_none() {
        let why = crew::tell_apart(&operator.person);
        return refuse(format!("this override needs two people, and {why}"));
    }
    Ok(vec![EventKind::OverrideAsked { stage: stage.clone(), missing, reason: reason.to_owned() }])
}

pub(super) fn answer(
    state: &State,
    operator: &Person,
    stage: &StageId,
    go: bool,
    note: Option<&str>,
    seen_seq: u64,
) -> Decision {
    let name = &crew::here(state, operator)?.person.person;
    let Some(asked) = state.stages.get(stage).and_then(|s| s.override_asked.as_ref()) else {
        return refuse(format!("nobody asks to override the gate of {stage}"));
    };
    if standing(state).is_none_or(|(current, _)| current != stage) {
        let since = moved_on(state, asked.seq);
        return refuse(format!("what {} asked for is void, ask again: {since}", asked.by));
    }
    if !go {
        let note = note.map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned);
        return Ok(vec![EventKind::OverrideDeclined { stage: stage.clone(), note }]);
    }
    if seen_seq < asked.seq {
        return refuse(format!("{} asked for it after what you have seen", asked.by));
    }
    if *name == asked.by {
        return refuse("you asked for it: a second person answers");
    }
    match (&asked.principal, crew::principal_of(state, operator)) {
        (Some(first), Some(second)) if *first == second => {
            let by = &asked.by;
            return refuse(format!("{by} and {name} are one person ({second}): a second person answers"));
        }
        (Some(_), Some(_)) => {}
        (None, _) => return refuse(crew::tell_apart(&asked.by)),
        (_, None) => return refuse(crew::tell_apart(name)),
    }
    let verdict = gate::evaluate(state, stage);
    if verdict.sentences() != asked.missing || !verdict.is_liftable() {
        return refuse(format!("the gate changed since {} asked: {}", asked.by, verdict.in_a_line()));
    }
    let (lifted, reason) = (asked.missing.clone(), asked.reason.clone());
    let over = Overriding { lifted, reason, asked_by: Some(asked.by.clone()) };
    Ok(starting::promote(state, stage, Some(over)))
}
