//! What an engine that takes over makes of what it finds, played on the stage.

use std::time::Duration;

use super::theatre::Theatre;
use super::theatre_scenes::{self, begun, observed};
use crate::event::{EventKind, Health, Mode};
use crate::session::{Command, State, StepStatus, TriggerState};

/// Its gate opens by itself, and its trigger rolls back.
const AUTOMATIC: &str = r#"
  auto = true
  [[stage.rollback]]
  id = "undo"
  run = ["true"]
  [[stage.trigger]]
  check = "new"
  failing_for = "5s"
  then = "rollback"
  grace = "10s"
"#;

fn soaking() -> Theatre {
    let mut play = theatre_scenes::soaking(&observed(AUTOMATIC));
    play.pass(Duration::from_secs(4));
    play
}

fn broken(state: &State) -> u32 {
    state.stages["observe"].soak.broken
}

#[test]
fn a_short_absence_delays_a_soak_and_counts_for_nothing() {
    let mut play = soaking();
    let before = play.state().stages["observe"].soak.so_far_ms(play.now.up_ms);
    play.die(Duration::from_secs(2), false);
    let after = play.state().stages["observe"].soak.so_far_ms(play.now.up_ms);
    assert!(after <= before, "{after} of {before}");
    play.until("it is reached", |s| s.stages["observe"].soak.reached);
    assert_eq!(broken(play.state()), 0);
}

#[test]
fn a_long_absence_breaks_a_soak() {
    let mut play = soaking();
    play.die(Duration::from_secs(60), false);
    assert_eq!(broken(play.state()), 1);
    assert!(!play.state().stages["observe"].soak.reached);
}

#[test]
fn another_boot_breaks_a_soak_and_its_clock_compares_with_nothing() {
    let mut play = soaking();
    let elapsed = play.state().elapsed_ms(play.now);
    play.die(Duration::from_secs(1), true);
    assert_eq!(broken(play.state()), 1);
    assert!(play.state().elapsed_ms(play.now) >= elapsed + 1_000, "T+ goes on by the wall clock");
    play.until("it is over all the same", State::is_closed);
}

#[test]
fn nothing_is_green_before_the_new_engine_has_looked() {
    let mut play = soaking();
    assert_eq!(play.state().check(&"new".into()).health, Health::Ok);
    play.die(Duration::from_secs(1), false);
    assert_ne!(play.state().check(&"new".into()).health, Health::Ok);
}

#[test]
fn a_step_that_ran_meanwhile_has_its_own_result() {
    let mut play = Theatre::new(&observed(AUTOMATIC));
    play.advance().expect("it can begin");
    assert_eq!(play.state().step(&"observe.look".into()).status, StepStatus::Running);
    play.die(Duration::from_secs(30), false);
    assert_eq!(play.state().step(&"observe.look".into()).status, StepStatus::Running);
    play.until("it has ended", |s| s.step(&"observe.look".into()).status == StepStatus::Passed);
    let started = play.events().iter().filter(|e| matches!(e.event, EventKind::StepStarted { .. })).count();
    assert_eq!(started, 1);
}

#[test]
fn a_countdown_does_not_run_out_while_nobody_looks() {
    for rebooted in [false, true] {
        let mut play = soaking();
        play.script.failing_checks.insert("new".into(), "status 503".to_owned());
        play.until("it counts down", |s| {
            s.triggers.values().any(|t| matches!(t, TriggerState::Armed { .. }))
        });
        play.die(Duration::from_secs(600), rebooted);
        assert!(play.state().rollback.is_none(), "it rolled back at once");
        play.until("it rolls back all the same", |s| s.rollback.is_some());
    }
}

#[test]
fn an_engine_that_takes_over_twice_adds_itself_once_each_time() {
    let mut play = soaking();
    for absences in 1..=3 {
        play.die(Duration::from_secs(1), false);
        let starts = play.events().iter().filter(|e| matches!(e.event, EventKind::EngineStarted { .. }));
        assert_eq!(starts.count(), 1 + absences);
    }
}

