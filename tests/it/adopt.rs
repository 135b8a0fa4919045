//! An engine takes over what an earlier one had started: by the real driver, with real shims and real commands. The
//! earlier engine's end is the end of its runtime: nothing of it runs on, and what it had spawned does.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gonogo::check;
use gonogo::clock::{self, Now};
use gonogo::engine::driver::real::{Real, Surroundings};
use gonogo::engine::driver::{AdoptOrder, Driver as _, Effect, Report, StepOrder, World};
use gonogo::engine::machine::Input;
use gonogo::engine::shim::client::{Launch, LaunchError, Program, launch};
use gonogo::engine::shim::evidence::{Evidence, evidence};
use gonogo::engine::shim::record::{Command, Mode, Spec};
use gonogo::event::{EventKind, StepFinished};
use gonogo::process::{Identity, signal};
use gonogo::redact::Redactor;
use gonogo::runbook::StepId;
use gonogo::runbook::interpolate::Scope;
use gonogo::runbook::load::{Inputs, Missing, Source, load};
use gonogo::runbook::model::{Host, Runbook};
use rustix::process::Signal;
use tokio::sync::mpsc;

/// A session's folder and a runbook with one step, `s.it`.
pub(crate) struct Stage {
    pub(crate) root: tempfile::TempDir,
    pub(crate) runbook: Arc<Runbook>,
    begun: Now,
}

impl Stage {
    pub(crate) fn new(step: &str) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let text = format!(
            "id = \"t\"\ntitle = \"T\"\nshell = [\"bash\", \"-c\"]\n[check.there]\nfile = \"there\"\n\
             [check.app]\nprocess = {{ pidfile = \"app.pid\" }}\n[[stage]]\nid = \"s\"\n[[stage.step]]\nid = \"it\"\n{step}\n"
        );
        let source = Source { text, file: "t.toml".to_owned(), dir: root.path().to_owned() };
        let host = Host { name: "h".to_owned(), os: "linux".to_owned(), arch: "x86_64".to_owned() };
        let loaded = load(&source, &Inputs { set: indexmap::IndexMap::new(), host, missing: Missing::Error });
        let runbook = loaded.runbook.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
        Self { root, runbook: Arc::new(runbook), begun: clock::now() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
    }

