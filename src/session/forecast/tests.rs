//! Forecasts of small runbooks, at moments that are made by hand.

use std::sync::Arc;

use super::*;
use crate::event::{Health, StepFinished};
use crate::runbook::load::{Inputs, Missing, Source, load};
use crate::runbook::model::Host;
use crate::session::{
    CheckState, Pause, RollbackState, Soak, StageState, StageStatus, StepState, StepStatus,
};

const BOOK: &str = r#"
[check.up]
tcp = "127.0.0.1:1"
[[stage]]
id = "a"
[[stage.step]]
id = "slow"
run = ["x"]
estimate = "4m"
[[stage.step]]
id = "beside"
run = ["x"]
estimate = "1m"
needs = []
[[stage.step]]
id = "last"
run = ["x"]
estimate = "1m"
needs = ["slow", "beside"]
[[stage]]
id = "b"
estimate = "10m"
[[stage.step]]
id = "s"
run = ["x"]
[stage.gate]
checks = ["up"]
soak = "5m"
auto = true
[[stage]]
id = "c"
[[stage.step]]
id = "s"
run = ["x"]
estimate = "2m"
"#;

fn at(minutes: i64, seconds: i64) -> Now {
    let begin: DateTime<Utc> = "2026-11-20T02:00:00Z".parse().expect("a moment");
    let ms = (minutes * 60 + seconds) * 1_000;
    Now { at: begin + TimeDelta::milliseconds(ms), up_ms: 5_000_000 + u64::try_from(ms).expect("later") }
}

fn session(text: &str) -> State {
    let source = Source { text: text.to_owned(), file: "a.toml".into(), dir: "/".into() };
    let host = Host { name: "h".into(), os: "linux".into(), arch: "x86_64".into() };
    let loaded = load(&source, &Inputs { set: Default::default(), host, missing: Missing::Error });
    let runbook = loaded.runbook.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics.last()));
    let stages = runbook.stages.iter().map(|stage| (stage.id.clone(), StageState::default())).collect();
    let green = CheckState { health: Health::Ok, ..CheckState::default() };
    let checks = [("up".into(), green)].into();
    State { runbook: Some(Arc::new(runbook)), started: Some(at(0, 0)), stages, checks, ..State::default() }
}

fn enter(state: &mut State, id: &str, status: StageStatus, entered: Now) {
    let stage = state.stages.get_mut(id).expect("a stage");
    (stage.status, stage.entered) = (status, Some(entered));
}

fn step(state: &mut State, id: &str, status: StepStatus, started: Now) {
    let seen = StepState { status, started: Some(started), began: 1, ..StepState::default() };
    state.steps.insert(id.into(), seen);
}

fn clock(at: Option<DateTime<Utc>>) -> String {
    at.map_or("-".to_owned(), |at| at.format("%H:%M:%S").to_string())
}

fn end(state: &State, now: Now) -> String {
    match forecast(state, now).end {
        End::Expected(Moment { at, at_least }) => {
            format!("{}{}", if at_least { "≥ " } else { "" }, clock(Some(at)))
        }
        End::Over(at) => format!("over {}", clock(Some(at))),
        other => format!("{other:?}"),
    }
}

#[test]
fn the_plan_counts_from_the_sessions_begin_and_stays_as_it_is() {
    let mut state = session(BOOK);
    let plan = |state: &State, now| {
        let forecast = forecast(state, now);
        let stages = forecast.stages.iter().map(|stage| clock(stage.planned)).collect::<Vec<_>>();
        (stages.join(" "), clock(forecast.planned_end))
    };
    let planned = ("02:00:00 02:05:00 02:20:00".to_owned(), "02:22:00".to_owned());
    assert_eq!(plan(&state, at(0, 0)), planned);
    enter(&mut state, "a", StageStatus::Active, at(3, 0));
    assert_eq!(plan(&state, at(50, 0)), planned);
    let first = forecast(&state, at(50, 0)).stages[0].clone();
    assert_eq!((first.late_ms(), first.expected), (Some(180_000), None));
}

