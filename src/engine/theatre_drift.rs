//! Frozen files on the stage: what holds, what goes on, and what an engine that takes over finds.

use std::time::Duration;

use super::theatre::Theatre;
use crate::event::{EventKind, Person, Seat};
use crate::session::{Command, Hold, Situation, StepStatus, gate};

const FROZEN: &str = r#"
id = "frozen"
[freeze]
paths = ["conf"]
[check.up]
http = "http://127.0.0.1:1/up"
period = "1s"

[[stage]]
id = "switch"
watch = ["up"]
  [[stage.step]]
  id = "first"
  run = ["true"]
  [[stage.step]]
  id = "second"
  run = ["true"]
  [[stage.rollback]]
  id = "undo"
  run = ["true"]
"#;

const WAS: &[(&str, &str)] = &[("conf/a", "1"), ("conf/b", "2")];
const IS: &[(&str, &str)] = &[("conf/a", "9"), ("conf/b", "2"), ("conf/c", "3")];

fn frozen() -> Theatre {
    let mut play = Theatre::new(FROZEN);
    play.find_frozen(WAS);
    play.until("it is looked after", |s| gate::to_begin(s).is_go());
    play
}

fn accept(reason: &str) -> Command {
    Command::AcceptDrift { reason: reason.to_owned() }
}

fn drifts(play: &Theatre) -> usize {
    play.events().iter().filter(|e| matches!(e.event, EventKind::DriftFound { .. })).count()
}

#[test]
fn nothing_begins_before_the_frozen_files_were_seen() {
    let mut play = Theatre::new(FROZEN);
    let refusal = play.advance().expect_err("nobody has looked");
    assert!(refusal.0.starts_with("NO-GO: the frozen files: check frozen-files is "), "{refusal}");
}

#[test]
fn a_drift_starts_nothing_new_and_closes_the_gate_until_a_person_accepts_it() {
    let mut play = frozen();
    play.advance().expect("all is as it was");
    play.find_frozen(IS);
    play.pass(Duration::from_secs(5));
    assert_eq!(play.state().situation(), Situation::Holding);
    assert_eq!(
        play.state().step(&"switch.second".into()).status,
        StepStatus::Pending,
        "the first may finish"
    );
    let verdict = gate::evaluate(play.state(), &"switch".into());
    let sentence = "frozen files drifted: conf/a has changed, conf/c is new";
    assert!(verdict.missing.iter().any(|m| m.what == sentence && !m.liftable), "{verdict:?}");
    assert!(play.ask(Command::Resume).expect_err("they are not put back").0.contains("conf/a has changed"));
    assert!(play.ask(accept("  ")).expect_err("no reason").0.contains("needs a reason"));

    play.ask(accept("on purpose")).expect("a person says so");
    assert!(play.state().holds().is_empty());
    play.find_frozen(IS);
    assert_eq!(drifts(&play), 1, "what was accepted drifts no more");
    play.until("the gate is GO", |s| s.stages["switch"].gate.as_ref().is_some_and(|g| g.go));
    play.find_frozen(WAS);
    assert_eq!(drifts(&play), 2, "what was before is another state now");
}

#[test]
fn put_back_it_holds_until_somebody_goes_on_and_a_drift_that_comes_again_is_told_again() {
    let mut play = frozen();
    play.find_frozen(IS);
    play.find_frozen(IS);
    assert_eq!(drifts(&play), 1, "the same is told once");
    play.find_frozen(WAS);
    assert!(matches!(play.state().holds().as_slice(), [Hold::Drift { put_back: true, .. }]));
    assert!(play.ask(accept("too late")).expect_err("nothing to accept").0.contains("resume instead"));
    assert!(play.advance().expect_err("it holds").0.contains("are what they were again"));
    play.ask(Command::Resume).expect("they are put back");
    assert!(play.state().holds().is_empty());
    play.find_frozen(IS);
    assert_eq!((drifts(&play), play.state().holds().len()), (2, 1));
    play.find_frozen(WAS);
    play.find_frozen(IS);
    assert!(play.ask(Command::Resume).is_err(), "it drifted once more before anybody went on");
}

#[test]
fn nobody_accepts_what_they_have_not_seen_and_only_who_drives_accepts() {
    let mut play = frozen();
    play.find_frozen(&IS[..2]);
    let seen = play.state().seq;
    play.find_frozen(IS);
    let driver = play.driver.clone();
    let refusal = play.ask_as(driver, accept("fine"), seen).expect_err("more has drifted");
    assert!(refusal.0.contains("conf/c is new"), "{refusal}");
    let other = Person { person: "opB".to_owned(), uid: 1001, seat: Seat::Navigator };
    assert!(play.ask_of(&other, accept("fine")).is_err());
    play.ask(accept("fine")).expect("all of it was seen");
}

#[test]
fn a_drift_outlives_its_engine_and_one_of_the_time_without_an_engine_is_found() {
    let mut play = frozen();
    play.find_frozen(IS);
    play.die(Duration::from_secs(60), true);
    assert_eq!(play.state().situation(), Situation::Holding);
    play.ask(accept("on purpose")).expect("a person says so");
    play.die(Duration::from_secs(60), false);
    play.find_frozen(IS);
    assert!(play.state().holds().is_empty(), "what was accepted is known to whoever takes over");
    play.die(Duration::from_secs(60), false);
    play.find_frozen(&IS[1..]);
    assert_eq!(play.state().holds().len(), 1);
}

#[test]
fn a_way_back_is_open_while_frozen_files_drift() {
    let mut play = frozen();
    play.advance().expect("all is as it was");
    play.find_frozen(IS);
    play.ask(Command::Rollback { to: None, reason: None }).expect("a way back is never closed");
    play.until("it is back", |s| s.situation() == Situation::RolledBack);
}
