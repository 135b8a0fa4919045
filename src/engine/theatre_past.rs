//! What one session leaves for the next: sessions are played, their logs are put on a shelf, and the next one reads
//! what is there.

use std::time::Duration;

use chrono::TimeDelta;

use super::theatre::Theatre;
use crate::audit::{line, past};
use crate::event::{
    DrillPart, EventKind, Mode, PastDrill, PastGate, PastSession, PastSessions, SessionHead, SessionOpened,
};
use crate::runbook::model::Runbook;
use crate::session::past::{self as learnt, measured, way_back_time};
use crate::session::{Command, StageStatus, State, gate, rollback};

const ROW: &str = r#"
id = "row"
environment = "staging"
[check.up]
file = "x"
period = "1s"
[[stage]]
id = "look"
watch = ["up"]
  [[stage.step]]
  id = "see"
  run = ["see"]
  [[stage.rollback]]
  id = "unsee"
  run = ["unsee"]
  [[stage.rollback]]
  id = "tell"
  run = ["tell"]
  estimate = "4s"
  [stage.gate]
  consecutive_sessions = 3
  soak = "10m"
[[stage]]
id = "go"
  [[stage.step]]
  id = "on"
  run = ["on"]
  [[stage.rollback]]
  id = "off"
  run = ["off"]
  [stage.gate]
  auto = true
[[stage]]
id = "gone"
point_of_no_return = true
  [[stage.step]]
  id = "drop"
  run = ["drop"]
"#;

fn drilled() -> String {
    ROW.replace("consecutive_sessions = 3", "drilled = { within = \"7d\", environment = \"staging\" }")
}

fn missing(play: &Theatre) -> String {
    gate::evaluate(play.state(), &"look".into()).sentences().join("\n")
}

fn at_gate(play: &mut Theatre) {
    play.advance().expect("the first stage");
    play.until("it is at its gate", |s| s.stages["look"].status == StageStatus::AtGate);
    play.until("the soak is reached", |s| s.stages["look"].soak.reached);
}

/// A session of that name, played up to its first gate.
fn played(name: &str, runbook: &str, mode: Mode, drill: Option<DrillPart>) -> Theatre {
    let opening = Theatre::opening(runbook, mode);
    let mut play = Theatre::of(SessionOpened { session: name.to_owned(), drill, ..opening });
    at_gate(&mut play);
    play
}

fn live(name: &str) -> Theatre {
    played(name, ROW, Mode::Live, None)
}

fn back(play: &mut Theatre) {
    play.ask(Command::Rollback { to: None, reason: None }).expect("there is a way back");
    play.until("it is rolled back", State::is_closed);
}

/// The folder that sessions lie in.
struct Shelf(tempfile::TempDir);

impl Shelf {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    /// Puts what was played there.
    fn put(&self, play: &Theatre) -> SessionHead {
        let session = play.state().opened.as_ref().expect("it was opened").session.clone();
        let (mut log, mut hash) = (Vec::new(), line::genesis());
        for event in play.events() {
            let (bytes, next) = line::encode(event, &hash).expect("short");
            log.extend(bytes);
            hash = next;
        }
        std::fs::create_dir_all(self.path(&session)).expect("a folder");
        std::fs::write(self.path(&session).join("audit.jsonl"), log).expect("written");
        SessionHead { session, seq: play.events().len() as u64, sha256: hash }
    }

    /// Puts there a live session whose gate was GO but for the row, and which knew what was there before.
    fn good(&self, name: &str) {
        let mut play = live(name);
        play.record(EventKind::PastSessions(Box::new(self.read(ROW))));
        back(&mut play);
        self.put(&play);
    }

    fn read(&self, runbook: &str) -> PastSessions {
        past::read(&self.path("20991231-000000-row"), &runbook_of(runbook))
    }

    /// Each live session that was read, and why it does not count for the first gate.
    fn row(&self) -> Vec<String> {
        let why = |session: PastSession| {
            let gate = session.gates.get("look").map_or(String::new(), |gate| gate.why.clone());
            format!("{}: {}", session.session, session.broken.unwrap_or(gate))
        };
        self.read(ROW).live.into_iter().map(why).collect()
    }
}

