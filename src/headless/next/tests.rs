//! Sessions played against the pure rules of a session, with a clock of their own: only what waits and asks is in
//! them, so that nothing has to be carried out.

use std::sync::Arc;

use super::*;
use crate::event::{By, Credentials, Event, EventKind, Mode, Person, Seat, SessionOpened};
use crate::headless::answers;
use crate::runbook::model::Host;
use crate::session::{Facts, decide, settle};

const RUNBOOK: &str = r#"
id = "move"
policy = ["Nobody deploys meanwhile."]

[check.site]
tcp = "127.0.0.1:1"

[[stage]]
id = "pre"
  [[stage.step]]
  id = "ready"
  confirm = "Is everybody ready?"

[[stage]]
id = "switch"
  [[stage.step]]
  id = "flip"
  confirm = "Is it flipped?"
  items = ["primary", "replica"]
  [[stage.step]]
  id = "settle"
  wait = "5s"
  [stage.gate]
  accept = ["no alerts"]
  [[stage.rollback]]
  id = "flip-back"
  confirm = "Is it flipped back?"

[[stage]]
id = "drop"
point_of_no_return = true
  [[stage.step]]
  id = "gone"
  wait = "1s"
"#;

const ALL: &str = r#"
acknowledge = true
advance = true
point_of_no_return = ["drop"]
[confirm]
"pre.ready" = "yes"
"switch.flip" = { answer = "yes", items = "all" }
"switch.flip-back" = "yes"
[tick]
switch = "all"
"#;

struct Play {
    state: State,
    answers: Option<Answers>,
    tried: Tried,
    now: Now,
    driver: Person,
}

impl Play {
    fn new(runbook: &str, answers: Option<&str>) -> Self {
        let driver = Person { person: "opsA".to_owned(), uid: 1000, seat: Seat::Driver };
        let now = Now { at: chrono::DateTime::UNIX_EPOCH, up_ms: 1_000 };
        let mut play = Self { state: State::default(), answers: None, tried: Tried::default(), now, driver };
        play.add(EventKind::SessionOpened(Box::new(SessionOpened {
            format: 1,
            session: "s".to_owned(),
            runbook: runbook.to_owned(),
            sha256: String::new(),
            dir: "/r".to_owned(),
            file: "r.toml".to_owned(),
            vars: indexmap::IndexMap::new(),
            mode: Mode::Simulated,
            host: Host { name: "h".to_owned(), os: "linux".to_owned(), arch: "x86_64".to_owned() },
            share: None,
            drill: None,
            session_dir: "/s".to_owned(),
            version: "0".to_owned(),
        })));
        let plan = play.state.runbook.clone().expect("the runbook loads");
        play.answers = answers.map(|text| {
            answers::parse("answers.toml", text, &plan, Mode::Simulated).expect("the answers fit")
        });
        play
    }

    fn add(&mut self, event: EventKind) {
        self.add_by(By::ENGINE, event);
    }

    fn add_by(&mut self, by: By, event: EventKind) {
        let Now { at, up_ms } = self.now;
        self.state.apply(&Arc::new(Event { seq: self.state.seq + 1, at, up_ms, by, event }));
    }

    fn next(&self) -> Next {
        next(&self.state, self.answers.as_ref(), &self.tried, self.now)
    }

    /// Plays to the end; returns the code, why, and the words of the commands that were asked for.
    fn run(&mut self) -> (u8, String, Vec<&'static str>) {
        let mut asked = Vec::new();
        for _ in 0..500 {
            let settled = settle(&self.state, &Facts::default(), self.now);
            if !settled.events.is_empty() {
                settled.events.into_iter().for_each(|(by, event)| self.add_by(by, event));
                continue;
            }
            match self.next() {
                Next::Stop { code, why } => return (code, why, asked),
                Next::Ask(command) => {
                    asked.push(command.word());
                    if let Command::Retry { step } = &command {
                        self.tried.retried.insert(step.clone());
                    }
                    let events = decide(&self.state, &command, &self.driver, self.state.seq, self.now);
                    let by = By::Person(self.driver.clone());
                    let events = events.unwrap_or_else(|refusal| panic!("{}: {refusal}", command.word()));
                    events.into_iter().for_each(|event| self.add_by(by.clone(), event));
                }
                Next::AskAs(name, command) => {
                    asked.push(command.word());
                    let credentials = Credentials { passphrase: true, ..Credentials::default() };
                    let person = Person { person: name, uid: 0, seat: Seat::Navigator };
                    let roles = vec!["db".to_owned()];
                    self.add(EventKind::OperatorJoined { person: person.clone(), credentials, roles });
                    let events = decide(&self.state, &command, &person, self.state.seq, self.now);
                    let events = events.expect("the gate asks for it");
                    events.into_iter().for_each(|event| self.add_by(By::Person(person.clone()), event));
                }
                Next::Wait { until_up_ms } => {
                    let until = settled.next_up_ms.into_iter().chain(until_up_ms).min();
                    self.now.up_ms = until.expect("something is to come");
                }
            }
        }
        panic!("the session does not end: {:?}", self.state.recent.back());
    }
}

