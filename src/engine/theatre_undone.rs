//! What a rollback owes, played on the stage: what an earlier one left as it was, what was done again since, and for how
//! long nobody asks why.

use std::time::Duration;

use super::theatre::Theatre;
use super::theatre_scenes::{TWO_STAGES, hanging, opened, stage, status, step, step_status};
use crate::session::way_back::{self, RollbackWindow};
use crate::session::{Command, Situation, StageStatus, State, StepStatus, gate, rollback};

/// Two stages of which each is undone by its own step, and the second by one that runs only all the way back, too.
const UNDONE: &str = r#"
id = "undone"
[[stage]]
id = "a"
  [[stage.step]]
  id = "one"
  run = ["true"]
  [[stage.rollback]]
  id = "un-one"
  run = ["true"]
[[stage]]
id = "b"
  [[stage.step]]
  id = "ask"
  confirm = "go on?"
  [[stage.step]]
  id = "two"
  run = ["true"]
  [[stage.rollback]]
  id = "un-two"
  undoes = ["two"]
  run = ["true"]
[rollback]
  [[rollback.step]]
  id = "route-back"
  undoes = ["b.two"]
  run = ["true"]
"#;

/// At the gate of the second stage.
fn both_run(runbook: &str) -> Theatre {
    let mut play = opened(runbook);
    play.advance().expect("entered");
    play.until("the gate is GO", |s| s.stages["a"].gate.as_ref().is_some_and(|g| g.go));
    play.advance().expect("GO");
    play.ask(Command::Confirm { step: step("b.ask"), yes: true, note: None }).expect("it is asked");
    play.until("both have run", |s| status(s, "b") == StageStatus::AtGate);
    play
}

/// At the gate of the first stage, once the second was rolled back.
fn second_undone(runbook: &str, skipping: bool) -> Theatre {
    let mut play = both_run(runbook);
    if skipping {
        play.script.failing_steps.insert(step("b.un-two"), vec!["exit 7".to_owned()]);
    }
    play.ask(Command::Rollback { to: Some(stage("b")), reason: None }).expect("possible");
    if skipping {
        play.until("it is stuck", |s| s.situation() == Situation::RollbackStuck);
        let skip = Command::Skip { step: step("b.un-two"), reason: "by hand, later".to_owned() };
        play.ask(skip).expect("possible");
    }
    play.until("the gate before is GO again", |s| {
        status(s, "a") == StageStatus::AtGate && gate::evaluate(s, &stage("a")).is_go()
    });
    play
}

fn planned(play: &Theatre) -> Vec<String> {
    let plan = rollback::plan(play.state(), None).expect("there is something to undo");
    plan.steps.iter().map(ToString::to_string).collect()
}

#[test]
fn a_stage_is_not_rolled_back_before_what_undoes_it_has_undone_it() {
    let mut play = both_run(UNDONE);
    play.script.failing_steps.insert(step("a.un-one"), vec!["it is gone".to_owned()]);
    play.ask(Command::Rollback { to: None, reason: None }).expect("possible");
    play.until("it is stuck", |s| s.situation() == Situation::RollbackStuck);
    assert_eq!(status(play.state(), "b"), StageStatus::RolledBack);
    assert_eq!(status(play.state(), "a"), StageStatus::RollingBack, "{}", play.story().join("\n"));
}

#[test]
fn what_a_rollback_left_as_it_was_is_undone_by_the_next_that_goes_further_back() {
    for again in [false, true] {
        let mut play = second_undone(UNDONE, true);
        if again {
            play.advance().expect("the undone stage is entered again");
            assert_eq!(
                step_status(play.state(), "b.ask"),
                StepStatus::Waiting,
                "no step of it has run again"
            );
        }
        assert_eq!(planned(&play), ["b.un-two", "a.un-one", "rollback.route-back"]);
        play.script.failing_steps.insert(step("b.un-two"), vec!["exit 7".to_owned()]);
        play.ask(Command::Rollback { to: None, reason: None }).expect("possible");
        play.until("it is stuck", |s| s.situation() == Situation::RollbackStuck);
        assert_eq!(status(play.state(), "b"), StageStatus::RollingBack, "it is not undone yet");
        let mut by_hand = play;
        by_hand
            .ask(Command::Skip { step: step("b.un-two"), reason: "by hand".to_owned() })
            .expect("possible");
        by_hand.until("it is rolled back", State::is_closed);
        let said = by_hand.story().join("\n");
        assert!(said.contains("rollback finished, NOT ALL IS UNDONE: skipped b.un-two"), "{said}");
    }
}

#[test]
fn what_was_undone_is_undone_again_only_once_it_was_done_again() {
    let mut play = second_undone(UNDONE, false);
    assert_eq!(planned(&play), ["a.un-one", "rollback.route-back"]);
    play.advance().expect("the undone stage is entered again");
    assert_eq!(planned(&play), ["a.un-one", "rollback.route-back"], "it was never routed back");
    play.ask(Command::Confirm { step: step("b.ask"), yes: true, note: None }).expect("it is asked");
    play.until("it has run", |s| step_status(s, "b.two") == StepStatus::Passed);
    assert_eq!(planned(&play), ["b.un-two", "a.un-one", "rollback.route-back"]);
    play.ask(Command::Rollback { to: None, reason: None }).expect("possible");
    play.until("it is rolled back", State::is_closed);
    assert!(!play.story().join("\n").contains("NOT ALL"));
}

