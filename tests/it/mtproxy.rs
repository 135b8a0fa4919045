//! The MTProxy sample, whole: forward, back, and every lie of its scripts switched on in turn.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/sample-runbooks/mtproxy");

const LOOK: Duration = Duration::from_millis(50);

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
        // A runbook's file is of one session at a time: each checkout has its own.
        let copied = Command::new("cp").arg("-a").arg(SAMPLE).arg(checkout.folder.path()).status();
        assert!(copied.expect("cp runs").success());
        checkout
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn lie(&self, name: &str) {
        std::fs::write(self.root().join("lies").join(name), "").expect("written");
    }

    /// A run with the sample's own answers and this much patience at a gate.
    fn start(&self, gate_within: &str) -> Command {
        let answers = self.folder.path().join("answers.toml");
        let text = std::fs::read_to_string(format!("{SAMPLE}/answers.toml")).expect("the sample's answers");
        std::fs::write(&answers, text.replace("\"2m\"", &format!("{gate_within:?}"))).expect("written");
        let mut command = Command::new(GONOGO);
        command.args(["run", "--headless", "--rehearsal", "--answers"]).arg(&answers);
        let sets = [
            format!("root={}", self.root().display()),
            format!("gonogo={GONOGO}"),
            format!("port={}", self.port),
            format!("slot_port={}", self.slot_port),
            "observe=1s".to_owned(),
            "red_for=1s".to_owned(),
            "grace=1s".to_owned(),
            "start_within=4s".to_owned(),
        ];
        for set in sets {
            command.arg("--set").arg(set);
        }
        command
            .arg(self.folder.path().join("mtproxy/runbook.toml"))
            .env("GONOGO_STATE_DIR", self.folder.path().join("state"))
            .stdin(Stdio::null());
        command
    }

    fn drive(&self) -> Output {
        self.start("4s").output().expect("gonogo runs")
    }

    fn stats(&self) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("somebody listens");
        stream.write_all(b"GET /stats HTTP/1.1\r\nhost: lab\r\nconnection: close\r\n\r\n").expect("asked");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    }

    fn events(&self) -> Vec<Value> {
        let sessions = std::fs::read_dir(self.folder.path().join("state/sessions")).expect("sessions");
        let session = sessions.map(|s| s.expect("a session").path()).max().expect("one");
        crate::record::hold(&session.join("audit.jsonl"));
        let log = std::fs::read_to_string(session.join("audit.jsonl")).expect("a log");
        log.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["event"].clone()).collect()
    }

    /// Whether an event of that kind is on record.
    fn log_says(&self, kind: &str) -> bool {
        let Ok(sessions) = std::fs::read_dir(self.folder.path().join("state/sessions")) else { return false };
        let logs = sessions.filter_map(|s| std::fs::read_to_string(s.ok()?.path().join("audit.jsonl")).ok());
        let word = format!("\"{kind}\"");
        logs.into_iter().any(|log| log.contains(&word))
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

fn finish<'e>(events: &'e [Value], step: &str) -> Option<&'e Value> {
    events.iter().find(|e| e["kind"] == "step_finished" && e["step"] == step)
}

fn entered(events: &[Value], stage: &str) -> bool {
    events.iter().any(|e| e["kind"] == "stage_entered" && e["stage"] == stage)
}

#[test]
fn mtproxy_goes_over_to_go_whether_c_ends_with_143_or_1() {
    for truth in [None, Some("c-exit-1")] {
        let checkout = Checkout::make();
        truth.into_iter().for_each(|truth| checkout.lie(truth));
        let output = checkout.drive();
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        assert_eq!(checkout.active(), "objs/bin/mtproto-proxy-go");
        assert!(checkout.stats().contains("name\tgo\n"));
        let code = if truth.is_some() { 1 } else { 143 };
        let events = checkout.events();
        assert_eq!(finish(&events, "preconditions.exit-c").expect("it ended")["exit"], code);
    }
}

#[test]
fn mtproxy_goes_back_to_c_by_itself_when_go_never_came_up() {
    let checkout = Checkout::make();
    checkout.lie("go-never-up");
    let output = checkout.drive();
    assert_eq!(output.status.code(), Some(4), "{}", told(&output));
    assert_eq!(checkout.active(), "objs/bin/mtproto-proxy");
    assert!(checkout.stats().contains("name\tc\n"));
    let events = checkout.events();
    let start = finish(&events, "switch.start-go");
    assert!(start.is_some_and(|e| e["passed"] == true), "the script says that it started");
    let answers = finish(&events, "switch.answers");
    assert!(answers.is_some_and(|e| e["passed"] == false), "and the proof says that it did not");
}

