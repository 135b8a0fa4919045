//! The way back, played on the stage: what it undoes, where it is stuck, and where it is closed.

use std::time::Duration;

use super::theatre::Theatre;
use super::theatre_scenes::{
    TWO_STAGES, begun, hanging, observing, observing_in, opened, stage, status, step, step_status,
};
use crate::event::{Credentials, EventKind, Health, Resolution, Seat};
use crate::session::telemetry::LogHealth;
use crate::session::{Command, Situation, StageStatus, State, StepStatus, gate, rollback};

#[test]
fn rolling_back_undoes_what_was_started_in_reverse_and_proves_that_the_old_one_is_back() {
    let mut play = observing();
    let plan = rollback::plan(play.state(), None).expect("there is something to undo");
    assert_eq!(plan.steps, [step("switch.stop-new"), step("switch.start-old")]);
    assert!(plan.full);
    play.ask(Command::Rollback { to: None, reason: None }).expect("rolling back is possible");
    play.until("it is rolled back", State::is_closed);
    assert_eq!(play.state().situation(), Situation::RolledBack);
    assert_eq!(status(play.state(), "switch"), StageStatus::RolledBack);
    let old_at = play.events().iter().position(
        |e| matches!(&e.event, EventKind::CheckChanged { check, to: Health::Ok, .. } if check.as_str() == "old"),
    );
    let end = play.events().iter().position(|e| matches!(e.event, EventKind::RollbackFinished { .. }));
    assert!(old_at < end, "the old system's green came before the end");
}

#[test]
fn a_step_that_never_ran_is_not_undone() {
    let mut play = Theatre::new(TWO_STAGES);
    play.script.failing_steps.insert(step("switch.stop-old"), vec!["exit 1".to_owned()]);
    play.until("ready", |s| gate::escape_hatch(s).is_go());
    play.advance().expect("entered");
    play.until("it holds", |s| s.situation() == Situation::Holding);
    let plan = rollback::plan(play.state(), None).expect("a plan");
    assert_eq!(plan.steps, [step("switch.start-old")], "a failed step counts as possibly applied");
}

#[test]
fn a_rollback_step_that_fails_is_stuck_and_goes_on_when_it_is_retried() {
    let mut play = observing();
    play.script.failing_steps.insert(step("switch.stop-new"), vec!["exit 7".to_owned()]);
    play.ask(Command::Rollback { to: None, reason: None }).expect("possible");
    play.until("it is stuck", |s| s.situation() == Situation::RollbackStuck);
    let stuck = play.state().rollback.clone().and_then(|r| r.stuck).expect("stuck");
    assert_eq!(stuck.remaining, [step("switch.stop-new"), step("switch.start-old")]);
    play.ask(Command::Retry { step: step("switch.stop-new") }).expect("a stuck step may be retried");
    play.until("it is rolled back", State::is_closed);
    assert_eq!(play.state().situation(), Situation::RolledBack);
}

#[test]
fn a_rollback_of_which_a_step_was_skipped_never_says_that_everything_is_undone() {
    let mut play = observing();
    play.script.failing_steps.insert(step("switch.stop-new"), vec!["exit 7".to_owned()]);
    play.ask(Command::Rollback { to: None, reason: None }).expect("possible");
    play.until("it is stuck", |s| s.situation() == Situation::RollbackStuck);
    play.ask(Command::Skip { step: step("switch.stop-new"), reason: "it is gone".to_owned() })
        .expect("possible");
    play.until("it is rolled back", State::is_closed);
    let finished = play.events().iter().find(|e| matches!(e.event, EventKind::RollbackFinished { .. }));
    let said = crate::event::describe(finished.expect("it is finished"));
    assert_eq!(said, "rollback finished, NOT ALL IS UNDONE: skipped switch.stop-new");
}

#[test]
fn a_rollback_ends_what_runs_first() {
    let mut play = hanging(TWO_STAGES);
    let plan = rollback::plan(play.state(), None).expect("a plan");
    assert_eq!(plan.cancels, [step("switch.start-new")]);
    play.ask(Command::Rollback { to: None, reason: None }).expect("possible");
    play.until("it is rolled back", State::is_closed);
    let killed = play.events().iter().position(|e| matches!(e.event, EventKind::StepKilled { .. }));
    let undone = play.events().iter().position(
        |e| matches!(&e.event, EventKind::StepStarted { step, .. } if step.as_str() == "switch.stop-new"),
    );
    assert!(killed.is_some() && killed < undone);
}

