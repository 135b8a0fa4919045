//! Which logs may be gone on with: what the stage plays may, and what a hand made of it may not.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use proptest::sample::Index;

use super::theatre::Theatre;
use super::theatre_walks::cases;
use crate::event::{By, Event, EventKind, Health, ItemOf, Outcome};
use crate::session::{Command, State, TriggerState, gate, legal};

const RUNBOOK: &str = r#"
id = "two"
[check.old]
http = "http://127.0.0.1:1/old"
[check.new]
http = "http://127.0.0.1:1/new"
period = "1s"
failure_threshold = 2

[[stage]]
id = "switch"
watch = ["new"]
  [[stage.step]]
  id = "stop-old"
  run = ["stop"]
  retries = { attempts = 2, delay = "1s" }
  [[stage.step]]
  id = "answers"
  await = ["new"]
  timeout = "30s"
  [[stage.rollback]]
  id = "start-old"
  undoes = ["stop-old"]
  run = ["start"]

[[stage]]
id = "observe"
watch = ["new"]
  [[stage.step]]
  id = "ask"
  confirm = "go on?"
  [stage.gate]
  soak = "10s"
  accept = ["calls are normal"]
  [[stage.trigger]]
  check = "new"
  failing_for = "5s"
  then = "rollback"
  grace = "10s"

[rollback]
gate = { checks = ["old"], timeout = "20s" }
"#;

/// Forward to the soak of the last stage.
fn soaking() -> Theatre {
    let mut play = Theatre::new(RUNBOOK);
    play.script.failing_steps.insert("switch.stop-old".into(), vec!["once".to_owned()]);
    play.advance().expect("it begins");
    play.until("the first gate is GO", |s| {
        gate::evaluate(s, &"switch".into()).is_go() && at_gate(s, "switch")
    });
    play.advance().expect("GO");
    play.ask(Command::Confirm { step: "observe.ask".into(), yes: true, note: None }).expect("it is asked");
    play.until("it soaks", |s| s.stages["observe"].soak.started);
    play
}

fn at_gate(state: &State, stage: &str) -> bool {
    state.stages[stage].status == crate::session::StageStatus::AtGate
}

/// Two whole cutovers: one to its end, one that a trigger rolls back after it was vetoed once and an engine died.
static LOGS: LazyLock<[Vec<Arc<Event>>; 2]> = LazyLock::new(|| {
    let mut forward = soaking();
    let (on, item) = (ItemOf::Gate("observe".into()), "calls are normal".to_owned());
    forward.ask(Command::Tick { on, item, pass: true, note: None }).expect("ticked");
    forward.ask(Command::Pause).expect("never refused");
    forward.ask(Command::Resume).expect("it is paused");
    forward.until("the soak is reached", |s| s.stages["observe"].soak.reached);
    forward.pass(std::time::Duration::from_secs(1));
    forward.advance().expect("GO");
    assert_eq!(forward.state().outcome.as_ref().map(|o| o.0), Some(Outcome::Completed));

    let mut back = soaking();
    for veto in [true, false] {
        back.script.failing_checks.insert("new".into(), "status 503".to_owned());
        let armed = |s: &State| s.triggers.values().any(|t| matches!(t, TriggerState::Armed { .. }));
        back.until("it counts down", armed);
        if veto {
            let trigger = back.state().triggers.keys().next().expect("it is armed").clone();
            back.ask(Command::Veto { trigger, reason: None }).expect("it counts down");
            back.script.failing_checks.clear();
            back.until("it is green", |s| s.check(&"new".into()).health == Health::Ok);
        }
    }
    back.die(std::time::Duration::from_secs(2), false);
    back.until("it is rolled back", State::is_closed);
    assert_eq!(back.state().outcome.as_ref().map(|o| o.0), Some(Outcome::RolledBack));
    [forward.events().to_vec(), back.events().to_vec()]
});

/// Runs a log through, numbered anew; the number and the phrase where it is not legal.
fn run(events: &[Arc<Event>]) -> Result<State, (u64, String)> {
    let mut state = State::default();
    for (seq, event) in (1..).zip(events) {
        let event = Arc::new(Event { seq, ..(**event).clone() });
        legal(&state, &event).map_err(|why| (seq, why))?;
        state.apply(&event);
    }
    Ok(state)
}

/// The first event of `log` for which `which` holds.
fn find(log: &[Arc<Event>], which: impl Fn(&EventKind) -> bool) -> usize {
    log.iter().position(|event| which(&event.event)).expect("the play has one")
}

fn changed(event: &Event, change: impl FnOnce(&mut EventKind)) -> Arc<Event> {
    let mut event = event.clone();
    change(&mut event.event);
    Arc::new(event)
}

type Log = Vec<Arc<Event>>;

/// How a log is tampered with.
type Tamper = fn(&mut Log);
/// Which events are meant.
type Which = fn(&EventKind) -> bool;

