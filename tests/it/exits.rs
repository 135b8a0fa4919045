//! How a process ends that a `start` step has started, told by the shim that started it, and by nobody else.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");

/// Drives a cutover that starts a process and then has it end; `between` runs before the signal. Returns the finish of
/// the signal.
fn end(exits_with: u32, expects: &str, between: &str) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    let runbook = format!(
        r#"
id = "ends"
[check.daemon]
process = {{ step = "up.launch" }}
[[stage]]
id = "up"
  [[stage.step]]
  id = "launch"
  start = {{ argv = ["bash", "-c", "echo $$ >pid; trap 'exit {exits_with}' TERM; touch ready; while :; do sleep 0.05; done"], log = "daemon.log", min_uptime = "100ms" }}
  [[stage.step]]
  id = "ready"
  run = "until [ -e ready ]; do sleep 0.05; done; echo there"
  expect.matches = ["there"]
  [[stage.step]]
  id = "between"
  run = ["bash", "-c", "{between}; echo done", "bash", "${{{{ session.dir }}}}"]
  expect.matches = ["done"]
  [[stage.step]]
  id = "end"
  signal = {{ process = "daemon", signal = "TERM" }}
  expect = {{ gone_within = "10s"{expects} }}
"#
    );
    std::fs::write(path("runbook.toml"), runbook).expect("written");
    std::fs::write(path("answers.toml"), "advance = true\ngate_within = \"30s\"\n").expect("written");
    let output = Command::new(GONOGO)
        .args(["run", "--headless", "--rehearsal", "--answers"])
        .args([path("answers.toml"), path("runbook.toml")])
        .env("GONOGO_STATE_DIR", path("state"))
        .stdin(Stdio::null())
        .output()
        .expect("gonogo runs");
    let log = crate::desk::newest_log(&path("state"));
    crate::record::hold(&log);
    let log = std::fs::read_to_string(log).expect("a log");
    let events = log.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut finishes = events.map(|event| event["event"].clone()).filter(|e| e["kind"] == "step_finished");
    finishes.find(|finish| finish["step"] == "up.end").unwrap_or_else(|| {
        panic!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    })
}

#[test]
fn a_process_that_ends_as_expected_passes_and_its_exit_is_recorded() {
    let finish = end(143, ", exit = [0, 143]", "true");
    assert_eq!((&finish["passed"], &finish["exit"]), (&true.into(), &143.into()), "{finish}");
}

#[test]
fn a_process_that_ends_otherwise_fails_the_step() {
    let finish = end(1, ", exit = [0]", "true");
    assert_eq!((&finish["passed"], &finish["exit"]), (&false.into(), &1.into()));
    assert_eq!(finish["why"], "exit 1 (expected: exit is 0)");
}

#[test]
fn an_end_that_nobody_saw_is_never_green() {
    let kill = r#"kill -9 $(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[\"shim\"][\"pid\"])' $1/steps/up.launch.1/started.json)"#;
    let finish = end(0, ", exit = [0]", &kill.replace('"', "\\\"").replace("\\\\\"", "\\\""));
    assert_eq!(finish["passed"], false, "{finish}");
    let why = finish["why"].as_str().expect("a reason");
    assert!(
        why.starts_with("nobody saw how process ") && why.contains("the shim that started it is gone"),
        "{why}"
    );
}

#[test]
fn a_process_that_is_gone_already_is_gone_and_how_it_ended_is_still_asked_for_in_vain() {
    let kill = "kill -9 $(cat pid); while kill -0 $(cat pid) 2>/dev/null; do sleep 0.05; done";
    let finish = end(0, "", kill);
    assert_eq!(finish["passed"], true, "{finish}");
    let seen = finish["proofs"][0]["seen"].as_str().unwrap_or_default();
    assert!(seen.starts_with("it was gone before TERM was sent: process "), "{finish}");
    let finish = end(0, ", exit = [0]", kill);
    assert_eq!(finish["passed"], false, "{finish}");
}