#[test]
fn a_rollback_that_may_not_end_what_runs_is_stuck_until_it_has_ended() {
    let mut play = hanging(TWO_STAGES);
    play.unendable.insert(step("switch.start-new"));
    play.ask(Command::Rollback { to: None, reason: None }).expect("possible");
    play.until("it is stuck", |s| s.situation() == Situation::RollbackStuck);
    let stuck = play.state().rollback.clone().and_then(|r| r.stuck).expect("stuck");
    assert_eq!(stuck.why, "switch.start-new could not be ended: not permitted to end process 7 as app");
    play.pass(Duration::from_secs(300));
    let asked = play.events().iter().filter(|e| matches!(e.event, EventKind::StepKilled { .. })).count();
    assert_eq!(asked, 1, "it is not asked again and again");
    play.unendable.clear();
    play.ask(Command::Kill { step: step("switch.start-new") }).expect("once more");
    play.until("it is rolled back", State::is_closed);
}

#[test]
fn a_partial_rollback_holds_before_its_stage_which_can_be_entered_again() {
    let mut play = observing();
    play.ask(Command::Rollback { to: Some(stage("observe")), reason: None }).expect("possible");
    play.until("it is rolled back", |s| status(s, "observe") == StageStatus::RolledBack);
    assert!(!play.state().is_closed());
    assert_eq!(status(play.state(), "switch"), StageStatus::AtGate, "it is said once more whether to go on");
    play.until("the gate before is GO again", |s| gate::evaluate(s, &stage("switch")).is_go());
    play.advance().expect("the undone stage is entered again");
    assert_eq!(status(play.state(), "switch"), StageStatus::Passed);
    play.until("at its gate again", |s| status(s, "observe") == StageStatus::AtGate);
    assert_eq!(play.state().step(&step("observe.look")).attempt, 2, "the numbers go on");
}

#[test]
fn what_a_link_was_is_known_whatever_is_said_of_its_step_and_is_asked_anew_when_its_stage_is_entered_again() {
    let look = step("observe.look");
    let link = "  id = \"look\"\n  link = { path = \"current\", to = \"new\" }";
    let runbook = TWO_STAGES.replace("  id = \"look\"\n  run = [\"true\"]", link);
    for outcome in [Resolution::Done, Resolution::Failed] {
        let mut play = opened(&runbook);
        play.hanging.insert(look.clone());
        play.advance().expect("the first stage is entered");
        play.until("the first gate is GO", |s| s.stages["switch"].gate.as_ref().is_some_and(|g| g.go));
        play.advance().expect("GO");
        play.until("it is switched", |s| s.step(&look).status == StepStatus::Running);
        let (was, to) = (Some("old".to_owned()), Some("new".to_owned()));
        let found = EventKind::LinkFound { step: look.clone(), attempt: 1, was, to };
        play.lose_but(&look, vec![found], "the engine ended");
        let resolve = Command::Resolve { step: look.clone(), outcome, reason: "seen".to_owned() };
        play.ask(resolve).expect("nobody else knows");
        assert_eq!(play.state().links[&look].was.as_deref(), Some("old"));
        play.ask(Command::Rollback { to: Some(stage("observe")), reason: None }).expect("possible");
        play.until("it is rolled back", |s| status(s, "observe") == StageStatus::RolledBack);
        play.until("the gate before is GO again", |s| gate::evaluate(s, &stage("switch")).is_go());
        play.advance().expect("the undone stage is entered again");
        assert!(play.state().links.is_empty());
    }
}

/// TWO_STAGES, with a gate of the first stage that says this.
fn with_gate(says: &str) -> String {
    let gate = format!("  run = [\"start\"]\n  [stage.gate]\n  {says}\n\n[[stage]]\nid = \"observe\"");
    let runbook = TWO_STAGES.replace("  run = [\"start\"]\n\n[[stage]]\nid = \"observe\"", &gate);
    assert_ne!(runbook, TWO_STAGES);
    runbook
}