#[test]
fn mtproxy_goes_back_to_c_when_stats_fail_while_it_is_observed() {
    let checkout = Checkout::make();
    let mut running = checkout.start("10m");
    // The last one of a var wins: there is time to break it.
    running.args(["--set", "observe=10m"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut running = running.spawn().expect("gonogo runs");
    while !checkout.log_says("soak_started") {
        assert!(running.try_wait().expect("its state").is_none(), "it ended before the soak");
        std::thread::sleep(LOOK);
    }
    let port = checkout.port.to_string();
    let broken = Command::new(GONOGO)
        .args(["lab", "fault", "--port", &port, "failing"])
        .stdout(Stdio::null())
        .status()
        .expect("gonogo runs");
    assert!(broken.success(), "the fault is not taken");
    assert_eq!(running.wait().expect("its end").code(), Some(4));
    assert_eq!(checkout.active(), "objs/bin/mtproto-proxy");
    assert!(checkout.stats().contains("name\tc\n"));
    let events = checkout.events();
    for step in ["rollback.forensics", "switch.c-answers", "rollback.baseline", "rollback.incident"] {
        assert!(finish(&events, step).is_some_and(|e| e["passed"] == true), "{step}");
    }
    let kept = events.iter().filter(|e| e["kind"] == "evidence_added" && e["step"] == "rollback.forensics");
    let kept: Vec<String> = kept.map(|e| e["source"].to_string()).collect();
    assert!(kept.iter().any(|source| source.contains("go.log")), "{kept:?}");
    assert!(kept.iter().any(|source| source.contains("phase8-cutover-report.json")), "{kept:?}");
}

#[test]
fn every_lie_stops_the_cutover_before_the_switch_with_a_sentence_that_names_it() {
    let lies = [
        ("dualrun-exit0", "preconditions.dual-run", "overall: PASS"),
        ("dualrun-skip", "preconditions.dual-run", "SKIP"),
        ("dualrun-slow", "preconditions.dual-run", "/go/connect_p95_ms"),
        ("report-stale", "preconditions.dual-run", "phase7-dualrun-report.json"),
        ("report-missing", "preconditions.dual-run", "there is no such file"),
        ("flags-differ", "preconditions.cli-contract", "flags identical"),
        ("c-exit-0", "preconditions.exit-c", "exit 0"),
        ("go-exit-143", "preconditions.exit-go", "exit 143"),
        ("binary-changed", "artifacts.binaries", "go-binary"),
        ("drill-fails", "artifacts.drill", "TestPhase8CutoverRollbackDrill"),
        ("drill-skip", "artifacts.drill", "TestPhase8CutoverRollbackDrill"),
        ("drill-stale", "artifacts.drill", "phase8-cutover-report.json"),
        ("config-drifts", "pre-warm.inputs-unchanged", "config-frozen"),
    ];
    for (lie, step, word) in lies {
        let checkout = Checkout::make();
        checkout.lie(lie);
        let output = checkout.drive();
        assert_eq!(output.status.code(), Some(3), "{lie}: {}", told(&output));
        let events = checkout.events();
        let failed = events.iter().find(|e| e["kind"] == "step_finished" && e["passed"] == false).expect(lie);
        assert_eq!(failed["step"], step, "{lie}");
        assert!(failed["why"].as_str().is_some_and(|why| why.contains(word)), "{lie}: {}", failed["why"]);
        assert!(!entered(&events, "switch"), "{lie}");
        assert!(checkout.stats().contains("name\tc\n"), "{lie}: C serves on");
    }
}

#[test]
fn the_simulator_lists_exactly_the_lies_that_its_scripts_know() {
    let read = |name: &str| std::fs::read_to_string(format!("{SAMPLE}/simulator/{name}")).expect("a script");
    let listed = read("setup.sh");
    let mut known = std::collections::BTreeSet::new();
    for script in ["make/compare-flags.sh", "make/go-phase7-report.sh", "make/go-phase8-drill.sh"]
        .into_iter()
        .chain(["scripts/runtime.sh", "scripts/start.sh"])
    {
        for rest in read(script).split("-e lies/").skip(1) {
            let name = rest.split(|c: char| !c.is_alphanumeric() && c != '-').next().unwrap_or_default();
            assert!(
                listed.contains(&format!(" {name}")),
                "{script} knows {name}, and setup.sh does not list it"
            );
            known.insert(name.to_owned());
        }
    }
    // Two columns of a name and what it does.
    let rows = listed.lines().filter_map(|line| line.strip_prefix("#   "));
    let columns = rows.flat_map(|row| row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()));
    for name in columns.filter(|cell| !cell.contains(' ')) {
        assert!(known.contains(name), "setup.sh lists {name}, and no script knows it");
    }
}

#[test]
fn a_rollback_binary_that_is_gone_keeps_stage_1_shut() {
    let checkout = Checkout::make();
    std::fs::remove_file(checkout.root().join("objs/bin/mtproto-proxy")).expect("it was there");
    let output = checkout.drive();
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    assert!(told(&output).contains("the way back is not ready"), "{}", told(&output));
    assert!(!checkout.events().iter().any(|e| e["kind"] == "stage_entered"));
}

#[test]
fn a_rollback_binary_that_goes_on_the_way_keeps_the_next_gate_shut() {
    let checkout = Checkout::make();
    checkout.lie("rollback-gone");
    let output = checkout.drive();
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    let said = told(&output);
    assert!(said.contains("the way back is not ready: check c-binary is failing: "), "{said}");
    assert!(!entered(&checkout.events(), "freeze"), "{said}");
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
