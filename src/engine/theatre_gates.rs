//! Gates on the stage: soaks, overrides, and triggers that count down, hold and roll back.

use std::time::Duration;

use super::theatre::Theatre;
use super::theatre_scenes::{TWO_STAGES, observing, observing_in, opened, stage, step};
use crate::event::{EventKind, ItemOf, Outcome};
use crate::session::telemetry::LogHealth;
use crate::session::{Command, Situation, State, TriggerState, gate};

#[test]
fn a_soak_counts_green_time_only_and_a_failure_sets_it_to_nothing() {
    let mut play = observing();
    play.until("the soak runs", |s| s.stages["observe"].soak.running_since.is_some());
    play.pass(Duration::from_secs(6));
    play.script.failing_checks.insert("new".into(), "status 503".to_owned());
    play.until("it is broken", |s| s.stages["observe"].soak.broken == 1);
    play.script.failing_checks.clear();
    play.until("it runs again", |s| s.stages["observe"].soak.running_since.is_some());
    let so_far = play.state().stages["observe"].soak.so_far_ms(play.now.up_ms);
    assert!(so_far < 1000, "it began anew: {so_far} ms");
    play.until("it is reached", |s| s.stages["observe"].soak.reached);
}

#[test]
fn a_pause_freezes_the_soak_and_starts_nothing() {
    let mut play = observing();
    play.until("the soak runs", |s| s.stages["observe"].soak.running_since.is_some());
    play.pass(Duration::from_secs(2));
    play.ask(Command::Pause).expect("anyone may pause");
    play.ask(Command::Pause).expect("a second pause is no resume");
    let frozen = play.state().stages["observe"].soak.so_far_ms(play.now.up_ms);
    play.pass(Duration::from_secs(600));
    let soak = &play.state().stages["observe"].soak;
    assert_eq!(soak.so_far_ms(play.now.up_ms), frozen);
    assert!(!soak.reached);
    play.ask(Command::Resume).expect("resumed");
    play.until("the soak is reached", |s| s.stages["observe"].soak.reached);
}

#[test]
fn time_that_nobody_observed_is_no_green_time() {
    let mut play = observing();
    play.until("the soak runs", |s| s.stages["observe"].soak.running_since.is_some());
    play.sleep(Duration::from_secs(3600));
    assert!(play.happened(|e| matches!(e, EventKind::Unobserved { .. })));
    assert!(
        play.happened(|e| matches!(e, EventKind::SoakBroken { .. })),
        "an hour is more than three periods"
    );
    assert!(!play.state().stages["observe"].soak.reached);
}

#[test]
fn a_day_of_soak_passes_in_a_moment_of_test_time() {
    let mut play = Theatre::new(
        &TWO_STAGES.replace("soak = \"10s\"", "soak = \"24h\"").replace("period = \"1s\"", "period = \"1m\""),
    );
    play.until("ready", |s| gate::escape_hatch(s).is_go());
    play.advance().expect("entered");
    play.until("GO", |s| s.stages["switch"].gate.as_ref().is_some_and(|g| g.go));
    play.advance().expect("GO");
    play.until("the soak runs", |s| s.stages["observe"].soak.running_since.is_some());
    play.pass(Duration::from_secs(24 * 3600 - 60));
    assert!(!play.state().stages["observe"].soak.reached);
    play.pass(Duration::from_secs(120));
    assert!(play.state().stages["observe"].soak.reached);
}

#[test]
fn a_trigger_counts_down_and_rolls_back_unless_it_is_vetoed() {
    let mut play = observing();
    play.script.failing_checks.insert("new".into(), "connection refused".to_owned());
    play.until("it is armed", |s| s.triggers.values().any(|t| matches!(t, TriggerState::Armed { .. })));
    play.until("it rolls back", |s| s.active_rollback().is_some());
    play.until("it is over", State::is_closed);
    assert_eq!(play.state().situation(), Situation::RolledBack);
    assert!(matches!(play.state().outcome, Some((Outcome::RolledBack, _))));

    let mut play = observing();
    play.script.failing_checks.insert("new".into(), "connection refused".to_owned());
    play.until("it is armed", |s| s.triggers.values().any(|t| matches!(t, TriggerState::Armed { .. })));
    let trigger = play.state().triggers.keys().next().expect("one").clone();
    play.ask(Command::Veto { trigger, reason: None }).expect("a countdown may be vetoed");
    play.pass(Duration::from_secs(300));
    assert!(play.state().active_rollback().is_none(), "a veto silences it until the check was green");
}

