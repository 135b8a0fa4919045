//! What earlier sessions teach, for real: a drill and its report, a gate that asks for it, a gate that asks for a row.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::samples::Rehearsal;

const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");

const RUNBOOK: &str = r#"
id = "flag"
environment = "staging"
policy = ["Nobody else touches the flag."]
[check.raised]
file = "flag"
period = "200ms"
[check.notes]
file = "notes"
period = "200ms"
[[stage]]
id = "look"
  [[stage.step]]
  id = "notes"
  run = ["cat", "notes"]
  expect.matches = ["^ready$"]
[[stage]]
id = "switch"
watch = ["raised"]
  [[stage.step]]
  id = "raise"
  run = "sleep 0.2; touch flag; echo the flag is up"
  estimate = "100ms"
  expect.matches = ["is up"]
  expect.max_duration = "20s"
  [[stage.rollback]]
  id = "lower"
  undoes = ["raise"]
  run = "cat blocked 2>/dev/null && exit 1; rm flag; echo the flag is down"
  estimate = "30s"
  expect.matches = ["is down"]
  [stage.gate]
  soak = "1h"
  #ASKS
[[stage]]
id = "retire"
point_of_no_return = true
  [[stage.step]]
  id = "drop"
  run = ["echo", "dropped"]
  expect.matches = ["dropped"]
[rollback]
ready = ["notes"]
"#;

const ANSWERS: &str = r#"
acknowledge = true
advance = true
gate_within = "3s"
point_of_no_return = ["retire"]
"#;

/// A folder with a runbook, its answers, and the sessions of it.
struct Place(tempfile::TempDir);

impl Place {
    fn new(asks: &str) -> Self {
        let place = Self(tempfile::tempdir().expect("a folder"));
        place.write("flag.toml", &RUNBOOK.replace("#ASKS", asks));
        place.write("answers.toml", ANSWERS);
        place.write("back.toml", &format!("{ANSWERS}\n[on_hold]\ndefault = \"rollback\"\n"));
        place.write("notes", "ready\n");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
    }

    /// Runs gonogo to its end: its exit code, and all that it said.
    fn gonogo(&self, args: &[&str]) -> (i32, String) {
        let output = Command::new(GONOGO)
            .args(args)
            .current_dir(self.0.path())
            .env("GONOGO_STATE_DIR", self.path("state"))
            .stdin(Stdio::null())
            .output()
            .expect("gonogo runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
    }

    fn drill(&self) -> (i32, String) {
        let args = ["drill", "flag.toml", "--soak", "300ms", "--answers", "answers.toml"];
        self.gonogo(&[&args[..], &["--report", "drill.json", "--log", "drill.log"]].concat())
    }

    fn live(&self, answers: &str) -> (i32, String) {
        let done = self.gonogo(&["run", "flag.toml", "--headless", "--answers", answers]);
        let _ = std::fs::remove_file(self.path("flag"));
        done
    }

    fn report(&self) -> Value {
        let text = std::fs::read_to_string(self.path("drill.json")).expect("a report");
        serde_json::from_str(&text).expect("it is JSON")
    }

    /// The folders of its sessions, in the order in which they began: names tell no more than the second.
    fn sessions(&self) -> Vec<PathBuf> {
        let sessions = std::fs::read_dir(self.path("state/sessions")).expect("sessions");
        let mut sessions: Vec<_> = sessions.map(|s| s.expect("a session").path()).collect();
        sessions.sort_by_cached_key(|folder| {
            let log = std::fs::read_to_string(folder.join("audit.jsonl")).expect("a log");
            let first: Value = serde_json::from_str(log.lines().next().expect("a line")).expect("JSON");
            first["at"].as_str().map(str::to_owned)
        });
        sessions
    }

    /// The event of that kind in the newest session.
    fn newest(&self, kind: &str) -> Value {
        let log = self.sessions().pop().expect("a session").join("audit.jsonl");
        let text = std::fs::read_to_string(log).expect("readable");
        let events =
            text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["event"].take());
        events.into_iter().rfind(|event| event["kind"] == kind).expect("it happened")
    }