#[test]
fn what_a_partial_rollback_leaves_is_proven_by_new_samples_before_it_goes_on_again() {
    let mut play = observing_in(&with_gate("checks = [\"new\"]"));
    let gates_before = play.events().len();
    play.ask(Command::Rollback { to: Some(stage("observe")), reason: None }).expect("possible");
    play.until("it is rolled back", |s| status(s, "switch") == StageStatus::AtGate);
    let refusal = play.advance().expect_err("nothing was seen since");
    assert!(refusal.0.contains("check new is pending"), "{refusal}");
    play.script.failing_checks.insert("new".into(), "status 502".to_owned());
    play.until("it is seen", |s| s.check(&"new".into()).health == Health::Failing);
    let refusal = play.advance().expect_err("what is left does not serve");
    assert!(refusal.0.contains("status 502"), "{refusal}");
    assert!(
        !play.events()[gates_before..]
            .iter()
            .any(|e| matches!(e.event, EventKind::GateChanged { go: true, .. }))
    );
    play.script.failing_checks.clear();
    play.until("it serves again", |s| gate::evaluate(s, &stage("switch")).is_go());
    play.advance().expect("GO");
}

#[test]
fn a_gate_that_promotes_itself_waits_for_a_person_where_a_rollback_came_back_to_it() {
    let mut play = opened(&with_gate("auto = true"));
    play.advance().expect("the first stage is entered");
    play.until("the second stage is at its gate", |s| status(s, "observe") == StageStatus::AtGate);
    play.ask(Command::Rollback { to: Some(stage("observe")), reason: None }).expect("possible");
    play.until("its gate is GO", |s| s.stages["switch"].gate.as_ref().is_some_and(|g| g.go));
    play.pass(Duration::from_secs(60));
    assert_eq!(status(play.state(), "observe"), StageStatus::RolledBack, "else it would go round for ever");
    play.advance().expect("a person says it");
    play.until("it is at its gate again", |s| status(s, "observe") == StageStatus::AtGate);
}

const POINT: &str = r#"
id = "point"
[[stage]]
id = "before"
  [[stage.step]]
  id = "one"
  run = ["true"]
  [[stage.rollback]]
  id = "undo"
  run = ["true"]
  [stage.gate]
  auto = true
[[stage]]
id = "drop"
point_of_no_return = true
  [[stage.step]]
  id = "two"
  run = ["true"]
"#;

#[test]
fn a_point_of_no_return_wants_its_name_and_closes_the_way_back_behind_it() {
    let mut play = Theatre::new(POINT);
    play.advance().expect("entered");
    play.until("the gate is GO", |s| s.stages["before"].gate.as_ref().is_some_and(|g| g.go));
    play.pass(Duration::from_secs(60));
    assert_eq!(status(play.state(), "drop"), StageStatus::Pending, "`auto` does not cross it");
    let refusal = play.advance().expect_err("the name is not typed");
    assert!(refusal.0.contains("point of no return"), "{refusal}");
    play.ask(Command::Advance { typed: Some("drop".to_owned()), over: None }).expect("typed");
    play.until("its step has run", |s| step_status(s, "drop.two") == StepStatus::Passed);
    assert_eq!(rollback::targets(play.state()), [stage("drop")]);
    let refusal =
        play.ask(Command::Rollback { to: Some(stage("before")), reason: None }).expect_err("too late");
    assert!(refusal.0.contains("behind the point of no return"), "{refusal}");
}

#[test]
fn a_point_of_no_return_stays_passed_when_its_own_stage_is_undone_and_entered_again() {
    let more = "  [[stage.rollback]]\n  id = \"undrop\"\n  run = [\"true\"]\n[[stage]]\nid = \"after\"\n\
                  [[stage.step]]\n  id = \"three\"\n  confirm = \"go on?\"\n";
    let mut play = Theatre::new(&format!("{POINT}{more}"));
    play.advance().expect("entered");
    play.until("the gate is GO", |s| s.stages["before"].gate.as_ref().is_some_and(|g| g.go));
    let drop = || Command::Advance { typed: Some("drop".to_owned()), over: None };
    play.ask(drop()).expect("typed");
    play.until("its gate is GO", |s| s.stages["drop"].gate.as_ref().is_some_and(|g| g.go));
    play.advance().expect("GO");
    play.until("it is asked", |s| step_status(s, "after.three") == StepStatus::Waiting);
    play.ask(Command::Rollback { to: Some(stage("drop")), reason: None }).expect("its own way back is open");
    play.until("it is undone", |s| status(s, "before") == StageStatus::AtGate);
    let is_closed = |play: &mut Theatre| {
        assert_eq!(rollback::point_passed(play.state()), Some(&stage("drop")));
        assert!(!rollback::reaches(play.state(), None), "no trigger goes back over it");
        for to in [None, Some(stage("before"))] {
            let refusal =
                play.ask(Command::Rollback { to, reason: None }).expect_err("what was dropped is gone");
            assert!(refusal.0.contains("behind the point of no return"), "{refusal}");
        }
    };
    is_closed(&mut play);
    play.until("the gate before is GO again", |s| gate::evaluate(s, &stage("before")).is_go());
    play.hanging.insert(step("drop.two"));
    play.ask(drop()).expect("it is entered again");
    assert_eq!(status(play.state(), "drop"), StageStatus::Active);
    assert_eq!(rollback::targets(play.state()), [stage("drop")]);
}

