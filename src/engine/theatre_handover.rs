//! What somebody reads who takes a cutover over, played on the stage.

use std::time::Duration;

use super::theatre::Theatre;
use crate::event::{Credentials, NoteTag, Seat};
use crate::session::handover::{Handover, handover, status_line};
use crate::session::{Command, Situation, StageStatus, StepStatus};

const RUNBOOK: &str = r#"
id = "shift"
[check.new]
http = "http://127.0.0.1:1/new"
period = "1s"
failure_threshold = 1

[[stage]]
id = "switch"
watch = ["new"]
  [[stage.step]]
  id = "start"
  run = ["start"]
  timeout = "5m"
  retries = { attempts = 2, delay = "30s" }
  [[stage.step]]
  id = "ask"
  confirm = "Is the replica caught up?"
  role = "db"
  [[stage.rollback]]
  id = "stop"
  estimate = "20s"
  run = ["stop"]
  [stage.gate]
  soak = "10m"
  approvals = 2
  [[stage.trigger]]
  check = "new"
  failing_for = "5s"
  then = "rollback"
  grace = "15s"

[[stage]]
id = "after"
  [stage.gate]
  auto = true
"#;

fn user(uid: u32) -> Credentials {
    Credentials { uid, login_uid: Some(uid), ..Credentials::default() }
}

fn read(play: &Theatre) -> Handover {
    handover(play.state(), play.now)
}

fn line(play: &Theatre) -> String {
    status_line(play.state(), play.now)
}

#[test]
fn a_handover_says_at_every_moment_what_happens_next() {
    let mut play = Theatre::new(RUNBOOK);
    assert_eq!(read(&play).next, ["nothing by itself: the driver advances to switch"]);
    assert_eq!(read(&play).rollback, "no stage was entered: there is nothing to roll back");
    assert_eq!(line(&play), "running: nothing by itself: the driver advances to switch");

    play.hanging.insert("switch.start".into());
    play.advance().expect("the first stage is entered");
    play.pass(Duration::from_secs(12));
    assert_eq!(line(&play), "running, switch: switch.start runs for 12s");
    let shown = read(&play);
    assert_eq!(shown.running[0].step.as_str(), "switch.start");
    let ends = "switch.start ends by itself, in 4m 48s at the latest";
    assert_eq!(shown.next, [ends, "switch.ask starts when its turn comes"]);
    assert_eq!(shown.rollback, "back to before switch: 1 step, about 20s; ends switch.start first");

    play.pass(Duration::from_secs(289));
    assert_eq!(read(&play).next[0], "switch.start is tried again in 30s, try 2 of 2");

    play.hanging.clear();
    play.until("it asks", |s| s.step(&"switch.ask".into()).status == StepStatus::Waiting);
    let asks = "nobody is here for db: come with `gonogo attach --for db`";
    let blocked =
        "running, switch: blocked: step switch.ask waits for an answer, released by answer switch.ask";
    assert_eq!(line(&play), format!("{blocked} ({asks})"));
    assert_eq!(
        read(&play).next,
        [format!("nothing by itself: it waits for this: answer switch.ask ({asks})")]
    );
    let yes = Command::Confirm { step: "switch.ask".into(), yes: true, note: None };
    let refusal = play.ask(yes.clone()).expect_err("opsA stands for nothing");
    assert!(refusal.0.contains("answered for db, which opsA does not stand for"), "{refusal}");
    let b = play.come("opsB", user(1001), &["db"], Seat::Navigator);
    play.ask_of(&b, yes).expect("opsB stands for db");

    play.until("the soak runs", |s| s.stages["switch"].soak.running_since.is_some());
    play.pass(Duration::from_secs(60));
    assert_eq!(read(&play).next, ["the soak of 10m is reached in 9m if its checks stay green"]);
    let (missing, release) = ("0 of 2 approvals (and 1 more)", "2 more people vote GO");
    assert_eq!(
        line(&play),
        format!("running, switch at its gate: blocked: {missing}, released by {release}")
    );

    play.ask_of(&b, Command::Pause).expect("anyone may");
    assert_eq!(read(&play).next[0], "the soak of 10m stands still while paused, 9m are left");
    assert!(
        line(&play)
            .starts_with("running, paused, switch at its gate: blocked: the session is paused by opsB")
    );
    play.ask(Command::Resume).expect("the driver");

    play.script.failing_checks.insert("new".into(), "refused".to_owned());
    play.until("it fails", |s| s.check(&"new".into()).health == crate::event::Health::Failing);
    let next = read(&play).next;
    assert_eq!(
        next[0],
        "trigger switch.new.rollback counts down 15s to a rollback in 5s if new stays failing"
    );
    assert!(next[1].starts_with("the soak of 10m goes on once its checks are green"), "{next:?}");
    play.pass(Duration::from_secs(7));
    let armed = &read(&play).next[0];
    let trigger = "trigger switch.new.rollback rolls back in";
    assert!(
        armed.starts_with(trigger) && armed.contains("unless it is vetoed or new turns green"),
        "{armed}"
    );
    play.hanging.insert("switch.stop".into());
    play.until("it rolls back", |s| s.situation() == Situation::RollingBack);
    play.pass(Duration::from_secs(1));
    assert_eq!(read(&play).rollback, "rolling back to before switch: 0 of 1 steps done");
    assert!(line(&play).starts_with("rolling back, switch: switch.stop runs for"), "{}", line(&play));
    play.hanging.clear();
}

#[test]
fn a_stage_that_goes_on_by_itself_says_so() {
    let gates = "[[stage]]\nid = \"a\"\n[stage.gate]\nauto = true\napprovals = 1\n";
    let mut play = Theatre::new(&format!("{gates}{}", gates.replace("\"a\"", "\"b\"")));
    play.advance().expect("the first stage is entered");
    play.until("it is at its gate", |s| s.stages["a"].status == StageStatus::AtGate);
    assert_eq!(read(&play).next, ["b is entered once the gate of a is GO"]);
    let vote = |stage: &str| Command::Vote { stage: stage.into(), role: None, go: true, note: None };
    play.ask(vote("a")).expect("a vote");
    assert_eq!(read(&play).next, ["the session completes once the gate of b is GO"]);
    play.ask(vote("b")).expect("a vote");
    assert_eq!(read(&play).next, ["nothing: the session is over"]);
    assert_eq!(line(&play), "completed");
}

#[test]
fn a_handover_shows_the_last_five_notes_with_what_was_attached() {
    let mut play = Theatre::new(RUNBOOK);
    for n in 0..7 {
        let file = crate::session::Attached {
            source: "/tmp/graph.png".to_owned(),
            path: format!("evidence/{n}-graph.png"),
            bytes: 1,
            sha256: String::new(),
        };
        let attached = (n == 6).then_some(file);
        play.ask(Command::Note { tag: NoteTag::Decision, text: format!("note {n}"), attached })
            .expect("a note");
    }
    let notes = read(&play).notes;
    let texts: Vec<&str> = notes.iter().map(|note| note.text.as_str()).collect();
    assert_eq!(texts, ["note 2", "note 3", "note 4", "note 5", "note 6"]);
    assert_eq!(notes[4].attached.as_deref(), Some("evidence/6-graph.png"));
    assert_eq!((notes[4].by.as_str(), notes[3].attached.as_deref()), ("opsA", None));
    let json = serde_json::to_value(read(&play)).expect("it is plain data");
    assert_eq!((&json["situation"], &json["here"][0]), (&"running".into(), &"opsA".into()));
}