fn runbook_of(text: &str) -> Runbook {
    crate::session::read_plan(&Theatre::opening(text, Mode::Live)).expect("it loads")
}

fn session(name: &str, why: &str) -> PastSession {
    let word = PastGate { go: why.is_empty(), why: why.to_owned() };
    let gates = [("look".into(), word)].into();
    PastSession { session: name.to_owned(), head: None, gates, broken: None }
}

#[test]
fn a_gate_asks_a_live_session_for_a_row_and_names_what_broke_it() {
    let mut play = live("20270110-000000-row");
    assert_eq!(missing(&play), "this gate was GO in 1 of 3 live sessions in a row, this one with them");
    play.advance().expect_err("the row is too short");
    let mut live = vec![session("b", ""), session("a", "somebody overrode it")];
    play.record(EventKind::PastSessions(Box::new(PastSessions { live: live.clone(), ..Default::default() })));
    assert_eq!(
        missing(&play),
        "this gate was GO in 2 of 3 live sessions in a row, this one with them (a broke the row: somebody \
         overrode it)"
    );
    live[1] = session("a", "");
    play.record(EventKind::PastSessions(Box::new(PastSessions { live, ..Default::default() })));
    assert_eq!(missing(&play), "");
    play.advance().expect("three in a row");
    let rehearsal = played("20270110-000000-row", ROW, Mode::Rehearsal, None);
    assert_eq!(missing(&rehearsal), "", "no rehearsal could ever be one of the row");
}

#[test]
fn a_gate_asks_a_live_session_for_a_drill_that_is_young_enough() {
    let head = SessionHead { session: "x".to_owned(), seq: 1, sha256: String::new() };
    let mut play = played("20270110-000000-row", &drilled(), Mode::Live, None);
    assert_eq!(missing(&play), "no good drill in staging is on record");
    let now = play.now.at;
    let mut learn = |days: i64, place: &str| {
        let drill = PastDrill {
            environment: Some(place.to_owned()),
            finished: now - TimeDelta::days(days),
            back: head.clone(),
            forward: head.clone(),
            soak_ms: None,
        };
        play.record(EventKind::PastSessions(Box::new(PastSessions {
            drills: vec![drill],
            ..Default::default()
        })));
        missing(&play)
    };
    assert_eq!(learn(1, "production"), "no good drill in staging is on record");
    let old = learn(8, "staging");
    assert!(old.starts_with("the last good drill in staging was finished at 2027-01-07"), "{old}");
    assert!(old.ends_with("more than 7days ago"), "{old}");
    assert_eq!(learn(6, "staging"), "");
    play.pass(Duration::from_hours(25));
    play.record(EventKind::NoteAdded { tag: crate::event::NoteTag::Observation, text: "late".to_owned() });
    assert!(
        missing(&play).contains("more than 7days ago"),
        "it grew too old at this gate: {}",
        missing(&play)
    );
}

#[test]
fn a_row_is_read_off_the_records_and_no_further_back_than_is_asked() {
    let shelf = Shelf::new();
    assert_eq!(shelf.read(ROW), PastSessions::default());
    for day in 1..=4 {
        shelf.good(&format!("2027010{day}-000000-row"));
    }
    assert_eq!(shelf.row(), ["20270104-000000-row: ", "20270103-000000-row: "]);
    let rows: Vec<u64> = shelf.read(ROW).live.iter().map(|s| s.head.as_ref().expect("read").seq).collect();
    assert!(rows.iter().all(|seq| *seq > 5), "{rows:?}");
}