#[test]
fn a_way_back_that_has_gone_since_it_was_last_looked_at_keeps_the_gate_shut() {
    // It is looked at once an hour, and one bad look is enough.
    let rarely = "file = \"/way/back\"\nperiod = \"1h\"\nfailure_threshold = 1";
    let mut play = Theatre::new(&TWO_STAGES.replace("file = \"/way/back\"\nperiod = \"1s\"", rarely));
    play.until("the way back is ready", |s| gate::escape_hatch(s).is_go());
    play.advance().expect("the first stage is entered");
    play.script.failing_checks.insert("hatch".into(), "there is no such file".to_owned());
    play.until("its gate is come to", |s| status(s, "switch") == StageStatus::AtGate);
    play.until("it is seen", |s| s.check(&"hatch".into()).health == Health::Failing);
    let missing = gate::evaluate(play.state(), &stage("switch")).sentences();
    assert_eq!(missing, ["the way back is not ready: check hatch is failing: failed: there is no such file"]);
    assert!(!play.happened(|e| matches!(e, EventKind::GateChanged { go: true, .. })), "not for a moment");
}

#[test]
fn a_step_of_a_stuck_rollback_that_is_said_to_be_done_lets_it_go_on() {
    let mut play = begun();
    play.hanging.insert(step("switch.start-old"));
    play.until("it is at its gate", |s| status(s, "switch") == StageStatus::AtGate);
    play.ask(Command::Rollback { to: None, reason: None }).expect("the way back is open");
    play.until("the undo runs", |s| step_status(s, "switch.start-old") == StepStatus::Running);
    play.lose(&step("switch.start-old"), "its shim is gone");
    assert_eq!(play.state().situation(), Situation::RollbackStuck);
    let done = Command::Resolve {
        step: step("switch.start-old"),
        outcome: Resolution::Done,
        reason: "seen by hand".to_owned(),
    };
    play.ask(done).expect("a person says it");
    play.until("it is over", State::is_closed);
    assert_eq!(play.state().situation(), Situation::RolledBack);
}

#[test]
fn a_way_back_that_nothing_proves_is_stuck_once_until_it_is_proven() {
    let mut play = observing();
    play.script.failing_checks.insert("old".into(), "status 503".to_owned());
    play.ask(Command::Rollback { to: None, reason: None }).expect("possible");
    play.until("it is stuck", |s| s.situation() == Situation::RollbackStuck);
    play.pass(Duration::from_secs(300));
    let stuck = play.events().iter().filter(|e| matches!(e.event, EventKind::RollbackStuck { .. })).count();
    assert_eq!(stuck, 1, "{}", play.story().join("\n"));
    play.script.failing_checks.clear();
    play.until("it is rolled back", State::is_closed);
}

#[test]
fn on_the_reserve_nothing_goes_forward_and_the_way_back_is_gone_to_its_end() {
    let mut play = observing();
    play.machine.journal_mut().reserve = Some(LogHealth::Full("0 bytes free".to_owned()));
    play.pass(Duration::from_secs(1));
    assert!(play.advance().is_err());
    play.ask(Command::Rollback { to: None, reason: None }).expect("possible");
    play.ask(Command::Pause).expect("anyone may");
    play.pass(Duration::from_secs(5));
    assert!(!play.state().is_closed());
    play.ask(Command::Resume).expect("what may be stopped may go on");
    play.until("it is rolled back", State::is_closed);
    assert_eq!(play.state().situation(), Situation::RolledBack);
}

#[test]
fn on_the_reserve_a_trigger_rolls_back_and_whoever_is_there_may_take_the_wheel() {
    let mut play = observing();
    let other = play.come("opsB", Credentials { uid: 1001, ..Credentials::default() }, &[], Seat::Navigator);
    let driver = play.driver.clone();
    play.leave(&driver);
    play.machine.journal_mut().reserve = Some(LogHealth::Full("0 bytes free".to_owned()));
    play.pass(Duration::from_secs(60));
    play.ask_of(&other, Command::TakeWheel).expect("its holder is away");
    play.script.failing_checks.insert("new".into(), "status 503".to_owned());
    play.until("it is rolled back by itself", State::is_closed);
}