#[test]
fn the_plan_counts_from_the_windows_opening_where_that_is_later() {
    let window = "[window]\nopens = \"2026-11-20T02:30:00Z\"\n";
    let forecast = forecast(&session(&format!("{window}{BOOK}")), at(0, 0));
    assert_eq!(clock(forecast.stages[0].planned), "02:30:00");
    let window = "[window]\nopens = \"2026-11-19T20:00:00Z\"\n";
    let forecast = super::forecast(&session(&format!("{window}{BOOK}")), at(0, 0));
    assert_eq!(clock(forecast.stages[0].planned), "02:00:00");
}

#[test]
fn what_runs_side_by_side_is_counted_once_and_what_is_done_not_at_all() {
    let mut state = session(BOOK);
    enter(&mut state, "a", StageStatus::Active, at(0, 0));
    step(&mut state, "a.slow", StepStatus::Running, at(0, 0));
    step(&mut state, "a.beside", StepStatus::Running, at(0, 0));
    // 4 of slow, 1 of last, 10 + 5 of b, 2 of c.
    assert_eq!(end(&state, at(0, 30)), "02:22:00");
    // The step that is not on the longest chain changes nothing.
    step(&mut state, "a.beside", StepStatus::Passed, at(0, 0));
    assert_eq!(end(&state, at(1, 0)), "02:22:00");
    step(&mut state, "a.slow", StepStatus::Passed, at(0, 0));
    assert_eq!(end(&state, at(2, 0)), "02:20:00");
    assert_eq!(forecast(&state, at(2, 0)).late_ms(), Some(-120_000));
}

#[test]
fn a_step_that_is_over_its_estimate_makes_the_end_a_lower_bound() {
    let mut state = session(BOOK);
    enter(&mut state, "a", StageStatus::Active, at(0, 0));
    step(&mut state, "a.beside", StepStatus::Passed, at(0, 0));
    step(&mut state, "a.slow", StepStatus::Running, at(0, 0));
    assert_eq!(end(&state, at(6, 0)), "≥ 02:24:00");
}

#[test]
fn a_stage_with_an_estimate_of_its_own_takes_at_least_that() {
    let mut state = session(BOOK);
    enter(&mut state, "a", StageStatus::Passed, at(0, 0));
    enter(&mut state, "b", StageStatus::Active, at(5, 0));
    assert_eq!(end(&state, at(8, 0)), "02:22:00");
    // Once that is over, its only step says nothing.
    assert_eq!(end(&state, at(16, 0)), "≥ 02:23:00");
}

#[test]
fn a_soak_counts_with_what_it_has_left_and_a_gate_that_waits_is_unknown() {
    let mut state = session(BOOK);
    enter(&mut state, "a", StageStatus::Passed, at(0, 0));
    enter(&mut state, "b", StageStatus::AtGate, at(5, 0));
    step(&mut state, "b.s", StepStatus::Passed, at(5, 0));
    let soak = |state: &mut State, soak| state.stages.get_mut("b").expect("a stage").soak = soak;
    let running = Soak { started: true, running_since: Some(at(10, 0).up_ms), ..Soak::default() };
    soak(&mut state, running.clone());
    assert_eq!(end(&state, at(12, 0)), "02:17:00", "3 of the soak, 2 of c");
    soak(&mut state, Soak { banked_ms: 60_000, running_since: None, ..running.clone() });
    assert_eq!(end(&state, at(12, 0)), "≥ 02:18:00", "it stands still");
    soak(&mut state, Soak { reached: true, ..running });
    assert_eq!(end(&state, at(20, 0)), "02:22:00", "it goes on by itself");
    enter(&mut state, "b", StageStatus::Passed, at(5, 0));
    enter(&mut state, "c", StageStatus::AtGate, at(21, 0));
    step(&mut state, "c.s", StepStatus::Passed, at(21, 0));
    let forecast = forecast(&state, at(25, 0));
    assert_eq!((forecast.end, forecast.gates), (End::NoEstimate, 1), "it waits for a person");
}