#[test]
fn whatever_was_not_good_breaks_the_row_by_its_name() {
    let shelf = Shelf::new();
    let name = "20270102-000000-row";
    let says = |shelf: &Shelf| shelf.row().remove(0);
    shelf.put(&live(name));
    assert_eq!(says(&shelf), format!("{name}: it was not finished"));
    let mut aborted = live(name);
    aborted.ask(Command::Abort { reason: "no".to_owned() }).expect("nothing runs");
    shelf.put(&aborted);
    assert_eq!(says(&shelf), format!("{name}: it was aborted"));
    let mut overridden = live(name);
    let over = Some("it must be tonight".to_owned());
    overridden.ask(Command::Advance { typed: Some("look".to_owned()), over }).expect("a reason");
    back(&mut overridden);
    shelf.put(&overridden);
    assert_eq!(says(&shelf), format!("{name}: somebody overrode it"));
    let mut red = live(name);
    red.script.failing_checks.insert("up".into(), "it is gone".to_owned());
    red.until("it is NO-GO", |s| s.check(&"up".into()).health == crate::event::Health::Failing);
    back(&mut red);
    shelf.put(&red);
    assert!(says(&shelf).starts_with(&format!("{name}: NO-GO: check up is failing")), "{}", says(&shelf));
    let mut early = Theatre::of(SessionOpened {
        session: name.to_owned(),
        ..Theatre::opening(&ROW.replace("\"look\"", "\"peek\""), Mode::Live)
    });
    early.advance().expect("the first stage");
    back(&mut early);
    shelf.put(&early);
    assert_eq!(says(&shelf), format!("{name}: it had no such stage"));
}

#[test]
fn only_a_record_that_is_whole_counts_and_nobody_can_pretend() {
    let shelf = Shelf::new();
    for day in 1..=3 {
        shelf.good(&format!("2027010{day}-000000-row"));
    }
    let log = shelf.path("20270102-000000-row").join("audit.jsonl");
    let whole = std::fs::read(&log).expect("readable");
    let says = || shelf.row().remove(1);

    let mut bytes = whole.clone();
    let at = bytes.windows(9).position(|w| w == b"\"seq\":12,").expect("it is there");
    bytes[at + 1] ^= 1;
    std::fs::write(&log, &bytes).expect("written");
    assert!(
        says().starts_with("20270102-000000-row: its record is TRUNCATED: it ends at event 11"),
        "{}",
        says()
    );
    assert_eq!(shelf.row().len(), 2, "what is before a broken row is not asked");

    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    std::fs::write(&log, lines[..lines.len() - 2].concat()).expect("written");
    assert!(says().contains("its record is TRUNCATED"), "a later session saw more of it: {}", says());

    std::fs::write(&log, &whole[..40]).expect("written");
    assert!(says().contains("its record is broken in its first line"), "{}", says());

    std::fs::remove_dir_all(shelf.path("20270102-000000-row")).expect("removed");
    assert_eq!(says(), "20270102-000000-row: its record is gone, and a later session saw it");

    // A copy counts once; under another name, without the session itself, it is none.
    std::fs::create_dir_all(shelf.path("20270102-000000-row")).expect("a folder");
    std::fs::write(&log, &whole).expect("written");
    let copy = |from: &str, to: &str| {
        std::fs::create_dir_all(shelf.path(to)).expect("a folder");
        std::fs::copy(shelf.path(from).join("audit.jsonl"), shelf.path(to).join("audit.jsonl"))
            .expect("copied");
    };
    copy("20270103-000000-row", "20270104-000000-row");
    assert_eq!(shelf.row(), ["20270103-000000-row: ", "20270102-000000-row: "]);
    std::fs::rename(shelf.path("20270103-000000-row"), shelf.path("20270105-000000-row")).expect("renamed");
    assert_eq!(shelf.row()[0], "20270105-000000-row: its record is that of session 20270103-000000-row");
}

#[test]
fn a_record_that_no_engine_could_have_written_counts_nothing_though_its_chain_is_whole() {
    let shelf = Shelf::new();
    let mut play = live("20270101-000000-row");
    back(&mut play);
    let made_up: Vec<_> = play.events().iter().filter(|e| !is_start_of(&e.event, "look.see")).collect();
    let (mut log, mut hash) = (Vec::new(), line::genesis());
    for (at, event) in made_up.into_iter().enumerate() {
        let event = crate::event::Event { seq: at as u64 + 1, ..(**event).clone() };
        let (bytes, next) = line::encode(&event, &hash).expect("short");
        log.extend(bytes);
        hash = next;
    }
    let folder = shelf.path("20270101-000000-row");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("audit.jsonl"), log).expect("written");
    let row = shelf.row();
    assert!(row[0].contains("nobody recorded it so: event "), "{row:?}");
}

