//! Random walks over the stage: whatever operators ask for and whatever fails, in any order, the promises hold.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::RngSeed;

use super::theatre::Theatre;
use crate::event::{By, Event, EventKind, ItemOf, Resolution};
use crate::runbook::model::{OnFailure, Stage, Step, TriggerThen};
use crate::runbook::{StageId, StepId};
use crate::session::telemetry::LogHealth;
use crate::session::{Command, StageStatus, State, StepStatus, TriggerState, gate, triggers};

/// Side by side, with retries, a question, every `on_failure`, an automatic gate and a way back that can fail.
pub(super) const BUSY: &str = r#"
id = "busy"
[check.a]
http = "http://127.0.0.1:1/a"
period = "1s"
failure_threshold = 1
[check.b]
http = "http://127.0.0.1:1/b"
period = "2s"
[[stage]]
id = "one"
watch = ["a"]
  [[stage.step]]
  id = "left"
  run = ["true"]
  needs = []
  skippable = true
  retries = { attempts = 3, delay = "2s", backoff = 2.0 }
  on_failure = "continue"
  [[stage.step]]
  id = "right"
  run = ["true"]
  needs = []
  timeout = "20s"
  repeatable = true
  [[stage.step]]
  id = "ask"
  confirm = "go on?"
  [[stage.rollback]]
  id = "un-left"
  undoes = ["left"]
  run = ["true"]
  retries = { attempts = 2, delay = "1s" }
  [stage.gate]
  auto = true
[[stage]]
id = "none"
when = { "host.os" = "macos" }
  [[stage.step]]
  id = "never"
  run = ["true"]
[[stage]]
id = "two"
watch = ["a", "b"]
  [[stage.step]]
  id = "start"
  start = { argv = ["serve"], log = "serve.log", ready = ["a"] }
  [[stage.step]]
  id = "wait"
  wait = "5s"
  [[stage.step]]
  id = "answers"
  await = ["a", "b"]
  timeout = "20s"
  on_failure = "rollback"
  grace = "5s"
  [[stage.rollback]]
  id = "un-start"
  undoes = ["start"]
  run = ["true"]
  [stage.gate]
  soak = "10s"
  accept = ["it looks well"]
  [[stage.trigger]]
  check = "a"
  failures = { count = 2, within = "1m" }
  then = "rollback"
  to = "two"
  grace = "3s"
[[trigger]]
check = "b"
failing_for = "5s"
then = "hold"
[rollback]
gate = { checks = ["b"], timeout = "20s" }
"#;

/// A point of no return behind an escape hatch.
pub(super) const NO_RETURN: &str = r#"
id = "no-return"
[check.a]
http = "http://127.0.0.1:1/a"
period = "1s"
failure_threshold = 2
[check.hatch]
file = "/way/back"
period = "1s"
[[stage]]
id = "one"
watch = ["a"]
  [[stage.step]]
  id = "go"
  run = ["true"]
  on_failure = "rollback"
  grace = "2s"
  skippable = true
  [[stage.rollback]]
  id = "back"
  run = ["true"]
[[stage]]
id = "drop"
watch = ["a"]
point_of_no_return = true
  [[stage.step]]
  id = "drop-it"
  run = ["true"]
  on_failure = "rollback"
  grace = "2s"
  [[stage.rollback]]
  id = "undrop"
  run = ["true"]
  [stage.gate]
  soak = "5s"
[[stage]]
id = "last"
  [[stage.step]]
  id = "tidy"
  run = ["true"]
[[trigger]]
check = "a"
stale_for = "5s"
then = "rollback"
grace = "3s"
[[trigger]]
check = "a"
failing_for = "3s"
[rollback]
ready = ["hatch"]
  [[rollback.prepare]]
  id = "forensics"
  run = ["true"]
  [[rollback.step]]
  id = "tell"
  run = ["true"]
  on_failure = "continue"
"#;

/// What happens next on a walk; indices choose among what the runbook has.
#[derive(Debug, Clone)]
pub(super) enum Move {
    Pass(u16),
    Sleep(u16),
    FailStep(Index),
    HangStep(Index),
    LoseStep(Index),
    FailCheck(Index),
    HealChecks,
    Blind(bool),
    BreakLog(bool),
    Die { down: u16, rebooted: bool },
    Crash(u8),
    Advance { typed: bool, over: bool },
    Pause,
    Resume,
    Rollback(Option<Index>),
    Retry(Index),
    Skip(Index),
    Kill(Index),
    Confirm(Index, bool),
    Tick(bool),
    Veto(Index),
    Resolve(Index, u8),
}