/// What a hand does to a log, and a word of the phrase with which that is refused.
const TAMPERED: &[(&str, Tamper, &str)] = &[
    (
        "an attempt's start is taken out",
        |log| _ = log.remove(find(log, |e| matches!(e, EventKind::StepStarted { .. }))),
        "was not under way",
    ),
    (
        "an attempt is started twice",
        |log| {
            let at = find(log, |e| matches!(e, EventKind::StepStarted { .. }));
            log.insert(at, log[at].clone());
        },
        "does not follow attempt 1",
    ),
    (
        "an attempt's number is skipped",
        |log| {
            let at = find(log, |e| matches!(e, EventKind::StepStarted { .. }));
            log[at] = changed(&log[at], |e| {
                let EventKind::StepStarted { attempt, .. } = e else { return };
                *attempt += 1;
            });
        },
        "attempt 2 of switch.stop-old does not follow attempt 0",
    ),
    (
        "an attempt's end is taken out",
        |log| _ = log.remove(find(log, |e| matches!(e, EventKind::StepFinished(_)))),
        "switch.stop-old",
    ),
    (
        "a failed attempt is said to have passed",
        |log| {
            let at = find(log, |e| matches!(e, EventKind::StepFinished(f) if !f.passed));
            log[at] = changed(&log[at], |e| {
                let EventKind::StepFinished(finish) = e else { return };
                finish.passed = true;
            });
        },
        "without its proof",
    ),
    (
        "a stage is never entered",
        |log| _ = log.remove(find(log, |e| matches!(e, EventKind::StageEntered { .. }))),
        "was not in hand",
    ),
    (
        "a stage is entered before its turn",
        |log| {
            let at = find(log, |e| matches!(e, EventKind::StageEntered { .. }));
            log[at] = changed(&log[at], |e| *e = EventKind::StageEntered { stage: "observe".into() });
        },
        "was not the next",
    ),
    (
        "a gate opens without its green check",
        |log| {
            let at = find(log, |e| matches!(e, EventKind::GateChanged { go: true, .. }));
            let green = |e: &EventKind| matches!(e, EventKind::CheckChanged { to: Health::Ok, .. });
            let last = log[..at].iter().rposition(|e| green(&e.event)).expect("it turned green");
            log.remove(last);
        },
        "switch",
    ),
    (
        "a stage is promoted twice",
        |log| {
            let at = find(log, |e| matches!(e, EventKind::Promoted { .. }));
            log.insert(at, log[at].clone());
        },
        "was not in hand",
    ),
    (
        "something happens after the close",
        |log| log.push(changed(&log[log.len() - 1], |e| *e = EventKind::Paused)),
        "closed before",
    ),
    ("it is opened twice", |log| log.insert(1, log[0].clone()), "opened before"),
    ("it is never opened", |log| _ = log.remove(0), "no session was opened"),
    (
        "it is in another format",
        |log| {
            log[0] = changed(&log[0], |e| {
                let EventKind::SessionOpened(opened) = e else { return };
                opened.format += 1;
            });
        },
        "format 2",
    ),
    ("a newer build wrote it", |log| log[3] = changed(&log[3], |e| *e = EventKind::Unknown), "newer gonogo"),
    (
        "the boot clock goes back",
        |log| {
            let mut late = (*log[2]).clone();
            late.up_ms += 1 << 40;
            log[2] = Arc::new(late);
        },
        "boot clock",
    ),
    (
        "the engine confirms",
        |log| {
            let at = find(log, |e| matches!(e, EventKind::Confirmed { .. }));
            log[at] = Arc::new(Event { by: By::ENGINE, ..(*log[at]).clone() });
        },
        "only a person",
    ),
    (
        "a foreign check turns green",
        |log| {
            let at = find(log, |e| matches!(e, EventKind::CheckChanged { .. }));
            log[at] = changed(&log[at], |e| {
                let EventKind::CheckChanged { check, .. } = e else { return };
                *check = "stranger".into();
            });
        },
        "no check stranger",
    ),
];

#[test]
fn each_thing_that_a_hand_may_do_to_a_log_is_refused_by_name() {
    for (what, tamper, word) in TAMPERED {
        let mut log = LOGS[0].clone();
        run(&log).expect("the play is legal");
        tamper(&mut log);
        let (seq, why) = run(&log).expect_err(what);
        assert!(why.contains(word), "{what}: event {seq}: {why}");
    }
}

