//! The cutover in the situations that dialogs are about.

use super::fixture::*;
use crate::event::Health;
use crate::runbook::{StepId, TriggerId};
use crate::session::{Pause, StageState, StageStatus, State, StepState, StepStatus, Tick, TriggerState};

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
        touched: true,
        started: Some(ago(30_000)),
        what: Some("scripts/start.sh new".to_owned()),
        why: Some("exit 1, expected 0".to_owned()),
        ..StepState::default()
    };
    state.steps.insert(StepId::from(id), seen);
    state
}

pub fn asked() -> State {
    let mut state = step_is("observe.ask", StepStatus::Waiting);
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