pub(super) fn moves() -> impl Strategy<Value = Move> {
    let index = any::<Index>;
    prop_oneof![
        8 => (1u16..8_000).prop_map(Move::Pass),
        1 => (1u16..60_000).prop_map(Move::Sleep),
        2 => index().prop_map(Move::FailStep),
        1 => index().prop_map(Move::HangStep),
        1 => index().prop_map(Move::LoseStep),
        2 => index().prop_map(Move::FailCheck),
        3 => Just(Move::HealChecks),
        1 => any::<bool>().prop_map(Move::Blind),
        1 => prop::bool::weighted(0.4).prop_map(Move::BreakLog),
        1 => (any::<u16>(), prop::bool::weighted(0.3))
            .prop_map(|(down, rebooted)| Move::Die { down, rebooted }),
        4 => (0u8..5).prop_map(Move::Crash),
        6 => (any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(typed, over)| Move::Advance { typed, over }),
        1 => Just(Move::Pause),
        3 => Just(Move::Resume),
        1 => prop::option::of(index()).prop_map(Move::Rollback),
        3 => index().prop_map(Move::Retry),
        2 => index().prop_map(Move::Skip),
        1 => index().prop_map(Move::Kill),
        4 => (index(), prop::bool::weighted(0.8)).prop_map(|(at, yes)| Move::Confirm(at, yes)),
        2 => prop::bool::weighted(0.8).prop_map(Move::Tick),
        1 => index().prop_map(Move::Veto),
        3 => (index(), 0u8..3).prop_map(|(at, how)| Move::Resolve(at, how)),
    ]
}

/// One of the steps for which `which` holds; any step where there is none.
fn one_step(state: &State, at: Index, which: impl Fn(&Step) -> bool) -> StepId {
    let runbook = state.runbook.as_ref().expect("it is loaded");
    let fitting: Vec<_> = runbook.all_steps().filter(|s| which(s)).map(|s| s.id.clone()).collect();
    let all: Vec<_> = runbook.all_steps().map(|s| s.id.clone()).collect();
    at.get(if fitting.is_empty() { &all } else { &fitting }).clone()
}