#[test]
fn a_check_that_turns_green_within_the_grace_clears_the_trigger() {
    let mut play = observing();
    play.script.failing_checks.insert("new".into(), "connection refused".to_owned());
    play.until("it is armed", |s| s.triggers.values().any(|t| matches!(t, TriggerState::Armed { .. })));
    play.script.failing_checks.clear();
    play.pass(Duration::from_secs(60));
    assert!(play.happened(|e| matches!(e, EventKind::TriggerCleared { .. })));
    assert!(play.state().active_rollback().is_none());
}

#[test]
fn an_override_lifts_checks_and_soak_but_no_item_and_no_running_step() {
    let mut play = observing();
    let over =
        |reason: &str| Command::Advance { typed: Some("observe".to_owned()), over: Some(reason.to_owned()) };
    let refusal = play.ask(over("in a hurry")).expect_err("an item is not ticked");
    assert!(refusal.0.contains("calls are normal"), "{refusal}");
    let tick = Command::Tick {
        on: ItemOf::Gate(stage("observe")),
        item: "calls are normal".to_owned(),
        pass: true,
        note: None,
    };
    play.ask(tick).expect("ticked");
    play.ask(Command::Advance { typed: None, over: Some("in a hurry".to_owned()) })
        .expect_err("the name is not typed");
    play.ask(over(" ")).expect_err("the reason is empty");
    play.until("the way back is seen afresh", |s| gate::escape_hatch(s).is_go());
    play.ask(over("in a hurry")).expect("the soak is lifted");
    assert!(play.happened(|e| matches!(e, EventKind::Promoted { overridden, .. } if !overridden.is_empty())));
}

fn counting(then: &str) -> String {
    TWO_STAGES.replace(
        "failing_for = \"5s\"\n  then = \"rollback\"",
        &format!("failures = {{ count = 3, within = \"5m\" }}\n  {then}"),
    )
}

#[test]
fn failures_that_were_answered_by_green_are_not_counted_once_more() {
    let mut play = observing_in(&counting("then = \"rollback\""));
    play.script.failing_checks.insert("new".into(), "connection refused".to_owned());
    play.until("it is armed", |s| s.triggers.values().any(|t| matches!(t, TriggerState::Armed { .. })));
    play.script.failing_checks.clear();
    play.pass(Duration::from_secs(60));
    let armed = play.events().iter().filter(|e| matches!(e.event, EventKind::TriggerArmed { .. })).count();
    assert_eq!(armed, 1, "it comes to rest");
    assert!(play.state().active_rollback().is_none());
    play.script.failing_checks.insert("new".into(), "connection refused".to_owned());
    play.until("three new failures arm it again", |s| {
        s.triggers.values().any(|t| matches!(t, TriggerState::Armed { .. }))
    });
}

#[test]
fn a_hold_that_is_resumed_on_a_green_check_holds_again_at_the_next_failure() {
    let hold = TWO_STAGES.replace("then = \"rollback\"\n  grace = \"10s\"", "then = \"hold\"");
    let mut play = observing_in(&hold);
    for _ in 0..2 {
        play.script.failing_checks.insert("new".into(), "connection refused".to_owned());
        play.until("it holds", |s| s.situation() == Situation::Holding);
        play.script.failing_checks.clear();
        play.until("it is green again", |s| s.is_green(&"new".into()));
        play.ask(Command::Resume).expect("the hold is lifted");
        assert_eq!(play.state().situation(), Situation::Running);
    }
}

