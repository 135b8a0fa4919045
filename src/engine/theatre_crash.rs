//! The engine dies in the middle of a record, of every record of a play in turn and behind each of its events; another
//! takes over, and the play comes to the same end.

use std::collections::BTreeMap;
use std::time::Duration;

use super::theatre::Theatre;
use crate::event::{EventKind, Outcome};
use crate::session::Command;

const RUNBOOK: &str = r#"
id = "short"
[check.new]
http = "http://127.0.0.1:1/new"
period = "1s"
failure_threshold = 1

[[stage]]
id = "switch"
  [[stage.step]]
  id = "stop-old"
  run = ["stop"]
  retries = { attempts = 2, delay = "1s" }
  [[stage.step]]
  id = "rest"
  wait = "2s"
  [[stage.rollback]]
  id = "start-old"
  undoes = ["stop-old"]
  run = ["start"]
  [stage.gate]
  auto = true

[[stage]]
id = "observe"
watch = ["new"]
  [[stage.step]]
  id = "answers"
  await = ["new"]
  timeout = "1m"
  [stage.gate]
  soak = "3s"
  auto = true
  [[stage.trigger]]
  check = "new"
  failing_for = "2s"
  then = "rollback"
  grace = "2s"
"#;

/// Plays to the end, whoever has to ask for it.
fn play(crash: Option<(usize, usize)>, outcome: Outcome) -> Theatre {
    let mut play = Theatre::new(RUNBOOK);
    play.machine.journal_mut().crash = crash;
    play.script.failing_steps.insert("switch.stop-old".into(), vec!["once".to_owned()]);
    let end = play.now.up_ms + 600_000;
    while !play.state().is_closed() {
        assert!(play.now.up_ms < end, "{crash:?} came to no end:\n{}", play.story().join("\n"));
        // Where the engine died over it, it is asked for again.
        if play.state().current_stage().is_none() {
            let _ = play.advance();
        }
        if outcome == Outcome::RolledBack
            && play.state().current_stage().is_some_and(|s| s.as_str() == "observe")
        {
            let soaks = play.state().stages["observe"].soak.started;
            if soaks {
                play.script.failing_checks.insert("new".into(), "status 503".to_owned());
            }
        }
        play.pass(Duration::from_millis(500));
    }
    play
}

#[test]
fn a_play_that_is_cut_at_any_event_comes_to_the_same_end() {
    for outcome in [Outcome::Completed, Outcome::RolledBack] {
        let whole = play(None, outcome);
        assert_eq!(
            whole.state().outcome.as_ref().map(|o| o.0),
            Some(outcome),
            "{}",
            whole.story().join("\n")
        );
        // A record has at least one event; those at the end are beyond the play.
        for records in 0..whole.events().len() {
            let mut crashed = false;
            for kept in 0..4 {
                let cut = play(Some((records, kept)), outcome);
                let story = cut.story().join("\n");
                let ended = cut.state().outcome.as_ref().map(|o| o.0);
                assert_eq!(ended, Some(outcome), "cut after {records} records and {kept} events:\n{story}");
                let mut attempts: BTreeMap<_, u32> = BTreeMap::new();
                for event in cut.events() {
                    if let EventKind::StepStarted { step, attempt, .. } = &event.event {
                        *attempts.entry((step.clone(), *attempt)).or_default() += 1;
                    }
                }
                assert!(
                    attempts.values().all(|starts| *starts == 1),
                    "an attempt was started twice:\n{story}"
                );
                let starts =
                    cut.events().iter().filter(|e| matches!(e.event, EventKind::EngineStarted { .. }));
                crashed |= starts.count() == 2;
            }
            if !crashed {
                break;
            }
        }
    }
}

#[test]
fn a_person_who_ended_a_wait_has_ended_it_wherever_the_engine_died() {
    for kept in 0..3 {
        let mut play = Theatre::new(RUNBOOK);
        play.advance().expect("it begins");
        play.until("it waits", |s| s.step(&"switch.rest".into()).status.is_open());
        play.machine.journal_mut().crash = Some((0, kept));
        let _ = play.ask(Command::Kill { step: "switch.rest".into() });
        play.pass(Duration::from_secs(5));
        let passed = play.state().step(&"switch.rest".into()).finish.as_ref().is_some_and(|f| f.passed);
        assert_eq!(passed, kept == 0, "{kept} events were kept:\n{}", play.story().join("\n"));
    }
}