pub(super) fn make(play: &mut Theatre, what: Move) {
    let state = play.state().clone();
    let step = |at: Index| one_step(&state, at, |s| state.step(&s.id).attempt > 0);
    let ms = |ms: u16| Duration::from_millis(ms.into());
    let reason = || "because".to_owned();
    let command = match what {
        Move::Pass(time) => return play.pass(ms(time)),
        Move::Sleep(time) => return play.sleep(ms(time)),
        Move::FailStep(at) => {
            let id = one_step(&state, at, |_| true);
            return play.script.failing_steps.entry(id).or_default().push("it failed".to_owned());
        }
        Move::HangStep(at) => {
            let id = one_step(&state, at, |_| true);
            if !play.hanging.remove(&id) {
                play.hanging.insert(id);
            }
            return;
        }
        Move::LoseStep(at) => {
            let id = one_step(&state, at, |s| state.step(&s.id).status.is_open());
            return play.lose(&id, "its shim is gone");
        }
        Move::FailCheck(at) => {
            let checks: Vec<_> = state.runbook.iter().flat_map(|r| r.checks.keys().cloned()).collect();
            play.script.failing_checks.insert(at.get(&checks).clone(), "refused".to_owned());
            return;
        }
        Move::HealChecks => return play.script.failing_checks.clear(),
        Move::Blind(blind) => {
            play.blind = blind;
            return;
        }
        Move::BreakLog(broken) => {
            let full = || LogHealth::Full("0 bytes free".to_owned());
            play.machine.journal_mut().broken = broken.then(full);
            return;
        }
        Move::Die { down, rebooted } => return play.die(ms(down), rebooted),
        Move::Crash(kept) => {
            play.machine.journal_mut().crash = Some((0, kept.into()));
            return;
        }
        Move::Advance { typed, over } => {
            let name = if over { state.current_stage() } else { state.next_stage() };
            let typed = name.filter(|_| typed).map(ToString::to_string);
            Command::Advance { typed, over: over.then(reason) }
        }
        Move::Pause => Command::Pause,
        Move::Resume => Command::Resume,
        Move::Rollback(at) => {
            let stages: Vec<_> = state.stages.keys().cloned().collect();
            Command::Rollback { to: at.map(|at| at.get(&stages).clone()), reason: Some(reason()) }
        }
        Move::Retry(at) => Command::Retry { step: step(at) },
        Move::Skip(at) => Command::Skip { step: step(at), reason: reason() },
        Move::Kill(at) => {
            Command::Kill { step: one_step(&state, at, |s| state.step(&s.id).status.is_open()) }
        }
        Move::Confirm(at, yes) => {
            let open = one_step(&state, at, |s| state.step(&s.id).status == StepStatus::Waiting);
            Command::Confirm { step: open, yes, note: None }
        }
        Move::Tick(pass) => Command::Tick {
            on: ItemOf::Gate("two".into()),
            item: "it looks well".to_owned(),
            pass,
            note: Some(reason()),
        },
        Move::Veto(at) => match state.triggers.keys().cloned().collect::<Vec<_>>() {
            none if none.is_empty() => return,
            triggers => Command::Veto { trigger: at.get(&triggers).clone(), reason: None },
        },
        Move::Resolve(at, how) => {
            let unknown = one_step(&state, at, |s| state.step(&s.id).status == StepStatus::Unknown);
            let outcome = [Resolution::Done, Resolution::Failed, Resolution::RunAgain][usize::from(how)];
            Command::Resolve { step: unknown, outcome, reason: reason() }
        }
    };
    // What is refused is part of the walk.
    let _ = play.ask(command);
}

/// Holds one event against the state before it.
fn judge(before: &State, event: &Event) -> Result<(), TestCaseError> {
    prop_assert!(!before.is_closed(), "a closed session goes on: {:?}", event.event);
    let by_person = matches!(event.by, By::Person(_));
    match &event.event {
        EventKind::StepStarted { step, attempt, .. } => {
            let seen = before.step(step);
            prop_assert!(!seen.status.is_open(), "{step} starts while it runs");
            prop_assert_eq!(*attempt, seen.attempt + 1);
            prop_assert!(before.paused.is_none(), "{} starts while paused", step);
            prop_assert!(before.holds().is_empty() || by_person, "{} starts on hold", step);
        }
        EventKind::StepFinished(finish) => {
            let seen = before.step(&finish.step);
            prop_assert!(
                seen.status.is_open() && seen.attempt == finish.attempt,
                "{} ends twice",
                finish.step
            );
            prop_assert!(
                !(finish.passed && seen.killed.is_some()),
                "{} was ended, and is green",
                finish.step
            );
        }
        EventKind::Promoted { stage, overridden, reason, .. } => {
            let missing = gate::evaluate(before, stage).sentences();
            prop_assert_eq!(&missing, overridden, "{} is promoted", stage);
            prop_assert_eq!(missing.is_empty(), reason.is_none());
            prop_assert!(by_person || missing.is_empty());
        }
        EventKind::RollbackStarted { to, .. } => {
            prop_assert!(before.active_rollback().is_none(), "two rollbacks at once");
            let runbook = before.runbook.as_ref().expect("it is loaded");
            let mut behind = runbook.stages.iter().skip_while(|stage| stage.id != *to).skip(1);
            let ran = |stage: &Stage| stage.steps.iter().any(|s| before.step(&s.id).attempt > 0);
            let crossed = behind.find(|stage| stage.point_of_no_return && ran(stage));
            prop_assert!(crossed.is_none(), "rolled back to {} over a point of no return", to);
        }
        EventKind::RollbackFinished { full: true, skipped } => {
            let runbook = before.runbook.as_ref().expect("it is loaded");
            let undo = runbook.stages.iter().flat_map(|stage| &stage.rollback).chain(&runbook.rollback.steps);
            for undo in undo.filter(|undo| undo.applies) {
                let seen = before.step(&undo.id);
                let began = undo.undoes.iter().map(|id| before.step(id).began).max().unwrap_or_default();
                let undone = match seen.status {
                    StepStatus::Passed => seen.began > began,
                    StepStatus::Skipped => skipped.contains(&undo.id),
                    StepStatus::Failed => undo.on_failure == OnFailure::Continue,
                    _ => false,
                };
                prop_assert!(undone || began == 0, "{} is forgotten", undo.id);
            }
        }
        _ => {}
    }
    Ok(())
}