#[test]
fn while_nothing_can_go_on_the_end_is_a_lower_bound() {
    let mut state = session(BOOK);
    assert_eq!(end(&state, at(1, 0)), "≥ 02:23:00", "nobody has begun");
    enter(&mut state, "a", StageStatus::Active, at(1, 0));
    assert_eq!(end(&state, at(1, 0)), "02:23:00");
    state.paused = Some(Pause { by: "opsA".to_owned(), at: at(1, 0).at });
    assert_eq!(end(&state, at(1, 0)), "≥ 02:23:00");
}

#[test]
fn nothing_is_guessed_where_nothing_is_known() {
    let silent = BOOK.replace("estimate = \"4m\"", "").replace("estimate = \"1m\"", "");
    let mut state = session(&silent);
    enter(&mut state, "a", StageStatus::Active, at(0, 0));
    let known = forecast(&state, at(0, 0));
    let planned: Vec<_> = known.stages.iter().map(|stage| clock(stage.planned)).collect();
    assert_eq!(planned, ["02:00:00", "-", "-"]);
    assert_eq!((known.planned_end, known.late_ms()), (None, None));
    assert_eq!(end(&state, at(0, 0)), "≥ 02:17:00");
    let silent = silent.replace("estimate = \"10m\"", "").replace("estimate = \"2m\"", "");
    let mut state = session(&silent.replace("soak = \"5m\"", ""));
    enter(&mut state, "a", StageStatus::Active, at(0, 0));
    assert_eq!(end(&state, at(0, 0)), "NoEstimate");
}

const BACK: &str = r#"
[[stage]]
id = "a"
[[stage.step]]
id = "s"
run = ["x"]
[[stage.rollback]]
id = "one"
run = ["x"]
estimate = "2m"
[[stage.rollback]]
id = "two"
run = ["x"]
estimate = "1m"
"#;

fn going_back() -> State {
    let mut state = session(BACK);
    enter(&mut state, "a", StageStatus::RollingBack, at(0, 0));
    state.rollback = Some(RollbackState {
        to: "a".into(),
        full: true,
        steps: vec!["a.one".into(), "a.two".into()],
        reason: None,
        started: at(10, 0),
        at_gate: None,
        stuck: None,
        finished: None,
    });
    state
}

#[test]
fn a_rollback_counts_down_what_it_still_takes() {
    let mut state = going_back();
    let left = |state: &State, now| {
        let left = back_left(state, now).expect("it goes back");
        (left.done, left.ms, left.known, clock(left.at))
    };
    assert_eq!(forecast(&state, at(10, 0)).end, End::GoingBack);
    assert_eq!(left(&state, at(10, 0)), (0, 180_000, Known::Written, "02:13:00".to_owned()));
    step(&mut state, "a.one", StepStatus::Running, at(10, 0));
    assert_eq!(left(&state, at(10, 30)), (0, 150_000, Known::Written, "02:13:00".to_owned()));
    assert_eq!(left(&state, at(13, 0)), (0, 60_000, Known::AtLeast, "02:14:00".to_owned()));
    step(&mut state, "a.one", StepStatus::Passed, at(10, 0));
    let finish = StepFinished { took_ms: 170_000, ..finished("a.one") };
    let one = state.steps.get_mut("a.one").expect("it ran");
    (one.finish, one.ended) = (Some(Arc::new(finish)), Some(at(13, 0)));
    assert_eq!(left(&state, at(13, 0)), (1, 60_000, Known::Written, "02:14:00".to_owned()));
    assert_eq!(back_left(&session(BACK), at(0, 0)), None);
}

#[test]
fn a_rollback_whose_time_nobody_knows_says_so() {
    let mut state = going_back();
    let silent = session(&BACK.replace("estimate = \"2m\"", "").replace("estimate = \"1m\"", ""));
    state.runbook = silent.runbook;
    let left = back_left(&state, at(11, 0)).expect("it goes back");
    assert_eq!((left.ms, left.known, left.at), (0, Known::No, None));
}

fn finished(step: &str) -> StepFinished {
    StepFinished {
        step: step.into(),
        attempt: 1,
        passed: true,
        why: String::new(),
        proofs: Vec::new(),
        exit: Some(0),
        took_ms: 0,
        output: None,
        captures: Default::default(),
        remains: Vec::new(),
    }
}
