//! The lab's services as real processes on real sockets: how they start, answer, misbehave and end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");

/// A folder and a port for one service. Dropping it ends what still runs.
struct Lab {
    folder: tempfile::TempDir,
    port: u16,
}

impl Lab {
    fn new() -> Self {
        let port = crate::ports::unused();
        Self { folder: tempfile::tempdir().expect("a folder"), port }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn serve(&self, more: &[&str]) -> Command {
        let mut command = Command::new(GONOGO);
        command.args(["lab", "serve", "--name", "relay", "--port", &self.port.to_string()]);
        command.arg("--pidfile").arg(self.path("pid")).arg("--log").arg(self.path("log")).args(more);
        command.stdin(Stdio::null());
        command
    }

    /// A service of its own that listens.
    fn daemon(more: &[&str]) -> Self {
        let lab = Self::new();
        let started = lab
            .serve(&["--daemonise"])
            .args(more)
            .env("LAB_TOKENS", "blue-7,red-9")
            .output()
            .expect("it runs");
        assert!(started.status.success(), "{}", told(&started));
        assert_eq!(told(&started).trim(), format!("started relay pid {}", lab.pid().as_raw_pid()));
        lab
    }

    /// A service that is this test's child, so that its exit can be seen; it listens.
    fn child(more: &[&str]) -> (Self, Child) {
        let lab = Self::new();
        let child = lab.serve(more).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
        until("it listens", || TcpStream::connect(("127.0.0.1", lab.port)).is_ok());
        (lab, child)
    }

    fn pid(&self) -> Pid {
        let text = std::fs::read_to_string(self.path("pid")).expect("a pid file");
        Pid::from_raw(text.trim().parse().expect("a pid")).expect("not 0")
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it runs");
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn stop(&self, wait: &str) -> Output {
        Command::new(GONOGO)
            .args(["lab", "stop", "--wait", wait, "--pidfile"])
            .arg(self.path("pid"))
            .output()
            .expect("it runs")
    }

    fn fault(&self, fault: &str) -> Output {
        Command::new(GONOGO)
            .args(["lab", "fault", "--port", &self.port.to_string(), fault])
            .output()
            .expect("it runs")
    }

    /// Status and body of an answer.
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: lab\r\nconnection: close\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        write!(stream, "{request}content-length: {}\r\n\r\n{body}", body.len()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
        let body = answer.split_once("\r\n\r\n").expect("a body").1;
        (status, body.to_owned())
    }

    fn get(&self, path: &str) -> (u16, String) {
        self.ask("GET", path, &[], "")
    }

    fn stat(&self, key: &str) -> u64 {
        let (_, stats) = self.get("/stats");
        let line = stats.lines().find_map(|line| line.strip_prefix(&format!("{key}\t")).map(str::to_owned));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {key} in {stats}"))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let Ok(text) = std::fs::read_to_string(self.path("pid")) else { return };
        if let Some(pid) = text.trim().parse().ok().and_then(Pid::from_raw) {
            // Most are gone already.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_alive(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_pid())).unwrap_or_default();
    // A zombie that nobody reaps has ended, too.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[test]
fn a_daemon_listens_when_its_start_returns_and_leaves_nothing_when_it_is_stopped() {
    let lab = Lab::daemon(&["--version", "2.1.0", "--stat", "generated_at=now", "--stat", "side=blue"]);
    let pid = lab.pid();
    assert_eq!(lab.get("/livez"), (200, r#"{"status":"alive"}"#.to_owned()));
    assert_eq!(lab.get("/readyz"), (200, r#"{"status":"ready"}"#.to_owned()));
    assert_eq!(lab.get("/a/path/that/is/mistyped").0, 200);
    let stats = lab.get("/stats").1;
    assert!(
        stats.starts_with("name\trelay\nversion\t2.1.0\n") && stats.contains("\nside\tblue\n"),
        "{stats}"
    );
    assert!(lab.stat("generated_at") > 1_700_000_000);
    assert!(lab.get("/metrics").1.contains("lab_total_requests{name=\"relay\"} "));

    let stopped = lab.stop("8s");
    assert!(stopped.status.success() && told(&stopped).starts_with("stopped process"), "{}", told(&stopped));
    assert!(!is_alive(pid));
    assert!(!lab.path("pid").exists());
    assert!(lab.log().trim_end().ends_with("Terminated by SIGTERM."), "{}", lab.log());
    let again = lab.stop("8s");
    assert!(again.status.success() && told(&again).starts_with("not running"), "{}", told(&again));
}

#[test]
fn a_daemon_that_cannot_start_says_why() {
    let lab = Lab::daemon(&[]);
    let second = lab.serve(&["--daemonise"]).output().expect("it runs");
    assert_eq!(second.status.code(), Some(1));
    assert!(told(&second).contains("runs already"), "{}", told(&second));
    let mut other = Lab::new();
    other.port = lab.port;
    let third = other.serve(&["--daemonise"]).output().expect("it runs");
    assert_eq!(third.status.code(), Some(1));
    assert!(told(&third).contains("in use"), "{}", told(&third));
    let nowhere = Lab::new();
    let fourth = nowhere.serve(&["--daemonise", "--log", "/no/such/folder/log"]).output().expect("it runs");
    assert_eq!(fourth.status.code(), Some(2), "a flag twice is an error of usage: {}", told(&fourth));
    std::fs::create_dir(nowhere.path("log")).expect("made");
    let fifth = nowhere.serve(&["--daemonise"]).output().expect("it runs");
    assert_eq!(fifth.status.code(), Some(1));
    assert!(told(&fifth).contains("cannot open"), "{}", told(&fifth));
}

#[test]
fn term_ends_with_the_exit_code_that_was_ordered() {
    for (more, code) in
        [(&[][..], 0), (&["--fault", "exit-on-term=1"], 1), (&["--fault", "exit-on-term=143"], 143)]
    {
        let (lab, mut child) = Lab::child(more);
        lab.signal(Signal::TERM);
        assert_eq!(child.wait().expect("its end").code(), Some(code));
        assert!(!lab.path("pid").exists());
    }
}

#[test]
fn a_service_that_ignores_term_is_told_apart_from_one_that_ended() {
    let lab = Lab::daemon(&["--fault", "ignore-term"]);
    let deaf = lab.stop("300ms");
    assert_eq!(deaf.status.code(), Some(1));
    assert!(told(&deaf).contains("did not end within 300ms"), "{}", told(&deaf));
    assert!(lab.fault("none").status.success());
    assert!(lab.stop("8s").status.success());
}

#[test]
fn usr1_reopens_the_log_where_it_was_moved_away() {
    let lab = Lab::daemon(&[]);
    std::fs::rename(lab.path("log"), lab.path("log.1")).expect("moved");
    lab.signal(Signal::USR1);
    until("the new log is written", || lab.log().contains("SIGUSR1 received: log file reopened."));
    assert!(lab.stop("8s").status.success());
}

#[test]
fn a_forgotten_service_ends_by_itself() {
    let lab = Lab::new();
    let ended = lab.serve(&["--lifetime", "300ms"]).status().expect("it runs");
    assert_eq!(ended.code(), Some(0));
    assert!(lab.log().contains("The lifetime is over."));
}

#[test]
fn mutating_endpoints_hold_their_contract() {
    let lab = Lab::daemon(&["--tokens-env", "LAB_TOKENS"]);
    let (id, key, token) = (("x-request-id", "r1"), ("idempotency-key", "k1"), ("x-api-key", "blue-7"));
    for path in ["/v1/decisions", "/v1/telemetry/events"] {
        let post = |headers: &[(&str, &str)], body: &str| lab.ask("POST", path, headers, body);
        let key = (key.0, path);
        assert_eq!(post(&[id, key], "{}").0, 401);
        assert_eq!(post(&[id, key, ("x-api-key", "green-1")], "{}").0, 401);
        assert_eq!(post(&[key, token], "{}").0, 400);
        assert_eq!(post(&[id, token], "{}").0, 400);
        let first = post(&[id, key, token], "{\"a\":1}");
        assert_eq!(first.0, 202);
        let answer: serde_json::Value = serde_json::from_str(&first.1).expect("JSON");
        assert_eq!(answer["status"], "accepted");
        assert!(answer["id"].as_str().is_some_and(|id| !id.is_empty()));
        let bearer = ("authorization", "Bearer red-9");
        assert_eq!(post(&[("x-request-id", "r2"), key, bearer], "{\"a\":1}"), first, "the stored answer");
        assert_eq!(post(&[id, key, token], "{\"a\":2}").0, 409);
    }
    assert!(!lab.log().contains("blue-7"), "a token is in the log");
    assert!(lab.fault("tell-secrets").status.success());
    assert!(lab.log().contains("token=blue-7") && lab.log().contains("token=red-9"), "{}", lab.log());
}

#[test]
fn mutating_endpoints_refuse_other_origins_and_more_than_their_burst() {
    let lab = Lab::daemon(&[
        "--origins",
        "https://a.example,https://b.example",
        "--burst",
        "2",
        "--per-minute",
        "1",
    ]);
    let post = |key: &str, origin: &str| {
        let headers = [("x-request-id", "r"), ("idempotency-key", key), ("origin", origin)];
        // Nothing there is no `Origin`.
        let sent = if origin.is_empty() { &headers[..2] } else { &headers[..] };
        lab.ask("POST", "/v1/decisions", sent, "{}").0
    };
    assert_eq!(post("k1", "https://elsewhere.example"), 403);
    assert_eq!([post("k2", "https://b.example"), post("k3", ""), post("k4", "")], [202, 202, 429]);
    assert_eq!(lab.stat("accepted"), 2);
    assert!(lab.fault("lax=rate").status.success() && lab.fault("lax=origin").status.success());
    assert_eq!(post("k5", "https://elsewhere.example"), 202);
}

#[test]
fn a_lax_service_keeps_none_of_the_rules_that_were_named() {
    let lax = ["auth", "request-id", "key", "replay", "conflict"]
        .map(|rule| ["--fault".to_owned(), format!("lax={rule}")]);
    let lax: Vec<&str> = lax.iter().flatten().map(String::as_str).collect();
    let lab = Lab::daemon(&[&["--tokens-env", "LAB_TOKENS"], lax.as_slice()].concat());
    let post = |headers: &[(&str, &str)], body: &str| lab.ask("POST", "/v1/decisions", headers, body);
    let first = post(&[("idempotency-key", "k")], "{}");
    assert_eq!((first.0, post(&[], "{}").0), (202, 202));
    assert_ne!(post(&[("idempotency-key", "k")], "{}"), first, "a replay has a new answer");
    assert_eq!(post(&[("idempotency-key", "k")], "{\"a\":1}").0, 202);
}

#[test]
fn a_service_is_ready_while_what_it_needs_listens_unless_it_knows_no_probe() {
    let needed = Lab::daemon(&[]);
    let lab = Lab::daemon(&["--needs", &format!("127.0.0.1:{}", needed.port), "--say", "startup mode=serve"]);
    assert_eq!((lab.get("/readyz").0, lab.get("/livez").0), (200, 200));
    assert!(lab.log().contains(" startup mode=serve\n"), "{}", lab.log());
    assert!(needed.stop("8s").status.success());
    assert_eq!((lab.get("/readyz").0, lab.get("/livez").0), (503, 200));
    assert!(lab.fault("blind").status.success());
    assert_eq!(lab.get("/readyz"), (200, "ok\n".to_owned()), "as any other path");
}

#[test]
fn stats_are_told_in_json_too_and_what_is_not_known_is_null() {
    let lab = Lab::daemon(&["--stat", "prompt_guard=0", "--stat", "policy=9f"]);
    let told = || serde_json::from_str::<serde_json::Value>(&lab.get("/stats.json").1).expect("JSON");
    let before = told();
    assert_eq!(
        (&before["p95_ms"], &before["prompt_guard"], &before["policy"]),
        (&().into(), &0.into(), &"9f".into())
    );
    assert!(
        cfg!(not(target_os = "linux")) || before["rssKiB"].as_u64().is_some_and(|kib| kib > 0),
        "{before}"
    );
    lab.ask("POST", "/v1/decisions", &[("x-request-id", "r"), ("idempotency-key", "k")], "{}");
    assert!(told()["p95_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{}", told());
    for set in ["set=prompt_guard:3", "set=rssKiB:null", "set=queue_depth:900"] {
        assert!(lab.fault(set).status.success());
    }
    let after = told();
    assert_eq!((&after["prompt_guard"], &after["rssKiB"]), (&3.into(), &().into()));
    assert_eq!(lab.stat("queue_depth"), 900);
}

#[test]
fn faults_come_and_go_while_it_runs() {
    let lab = Lab::daemon(&["--fault", "not-ready"]);
    assert_eq!(lab.get("/readyz").0, 503);
    assert_eq!(lab.get("/livez").0, 200);
    assert!(lab.fault("failing").status.success());
    assert_eq!(lab.get("/livez").0, 500);
    assert!(lab.fault("none").status.success());
    assert_eq!(lab.get("/readyz").0, 200);

    assert!(lab.fault("slow=300ms").status.success());
    let asked = Instant::now();
    assert_eq!(lab.get("/livez").0, 200);
    assert!(asked.elapsed() >= Duration::from_millis(300));
    assert!(lab.fault("none").status.success());

    assert_eq!(lab.stat("forward_failed"), 0);
    assert!(lab.fault("errors=50").status.success());
    until("errors grow", || lab.stat("forward_failed") >= 20);

    let memory = || {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", lab.pid().as_raw_pid())).expect("it runs");
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:").map(str::to_owned));
        line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok()).expect("a size")
    };
    let before = memory();
    assert!(lab.fault("leak=64").status.success());
    until("memory grows", || memory() > before + 32 * 1024);
    assert!(lab.fault("none").status.success());

    let unknown = lab.fault("sulking");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(told(&unknown).contains("there is no fault `sulking`"), "{}", told(&unknown));
    assert_eq!(lab.ask("POST", "/lab/fault", &[], "sulking").0, 400);

    let pid = lab.pid();
    assert!(lab.fault("crash").status.success());
    until("it is gone", || !is_alive(pid));
    assert!(lab.path("pid").exists(), "a crash leaves its pid file");
    assert!(!lab.fault("none").status.success(), "nobody answers any more");
}

#[test]
fn a_service_warms_up_before_it_is_ready() {
    let lab = Lab::daemon(&["--warm-up", "1s"]);
    assert_eq!(lab.get("/readyz").0, 503);
    until("it is ready", || lab.get("/readyz").0 == 200);
}

fn supervise(folder: &Path, more: &[&str], script: &str) -> Child {
    Command::new(GONOGO)
        .args(["lab", "supervise", "--pidfile"])
        .arg(folder.join("supervisor.pid"))
        .args(more)
        .args(["--", "sh", "-c", script])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("it runs")
}

#[test]
fn a_supervisor_starts_what_crashes_again_until_it_is_stopped() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut supervisor = supervise(folder.path(), &[], "echo $$ >>starts; exit 1");
    let starts = || std::fs::read_to_string(folder.path().join("starts")).unwrap_or_default().lines().count();
    until("it has started twice", || starts() >= 2);
    let pid = Pid::from_child(&supervisor);
    kill_process(pid, Signal::TERM).expect("it runs");
    assert_eq!(supervisor.wait().expect("its end").code(), Some(0));
    assert!(!folder.path().join("supervisor.pid").exists());
}

#[test]
fn a_forgotten_supervisor_ends_by_itself_and_takes_its_command_along() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut supervisor = supervise(folder.path(), &["--lifetime", "2s"], "echo $$ >pid; exec sleep 3600");
    assert_eq!(supervisor.wait().expect("its end").code(), Some(0));
    let pid = std::fs::read_to_string(folder.path().join("pid")).expect("it had started");
    assert!(!is_alive(Pid::from_raw(pid.trim().parse().expect("a pid")).expect("not 0")));
}