#[test]
fn what_leads_back_is_held_as_strictly_as_what_leads_forward() {
    let taken_out: [(Which, &str); 7] = [
        (|e| matches!(e, EventKind::TriggerArmed { .. }), "was not counting down"),
        (|e| matches!(e, EventKind::TriggerFired { .. }), "had not fired"),
        (|e| matches!(e, EventKind::RollbackStarted { .. }), "no"),
        (
            |e| matches!(e, EventKind::StepStarted { step, .. } if step.as_str() == "switch.start-old"),
            "under way",
        ),
        (|e| matches!(e, EventKind::StageRolledBack { .. }), "not undone yet"),
        (|e| matches!(e, EventKind::GateChanged { stage, .. } if stage.as_str() == "rollback"), "gate"),
        (|e| matches!(e, EventKind::RollbackFinished { .. }), "not everything"),
    ];
    for (which, word) in taken_out {
        let mut log = LOGS[1].clone();
        run(&log).expect("the play is legal");
        let at = find(&log, which);
        let taken = log.remove(at);
        let (seq, why) = run(&log).expect_err(&format!("{:?} is taken out", taken.event));
        assert!(why.contains(word), "{:?}: event {seq}: {why}", taken.event);
    }
}

/// What somebody does to a log without knowing what it says.
#[derive(Debug, Clone)]
enum Edit {
    Drop(Index),
    Double(Index),
    Swap(Index),
    Move(Index, Index),
    PutIn(Index, Index, bool),
    Attempt(Index, u32),
}

fn edits() -> impl Strategy<Value = Edit> {
    let index = any::<Index>;
    prop_oneof![
        index().prop_map(Edit::Drop),
        index().prop_map(Edit::Double),
        index().prop_map(Edit::Swap),
        (index(), index()).prop_map(|(from, to)| Edit::Move(from, to)),
        (index(), index(), any::<bool>()).prop_map(|(from, to, other)| Edit::PutIn(from, to, other)),
        (index(), 0u32..4).prop_map(|(at, attempt)| Edit::Attempt(at, attempt)),
    ]
}

fn edit(log: &mut Log, which: usize, what: &Edit) {
    let length = log.len();
    match what {
        Edit::Drop(at) => _ = log.remove(at.index(length)),
        Edit::Double(at) => log.insert(at.index(length), log[at.index(length)].clone()),
        Edit::Swap(at) => log.swap(at.index(length - 1), at.index(length - 1) + 1),
        Edit::Move(from, to) => {
            let moved = log.remove(from.index(length));
            log.insert(to.index(length), moved);
        }
        Edit::PutIn(from, to, other) => {
            let source = &LOGS[if *other { 1 - which } else { which }];
            log.insert(to.index(length), source[from.index(source.len())].clone());
        }
        Edit::Attempt(at, number) => {
            let at = at.index(length);
            log[at] = changed(&log[at], |event| match event {
                EventKind::StepStarted { attempt, .. } | EventKind::Confirmed { attempt, .. } => {
                    *attempt = *number
                }
                EventKind::StepFinished(finish) => finish.attempt = *number,
                _ => {}
            });
        }
    }
}

/// What must be true of any log that is gone on with, told without the rules: no attempt begins twice or without its
/// forerunner, none ends twice or without having begun, and no stage is promoted without having been entered.
fn harmless(log: &[Arc<Event>]) -> Result<(), TestCaseError> {
    let mut attempts: BTreeMap<String, (u32, bool)> = BTreeMap::new();
    let mut in_hand = None;
    for event in log {
        match &event.event {
            EventKind::StepStarted { step, attempt, .. } => {
                let (last, open) = attempts.entry(step.to_string()).or_default();
                prop_assert!(!*open && *attempt == *last + 1, "{} {} begins", step, attempt);
                (*last, *open) = (*attempt, true);
            }
            EventKind::StepFinished(finish) => {
                let known = attempts.get(finish.step.as_str()).copied();
                prop_assert_eq!(known, Some((finish.attempt, true)), "{} ends", finish.step);
                attempts.insert(finish.step.to_string(), (finish.attempt, false));
            }
            EventKind::StageEntered { stage } => {
                prop_assert_eq!(&in_hand, &None, "{} is entered", stage);
                in_hand = Some(stage.clone());
            }
            EventKind::Promoted { stage, .. } => {
                prop_assert_eq!(in_hand.take(), Some(stage.clone()), "{} is promoted", stage);
            }
            _ => {}
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn a_log_that_was_edited_is_refused_or_harmless(
        which in 0usize..2,
        edits in prop::collection::vec(edits(), 1..4),
    ) {
        let mut log = LOGS[which].clone();
        edits.iter().for_each(|what| edit(&mut log, which, what));
        if run(&log).is_ok() {
            harmless(&log)?;
        }
    }

    #[test]
    fn no_stream_of_events_stops_the_rules_or_the_fold(
        picks in prop::collection::vec((any::<bool>(), any::<Index>(), 0u64..50, any::<u64>()), 0..60),
    ) {
        let mut state = State::default();
        for (other, at, seq, up_ms) in picks {
            let source = &LOGS[usize::from(other)];
            let event = &source[at.index(source.len())];
            let event = Arc::new(Event { seq, up_ms, ..(**event).clone() });
            let _ = legal(&state, &event);
            // The opening comes first often enough for the rest to have a runbook.
            if state.opened.is_none() {
                state.apply(&Arc::new(Event { seq: 1, ..(*source[0]).clone() }));
            }
            state.apply(&event);
        }
    }
}
