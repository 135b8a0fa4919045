//! Who may stand for a role: those whom the runbook's `[roles]` names; for a role that is not there, whoever says so.

use super::Refusal;
use super::state::State;
use crate::event::Seat;
use crate::runbook::model::{Member, Runbook};

/// Whether somebody may stand for `role`: by their login name and the names of their groups, where the runbook names
/// who may; everybody may where it does not.
#[must_use]
pub fn may_claim(runbook: &Runbook, role: &str, user: &str, groups: &[String]) -> bool {
    runbook.roles.get(role).is_none_or(|members| members.iter().any(|member| is(member, user, groups)))
}

/// What somebody stands for: every role that `[roles]` gives them, and of those that it does not name what they claim.
///
/// # Errors
/// A role that they claim and `[roles]` gives to others: who may.
pub fn roles_of(
    runbook: &Runbook,
    user: &str,
    groups: &[String],
    claimed: &[String],
) -> Result<Vec<String>, Refusal> {
    if let Some(role) = claimed.iter().find(|role| !may_claim(runbook, role, user, groups)) {
        let may = members(runbook, role).unwrap_or_default();
        return Err(Refusal::new(format!("{user} may not stand for {role}: the runbook says {may}")));
    }
    let given = runbook.roles.keys().filter(|role| may_claim(runbook, role, user, groups));
    let mut roles: Vec<String> = Vec::new();
    for role in given.chain(claimed) {
        if !roles.contains(role) {
            roles.push(role.clone());
        }
    }
    Ok(roles)
}

fn is(member: &Member, user: &str, groups: &[String]) -> bool {
    match member {
        Member::User(name) => name == user,
        Member::Group(name) => groups.contains(name),
    }
}

/// Whom the runbook lets stand for `role`: `alice, %dba`; `None` where it does not say.
#[must_use]
pub fn members(runbook: &Runbook, role: &str) -> Option<String> {
    let names: Vec<String> = runbook
        .roles
        .get(role)?
        .iter()
        .map(|member| match member {
            Member::User(name) => name.clone(),
            Member::Group(name) => format!("%{name}"),
        })
        .collect();
    Some(names.join(", "))
}

/// Whether somebody at the controls stands for `role`.
#[must_use]
pub fn stands_for(state: &State, name: &str, role: &str) -> bool {
    state.crew.get(name).is_some_and(|operator| operator.roles.iter().any(|known| known == role))
}

/// Who could speak for `role`: those who are here, else those whom the runbook names, else how to claim it.
#[must_use]
pub fn who_could(state: &State, role: &str) -> String {
    let speaks = |seat: Seat| seat != Seat::Observer;
    let here: Vec<&str> = state
        .present()
        .filter(|o| speaks(o.person.seat) && stands_for(state, &o.person.person, role))
        .map(|o| o.person.person.as_str())
        .collect();
    if !here.is_empty() {
        return format!("here for {role}: {}", here.join(", "));
    }
    match state.runbook.as_ref().and_then(|runbook| members(runbook, role)) {
        Some(may) => format!("nobody is here for {role}; the runbook says {may}"),
        None => format!("nobody is here for {role}: come with `gonogo attach --for {role}`"),
    }
}