fn walk(runbook: &str, moves: Vec<Move>) -> Result<(), TestCaseError> {
    let mut play = Theatre::new(runbook);
    let mut folded = State::default();
    let mut judged = 0;
    for what in moves {
        make(&mut play, what.clone());
        let new: Vec<Arc<Event>> = play.events()[judged..].to_vec();
        judged += new.len();
        // A move lasts a minute at the most: whoever comes to rest has little to say in it.
        prop_assert!(new.len() < 400, "{} events after {what:?}", new.len());
        for event in &new {
            judge(&folded, event)?;
            folded.apply(event);
        }
        prop_assert_eq!(format!("{folded:?}"), format!("{:?}", play.state()), "the fold is the state");
        resumable(&folded, &play)?;
        no_halves(&folded)?;
    }
    Ok(())
}

/// What is decided at once is never left half done, wherever the engine died.
fn no_halves(state: &State) -> Result<(), TestCaseError> {
    let back = state.rollback.as_ref().is_some_and(|r| r.full && r.finished.is_some());
    prop_assert!(!back || state.is_closed(), "all is rolled back, and the session goes on");
    let through = |stage: &crate::session::StageState| stage.status == StageStatus::Passed;
    prop_assert!(
        state.is_closed() || !state.stages.values().rev().take(1).all(through),
        "it is not completed"
    );
    for (id, seen) in &state.triggers {
        let fired = matches!(seen, TriggerState::Fired { holding: false, .. });
        let rolls = matches!(triggers::then(state, id), Some(TriggerThen::Rollback { .. }));
        prop_assert!(!fired || !rolls || state.is_closed(), "{id} has fired, and nothing is rolled back");
    }
    Ok(())
}

/// Where a rollback is stuck on a step, a person can always do something about that step.
fn resumable(state: &State, play: &Theatre) -> Result<(), TestCaseError> {
    let Some(rollback) = state.active_rollback().filter(|_| !state.is_closed()) else { return Ok(()) };
    let Some(step) = rollback.stuck.as_ref().and_then(|stuck| stuck.step.clone()) else { return Ok(()) };
    let ways = [
        Command::Retry { step: step.clone() },
        Command::Skip { step: step.clone(), reason: "x".to_owned() },
        Command::Resolve { step: step.clone(), outcome: Resolution::Done, reason: "x".to_owned() },
    ];
    let open =
        ways.iter().any(|way| crate::session::decide(state, way, &play.driver, state.seq, play.now).is_ok());
    prop_assert!(open || state.paused.is_some(), "stuck on {step}, and nothing can be done");
    Ok(())
}

/// So many cases in `cargo test`, and the same ones on every machine: a walk that nobody took before is no reason to
/// refuse what somebody lands. `PROPTEST_CASES=2000` hunts: so many cases, and others each time.
pub(super) fn cases(usually: u32) -> ProptestConfig {
    let base =
        ProptestConfig { max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() {
        return base;
    }
    ProptestConfig { cases: usually, rng_seed: RngSeed::Fixed(20_270_115), ..base }
}

proptest! {
    #![proptest_config(cases(8))]

    #[test]
    fn a_busy_runbook_keeps_its_promises_on_every_walk(moves in prop::collection::vec(moves(), 40..150)) {
        walk(BUSY, moves)?;
    }

    #[test]
    fn a_point_of_no_return_keeps_its_promises_on_every_walk(moves in prop::collection::vec(moves(), 40..150)) {
        walk(NO_RETURN, moves)?;
    }
}

/// The walks go somewhere: without this a stage that refuses everything would keep every promise.
#[test]
fn the_walks_runbooks_can_be_walked() {
    for runbook in [BUSY, NO_RETURN] {
        let play = Theatre::new(runbook);
        let stages: BTreeSet<StageId> = play.state().stages.keys().cloned().collect();
        assert!(stages.len() > 1);
    }
}
