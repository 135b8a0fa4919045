//! Votes at a gate: who said GO or NO-GO, whose word still stands, and what is missing. Each person counts once, under
//! however many names, terminals and uids.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::decide::{Decision, refuse};
use super::gate::Missing;
use super::state::{StageState, StageStatus, State};
use super::{crew, roles};
use crate::event::{EventKind, Person, Principal};
use crate::runbook::StageId;
use crate::runbook::model::Stage;

/// One person's word at a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    pub person: String,
    /// Who that was when they voted; `None`: they could not be told apart from others.
    pub principal: Option<Principal>,
    pub role: Option<String>,
    pub go: bool,
    pub note: Option<String>,
    pub at: DateTime<Utc>,
    /// Why it does not count any more.
    pub void: Option<String>,
    /// Other names under which the same person had voted before.
    pub also: Vec<String>,
}

impl Vote {
    /// It counts no more; the first reason is kept.
    fn end(&mut self, why: &str) {
        self.void.get_or_insert_with(|| why.to_owned());
    }

    /// Whether this vote takes the place of `former`: the same person's, for the same role or for none. A vote of
    /// somebody who is known is never replaced by one of somebody who cannot be told apart from others.
    fn replaces(&self, former: &Self) -> bool {
        let same_person = match (&self.principal, &former.principal) {
            (Some(new), Some(old)) => new == old,
            (_, None) => self.person == former.person,
            (None, Some(_)) => false,
        };
        same_person && (self.role == former.role || self.role.is_none() || former.role.is_none())
    }
}

impl StageState {
    /// The votes that still stand.
    pub fn standing(&self) -> impl Iterator<Item = &Vote> {
        self.votes.iter().filter(|vote| vote.void.is_none())
    }

    /// Takes a vote in.
    pub(super) fn cast(&mut self, mut vote: Vote) {
        let (former, mut votes): (Vec<Vote>, Vec<Vote>) =
            std::mem::take(&mut self.votes).into_iter().partition(|former| vote.replaces(former));
        for name in former.into_iter().flat_map(|former| former.also.into_iter().chain([former.person])) {
            if name != vote.person && !vote.also.contains(&name) {
                vote.also.push(name);
            }
        }
        votes.push(vote);
        self.votes = votes;
    }

    /// From here on no vote that was given so far counts.
    pub(super) fn void_votes(&mut self, why: &str) {
        self.votes.iter_mut().for_each(|vote| vote.end(why));
    }

    /// From here on no GO that was given so far counts; who said NO-GO has to take it back themselves.
    pub(super) fn void_approvals(&mut self, why: &str) {
        self.votes.iter_mut().filter(|vote| vote.go).for_each(|vote| vote.end(why));
    }
}

pub(super) fn vote(
    state: &State,
    operator: &Person,
    stage: &StageId,
    role: Option<&str>,
    go: bool,
    note: Option<&str>,
) -> Decision {
    let voter = crew::here(state, operator)?;
    if state.current_stage() != Some(stage) {
        return refuse(format!("stage {stage} is not in hand now"));
    }
    let at_gate = state.stages.get(stage).is_some_and(|s| s.status == StageStatus::AtGate);
    let Some(plan) = state.stage_plan(stage).filter(|_| at_gate) else {
        return refuse(format!("{stage} has not come to its gate yet: a vote is about what is there to see"));
    };
    let asked = &plan.gate.roles;
    let role = match role {
        Some(role) if !asked.iter().any(|known| known == role) => {
            return refuse(match asked.as_slice() {
                [] => format!("the gate of {stage} asks for no role: vote without one"),
                asked => format!("the gate of {stage} asks for {}, not for {role}", asked.join(", ")),
            });
        }
        Some(role) if !roles::stands_for(state, &operator.person, role) => {
            let who = roles::who_could(state, role);
            return refuse(format!("{} does not stand for {role}; {who}", operator.person));
        }
        Some(role) => Some(role.to_owned()),
        None => {
            let mut own = asked.iter().filter(|role| voter.roles.contains(role));
            let first = own.next();
            if own.next().is_some() {
                let own: Vec<&str> =
                    asked.iter().filter(|r| voter.roles.contains(r)).map(String::as_str).collect();
                return refuse(format!("say for which role: you stand for {}", own.join(", ")));
            }
            first.cloned()
        }
    };
    let note = note.map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned);
    Ok(vec![EventKind::Voted { stage: stage.clone(), role, go, note }])
}

/// What votes are missing at the gate of `plan`, and which say NO-GO. No override lifts any of it.
pub(super) fn missing(state: &State, plan: &Stage, stage: &StageState) -> Vec<Missing> {
    let mut missing = Vec::new();
    let mut lack = |what: String, release: String| missing.push(Missing { what, release, liftable: false });
    for vote in stage.standing().filter(|vote| !vote.go) {
        let role = vote.role.as_ref().map(|role| format!(" for {role}")).unwrap_or_default();
        let note = vote.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        lack(format!("{} votes NO-GO{role}{note}", vote.person), format!("{} votes GO{role}", vote.person));
    }
    if let Some((what, release)) = approvals(plan.gate.approvals, stage) {
        lack(what, release);
    }
    for role in &plan.gate.roles {
        if !stage.standing().any(|vote| vote.go && vote.role.as_ref() == Some(role)) {
            let void = voided(stage, |vote| vote.role.as_ref() == Some(role));
            let who = roles::who_could(state, role);
            lack(format!("no GO for {role} yet{void}"), format!("a GO for {role} ({who})"));
        }
    }
    missing
}

/// How many people voted GO of those that are needed, and why not every vote counts; `None` where there are enough.
fn approvals(needed: u32, stage: &StageState) -> Option<(String, String)> {
    let needed = usize::try_from(needed).unwrap_or(usize::MAX);
    let mut people: BTreeMap<&Principal, Vec<&str>> = BTreeMap::new();
    let mut nobody: Vec<&str> = Vec::new();
    for vote in stage.standing().filter(|vote| vote.go) {
        let Some(principal) = &vote.principal else {
            nobody.push(&vote.person);
            continue;
        };
        let names = people.entry(principal).or_default();
        for name in vote.also.iter().map(String::as_str).chain([vote.person.as_str()]) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    // Where one is enough, nobody has to be told apart from anybody.
    let have = if needed == 1 { people.len() + nobody.len() } else { people.len() };
    if have >= needed {
        return None;
    }
    let mut what = format!("{have} of {needed} {}", if needed == 1 { "approval" } else { "approvals" });
    let names: Vec<&str> = people.values().filter_map(|names| names.last()).copied().collect();
    if !names.is_empty() {
        what += &format!(" ({})", names.join(", "));
    }
    for (principal, names) in people.iter().filter(|(_, names)| names.len() > 1) {
        what += &format!("; {} are one person ({principal}) and count once", names.join(" and "));
    }
    for name in nobody {
        what += &format!("; {}", crew::tell_apart(&format!("{name}'s vote")));
    }
    what += &voided(stage, |_| true);
    let more = needed - have;
    let release = format!("{more} more {} GO", if more == 1 { "person votes" } else { "people vote" });
    Some((what, release))
}

/// The GO votes that are void; one that its person gave anew is not among them.
fn voided(stage: &StageState, which: impl Fn(&Vote) -> bool) -> String {
    let ended = stage.votes.iter().filter(|vote| vote.go && which(vote));
    ended
        .filter_map(|vote| Some(format!("; {}'s GO is void: {}", vote.person, vote.void.as_ref()?)))
        .collect()
}