#[test]
fn only_what_is_idempotent_runs_again_by_itself_and_not_for_ever() {
    let look = "observe.look".into();
    let mut play = Theatre::new(&observed(AUTOMATIC));
    play.advance().expect("it can begin");
    play.lose(&look, "its shim is gone");
    assert_eq!(play.state().step(&look).status, StepStatus::Unknown);

    let mut play = Theatre::new(
        &observed(AUTOMATIC).replace("run = [\"true\"]", "run = [\"true\"]\n  idempotent = true"),
    );
    play.advance().expect("it can begin");
    for attempt in 1..=3 {
        assert_eq!(play.state().step(&look).attempt, attempt);
        play.lose(&look, "its shim is gone");
    }
    assert_eq!(play.state().step(&look).status, StepStatus::Unknown, "a person is asked after all");
}

#[test]
fn a_command_that_ended_in_time_is_not_late_because_the_engine_was_away() {
    let mut play = Theatre::new(&observed(AUTOMATIC));
    play.advance().expect("it can begin");
    assert_eq!(play.state().step(&"observe.look".into()).status, StepStatus::Running);
    play.die(Duration::from_secs(3600), false);
    play.until("it has ended", |s| !s.step(&"observe.look".into()).status.is_open());
    assert_eq!(play.state().step(&"observe.look".into()).status, StepStatus::Passed);
}

#[test]
fn a_command_that_runs_on_too_long_is_ended_by_whoever_takes_over() {
    let mut play = Theatre::new(&observed(AUTOMATIC));
    play.hanging.insert("observe.look".into());
    play.advance().expect("it can begin");
    play.die(Duration::from_secs(3600), false);
    play.until("it was ended", |s| s.step(&"observe.look".into()).status == StepStatus::Failed);
}

/// What an engine waits for with a look at it, and how it comes to be without an engine, or with one that sleeps.
#[test]
fn what_is_waited_for_is_looked_for_before_it_is_called_late() {
    type Away = fn(&mut Theatre);
    let aways: [Away; 3] = [
        |play| play.die(Duration::from_secs(3600), false),
        |play| play.die(Duration::from_secs(3600), true),
        |play| play.sleep(Duration::from_secs(3600)),
    ];
    for away in aways {
        let mut play = begun();
        play.script.failing_checks.insert("new".into(), "connection refused".to_owned());
        play.until("it waits", |s| s.step(&"switch.answers".into()).status.is_open());
        play.pass(Duration::from_secs(5));
        play.script.failing_checks.clear();
        away(&mut play);
        play.until("it has ended", |s| !s.step(&"switch.answers".into()).status.is_open());
        assert_eq!(play.state().step(&"switch.answers".into()).status, StepStatus::Passed);

        let mut play = theatre_scenes::observing();
        play.script.failing_checks.insert("old".into(), "connection refused".to_owned());
        play.ask(Command::Rollback { to: None, reason: None }).expect("possible");
        play.until("all is undone", |s| s.rollback.as_ref().is_some_and(|back| back.at_gate.is_some()));
        play.script.failing_checks.clear();
        away(&mut play);
        play.until("it is proven", State::is_closed);
        assert!(
            !play.happened(|e| matches!(e, EventKind::RollbackStuck { .. })),
            "{}",
            play.story().join("\n")
        );
    }
}

#[test]
fn what_is_never_seen_is_late_also_where_the_engine_sleeps_now_and_then() {
    let mut play = begun();
    play.script.failing_checks.insert("new".into(), "connection refused".to_owned());
    play.until("it waits", |s| s.step(&"switch.answers".into()).status.is_open());
    for _ in 0..10 {
        play.pass(Duration::from_secs(5));
        play.sleep(Duration::from_secs(60));
    }
    assert_eq!(play.state().step(&"switch.answers".into()).status, StepStatus::Failed);
}

#[test]
fn what_is_idempotent_does_not_run_again_while_something_else_holds_the_session() {
    let look = "observe.look".into();
    let idempotent = observed(AUTOMATIC).replace("run = [\"true\"]", "run = [\"true\"]\n  idempotent = true");
    let mut play =
        Theatre::in_mode(&format!("{idempotent}\n[freeze]\npaths = [\"/etc/relay\"]\n"), Mode::Live);
    play.find_frozen(&[("/etc/relay", "a")]);
    play.pass(Duration::from_secs(60));
    play.hanging.insert("observe.look".into());
    play.advance().expect("it can begin");
    play.find_frozen(&[("/etc/relay", "b")]);
    play.lose(&look, "its shim is gone");
    play.pass(Duration::from_secs(5));
    assert_eq!(play.state().step(&look).attempt, 1, "{}", play.story().join("\n"));
}