#[test]
fn a_rehearsal_votes_for_people_who_are_not_there() {
    let gate = "[[stage]]\nid = \"pre\"\n[stage.gate]\napprovals = 2\nroles = [\"db\"]\n";
    let (code, why, _) = Play::new(gate, Some("advance = true")).run();
    assert_eq!((code, why.as_str()), (HELD, "pre is to be voted on: `[vote] pre = …` in --answers"));
    let votes = "advance = true\n[vote]\npre = [\"opsX\", { person = \"opsY\", role = \"db\" }]";
    let (code, why, asked) = Play::new(gate, Some(votes)).run();
    assert_eq!((code, why.as_str()), (COMPLETED, "completed"));
    assert_eq!(asked, ["advance", "vote", "vote", "advance"]);
}

#[test]
fn answers_for_everything_complete_a_session() {
    let (code, _, asked) = Play::new(RUNBOOK, Some(ALL)).run();
    assert_eq!(code, COMPLETED);
    let expected = [
        "acknowledge",
        "advance",
        "confirm",
        "advance",
        "tick",
        "tick",
        "confirm",
        "tick",
        "advance",
        "advance",
    ];
    assert_eq!(asked, expected);
}

#[test]
fn the_first_question_without_an_answer_ends_the_run_and_is_named() {
    let without = |line: &str| ALL.lines().filter(|l| !l.starts_with(line)).collect::<Vec<_>>().join("\n");
    let table: [(Option<String>, &str); 7] = [
        (None, "the policy is to be acknowledged"),
        (Some(without("acknowledge")), "the policy is to be acknowledged"),
        (Some(without("advance")), "the session waits to be advanced"),
        (Some(without("\"pre.ready\"")), "pre.ready waits for an answer"),
        (Some(ALL.replace("items = \"all\"", "items = [\"primary\"]")), "\"replica\" is not among"),
        (Some(without("switch = ")), "\"no alerts\" is to be ticked"),
        (Some(without("point_of_no_return")), "drop is a point of no return"),
    ];
    for (answers, expected) in table {
        let (code, why, _) = Play::new(RUNBOOK, answers.as_deref()).run();
        assert_eq!(code, HELD, "{expected}");
        assert!(why.contains(expected), "{why} is not {expected}");
    }
}

#[test]
fn a_failed_step_does_what_the_answers_say() {
    let no = ALL.replace("\"yes\", items", "\"no\", items");
    let with = |hold: &str| format!("{no}\n[on_hold]\n{hold}\n");
    let (code, why, _) = Play::new(RUNBOOK, Some(&no)).run();
    assert_eq!((code, why.as_str()), (HELD, "the session holds: switch.flip failed: opsA said no"));

    let (code, _, asked) = Play::new(RUNBOOK, Some(&with("default = \"retry\""))).run();
    assert_eq!(code, HELD, "once a step, then stop");
    assert_eq!(asked.iter().filter(|word| **word == "retry").count(), 1);

    let (code, _, asked) = Play::new(RUNBOOK, Some(&with("\"switch.flip\" = \"rollback\""))).run();
    assert_eq!(code, ROLLED_BACK);
    assert_eq!(asked.last(), Some(&"confirm"), "the question of the way back is answered too");
}

#[test]
fn a_question_of_the_way_back_without_an_answer_ends_the_run() {
    let answers =
        ALL.replace("\"yes\", items", "\"no\", items").replace("\"switch.flip-back\" = \"yes\"\n", "");
    let answers = format!("{answers}\n[on_hold]\ndefault = \"rollback\"\n");
    let (code, why, _) = Play::new(RUNBOOK, Some(&answers)).run();
    assert_eq!(code, HELD);
    assert!(why.contains("switch.flip-back waits for an answer"), "{why}");
}

#[test]
fn a_rollback_that_gets_stuck_has_a_code_of_its_own() {
    let answers = ALL.replace("\"yes\", items", "\"no\", items");
    let answers = answers.replace("\"switch.flip-back\" = \"yes\"", "\"switch.flip-back\" = \"no\"");
    let answers = format!("{answers}\n[on_hold]\ndefault = \"rollback\"\n");
    let (code, why, _) = Play::new(RUNBOOK, Some(&answers)).run();
    assert_eq!(code, ROLLBACK_STUCK);
    assert!(why.contains("switch.flip-back did not undo"), "{why}");
}

#[test]
fn a_rollback_of_some_stages_ends_the_run_instead_of_going_forward_again() {
    let mut play = Play::new(RUNBOOK, Some(ALL));
    for (stage, kind) in [("pre", true), ("switch", false)] {
        play.add(EventKind::StageEntered { stage: stage.into() });
        if kind {
            play.add(EventKind::Promoted {
                stage: stage.into(),
                overridden: vec![],
                reason: None,
                asked_by: None,
            });
        }
    }
    play.add(EventKind::PolicyAcknowledged);
    play.add(EventKind::RollbackStarted { to: "switch".into(), full: false, steps: vec![], reason: None });
    let (code, why, asked) = play.run();
    assert_eq!((code, asked.len()), (ROLLED_BACK, 0));
    assert_eq!(why, "rolled back to before switch; the session holds there");
}