    fn soak(self, soak: &str) -> Self {
        let text = std::fs::read_to_string(self.path("flag.toml")).expect("readable");
        self.write("flag.toml", &text.replace("soak = \"1h\"", &format!("soak = \"{soak}\"")));
        self
    }
}

/// One byte in the middle of a log is another.
fn spoil(session: &Path) {
    let log = session.join("audit.jsonl");
    let mut bytes = std::fs::read(&log).expect("readable");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&log, bytes).expect("written");
}

#[test]
fn a_drill_goes_forward_back_and_forward_again_and_reports_every_time() {
    let place = Place::new("");
    let (code, said) = place.drill();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("the drill of flag is good"), "{said}");
    assert!(place.path("flag").exists(), "it ends forward");

    let report = place.report();
    assert_eq!((&report["verdict"], &report["turned_at"]), (&"good".into(), &"switch".into()));
    assert_eq!(report["soak"]["written_ms"]["switch"], 3_600_000);
    assert_eq!(report["soak"]["most_ms"], 300);
    let legs = report["legs"].as_array().expect("legs");
    let directions: Vec<&Value> = legs.iter().map(|leg| &leg["direction"]).collect();
    assert_eq!(directions, ["forward", "back", "forward"]);
    let step = |leg: usize, name: &str| -> Value {
        let steps = legs[leg]["steps"].as_array().expect("steps");
        steps.iter().find(|step| step["step"] == name).cloned().expect("it ran")
    };
    let raise = step(0, "switch.raise");
    assert_eq!((&raise["estimate_ms"], &raise["limit_ms"]), (&100.into(), &20_000.into()));
    assert!(raise["took_ms"].as_u64() >= Some(200) && raise["judged"] == "over_estimate", "{raise}");
    let over = report["over_estimate"].to_string();
    assert!(over.contains("forward: switch.raise took "), "{over}");
    assert_eq!(step(1, "switch.lower")["judged"], "within");
    assert_eq!(step(2, "retire.drop")["judged"], "not_judged");
    let stages: Vec<&Value> =
        legs[2]["stages"].as_array().expect("stages").iter().map(|stage| &stage["stage"]).collect();
    assert_eq!(stages, ["look", "switch", "retire"]);
    assert_ne!(legs[1]["session"], legs[2]["session"]);

    // Both are rehearsals whose records are whole, and that the report anchors.
    for leg in legs {
        let (session, head) =
            (leg["session"].as_str().expect("a name"), leg["head"].as_str().expect("a head"));
        let (code, said) = place.gonogo(&["verify", session, "--anchor", head]);
        assert!(code == 0 && said.starts_with("CLEAN"), "{said}");
    }
    let opened = place.newest("session_opened");
    assert_eq!(
        (&opened["mode"], &opened["drill"]["after"]["session"]),
        (&"rehearsal".into(), &legs[0]["session"])
    );
    let log = std::fs::read_to_string(place.path("drill.log")).expect("a log");
    for line in
        ["    | the flag is up", "    | the flag is down", "rolling back everything", "session completed"]
    {
        assert!(log.contains(line), "{line} is not in the log:\n{log}");
    }
    let (_, schema) = place.gonogo(&["schema", "drill"]);
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    for key in schema["required"].as_array().expect("keys") {
        assert!(report.get(key.as_str().expect("a key")).is_some(), "{key} is not in the report");
    }
}

#[test]
fn a_drill_whose_way_back_fails_is_stuck_and_says_where() {
    let place = Place::new("");
    place.write("blocked", "somebody holds the flag\n");
    let (code, said) = place.drill();
    assert_eq!(code, 9, "{said}");
    let report = place.report();
    assert_eq!((&report["verdict"], &report["exit_code"]), (&"failed".into(), &9.into()));
    let legs = report["legs"].as_array().expect("legs");
    assert_eq!((legs.len(), &legs[0]["verdict"], &legs[1]["verdict"]), (2, &"good".into(), &"failed".into()));
    let why = report["why"].as_str().expect("a sentence");
    assert!(why.contains("switch.lower failed"), "{why}");
    assert!(said.contains("the drill of flag failed: "), "{said}");
}