#[test]
fn a_failure_between_two_records_breaks_the_soak_all_the_same() {
    let mut play = observing();
    play.pass(Duration::from_secs(5));
    play.machine.journal_mut().broken = Some(LogHealth::Full("0 bytes free".to_owned()));
    // Something must be written for the fault to be met.
    play.ask(Command::Pause).expect_err("nothing can be recorded");
    play.script.failing_checks.insert("new".into(), "connection refused".to_owned());
    play.pass(Duration::from_secs(10));
    play.script.failing_checks.clear();
    play.pass(Duration::from_secs(10));
    play.machine.journal_mut().broken = None;
    play.pass(Duration::from_secs(1));
    assert!(play.happened(|e| matches!(e, EventKind::SoakBroken { .. })), "{}", play.story().join("\n"));
    assert!(!play.state().stages["observe"].soak.reached);
}

#[test]
fn a_failed_step_that_is_skipped_takes_its_countdown_with_it() {
    let back = TWO_STAGES.replace(
        "id = \"start-new\"",
        "id = \"start-new\"\n  skippable = true\n  on_failure = \"rollback\"\n  grace = \"10s\"",
    );
    let mut play = opened(&back);
    play.script.failing_steps.insert(step("switch.start-new"), vec!["no such file".to_owned()]);
    play.advance().expect("the first stage is entered");
    play.until("it counts down", |s| s.triggers.values().any(|t| matches!(t, TriggerState::Armed { .. })));
    play.ask(Command::Skip { step: step("switch.start-new"), reason: "by hand".to_owned() })
        .expect("skippable");
    assert!(play.state().triggers.is_empty(), "{:?}", play.state().triggers);
}

#[test]
fn nobody_goes_on_over_a_failure_that_could_not_be_recorded_before_they_asked() {
    let gate = "  soak = \"10s\"\n  accept = [\"calls are normal\"]\n";
    assert!(TWO_STAGES.contains(gate));
    let mut play = observing_in(&TWO_STAGES.replace(gate, ""));
    play.until("it is GO", |s| gate::evaluate(s, &stage("observe")).is_go());
    play.machine.journal_mut().broken = Some(LogHealth::Full("0 bytes free".to_owned()));
    play.ask(Command::Pause).expect_err("nothing can be recorded");
    play.script.failing_checks.insert("new".into(), "connection refused".to_owned());
    play.pass(Duration::from_secs(10));
    play.machine.journal_mut().broken = None;
    let refusal = play.advance().expect_err("it is known to be red");
    assert!(refusal.0.contains("connection refused"), "{refusal}");
}

/// One that is decided on what was green before it, because that is recorded late, would be green for nothing.
#[test]
fn what_was_green_before_a_step_waits_for_it_is_not_recorded_behind_its_start() {
    let mut play = opened(
        r#"
id = "late"
[check.hatch]
file = "/way/back"
period = "1s"
[check.new]
http = "http://127.0.0.1:1/new"
period = "1s"
failure_threshold = 1
[check.other]
http = "http://127.0.0.1:1/other"
period = "1s"
failure_threshold = 1
[[stage]]
id = "switch"
watch = ["new", "other"]
  [[stage.step]]
  id = "start-new"
  run = ["start"]
  [[stage.step]]
  id = "answers"
  await = ["new"]
  [[stage.rollback]]
  id = "stop-new"
  run = ["stop"]
[rollback]
ready = ["hatch"]
"#,
    );
    play.script.failing_checks.insert("new".into(), "connection refused".to_owned());
    play.advance().expect("entered");
    play.machine.journal_mut().broken = Some(LogHealth::Full("0 bytes free".to_owned()));
    play.pass(Duration::from_secs(3));
    play.script.failing_checks.clear();
    play.pass(Duration::from_secs(3));
    play.script.failing_checks.insert("other".into(), "connection refused".to_owned());
    play.pass(Duration::from_secs(3));
    // From here on nobody looks: what the step waits for cannot be seen.
    play.blind = true;
    play.machine.journal_mut().broken = None;
    play.pass(Duration::from_secs(2));
    let answers = play.state().step(&step("switch.answers"));
    assert!(answers.status.is_open(), "{:?}\n{}", answers.status, play.story().join("\n"));
}