#[test]
fn undoing_after_the_next_stage_is_reckoned_with_each_undoing_that_is_due_then() {
    let after = |play: &Theatre| {
        let next = play.state().next_stage().and_then(|id| play.state().stage_plan(id));
        way_back::after(play.state(), next).steps
    };
    assert_eq!(after(&opened(UNDONE)), 1, "un-one");
    assert_eq!(after(&second_undone(UNDONE, true)), 3, "un-two, which is owed, un-one and route-back");
    let third = "[[stage]]\nid = \"c\"\n[[stage.step]]\nid = \"three\"\nrun = [\"true\"]\n\
                 [[stage.rollback]]\nid = \"un-three\"\nrun = [\"true\"]\n[rollback]\n";
    let point = UNDONE.replace("id = \"b\"\n", "id = \"b\"\npoint_of_no_return = true\n");
    let mut play = opened(&point.replace("[rollback]\n", third));
    play.advance().expect("entered");
    play.until("the gate is GO", |s| s.stages["a"].gate.as_ref().is_some_and(|g| g.go));
    assert_eq!(after(&play), 1, "un-two");
    play.ask(Command::Advance { typed: Some("b".to_owned()), over: None }).expect("typed");
    play.ask(Command::Confirm { step: step("b.ask"), yes: true, note: None }).expect("it is asked");
    play.until("the gate is GO", |s| s.stages["b"].gate.as_ref().is_some_and(|g| g.go));
    assert_eq!(after(&play), 2, "un-three and un-two");
}

#[test]
fn what_was_copied_is_kept_until_it_was_put_back() {
    let copied = UNDONE
        .replace("id = \"two\"\n  run = [\"true\"]", "id = \"two\"\n  snapshot = [\"app.toml\"]")
        .replace("undoes = [\"two\"]\n  run = [\"true\"]", "undoes = [\"two\"]\n  restore = \"two\"");
    for skipping in [false, true] {
        let mut play = second_undone(&copied, skipping);
        play.advance().expect("the undone stage is entered again");
        assert_eq!(status(play.state(), "b"), StageStatus::Active);
        assert_eq!(play.state().snapshots.contains_key(&step("b.two")), skipping);
    }
}

#[test]
fn the_rollback_window_goes_on_while_the_machine_restarts() {
    let window = "[rollback]\nwindow = { from = \"switch\", lasts = \"2h\" }\n";
    let mut play = opened(&TWO_STAGES.replace("[rollback]\n", window));
    play.advance().expect("the first stage is entered");
    let entered = play.now;
    play.until("it is at its gate", |s| status(s, "switch") == StageStatus::AtGate);
    play.die(Duration::from_secs(3_600), true);
    play.pass(Duration::from_secs(60));
    let ago = u64::try_from((play.now.at - entered.at).num_milliseconds()).expect("it was before");
    let Some(RollbackWindow::Open { left_ms }) = way_back::way_back(play.state(), play.now).window else {
        panic!("it is open");
    };
    assert_eq!(left_ms, 7_200_000 - ago);
    play.pass(Duration::from_millis(left_ms));
    let refusal = play.ask(Command::Rollback { to: None, reason: None }).expect_err("two hours are over");
    assert!(refusal.0.contains("the rollback window is over"), "{refusal}");
}

#[test]
fn a_rollback_is_stuck_on_what_could_not_be_ended_only_until_that_is_being_ended() {
    let runbook = TWO_STAGES.replace("[[stage.rollback]]", "[[stage.never]]");
    let start = runbook.find("  [[stage.never]]").expect("it has a way back");
    let end = runbook.find("[[stage]]\nid = \"observe\"").expect("it has a second stage");
    let mut play = hanging(&format!("{}{}", &runbook[..start], &runbook[end..]));
    play.script.failing_checks.insert("old".into(), "refused".to_owned());
    play.unendable.insert(step("switch.start-new"));
    play.ask(Command::Rollback { to: None, reason: None }).expect("possible");
    play.until("it is stuck", |s| s.situation() == Situation::RollbackStuck);
    play.unendable.clear();
    play.ask(Command::Kill { step: step("switch.start-new") }).expect("once more");
    assert_eq!(play.state().situation(), Situation::RollingBack, "it is being ended");
    play.until("it has ended", |s| step_status(s, "switch.start-new") == StepStatus::Failed);
    play.until("it waits for the proof", |s| s.rollback.as_ref().is_some_and(|r| r.at_gate.is_some()));
    assert_eq!(play.state().situation(), Situation::RollingBack, "nothing is in its way");
    play.until("nothing proves it", |s| s.situation() == Situation::RollbackStuck);
    play.script.failing_checks.clear();
    play.until("it is rolled back", State::is_closed);
}
