//! The MTProxy sample, whole: forward, back, and every lie of its scripts switched on in turn.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/sample-runbooks/mtproxy");

/// A checkout made by the sample's own simulator, with the C runtime up.
struct Checkout {
    folder: tempfile::TempDir,
    port: u16,
    slot_port: u16,
}

impl Checkout {
    fn make() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = || TcpListener::bind("127.0.0.1:0").expect("a port");
        let (a, b) = (port(), port());
        let of = |listener: &TcpListener| listener.local_addr().expect("bound").port();
        let checkout = Self { folder, port: of(&a), slot_port: of(&b) };
        drop((a, b));
        let made = Command::new(format!("{SAMPLE}/simulator/setup.sh"))
            .arg(checkout.root())
            .arg(checkout.port.to_string())
            .env("GONOGO", GONOGO)
            .stdout(Stdio::null())
            .status()
            .expect("bash");
        assert!(made.success(), "the simulator does not set up");
        checkout
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn lie(&self, name: &str) {
        std::fs::write(self.root().join("lies").join(name), "").expect("written");
    }

    fn drive(&self, on_hold: &str) -> Output {
        let answers = self.folder.path().join("answers.toml");
        let text = std::fs::read_to_string(format!("{SAMPLE}/answers.toml")).expect("the sample's answers");
        std::fs::write(&answers, text.replace("\"stop\"", &format!("{on_hold:?}"))).expect("written");
        let mut command = Command::new(GONOGO);
        command.args(["run", "--headless", "--rehearsal", "--answers"]).arg(&answers);
        let sets = [
            format!("root={}", self.root().display()),
            format!("gonogo={GONOGO}"),
            format!("port={}", self.port),
            format!("slot_port={}", self.slot_port),
            "observe=1s".to_owned(),
        ];
        for set in sets {
            command.arg("--set").arg(set);
        }
        command
            .arg(format!("{SAMPLE}/runbook.toml"))
            .env("GONOGO_STATE_DIR", self.folder.path().join("state"))
            .stdin(Stdio::null())
            .output()
            .expect("gonogo runs")
    }

    fn events(&self) -> Vec<Value> {
        let sessions = std::fs::read_dir(self.folder.path().join("state/sessions")).expect("sessions");
        let session = sessions.map(|s| s.expect("a session").path()).max().expect("one");
        let log = std::fs::read_to_string(session.join("audit.jsonl")).expect("a log");
        log.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["event"].clone()).collect()
    }

    fn active(&self) -> String {
        let link = std::fs::read_link(self.root().join("active")).expect("a link");
        link.to_string_lossy().into_owned()
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        for name in ["c", "go", "slot"] {
            let pidfile = self.root().join(format!("run/{name}.pid"));
            // What does not run needs no stopping.
            let _ = Command::new(GONOGO)
                .args(["lab", "stop", "--pidfile"])
                .arg(pidfile)
                .stdout(Stdio::null())
                .status();
        }
    }
}

