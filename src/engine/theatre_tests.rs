//! What the engine promises, played on the stage: one table of plays, each a story that a reader can follow.

use std::time::Duration;

use super::driver::{self, AdoptOrder, Effect};
use super::machine::{Input, Machine};
use super::theatre::{Memory, Theatre};
use crate::event::{By, EventKind, Health, ItemOf, Outcome, Person, Resolution, Seat};
use crate::redact::Redactor;
use crate::runbook::{StageId, StepId};
use crate::session::telemetry::LogHealth;
use crate::session::{Command, Situation, StageStatus, State, StepStatus, TriggerState, gate, rollback};

const TWO_STAGES: &str = r#"
id = "two"
[check.old]
http = "http://127.0.0.1:1/old"
[check.new]
http = "http://127.0.0.1:1/new"
period = "1s"
failure_threshold = 2
[check.hatch]
file = "/way/back"
period = "1s"

[[stage]]
id = "switch"
watch = ["new"]
  [[stage.step]]
  id = "stop-old"
  run = ["stop"]
  [[stage.step]]
  id = "start-new"
  run = ["start"]
  [[stage.step]]
  id = "answers"
  await = ["new"]
  timeout = "30s"
  [[stage.rollback]]
  id = "stop-new"
  undoes = ["start-new"]
  run = ["stop"]
  [[stage.rollback]]
  id = "start-old"
  undoes = ["stop-old"]
  run = ["start"]

[[stage]]
id = "observe"
watch = ["new"]
  [[stage.step]]
  id = "look"
  run = ["true"]
  [stage.gate]
  soak = "10s"
  accept = ["calls are normal"]
  [[stage.trigger]]
  check = "new"
  failing_for = "5s"
  then = "rollback"
  grace = "10s"

[rollback]
ready = ["hatch"]
gate = { checks = ["old"], timeout = "20s" }
"#;

fn stage(name: &str) -> StageId {
    name.into()
}

fn step(name: &str) -> StepId {
    name.into()
}

fn status(state: &State, name: &str) -> StageStatus {
    state.stages[name].status
}

fn step_status(state: &State, name: &str) -> StepStatus {
    state.step(&step(name)).status
}

/// Opens a runbook and waits for its escape hatch.
fn opened(runbook: &str) -> Theatre {
    let mut play = Theatre::new(runbook);
    play.until("the way back is ready", |s| gate::escape_hatch(s).is_go());
    play
}

/// Opens TWO_STAGES, waits for the escape hatch and enters the first stage.
fn begun() -> Theatre {
    let mut play = opened(TWO_STAGES);
    play.advance().expect("the first stage is entered");
    play
}

/// The same, at the gate of the second stage.
fn observing() -> Theatre {
    observing_in(TWO_STAGES)
}

/// The same in a runbook with the same stages.
fn observing_in(runbook: &str) -> Theatre {
    let mut play = opened(runbook);
    play.advance().expect("the first stage is entered");
    play.until("the first gate is GO", |s| s.stages["switch"].gate.as_ref().is_some_and(|g| g.go));
    play.advance().expect("GO");
    play.until("the second stage is at its gate", |s| status(s, "observe") == StageStatus::AtGate);
    play
}

#[test]
fn a_cutover_goes_forward_to_its_end() {
    let mut play = observing();
    let tick = Command::Tick {
        on: ItemOf::Gate(stage("observe")),
        item: "calls are normal".to_owned(),
        pass: true,
        note: None,
    };
    play.ask(tick).expect("the item is ticked");
    play.until("the second gate is GO", |s| s.stages["observe"].gate.as_ref().is_some_and(|g| g.go));
    play.advance().expect("GO");
    assert_eq!(play.state().situation(), Situation::Completed);
    assert!(matches!(play.events().last().map(|e| &e.event), Some(EventKind::SessionClosed { .. })));
}

#[test]
fn nothing_starts_while_the_way_back_is_not_ready() {
    let mut play = Theatre::new(TWO_STAGES);
    play.script.failing_checks.insert("hatch".into(), "there is no such file".to_owned());
    play.pass(Duration::from_secs(30));
    let refusal = play.advance().expect_err("the hatch is red");
    assert!(refusal.0.contains("the way back is not ready"), "{refusal}");
    assert_eq!(status(play.state(), "switch"), StageStatus::Pending);
}