#[test]
fn a_drill_without_answers_ends_at_what_needs_a_person_and_never_goes_back_over_a_point_of_no_return() {
    let place = Place::new("");
    let (code, said) = place.gonogo(&["drill", "flag.toml", "--soak", "300ms", "--report", "drill.json"]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("retire is a point of no return"), "{said}");
    let legs: Vec<Value> = place.report()["legs"].as_array().expect("legs").clone();
    let verdicts: Vec<&Value> = legs.iter().map(|leg| &leg["verdict"]).collect();
    assert_eq!(verdicts, ["good", "good", "failed"]);
}

#[test]
fn a_gate_that_asks_for_a_drill_takes_a_good_one_and_none_that_was_touched() {
    let place = Place::new("drilled = { within = \"1d\", environment = \"staging\" }").soak("200ms");
    let (code, said) = place.live("back.toml");
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("no good drill in staging is on record"), "{said}");

    let (code, said) = place.drill();
    assert_eq!(code, 0, "a drill needs no drill: {said}");
    std::fs::remove_file(place.path("flag")).expect("the drill left it");
    let (code, said) = place.live("answers.toml");
    assert_eq!(code, 0, "{said}");
    let past = place.newest("past_sessions");
    assert_eq!(past["drills"][0]["environment"], "staging");
    assert_eq!(past["rollback"]["drill"], true);
    assert!(past["rollback"]["took_ms"].as_u64() > Some(0), "{past}");
    assert!(past["steps"]["switch.lower"]["took_ms"].is_u64(), "{past}");

    spoil(&place.sessions()[1]);
    let (code, said) = place.live("back.toml");
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("no good drill in staging is on record"), "{said}");
}

#[test]
fn a_gate_that_asks_for_a_row_counts_live_sessions_and_a_touched_record_breaks_it() {
    let place = Place::new("consecutive_sessions = 3").soak("200ms");
    for row in ["1 of 3", "2 of 3"] {
        let (code, said) = place.live("back.toml");
        assert_eq!(code, 4, "{said}");
        let missing = format!("this gate was GO in {row} live sessions in a row, this one with them");
        assert!(said.contains(&missing), "{said}");
    }
    // Neither counts, and neither breaks.
    let (code, said) = place.drill();
    assert_eq!(code, 0, "{said}");
    std::fs::remove_file(place.path("flag")).expect("the drill left it");
    let (code, said) = place.live("answers.toml");
    assert_eq!(code, 0, "three in a row: {said}");

    let first = place.sessions().remove(1);
    spoil(&first);
    let (code, said) = place.live("back.toml");
    assert_eq!(code, 4, "{said}");
    let name = first.file_name().expect("a name").to_string_lossy().into_owned();
    let broke = format!(
        "this gate was GO in 2 of 3 live sessions in a row, this one with them ({name} broke the row: its record is TRUNCATED"
    );
    assert!(said.contains(&broke), "{said}");
}

#[test]
fn a_drill_of_the_mtproxy_cutover_has_three_legs_and_the_next_session_knows_how_long_its_way_back_took() {
    let made = Rehearsal::of("mtproxy");
    let (answers, report) = (made.copy().join("answers.toml"), made.root().join("drill.json"));
    let (answers, path) = (answers.to_str().expect("UTF-8"), report.to_str().expect("UTF-8"));
    let run = |words: &[&str]| {
        let output =
            made.gonogo(&[words, &["--answers", answers]].concat(), true).output().expect("gonogo runs");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{said}");
        said
    };
    run(&["drill", "--report", path]);
    let report: Value =
        serde_json::from_slice(&std::fs::read(&report).expect("a report")).expect("it is JSON");
    let legs: Vec<[&Value; 2]> = report["legs"]
        .as_array()
        .expect("legs")
        .iter()
        .map(|leg| [&leg["direction"], &leg["verdict"]])
        .collect();
    assert_eq!(legs, [["forward", "good"], ["back", "good"], ["forward", "good"]]);
    let undone: Vec<&Value> =
        report["legs"][1]["stages"].as_array().expect("stages").iter().map(|stage| &stage["stage"]).collect();
    assert_eq!(undone, ["observe", "switch", "pre-warm", "freeze", "artifacts", "preconditions"]);
    let said = run(&["run", "--simulate", "--headless"]);
    assert!(said.contains("rolling back took "), "{said}");
}