fn is_start_of(event: &EventKind, step: &str) -> bool {
    matches!(event, EventKind::StepStarted { step: started, .. } if started.as_str() == step)
}

/// The two parts of a drill on the shelf, as they would be recorded.
fn drill(shelf: &Shelf) -> SessionHead {
    let part = |after| Some(DrillPart { after, soak_ms: Some(2_000) });
    let mut there = played("20270101-000000-row-drill", &drilled(), Mode::Rehearsal, part(None));
    assert!(there.now.up_ms < 1_010_000, "a soak of ten minutes took two seconds");
    there.advance().expect("it is GO");
    there.until("it stays where it turns", |s| s.stages["go"].gate.as_ref().is_some_and(|gate| gate.go));
    there.pass(Duration::from_secs(10));
    assert_eq!(
        there.state().stages["go"].status,
        StageStatus::AtGate,
        "where it turns nothing goes on by itself"
    );
    back(&mut there);
    let head = shelf.put(&there);
    let mut again =
        played("20270101-000100-row-drill", &drilled(), Mode::Rehearsal, part(Some(head.clone())));
    again.advance().expect("it is GO");
    again.until("it is GO", |s| s.stages["go"].gate.as_ref().is_some_and(|gate| gate.go));
    again.ask(Command::Advance { typed: Some("gone".to_owned()), over: None }).expect("typed");
    again.until("the last gate", |s| s.stages["gone"].gate.as_ref().is_some_and(|gate| gate.go));
    again.advance().expect("the end");
    assert!(again.state().is_closed());
    shelf.put(&again);
    head
}

#[test]
fn a_drill_counts_with_both_its_parts_whole_and_tells_how_long_the_way_back_took() {
    let shelf = Shelf::new();
    let first = drill(&shelf);
    let past = shelf.read(&drilled());
    let [drill] = past.drills.as_slice() else { panic!("one drill: {past:?}") };
    assert_eq!((drill.environment.as_deref(), drill.soak_ms), (Some("staging"), Some(2_000)));
    assert_eq!(drill.back, first);
    let back = past.rollback.clone().expect("it was measured");
    assert!(back.drill && back.by == "opsA" && back.from.as_str() == "go", "{back:?}");
    let steps: Vec<&str> = past.steps.keys().map(|step| step.as_str()).collect();
    assert_eq!((back.took_ms, steps), (300, vec!["go.off", "look.unsee", "look.tell"]));

    let mut play = played("20270110-000000-row", &drilled(), Mode::Live, None);
    play.record(EventKind::PastSessions(Box::new(past)));
    assert_eq!(missing(&play), "");
    let plan = rollback::plan(play.state(), None).expect("there is a way back");
    let time = way_back_time(play.state(), &plan);
    assert_eq!((time.known_ms, time.measured, time.written, time.unknown), (0, 2, 0, 0));
    assert_eq!(measured(play.state(), &"look.tell".into()).expect("measured").session, first.session);
    assert_eq!(learnt::last_rollback(play.state()).expect("measured").took_ms, 300);

    // One word of its first part another, and it was no drill.
    let log = shelf.path(&first.session).join("audit.jsonl");
    let text = std::fs::read_to_string(&log).expect("readable").replacen("unsee", "onsee", 1);
    std::fs::write(&log, text).expect("written");
    let past = shelf.read(&drilled());
    assert_eq!((past.drills, past.rollback), (vec![], None));
}

#[test]
fn a_way_back_that_nobody_measured_is_as_written_or_unknown() {
    let mut play = live("20270110-000000-row");
    let plan = rollback::plan(play.state(), None).expect("there is a way back");
    let time = way_back_time(play.state(), &plan);
    assert_eq!((time.known_ms, time.measured, time.written, time.unknown), (4_000, 0, 1, 1));
    play.record(EventKind::PastSessions(Box::default()));
    assert_eq!(way_back_time(play.state(), &plan), time);
}