    pub(crate) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.path("session/steps/s.it.1")
    }

    pub(crate) fn order(&self) -> StepOrder {
        StepOrder {
            runbook: Arc::clone(&self.runbook),
            step: StepId::from("s.it"),
            attempt: 1,
            world: World::default(),
        }
    }

    pub(crate) fn driver(&self) -> (Real, mpsc::UnboundedReceiver<Input>) {
        let (inbox, reports) = mpsc::unbounded_channel();
        let session_dir = self.path("session");
        let around = Surroundings {
            scope: Scope {
                session_dir: session_dir.clone(),
                runbook_dir: self.root.path().to_owned(),
                ..Scope::default()
            },
            session_dir,
            secrets: Vec::new(),
            redactor: Redactor::new([("", ""); 0]).expect("none"),
            program: Program::at(env!("CARGO_BIN_EXE_gonogo")),
            checks: check::Context::new(&self.runbook),
            frozen: Default::default(),
        };
        (Real::new(around, inbox), reports)
    }

    /// An engine that starts the step and dies once `reached`.
    pub(crate) async fn left_by_an_engine(&self, what: &str, reached: impl Fn() -> bool) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        {
            let _entered = runtime.enter();
            let (mut driver, _reports) = self.driver();
            driver.carry_out(Effect::Step(self.order()));
            until(what, reached).await;
        }
        runtime.shutdown_background();
    }

    /// What the next engine comes to.
    pub(crate) async fn adopted(&self, killed: bool) -> Report {
        let (mut driver, mut reports) = self.driver();
        driver.carry_out(Effect::Adopt(AdoptOrder { order: self.order(), begun: self.begun, killed }));
        end_of(&mut reports).await
    }

    pub(crate) async fn finished(&self) -> StepFinished {
        finish(self.adopted(false).await)
    }

    pub(crate) async fn unknown(&self) -> String {
        match self.adopted(false).await {
            Report::Unknown { evidence, .. } => evidence,
            other => panic!("{other:?}"),
        }
    }

    fn shim(&self) -> Identity {
        match evidence(&self.dir()) {
            Evidence::Running { shim } => shim,
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) async fn end_of(reports: &mut mpsc::UnboundedReceiver<Input>) -> Report {
    loop {
        match reports.recv().await {
            Some(Input::Report(Report::Output { .. })) => {}
            Some(Input::Report(report)) => return report,
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn finish(report: Report) -> StepFinished {
    match report {
        Report::Finished { finish, .. } => *finish,
        other => panic!("{other:?}"),
    }
}

/// Waits for a condition; the limit is only there to end a broken test.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..6000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("waited in vain until {what}");
}

const UNTIL_GO: &str = "until [ -e go ]; do sleep 0.01; done";

#[tokio::test(flavor = "multi_thread")]
async fn a_command_goes_on_undisturbed_and_its_true_end_and_whole_output_are_judged() {
    let stage = Stage::new(&format!(
        r#"run = "echo run >>tally; echo one; {UNTIL_GO}; echo two >&2; echo id=7; exit 3"
           expect = {{ exit = [3], matches = ["^one$"], stderr.matches = ["^two$"] }}
           capture.id = '^id=(\d)$'
           evidence = ["tally"]"#
    ));
    stage.left_by_an_engine("it runs", || !stage.text("session/steps/s.it.1/output.log").is_empty()).await;
    let (mut driver, mut reports) = stage.driver();
    let order = AdoptOrder { order: stage.order(), begun: stage.begun, killed: false };
    driver.carry_out(Effect::Adopt(order));
    stage.write("go", "");
    let Report::Finished { before, finish } = end_of(&mut reports).await else { panic!("it ends") };
    assert!(finish.passed, "{finish:?}");
    assert_eq!((finish.exit, finish.captures["id"].as_str()), (Some(3), "7"));
    assert_eq!(finish.output.expect("recorded").bytes, 13);
    assert!(matches!(before.as_slice(), [EventKind::EvidenceAdded { .. }]), "{before:?}");
    assert_eq!(stage.text("tally"), "run\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_ended_while_no_engine_ran_is_judged_as_if_it_had_been_awaited() {
    let stage = Stage::new(
        r#"run = "head -c 300000 /dev/zero | tr '\\0' x; touch done"
           output_limit = "64 KiB"
           expect.matches = ["x"]"#,
    );
    stage.left_by_an_engine("it has ended", || stage.dir().join("exit.json").exists()).await;
    let Report::Finished { before, finish } = stage.adopted(false).await else { panic!("it has ended") };
    assert!(finish.passed, "{finish:?}");
    assert!(matches!(before.as_slice(), [EventKind::OutputCut { .. }]), "{before:?}");
    assert!(finish.output.expect("recorded").dropped > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_nobody_spawned_is_launched_now_and_once_whoever_else_tries() {
    let stage = Stage::new(&format!(r#"run = "echo run >>tally; {UNTIL_GO}""#));
    std::fs::create_dir_all(stage.dir()).expect("made");
    std::fs::write(stage.dir().join("spec.json"), "{\"tor").expect("the engine got this far");
    let engines: Vec<_> = (0..8)
        .map(|_| {
            let (mut driver, reports) = stage.driver();
            let order = AdoptOrder { order: stage.order(), begun: stage.begun, killed: false };
            driver.carry_out(Effect::Adopt(order));
            (driver, reports)
        })
        .collect();
    until("it runs", || !stage.text("tally").is_empty()).await;
    stage.write("go", "");
    for (_driver, mut reports) in engines {
        let finish = finish(end_of(&mut reports).await);
        assert!(finish.passed, "{finish:?}");
    }
    assert_eq!(stage.text("tally"), "run\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_dies_at_any_moment_of_a_start_leaves_one_run_to_the_next() {
    for delay in 0..40 {
        let stage = Stage::new(r#"run = "echo run >>tally; echo done""#);
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        {
            let _entered = runtime.enter();
            let (mut driver, _reports) = stage.driver();
            driver.carry_out(Effect::Step(stage.order()));
        }
        tokio::time::sleep(Duration::from_micros(delay * 500)).await;
        runtime.shutdown_background();
        let finish = stage.finished().await;
        assert!(finish.passed, "{delay}: {finish:?}");
        assert_eq!(finish.output.expect("recorded").bytes, 5, "{delay}");
        assert_eq!(stage.text("tally"), "run\n", "{delay}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_was_asked_for_is_asked_for_again() {
    let stage =
        Stage::new(r#"run = "trap 'echo cleaned; exit 7' TERM; echo up; while :; do sleep 0.01; done""#);
    stage.left_by_an_engine("it runs", || stage.text("session/steps/s.it.1/output.log").contains("up")).await;
    let finish = finish(stage.adopted(true).await);
    assert_eq!((finish.passed, finish.exit), (false, Some(7)));
    assert!(stage.text("session/steps/s.it.1/output.log").contains("cleaned"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_was_not_permitted_is_told_each_time() {
    let stage = Stage::new(&format!(r#"run = "trap '' TERM; echo up; {UNTIL_GO}""#));
    let (mut driver, mut reports) = stage.driver();
    driver.carry_out(Effect::Step(stage.order()));
    until("it runs", || stage.text("session/steps/s.it.1/output.log").contains("up")).await;
    let refused = stage.dir().join("refused.json");
    for pid in [7, 8] {
        driver.carry_out(Effect::End { step: "s.it".into(), attempt: 1 });
        until("it is asked", || stage.dir().join("stop.json").exists() && !refused.exists()).await;
        // As its shim writes it where processes of another user would not go.
        let why = format!("not permitted to end process {pid} as app");
        std::fs::write(&refused, serde_json::json!({ "why": why, "pids": [pid] }).to_string())
            .expect("written");
        match end_of(&mut reports).await {
            Report::EndRefused { why: told, .. } => assert_eq!(told, why),
            other => panic!("{other:?}"),
        }
    }
    stage.write("go", "");
    assert_eq!(finish(end_of(&mut reports).await).exit, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_ended_before_it_had_started_never_starts() {
    let stage = Stage::new(r#"run = "echo run >>tally""#);
    for _ in 0..2 {
        let finish = finish(stage.adopted(true).await);
        assert_eq!((finish.passed, finish.why.as_str()), (false, "it was ended before it had started"));
    }
    // Not even by a shim that the earlier engine spawned with its last breath.
    let spec = Spec {
        argv: vec!["touch".to_owned(), "tally".to_owned()],
        cwd: stage.root.path().to_owned(),
        env: std::collections::BTreeMap::new(),
        umask: 0o022,
        user: None,
        mode: Mode::Run { output_limit: 1 << 20 },
    };
    let order = Launch { spec, secrets: Vec::new(), before: Vec::new() };
    let late = launch(&Program::at(env!("CARGO_BIN_EXE_gonogo")), &stage.dir(), order).await;
    assert!(matches!(late, Err(LaunchError::Refused(_))), "{late:?}");
    assert!(!stage.path("tally").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_shim_leaves_is_unknown() {
    let stage = Stage::new(r#"run = "echo $$ >pid; sleep 1000""#);
    stage.left_by_an_engine("it runs", || stage.text("pid").ends_with('\n')).await;
    signal(&stage.shim(), Signal::KILL).expect("ours");
    let evidence = stage.unknown().await;
    assert!(evidence.contains("gone without an exit record"), "{evidence}");
    let command = Identity::of(stage.text("pid").trim().parse().expect("a pid")).expect("it lives");
    signal(&command, Signal::KILL).expect("ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_fresh_or_stale_whichever_engine_judges_it() {
    let all = "expect.report = { path = \"report\", matches = [\"PASS\"] }";
    for (script, passes) in [("", false), ("; echo PASS >report", true)] {
        let stage = Stage::new(&format!("run = \"touch up; {UNTIL_GO}{script}\"\n{all}"));
        stage.write("report", "PASS\n");
        stage.left_by_an_engine("it runs", || stage.path("up").exists()).await;
        stage.write("go", "");
        let finish = stage.finished().await;
        assert_eq!(finish.passed, passes, "{script}: {finish:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_word_on_what_a_report_was_only_a_later_time_of_writing_counts() {
    for (script, passes) in [("true", false), ("echo PASS >report", true)] {
        let stage = Stage::new(&format!(
            "run = \"sleep 0.1; {script}\"\nexpect.report = {{ path = \"report\", matches = [\"PASS\"] }}"
        ));
        stage.write("report", "PASS\n");
        stage.left_by_an_engine("it has ended", || stage.dir().join("exit.json").exists()).await;
        let path = stage.dir().join("started.json");
        let mut claim: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&path).expect("there")).expect("JSON");
        claim.as_object_mut().expect("an object").remove("before").expect("it was kept");
        std::fs::write(&path, claim.to_string()).expect("written");
        let finish = stage.finished().await;
        assert_eq!(finish.passed, passes, "{script}: {finish:?}");
        assert_eq!(finish.why.contains("is not known"), !passes, "{finish:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_started_process_is_reported_by_the_next_engine_if_it_lives() {
    let stage = Stage::new(r#"start = { argv = ["sleep", "1000"], log = "app.log", min_uptime = "50ms" }"#);
    stage.left_by_an_engine("it is up", || stage.dir().join("exit.json").exists()).await;
    let Report::Launched { process, .. } = stage.adopted(false).await else { panic!("it is up") };
    let record: Command =
        serde_json::from_str(&stage.text("session/steps/s.it.1/command.json")).expect("whole");
    assert_eq!(process, record.command);
    signal(&process, Signal::KILL).expect("ours");
    until("it is gone", || !process.is_alive()).await;
    let finish = stage.finished().await;
    assert!(!finish.passed && finish.why.contains("is gone since"), "{finish:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_on_its_way_is_unknown_and_never_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
            count.fetch_add(1, Ordering::SeqCst);
            held.push(stream);
        }
    });
    let stage =
        Stage::new(&format!(r#"request = {{ url = "http://127.0.0.1:{port}/drain", method = "POST" }}"#));
    stage.left_by_an_engine("the request has arrived", || seen.load(Ordering::SeqCst) == 1).await;
    let evidence = stage.unknown().await;
    assert!(evidence.contains("whether it arrived is not known"), "{evidence}");
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_and_a_signal_are_unknown_and_nothing_is_done_again() {
    let stage = Stage::new(r#"link = { path = "current", to = "new" }"#);
    std::os::unix::fs::symlink("old", stage.path("current")).expect("linked");
    let evidence = stage.unknown().await;
    assert!(evidence.contains("points to old now, and was to point to new"), "{evidence}");
    assert_eq!(std::fs::read_link(stage.path("current")).expect("a link"), PathBuf::from("old"));

    let stage = Stage::new("signal = { process = \"app\", signal = \"TERM\" }");
    let mut app = std::process::Command::new("sleep").arg("1000").spawn().expect("sleep");
    stage.write("app.pid", &app.id().to_string());
    let evidence = stage.unknown().await;
    assert!(evidence.contains(&format!("check app sees process {} alive now", app.id())), "{evidence}");
    assert!(app.try_wait().expect("ours").is_none(), "it got no signal");
    app.kill().and_then(|()| app.wait()).expect("ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_are_unknown_and_those_that_are_whole_are_recorded_as_what_they_are() {
    let stage = Stage::new("snapshot = [\"conf\"]");
    stage.write("conf", "port=1\n");
    let evidence = stage.unknown().await;
    assert!(evidence.contains("it left no whole set of copies"), "{evidence}");
    assert!(!stage.path("session/snapshots").exists(), "nothing is copied a second time");

    let (mut driver, mut reports) = stage.driver();
    driver.carry_out(Effect::Step(stage.order()));
    assert!(finish(end_of(&mut reports).await).passed);
    let Report::Unknown { before, evidence, .. } = stage.adopted(false).await else { panic!("it is known") };
    assert!(evidence.contains("its copies are whole: 1 file, 7 bytes"), "{evidence}");
    assert!(matches!(before.as_slice(), [EventKind::SnapshotTaken { files: 1, bytes: 7, .. }]), "{before:?}");

    // One byte of a copy more, and nobody vouches for it.
    let copy = stage
        .path("session/snapshots/s.it.1/files")
        .join(stage.path("conf").canonicalize().expect("it is there").strip_prefix("/").expect("absolute"));
    std::fs::write(copy, "port=10\n").expect("written");
    let Report::Unknown { before, .. } = stage.adopted(false).await else { panic!("it is known") };
    assert!(before.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn looks_are_taken_again() {
    let stage = Stage::new("assert = [\"there\"]");
    assert!(!stage.finished().await.passed);
    stage.write("there", "");
    assert!(stage.finished().await.passed);
}
