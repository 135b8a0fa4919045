//! Who is told of what, played on the stage: each event once, and nothing waits for it.

use std::time::Duration;

use super::machine::Input;
use super::theatre::Theatre;
use crate::event::{EventKind, Mode, Outcome};
use crate::runbook::model::Topic;
use crate::session::{Command, State, StepStatus, legal};

const TOLD: &str = r#"
id = "told"
title = "A move"
environment = "staging"
[check.new]
http = "http://127.0.0.1:1/new"
period = "1s"
failure_threshold = 1

[[notify]]
on = ["stage", "hold", "question", "trigger", "rollback", "stuck", "drift", "finished"]
webhook = "http://127.0.0.1:1/all"
[[notify]]
on = ["hold", "finished"]
run = ["page"]

[[stage]]
id = "switch"
watch = ["new"]
  [[stage.step]]
  id = "sure"
  confirm = "Is everybody sure?"
  [[stage.step]]
  id = "flip"
  run = ["true"]
  [[stage.rollback]]
  id = "undo"
  run = ["true"]
  [stage.gate]
  accept = ["It looks good"]
  [[stage.trigger]]
  check = "new"
  failing_for = "5s"
  then = "rollback"
  grace = "10s"
"#;

/// What was told, as `[[notify]]` and topic.
fn told(play: &Theatre) -> Vec<(u32, Topic)> {
    play.told.iter().map(|order| (order.notice.notify, order.notice.on)).collect()
}

fn answer(play: &mut Theatre) {
    play.ask(Command::Confirm { step: "switch.sure".into(), yes: true, note: None }).expect("it was asked");
}

fn flipped(mode: Mode) -> Theatre {
    let mut play = Theatre::in_mode(TOLD, mode);
    play.advance().expect("it can begin");
    play.until("it asks", |s| s.step(&"switch.sure".into()).status == StepStatus::Waiting);
    answer(&mut play);
    play
}

fn calls(state: &State) -> bool {
    state.stages["switch"].called.is_some()
}

#[test]
fn a_stage_a_question_and_a_gate_that_waits_for_people_are_told_once_each() {
    let mut play = flipped(Mode::Live);
    play.until("the gate waits for a tick", calls);
    play.script.failing_checks.insert("new".into(), "status 500".to_owned());
    play.until("the check fails", |s| !s.is_green(&"new".into()));
    play.script.failing_checks.clear();
    play.until("the check is green again", |s| s.is_green(&"new".into()));
    play.pass(Duration::from_secs(3));
    assert_eq!(told(&play), [(1, Topic::Stage), (1, Topic::Question), (1, Topic::Question)]);
    assert!(play.state().notices.is_empty(), "what became of each is known");
    let texts: Vec<&str> = play.told.iter().map(|order| order.body["text"].as_str().expect("text")).collect();
    assert_eq!(
        texts[0],
        "[staging] A move: stage switch (1 of 1): switch (session 20270115-080000-test on stage, log 6:memory)"
    );
    assert!(
        texts[1].contains("switch.sure waits for an answer: confirm: Is everybody sure?"),
        "{}",
        texts[1]
    );
    assert!(texts[2].contains("waits for people: \"It looks good\" is not ticked"), "{}", texts[2]);
}

#[test]
fn a_failed_step_a_countdown_a_rollback_and_the_end_reach_those_who_asked_for_them() {
    let mut play = Theatre::in_mode(TOLD, Mode::Rehearsal);
    play.script.failing_steps.insert("switch.flip".into(), vec!["no such host".to_owned()]);
    play.advance().expect("it can begin");
    play.until("it asks", |s| s.step(&"switch.sure".into()).status == StepStatus::Waiting);
    answer(&mut play);
    play.until("it holds", |s| !s.holds().is_empty());
    assert_eq!(told(&play)[2..], [(1, Topic::Hold), (2, Topic::Hold)]);
    let text = play.told[2].body["text"].as_str().expect("text");
    assert!(
        text.starts_with(
            "REHEARSAL [staging] A move: the session holds: step switch.flip failed: no such host"
        ),
        "{text}"
    );
    play.ask(Command::Retry { step: "switch.flip".into() }).expect("it may be tried again");
    play.until("the gate waits", calls);
    play.script.failing_checks.insert("new".into(), "status 500".to_owned());
    play.until("it is rolled back", State::is_closed);
    let after = [
        (1, Topic::Question),
        (1, Topic::Trigger),
        (1, Topic::Trigger),
        (1, Topic::Rollback),
        (1, Topic::Rollback),
        (1, Topic::Finished),
        (2, Topic::Finished),
    ];
    assert_eq!(told(&play)[4..], after);
}

#[test]
fn a_simulated_session_tells_nobody() {
    let mut play = flipped(Mode::Simulated);
    play.until("the gate waits for a tick", calls);
    assert!(play.told.is_empty() && play.state().notices.is_empty());
}

#[test]
fn what_became_of_a_notification_when_the_engine_died_is_not_known_and_it_is_not_sent_again() {
    let mut play = Theatre::in_mode(TOLD, Mode::Live);
    play.mute = true;
    play.advance().expect("it can begin");
    play.until("it asks", |s| s.step(&"switch.sure".into()).status == StepStatus::Waiting);
    assert_eq!(play.state().notices.len(), 2);
    play.die(Duration::from_secs(1), false);
    play.pass(Duration::from_secs(5));
    assert_eq!(play.told.len(), 2, "nothing was sent twice");
    assert!(play.state().notices.is_empty());
    let story = play.story();
    let untold: Vec<_> = story.iter().filter(|line| line.starts_with("not told of")).collect();
    let why = "webhook http://127.0.0.1:1/all: the engine ended before it was known whether it got through; it is not sent again";
    assert!(untold.len() == 2 && untold.iter().all(|line| line.ends_with(why)), "{untold:?}");
}

#[test]
fn whoever_is_told_of_the_end_is_told_behind_it_and_the_log_says_so() {
    let mut play = flipped(Mode::Live);
    play.mute = true;
    play.until("the gate waits for a tick", calls);
    play.ask(Command::Abort { reason: "enough".to_owned() }).expect("nothing runs");
    assert_eq!(play.state().outcome.map(|(outcome, _)| outcome), Some(Outcome::Aborted));
    let pending = play.state().notices.clone();
    assert_eq!(pending.len(), 3, "the gate's call, and the end for two");
    let of = pending[1].of;
    let told = EventKind::Notified { notify: 1, of, on: Topic::Finished, to: "somebody".to_owned() };
    let report = Input::Report(super::driver::Report::Told(told));
    let turn = play.machine.last_words(vec![report], true, play.now);
    assert!(play.state().notices.is_empty());
    let mut state = State::default();
    for event in play.events() {
        legal(&state, event).expect("every event may stand where it stands");
        state.apply(event);
    }
    let said: Vec<_> = turn.events.iter().map(|event| crate::event::describe(event)).collect();
    assert_eq!(said[0], format!("told of finished (event {of}): somebody"));
    assert!(said[1..].iter().all(|line| line.starts_with("not told of")) && said.len() == 3, "{said:?}");
}
