//! Whole cutovers by the real binary, without a cockpit: a Python web server gives its port to another web server,
//! forward, back, and into the lies that scripts tell.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");

const RUNBOOK: &str = r#"
id = "web"
title = "Web: Python to another"
[vars]
gonogo = {}
port = { pattern = '\d+' }
start = { default = "start-new.sh" }

[check.old]
http = "http://127.0.0.1:${{ port }}/index.html"
period = "200ms"
expect.matches = ["the old page"]

[check.new]
http = "http://127.0.0.1:${{ port }}/stats"
period = "200ms"
expect.matches = ['^name\tnew$']

[check.port-open]
tcp = "127.0.0.1:${{ port }}"
period = "200ms"

[check.page]
file = "www/index.html"
period = "1s"

[[stage]]
id = "before"
watch = ["old", "port-open"]
  [[stage.step]]
  id = "old-answers"
  assert = ["old"]
  [stage.gate]
  auto = true

[[stage]]
id = "switch"
watch = ["new"]
  [[stage.step]]
  id = "stop-old"
  run = "./stop-old.sh"
  expect.matches = ["^stopped$"]
  [[stage.step]]
  id = "start-new"
  run = ["./${{ start }}"]
  timeout = "20s"
  env = { GONOGO = "${{ gonogo }}", PORT = "${{ port }}" }
  expect.matches = ['^started new pid \d+$']
  expect.report = { path = "report.json", json = { "/overall" = "PASS", "/failed" = { max = 0 } } }
  capture.pid = '^started new pid (\d+)$'
  evidence = ["report.json"]
  [[stage.step]]
  id = "answers"
  await = ["new"]
  timeout = "10s"
  [[stage.rollback]]
  id = "stop-new"
  undoes = ["start-new"]
  run = ["./stop-new.sh"]
  env = { GONOGO = "${{ gonogo }}" }
  expect.matches = ["^(stopped|not running)"]
  [[stage.rollback]]
  id = "start-old"
  undoes = ["stop-old"]
  run = ["./start-old.sh", "${{ port }}"]
  expect.matches = ["^started$"]
  [stage.gate]
  soak = "1s"

[rollback]
ready = ["page"]
gate = { checks = ["old"], timeout = "20s" }
"#;

const ANSWERS: &str = r#"
advance = true
gate_within = "30s"
[on_hold]
default = "stop"
"#;

/// A folder with a Python web server and the scripts of its cutover.
struct World {
    folder: tempfile::TempDir,
    port: u16,
}

impl World {
    fn make() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = crate::ports::unused();
        let world = Self { folder, port };
        std::fs::create_dir(world.path("www")).expect("made");
        std::fs::write(world.path("www/index.html"), "the old page\n").expect("written");
        std::fs::write(world.path("runbook.toml"), RUNBOOK).expect("written");
        std::fs::write(world.path("answers.toml"), ANSWERS).expect("written");
        world.script(
            "start-old.sh",
            "cd www\nsetsid python3 -m http.server --bind 127.0.0.1 \"$1\" >../old.log 2>&1 &\necho $! >../old.pid\n\
             for i in $(seq 100); do curl -sf http://127.0.0.1:$1/index.html >/dev/null && { echo started; exit 0; }; sleep 0.1; done; exit 1",
        );
        world.script("stop-old.sh", "kill $(cat old.pid); while kill -0 $(cat old.pid) 2>/dev/null; do sleep 0.05; done; echo stopped");
        world.script("start-new.sh", "\"$GONOGO\" lab serve --daemonise --name new --port $PORT --pidfile new.pid --log new.log\necho '{\"overall\":\"PASS\",\"failed\":0}' >report.json");
        world.script("stop-new.sh", "\"$GONOGO\" lab stop --pidfile new.pid");
        let started = Command::new(world.path("start-old.sh"))
            .arg(port.to_string())
            .current_dir(world.folder.path())
            .stdout(Stdio::null())
            .status()
            .expect("bash");
        assert!(started.success(), "the old server does not start");
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn script(&self, name: &str, body: &str) {
        let path = self.path(name);
        std::fs::write(&path, format!("#!/bin/bash\nset -euo pipefail\n{body}\n")).expect("written");
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("set");
    }