fn told(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn mtproxy_goes_over_to_go() {
    let checkout = Checkout::make();
    checkout.lie("c-exit-143");
    let output = checkout.drive("stop");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert_eq!(checkout.active(), "objs/bin/mtproto-proxy-go");
}

#[test]
fn mtproxy_goes_back_to_c_when_go_never_came_up() {
    let checkout = Checkout::make();
    checkout.lie("go-never-up");
    let output = checkout.drive("rollback");
    assert_eq!(output.status.code(), Some(4), "{}", told(&output));
    assert_eq!(checkout.active(), "objs/bin/mtproto-proxy");
    let events = checkout.events();
    let start = events.iter().find(|e| e["kind"] == "step_finished" && e["step"] == "switch.start-go");
    assert!(start.is_some_and(|e| e["passed"] == true), "the script says that it started");
    let answers = events.iter().find(|e| e["kind"] == "step_finished" && e["step"] == "switch.answers");
    assert!(answers.is_some_and(|e| e["passed"] == false), "and the proof says that it did not");
}

#[test]
fn every_lie_stops_the_cutover_before_the_switch_with_a_sentence_that_names_it() {
    let lies = [
        ("dualrun-exit0", "preconditions.dual-run", "overall: PASS"),
        ("dualrun-skip", "preconditions.dual-run", "SKIP"),
        ("report-stale", "preconditions.dual-run", "phase7-dualrun-report.json"),
        ("report-missing", "preconditions.dual-run", "there is no such file"),
        ("flags-differ", "preconditions.cli-contract", "flags identical"),
        ("drill-fails", "artifacts.drill", "TestPhase8CutoverRollbackDrill"),
        ("drill-stale", "artifacts.drill", "phase8-cutover-report.json"),
    ];
    for (lie, step, word) in lies {
        let checkout = Checkout::make();
        for old in ["phase7/phase7-dualrun-report.json", "phase8/phase8-cutover-report.json"] {
            // Yesterday's good reports lie about.
            let path = checkout.root().join("artifacts").join(old);
            std::fs::write(&path, r#"{"overall":"PASS","steps":[]}"#).expect("written");
            let file = std::fs::File::options().append(true).open(&path).expect("there");
            let yesterday = std::time::SystemTime::now() - std::time::Duration::from_secs(24 * 3600);
            file.set_modified(yesterday).expect("set");
        }
        checkout.lie(lie);
        let output = checkout.drive("stop");
        assert_eq!(output.status.code(), Some(3), "{lie}: {}", told(&output));
        let events = checkout.events();
        let failed = events.iter().find(|e| e["kind"] == "step_finished" && e["passed"] == false).expect(lie);
        assert_eq!(failed["step"], step, "{lie}");
        assert!(failed["why"].as_str().is_some_and(|why| why.contains(word)), "{lie}: {}", failed["why"]);
        assert!(!events.iter().any(|e| e["kind"] == "stage_entered" && e["stage"] == "switch"), "{lie}");
    }
}

#[test]
fn a_rollback_binary_that_is_gone_keeps_stage_1_shut() {
    let checkout = Checkout::make();
    std::fs::remove_file(checkout.root().join("objs/bin/mtproto-proxy")).expect("it was there");
    let text = std::fs::read_to_string(format!("{SAMPLE}/answers.toml")).expect("answers");
    assert!(text.contains("gate_within"));
    let patient = checkout.folder.path().join("patient.toml");
    std::fs::write(&patient, text.replace("\"2m\"", "\"2s\"")).expect("written");
    let output = Command::new(GONOGO)
        .args(["run", "--headless", "--rehearsal", "--answers"])
        .arg(&patient)
        .arg("--set")
        .arg(format!("root={}", checkout.root().display()))
        .arg(format!("{SAMPLE}/runbook.toml"))
        .env("GONOGO_STATE_DIR", checkout.folder.path().join("state"))
        .stdin(Stdio::null())
        .output()
        .expect("gonogo runs");
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    assert!(told(&output).contains("the way back is not ready"), "{}", told(&output));
    assert!(!checkout.events().iter().any(|e| e["kind"] == "stage_entered"));
}

#[test]
fn the_mapping_table_names_steps_and_checks_that_are_there() {
    let runbook = std::fs::read_to_string(format!("{SAMPLE}/runbook.toml")).expect("the runbook");
    let readme = std::fs::read_to_string(format!("{SAMPLE}/README.md")).expect("the README");
    let stages = ["preconditions", "artifacts", "freeze", "pre-warm", "switch", "observe", "rollback"];
    let mut named = 0;
    for row in readme.lines().filter(|line| line.starts_with('|')) {
        for word in row.split('`').skip(1).step_by(2) {
            let Some((stage, step)) = word.split_once('.').filter(|(stage, _)| stages.contains(stage)) else {
                continue;
            };
            // A trigger is named by its check, too.
            let id = step.split('.').next().unwrap_or(step);
            let there = runbook.lines().any(|line| {
                let line = line.trim();
                line.starts_with("id") && line.ends_with(&format!("\"{id}\""))
                    || line == format!("[check.{id}]")
            });
            assert!(there, "{stage}.{step} is in the table and not in the runbook");
            named += 1;
        }
    }
    assert!(named >= 25, "only {named} names were found in the table");
}