#[test]
fn an_await_is_never_green_on_answers_from_before_it_began() {
    let mut play = Theatre::new(TWO_STAGES);
    play.until("ready", |s| gate::escape_hatch(s).is_go());
    play.advance().expect("entered");
    play.until("the new one was green before the await", |s| s.check(&"new".into()).health == Health::Ok);
    // From here on nobody answers: what was seen before must not count.
    play.blind = true;
    play.until("the await gives up", |s| step_status(s, "switch.answers") == StepStatus::Failed);
    let why = play.state().step(&step("switch.answers")).why.clone().unwrap_or_default();
    assert!(why.contains("timed out after 30s"), "{why}");
    assert_eq!(play.state().situation(), Situation::Holding);
}

#[test]
fn a_failed_step_holds_until_it_is_retried() {
    let mut play = Theatre::new(TWO_STAGES);
    play.script.failing_steps.insert(step("switch.start-new"), vec!["exit 1, expected 0".to_owned()]);
    play.until("ready", |s| gate::escape_hatch(s).is_go());
    play.advance().expect("entered");
    play.until("the step fails", |s| step_status(s, "switch.start-new") == StepStatus::Failed);
    play.pass(Duration::from_secs(60));
    assert_eq!(play.state().situation(), Situation::Holding);
    assert_eq!(step_status(play.state(), "switch.answers"), StepStatus::Pending, "nothing new starts");
    play.ask(Command::Retry { step: step("switch.start-new") }).expect("a failed step may be retried");
    play.until("the stage goes on to its gate", |s| status(s, "switch") == StageStatus::AtGate);
    assert_eq!(play.state().step(&step("switch.start-new")).attempt, 2);
}

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

/// On the way into the first stage, with `start-new` under way for ever.
fn hanging(runbook: &str) -> Theatre {
    let mut play = Theatre::new(runbook);
    play.hanging.insert(step("switch.start-new"));
    play.until("ready", |s| gate::escape_hatch(s).is_go());
    play.advance().expect("entered");
    play.until("the step runs", |s| step_status(s, "switch.start-new") == StepStatus::Running);
    play
}

