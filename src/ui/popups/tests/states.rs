//! The cutover in the situations that dialogs are about.

use super::fixture::*;
use crate::event::{Credentials, Health, Person, Principal, Seat};
use crate::runbook::model::Override;
use crate::runbook::{StepId, TriggerId};
use crate::session::second::OverrideAsked;
use crate::session::votes::Vote;
use crate::session::{
    Operator, Pause, StageState, StageStatus, State, StepState, StepStatus, Tick, TriggerState, WheelOffer,
    gate,
};

pub fn at_no_go() -> State {
    let mut state = at_go();
    health(&mut state, "lag", Health::Failing, "7.2s, expected at most 5s");
    state
}

pub fn before_point_of_no_return() -> State {
    let mut state = at_go();
    entered(&mut state, "switch", StageStatus::Passed, 900_000);
    entered(&mut state, "observe", StageStatus::AtGate, 300_000);
    passed(&mut state, "observe.ask");
    state
}

pub fn step_is(id: &str, status: StepStatus) -> State {
    let mut state = at_go();
    entered(&mut state, "switch", StageStatus::Active, 900_000);
    let seen = StepState {
        status,
        attempt: 2,
        tries: 1,
        began: 1,
        started: Some(ago(30_000)),
        what: Some("scripts/start.sh new".to_owned()),
        why: Some("exit 1, expected 0".to_owned()),
        ..StepState::default()
    };
    state.steps.insert(StepId::from(id), seen);
    state
}

pub fn asked() -> State {
    let mut state = with_crew(step_is("observe.ask", StepStatus::Waiting));
    state.crew.get_mut("opsA").unwrap().roles = vec!["business".to_owned()];
    entered(&mut state, "switch", StageStatus::Passed, 900_000);
    entered(&mut state, "observe", StageStatus::Active, 300_000);
    state
}

pub fn asked_and_ticked() -> State {
    let mut state = asked();
    let ticks = &mut state.steps.get_mut("observe.ask").unwrap().ticks;
    for item in ["Orders flow", "Invoices flow"] {
        let tick = Tick { pass: true, by: "opsB".to_owned(), at: now().at, note: None };
        ticks.insert(item.to_owned(), tick);
    }
    state
}

pub fn paused() -> State {
    State { paused: Some(Pause { by: "opsB".to_owned(), at: ago(5_000).at }), ..at_go() }
}

pub fn armed() -> State {
    let mut state = at_go();
    let trigger = TriggerId::from("switch.readyz.rollback");
    state.triggers.insert(
        trigger,
        TriggerState::Armed { why: "readyz failing for 10s".to_owned(), fires_at: UP_MS + 12_000 },
    );
    state
}

pub fn unacknowledged() -> State {
    let mut state = at_go();
    plan(&mut state).policy = vec!["Sources stay as they are.".to_owned()];
    state
}

pub fn start_new() -> StepId {
    "switch.start-new".into()
}

/// Nothing has been entered yet.
pub fn before_the_first() -> State {
    let mut state = at_go();
    state.steps.clear();
    for stage in state.stages.values_mut() {
        *stage = StageState::default();
    }
    state
}

pub fn navigator() -> Person {
    Person { person: "opsB".to_owned(), uid: 2071, seat: Seat::Navigator }
}

fn joined(state: &mut State, name: &str, uid: u32, seat: Seat, roles: &[&str]) {
    let person = Person { person: name.to_owned(), uid, seat };
    let credentials = Credentials { uid, pid: 4_000 + uid, login_uid: Some(uid), ..Credentials::default() };
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    let operator = Operator { person, credentials, roles, since: ago(2_000_000), left: None };
    state.crew.insert(name.to_owned(), operator);
}

/// `opsA` drives, `opsB` sits beside, `opsC` has left, `opsD` looks on.
pub fn crewed() -> State {
    with_crew(at_go())
}

fn with_crew(mut state: State) -> State {
    joined(&mut state, "opsA", 1000, Seat::Driver, &["db"]);
    joined(&mut state, "opsB", 2071, Seat::Navigator, &["app"]);
    joined(&mut state, "opsC", 2072, Seat::Navigator, &["db"]);
    joined(&mut state, "opsD", 2073, Seat::Observer, &[]);
    state.crew.get_mut("opsC").unwrap().left = Some(ago(130_000));
    state.wheel = Some("opsA".to_owned());
    state
}

pub fn wheel_offered() -> State {
    let offer = WheelOffer { from: "opsA".to_owned(), to: "opsB".to_owned() };
    State { wheel_offer: Some(offer), ..crewed() }
}

fn vote(person: &str, uid: u32, role: &str, ms_ago: u64) -> Vote {
    Vote {
        person: person.to_owned(),
        principal: Some(Principal::Uid(uid)),
        role: Some(role.to_owned()),
        go: true,
        note: None,
        at: ago(ms_ago).at,
        void: None,
        also: Vec::new(),
    }
}

/// The gate of `switch` asks for two people and two roles; one of them has voted.
pub fn voting() -> State {
    let mut state = crewed();
    let gate = &mut plan(&mut state).stages[1].gate;
    (gate.approvals, gate.roles) = (2, vec!["db".to_owned(), "app".to_owned()]);
    let void = Some("readyz failed after it".to_owned());
    let votes = vec![vote("opsA", 1000, "db", 30_000), Vote { void, ..vote("opsC", 2072, "db", 120_000) }];
    state.stages.get_mut("switch").unwrap().votes = votes;
    state
}

/// A red check at a gate that only two people override.
pub fn at_no_go_of_two() -> State {
    let mut state = with_crew(at_no_go());
    plan(&mut state).stages[1].gate.over = Override::Two;
    state
}

/// `opsA` asked for a second person.
pub fn override_asked() -> State {
    let mut state = at_no_go_of_two();
    let missing = gate::evaluate(&state, &"switch".into()).sentences();
    let asked = OverrideAsked {
        by: "opsA".to_owned(),
        principal: Some(Principal::Uid(1000)),
        missing,
        reason: "known lag, INC-7781".to_owned(),
        seq: 210,
    };
    state.stages.get_mut("switch").unwrap().override_asked = Some(asked);
    state
}
