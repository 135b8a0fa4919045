//! What the engine promises of steps, seats and its log, played on the stage; each play is a story to follow.

use std::time::Duration;

use super::driver::{self, AdoptOrder, Effect};
use super::machine::{Input, Machine};
use super::theatre::Theatre;
use super::theatre_memory::Memory;
use super::theatre_scenes::{
    TWO_STAGES, begun, hanging, observing, opened, stage, status, step, step_status,
};
use crate::event::{By, EventKind, Health, ItemOf, Person, Seat};
use crate::redact::Redactor;
use crate::runbook::StepId;
use crate::session::telemetry::LogHealth;
use crate::session::{Command, Situation, StageStatus, State, StepStatus, gate};

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
fn an_await_that_times_out_says_what_was_seen_last_and_for_how_long() {
    let mut play = begun();
    play.script.failing_checks.insert("new".into(), "connection refused".to_owned());
    play.until("it waits", |s| step_status(s, "switch.answers") == StepStatus::Running);
    play.pass(Duration::from_secs(10));
    play.script.failing_checks.insert("new".into(), "status 404".to_owned());
    play.until("it has waited", |s| step_status(s, "switch.answers") == StepStatus::Failed);
    let why = play.state().step(&step("switch.answers")).why.clone().expect("it says why");
    let begins = "timed out after 30s: check new green was not seen (failing for ";
    assert!(why.starts_with(begins) && why.contains("s: failed: status 404 ("), "{why}");
    assert!(why.ends_with(" in a row))") && !why.contains("refused"), "{why}");
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
fn a_runbook_of_which_no_stage_applies_says_so() {
    let none =
        TWO_STAGES.replace("watch = [\"new\"]", "watch = [\"new\"]\nwhen = { \"host.os\" = \"macos\" }");
    let mut play = opened(&none);
    let refusal = play.advance().expect_err("there is nothing to enter");
    assert!(refusal.0.contains("no stage applies here"), "{refusal}");
}