#[test]
fn answers_that_rehearse_the_way_back_turn_at_the_gate_that_they_name_or_behind_it() {
    let back = format!("roll_back_at = \"switch\"\n{ALL}");
    let (code, why, asked) = Play::new(RUNBOOK, Some(&back)).run();
    assert_eq!((code, why.as_str()), (ROLLED_BACK, "rolled back"));
    assert_eq!(asked[asked.len() - 2..], ["roll back", "confirm"], "{asked:?}");
    let early = back.replace("\"switch\"", "\"pre\"");
    let mut play = Play::new(RUNBOOK, Some(&early));
    play.add(EventKind::PolicyAcknowledged);
    play.add(EventKind::StageEntered { stage: "pre".into() });
    play.add(EventKind::Promoted { stage: "pre".into(), overridden: vec![], reason: None, asked_by: None });
    play.add(EventKind::StageEntered { stage: "switch".into() });
    let (code, _, asked) = play.run();
    assert_eq!((code, asked[0]), (ROLLED_BACK, "roll back"), "{asked:?}");
}

#[test]
fn a_whole_rollback_ends_the_run_with_the_sessions_close_and_not_an_event_before() {
    let mut play = Play::new(RUNBOOK, Some(ALL));
    play.add(EventKind::PolicyAcknowledged);
    play.add(EventKind::StageEntered { stage: "pre".into() });
    play.add(EventKind::RollbackStarted { to: "pre".into(), full: true, steps: vec![], reason: None });
    play.add(EventKind::StageRolledBack { stage: "pre".into() });
    play.add(EventKind::RollbackFinished { full: true, skipped: Vec::new() });
    assert_eq!(play.next(), WAIT);
    assert_eq!(play.run(), (ROLLED_BACK, "rolled back".to_owned(), vec![]));
}

#[test]
fn a_step_that_rolls_back_by_itself_is_left_to_do_so() {
    let runbook = RUNBOOK.replace(
        "  items = [\"primary\", \"replica\"]\n",
        "  on_failure = \"rollback\"\n  grace = \"10s\"\n",
    );
    let answers = ALL.replace("{ answer = \"yes\", items = \"all\" }", "\"no\"");
    let (code, _, asked) = Play::new(&runbook, Some(&answers)).run();
    assert_eq!(code, ROLLED_BACK);
    assert!(!asked.contains(&"roll back"), "its own countdown did it: {asked:?}");
}

#[test]
fn a_gate_that_is_not_go_in_time_is_a_hold() {
    let runbook = RUNBOOK.replace("  accept = [\"no alerts\"]", "  checks = [\"site\"]");
    let answers = ALL.replace("[tick]\nswitch = \"all\"", "[on_hold]\ndefault = \"stop\"");
    let answers = format!("gate_within = \"10m\"\n{answers}");
    let mut play = Play::new(&runbook, Some(&answers));
    let (code, why, _) = play.run();
    assert_eq!(code, HELD);
    assert!(why.contains("check site") && why.ends_with("after 10m"), "{why}");

    let rollback = answers.replace("default = \"stop\"", "default = \"rollback\"");
    assert_eq!(Play::new(&runbook, Some(&rollback)).run().0, ROLLED_BACK);
}

#[test]
fn a_gate_is_advanced_once_its_go_is_recorded_and_left_alone_where_it_promotes_itself() {
    let enter = |runbook: &str| {
        let mut play = Play::new(runbook, Some(ALL));
        play.add(EventKind::PolicyAcknowledged);
        play.add(EventKind::StageEntered { stage: "pre".into() });
        play.add(EventKind::StepSkipped { step: "pre.ready".into(), reason: "told".to_owned() });
        play
    };
    let gate = |go| EventKind::GateChanged { stage: "pre".into(), go, missing: vec![] };
    let mut play = enter(RUNBOOK);
    play.add(gate(false));
    assert_eq!(play.next(), WAIT);
    play.add(gate(true));
    assert_eq!(play.next(), Next::Ask(Command::Advance { typed: None, over: None }));

    let auto = "  confirm = \"Is everybody ready?\"\n  [stage.gate]\n  auto = true\n";
    let mut play = enter(&RUNBOOK.replace("  confirm = \"Is everybody ready?\"\n", auto));
    play.add(gate(true));
    assert_eq!(play.next(), WAIT);
}

#[test]
fn a_drill_turns_back_where_its_gate_is_go_and_not_before() {
    let mut play = Play::new(RUNBOOK, Some(ALL));
    play.answers.as_mut().expect("some").turn_at = Some("switch".into());
    let (code, why, asked) = play.run();
    assert_eq!((code, why.as_str()), (ROLLED_BACK, "rolled back"));
    assert!(asked.contains(&"advance") && asked.contains(&"roll back"), "{asked:?}");
}