#[test]
fn what_could_not_be_ended_runs_on_and_may_be_ended_again() {
    let it = step("switch.start-new");
    let mut play = hanging(TWO_STAGES);
    play.unendable.insert(it.clone());
    play.ask(Command::Kill { step: it.clone() }).expect("it runs");
    play.until("it is refused", |s| s.step(&step("switch.start-new")).end_refused.is_some());
    let seen = play.state().step(&it).clone();
    assert_eq!((seen.status, seen.killed), (StepStatus::Running, None));
    assert_eq!(seen.why.as_deref(), Some("not permitted to end process 7 as app"));
    play.unendable.clear();
    play.ask(Command::Kill { step: it.clone() }).expect("once more");
    play.until("it is ended", |s| step_status(s, "switch.start-new") == StepStatus::Failed);
    assert!(play.state().step(&it).why.as_ref().is_some_and(|why| why.starts_with("ended by opsA")));
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

/// The runbook with more said of `start-new`.
fn said(of_start_new: &str) -> String {
    TWO_STAGES.replace(
        "  run = [\"start\"]\n  [[stage.step]]",
        &format!("  run = [\"start\"]\n  {of_start_new}\n  [[stage.step]]"),
    )
}

#[test]
fn a_command_that_took_too_long_is_tried_again_and_one_that_was_ended_is_not() {
    let runbook = said("timeout = \"5s\"\nretries = { attempts = 2, delay = \"1s\" }");
    let mut play = hanging(&runbook);
    play.until("it has failed for good", |s| {
        let seen = s.step(&step("switch.start-new"));
        seen.attempt == 2 && seen.status == StepStatus::Failed
    });
    assert!(
        play.state().step(&step("switch.start-new")).why.as_ref().is_some_and(|w| w.starts_with("timed out"))
    );

    let mut play = hanging(&runbook);
    play.ask(Command::Kill { step: step("switch.start-new") }).expect("it runs");
    play.pass(Duration::from_secs(60));
    let seen = play.state().step(&step("switch.start-new"));
    assert_eq!((seen.attempt, seen.status), (1, StepStatus::Failed));
}

/// The runbook with a `start-new` that leaves a process behind and waits for a check.
fn starting() -> String {
    let start = "  start = { argv = [\"x\"], log = \"x.log\", ready = [\"new\"] }\n  timeout = \"30s\"\n  [[stage.step]]";
    TWO_STAGES.replace("  run = [\"start\"]\n  [[stage.step]]", start)
}

/// Where `start-new` is up and its check is red.
fn not_ready() -> Theatre {
    let mut play = Theatre::new(&starting());
    play.script.failing_checks.insert("new".into(), "status 503".to_owned());
    play.until("ready", |s| gate::escape_hatch(s).is_go());
    play.advance().expect("entered");
    play.until("it is up", |s| s.step(&step("switch.start-new")).process.is_some());
    play
}

#[test]
fn a_start_that_is_tried_again_waits_for_its_own_process() {
    let it = step("switch.start-new");
    let mut play = not_ready();
    play.until("it is late", |s| step_status(s, "switch.start-new") == StepStatus::Failed);
    play.hanging.insert(it.clone());
    play.script.failing_checks.clear();
    play.ask(Command::Retry { step: it.clone() }).expect("it failed");
    play.pass(Duration::from_secs(20));
    let seen = play.state().step(&it);
    assert_eq!((seen.attempt, seen.status, &seen.process), (2, StepStatus::Running, &None));
}

#[test]
fn a_start_that_waits_for_its_checks_can_be_ended_and_its_process_stays() {
    let it = step("switch.start-new");
    let mut play = not_ready();
    play.ask(Command::Kill { step: it.clone() }).expect("it waits");
    let seen = play.state().step(&it);
    assert_eq!(seen.status, StepStatus::Failed);
    assert_eq!(seen.why.as_deref(), Some("ended by opsA; process 0 belongs to the host and stays"));
}

#[test]
fn what_is_under_way_is_taken_over_once_and_what_the_engine_judges_itself_is_not() {
    let adopted = |play: &Theatre| -> Vec<(StepId, u32, bool)> {
        let named = |effect| match effect {
            Effect::Adopt(AdoptOrder { order, killed, .. }) => (order.step, order.attempt, killed),
            other => panic!("{other:?}"),
        };
        driver::adoptions(play.state()).into_iter().map(named).collect()
    };
    let mut play = hanging(TWO_STAGES);
    assert_eq!(adopted(&play), [(step("switch.start-new"), 1, false)]);
    play.unendable.insert(step("switch.start-new"));
    play.ask(Command::Kill { step: step("switch.start-new") }).expect("it runs");
    assert_eq!(adopted(&play), [(step("switch.start-new"), 1, true)]);

    let mut play = Theatre::new(TWO_STAGES);
    play.script.failing_checks.insert("new".into(), "status 503".to_owned());
    play.until("ready", |s| gate::escape_hatch(s).is_go());
    play.advance().expect("entered");
    play.until("it awaits", |s| step_status(s, "switch.answers") == StepStatus::Running);
    assert_eq!(adopted(&play), []);
}

#[test]
fn what_is_late_and_cannot_be_ended_is_asked_to_end_once() {
    let mut play = hanging(&said("timeout = \"5s\""));
    play.unendable.insert(step("switch.start-new"));
    play.pass(Duration::from_secs(120));
    let asked = play.events().iter().filter(|e| matches!(e.event, EventKind::StepKilled { .. })).count();
    assert_eq!((asked, step_status(play.state(), "switch.start-new")), (1, StepStatus::Running));
}

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
fn a_decision_on_an_older_view_is_refused() {
    let mut play = begun();
    let seen = play.state().seq;
    play.until("the first gate is GO", |s| s.stages["switch"].gate.as_ref().is_some_and(|g| g.go));
    let driver = play.driver.clone();
    let refusal = play
        .ask_as(driver, Command::Advance { typed: None, over: None }, seen)
        .expect_err("the session moved on");
    assert!(refusal.0.contains("moved on"), "{refusal}");
}

#[test]
fn an_observer_may_pause_and_nothing_else() {
    let mut play = begun();
    let observer = Person { person: "opB".to_owned(), uid: 1001, seat: Seat::Observer };
    let seen = play.state().seq;
    let refusal = play
        .ask_as(observer.clone(), Command::Rollback { to: None, reason: None }, seen)
        .expect_err("not an observer's");
    assert!(refusal.0.contains("driver"), "{refusal}");
    assert!(play.happened(|e| matches!(e, EventKind::CommandRefused { .. })), "a refusal is recorded");
    play.ask_as(observer, Command::Pause, seen).expect("anyone may pause");
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

#[test]
fn while_the_log_cannot_be_written_nothing_starts_and_what_came_in_is_not_lost() {
    let mut play = begun();
    play.until("a step runs", |s| step_status(s, "switch.stop-old") == StepStatus::Running);
    play.machine.journal_mut().broken = Some(LogHealth::Full("/var: 0 bytes free".to_owned()));
    play.pass(Duration::from_secs(30));
    let before = play.events().len();
    let refusal = play.ask(Command::Pause).expect_err("nothing can be recorded");
    assert!(refusal.0.contains("disk is full"), "{refusal}");
    assert_eq!(step_status(play.state(), "switch.stop-old"), StepStatus::Running, "its end is not on disk");
    assert_eq!(play.events().len(), before);
    play.machine.journal_mut().broken = None;
    play.until("it goes on", |s| step_status(s, "switch.stop-old") == StepStatus::Passed);
    assert!(matches!(play.events()[before].event, EventKind::LogRecovered { .. }), "the first event after");
}

#[test]
fn a_log_that_fails_at_its_first_event_still_begins_with_the_opening() {
    let play = begun();
    let opening = play.events()[0].event.clone();
    let redactor = Redactor::new([("", ""); 0]).expect("no secret is too short");
    let mut machine = Machine::new(State::default(), Memory::default(), redactor);
    machine.journal_mut().broken = Some(LogHealth::Failed("/var: Input/output error".to_owned()));
    machine.turn(vec![Input::Own(By::ENGINE, opening.clone())], play.now);
    assert!(machine.journal().events.is_empty());
    machine.journal_mut().broken = None;
    machine.turn(Vec::new(), play.now);
    assert_eq!(machine.journal().events[0].event, opening);
}

#[test]
fn the_fold_of_the_log_is_the_state_whatever_is_repeated() {
    let play = observing();
    let mut folded = State::default();
    for event in play.events() {
        folded.apply(event);
        folded.apply(event);
    }
    assert!(format!("{folded:?}") == format!("{:?}", play.state()), "two folds of one log differ");
    assert!(folded.gaps.is_empty());
}

#[test]
fn a_partial_rollback_holds_before_its_stage_which_can_be_entered_again() {
    let mut play = observing();
    play.ask(Command::Rollback { to: Some(stage("observe")), reason: None }).expect("possible");
    play.until("it is rolled back", |s| status(s, "observe") == StageStatus::RolledBack);
    assert!(!play.state().is_closed());
    assert_eq!(status(play.state(), "switch"), StageStatus::Passed);
    play.until("the way back is watched again", |s| gate::escape_hatch(s).is_go());
    play.advance().expect("the undone stage is entered again");
    play.until("at its gate again", |s| status(s, "observe") == StageStatus::AtGate);
    assert_eq!(play.state().step(&step("observe.look")).attempt, 2, "the numbers go on");
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
fn what_a_person_ended_is_not_tried_again_by_itself() {
    let tries = TWO_STAGES
        .replace("await = [\"new\"]\n  timeout = \"30s\"", "await = [\"new\"]\n  retries = { attempts = 3 }");
    let mut play = opened(&tries);
    play.script.failing_checks.insert("new".into(), "connection refused".to_owned());
    play.advance().expect("the first stage is entered");
    play.until("it waits", |s| step_status(s, "switch.answers") == StepStatus::Running);
    play.ask(Command::Kill { step: step("switch.answers") }).expect("it runs");
    play.pass(Duration::from_secs(60));
    assert_eq!(play.state().step(&step("switch.answers")).attempt, 1);
    assert_eq!(play.state().situation(), Situation::Holding);
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
fn a_runbook_of_which_no_stage_applies_says_so() {
    let none =
        TWO_STAGES.replace("watch = [\"new\"]", "watch = [\"new\"]\nwhen = { \"host.os\" = \"macos\" }");
    let mut play = opened(&none);
    let refusal = play.advance().expect_err("there is nothing to enter");
    assert!(refusal.0.contains("no stage applies here"), "{refusal}");
}