    fn drive(&self, more: &[&str]) -> Output {
        Command::new(GONOGO)
            .args(["run", "--headless", "--set"])
            .arg(format!("port={}", self.port))
            .arg("--set")
            .arg(format!("gonogo={GONOGO}"))
            .args(more)
            .arg("--answers")
            .arg(self.path("answers.toml"))
            .arg(self.path("runbook.toml"))
            .env("GONOGO_STATE_DIR", self.path("state"))
            .stdin(Stdio::null())
            .output()
            .expect("gonogo runs")
    }

    fn session(&self) -> PathBuf {
        let sessions = std::fs::read_dir(self.path("state/sessions")).expect("sessions");
        sessions.map(|s| s.expect("a session").path()).max().expect("one session")
    }

    fn events(&self) -> Vec<Value> {
        let log = self.session().join("audit.jsonl");
        crate::record::hold(&log);
        let log = std::fs::read_to_string(log).expect("a log");
        log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    fn finish_of(&self, step: &str) -> Value {
        let events = self.events();
        let finish =
            events.iter().rev().find(|e| e["event"]["kind"] == "step_finished" && e["event"]["step"] == step);
        finish.unwrap_or_else(|| panic!("{step} has not finished")).clone()["event"].clone()
    }

    fn page(&self, path: &str) -> String {
        let got =
            Command::new("curl").args(["-s", &format!("http://127.0.0.1:{}{path}", self.port)]).output();
        String::from_utf8_lossy(&got.expect("curl").stdout).into_owned()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for name in ["old.pid", "new.pid"] {
            let pid = std::fs::read_to_string(self.path(name)).unwrap_or_default();
            if !pid.trim().is_empty() {
                // Most are gone already.
                let _ = Command::new("kill").arg(pid.trim()).stderr(Stdio::null()).status();
            }
        }
    }
}

fn told(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn verify(session: &Path) -> Option<i32> {
    Command::new(GONOGO)
        .arg("verify")
        .arg(session)
        .stdout(Stdio::null())
        .status()
        .expect("gonogo runs")
        .code()
}

#[test]
fn one_web_server_gives_its_port_to_another_and_the_record_proves_it() {
    let world = World::make();
    let output = world.drive(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(world.page("/stats").contains("name\tnew"));
    let finish = world.finish_of("switch.start-new");
    assert!(finish["passed"].as_bool().expect("a verdict"));
    assert!(finish["captures"]["pid"].as_str().is_some_and(|pid| pid.parse::<u32>().is_ok()));
    assert_eq!(world.events().last().expect("events")["event"]["outcome"], "completed");
    assert_eq!(verify(&world.session()), Some(0));
    let evidence = world.session().join("evidence/switch.start-new.1/report.json");
    assert!(evidence.is_file(), "the report was taken as evidence");
}

#[test]
fn exit_0_without_its_marker_is_red() {
    let world = World::make();
    world.script("liar.sh", "echo '{\"overall\":\"PASS\",\"failed\":0}' >report.json; exit 0");
    let output = world.drive(&["--set", "start=liar.sh"]);
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    let finish = world.finish_of("switch.start-new");
    assert_eq!(finish["exit"], 0);
    assert!(!finish["passed"].as_bool().expect("a verdict"));
    let why = finish["why"].as_str().expect("a reason");
    assert!(why.contains("started new pid"), "{why}");
}

#[test]
fn yesterdays_report_is_red() {
    let world = World::make();
    std::fs::write(world.path("report.json"), "{\"overall\":\"PASS\",\"failed\":0}").expect("written");
    world.script(
        "liar.sh",
        "\"$GONOGO\" lab serve --daemonise --name new --port $PORT --pidfile new.pid --log new.log",
    );
    let output = world.drive(&["--set", "start=liar.sh"]);
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    let why = world.finish_of("switch.start-new")["why"].as_str().expect("a reason").to_owned();
    assert!(why.contains("report.json"), "{why}");
}

#[test]
fn a_new_server_that_never_came_up_is_not_green_on_the_old_ones_answers() {
    let world = World::make();
    // It says all the right words, and leaves the old server where it is.
    world.script("stop-old.sh", "echo stopped");
    world
        .script("liar.sh", "echo started new pid 1; echo '{\"overall\":\"PASS\",\"failed\":0}' >report.json");
    let output = world.drive(&["--set", "start=liar.sh"]);
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    assert!(world.page("/index.html").contains("the old page"), "the old one answers all along");
    let finish = world.finish_of("switch.answers");
    assert!(!finish["passed"].as_bool().expect("a verdict"));
    assert!(finish["why"].as_str().expect("a reason").contains("timed out after 10s"), "{finish}");
}

#[test]
fn a_failure_rolls_back_when_the_answers_say_so_and_the_old_one_is_proven_back() {
    let world = World::make();
    std::fs::write(world.path("answers.toml"), ANSWERS.replace("\"stop\"", "\"rollback\"")).expect("written");
    world.script("liar.sh", "exit 7");
    let output = world.drive(&["--set", "start=liar.sh"]);
    assert_eq!(output.status.code(), Some(4), "{}", told(&output));
    assert!(world.page("/index.html").contains("the old page"));
    assert_eq!(world.finish_of("switch.start-new")["exit"], 7);
    assert_eq!(world.events().last().expect("events")["event"]["outcome"], "rolled_back");
    assert_eq!(verify(&world.session()), Some(0));
}

#[test]
fn a_rollback_that_fails_is_stuck_and_names_what_remains() {
    let world = World::make();
    std::fs::write(world.path("answers.toml"), ANSWERS.replace("\"stop\"", "\"rollback\"")).expect("written");
    world.script("liar.sh", "exit 7");
    world.script("start-old.sh", "echo the old release is gone; exit 1");
    let output = world.drive(&["--set", "start=liar.sh"]);
    assert_eq!(output.status.code(), Some(9), "{}", told(&output));
    let events = world.events();
    let stuck = events.iter().find(|e| e["event"]["kind"] == "rollback_stuck").expect("it is stuck");
    assert_eq!(stuck["event"]["remaining"], serde_json::json!(["switch.start-old"]));
}

#[test]
fn an_unanswered_question_ends_a_headless_run_and_names_it() {
    let world = World::make();
    std::fs::write(world.path("answers.toml"), "advance = false\n").expect("written");
    let output = world.drive(&[]);
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    assert!(told(&output).contains("advance"), "{}", told(&output));
}

#[test]
fn a_second_session_of_the_same_cutover_is_refused_and_the_first_is_named() {
    let world = World::make();
    world.script("slow.sh", "touch running; while [ ! -e go ]; do sleep 0.05; done; exit 1");
    let mut first = Command::new(GONOGO)
        .args(["run", "--headless", "--set", "start=slow.sh", "--set"])
        .arg(format!("port={}", world.port))
        .arg("--set")
        .arg(format!("gonogo={GONOGO}"))
        .arg("--answers")
        .arg(world.path("answers.toml"))
        .arg(world.path("runbook.toml"))
        .env("GONOGO_STATE_DIR", world.path("state"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("gonogo runs");
    while !world.path("running").exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(first.try_wait().expect("its state").is_none(), "the first session ended early");
    }
    let second = world.drive(&[]);
    assert_eq!(second.status.code(), Some(3), "{}", told(&second));
    assert!(told(&second).contains("runs already: session"), "{}", told(&second));
    std::fs::write(world.path("go"), "").expect("written");
    first.wait().expect("its end");
}

#[test]
fn the_demo_completes_without_a_cockpit() {
    let state = tempfile::tempdir().expect("a folder");
    let output = Command::new(GONOGO)
        .args(["demo", "--headless"])
        .env("GONOGO_STATE_DIR", state.path())
        .stdin(Stdio::null())
        .output()
        .expect("gonogo runs");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
}

#[test]
fn simulate_runs_a_whole_runbook_and_touches_nothing() {
    let world = World::make();
    let output = world.drive(&["--simulate"]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(world.page("/index.html").contains("the old page"));
    assert!(!world.path("report.json").exists());
}
