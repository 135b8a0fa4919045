//! A session outlives its cockpit, its terminal and its engine: what ran goes on, and nothing is lost or run twice.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::desk::{Desk, newest_log};
use crate::leftovers;

const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");

/// Its only command ends when the test says so, and says everything that it was to say.
const RUNBOOK: &str = r#"
id = "long"
title = "A long way"
[[stage]]
id = "move"
title = "Move it"
  [[stage.step]]
  id = "copy"
  run = "echo $GONOGO_ATTEMPT >> tally; seq 1 500; until [ -e go ]; do sleep 0.05; done; seq 501 1000; echo copied; exit 3"
  expect = { exit = [3], matches = ["^copied$"] }
  [[stage.rollback]]
  id = "drop"
  run = "rm -f copy"
"#;

/// A folder with the runbook, and one for the sessions.
struct World {
    work: tempfile::TempDir,
    state: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = || tempfile::tempdir().expect("a folder");
        let world = Self { work: folder(), state: folder() };
        fs::write(world.runbook(), RUNBOOK).expect("written");
        world
    }

    fn runbook(&self) -> PathBuf {
        self.work.path().join("long.toml")
    }

    fn state(&self) -> &Path {
        self.state.path()
    }

    fn gonogo(&self, args: &[&str]) -> Output {
        let mut command = Command::new(GONOGO);
        command.args(args).env("GONOGO_STATE_DIR", self.state()).stdin(Stdio::null());
        command.output().expect("gonogo runs")
    }

    /// Opens a session at a terminal and starts its first stage.
    async fn begin(&self) -> Desk {
        let mut desk = Desk::new(self.state(), &["run", self.runbook().to_str().expect("UTF-8")], 120, 36);
        desk.shows("READY").await;
        desk.go("a", "GO / NO-GO").await;
        // The command's own output: it runs, and nothing of this is still to come.
        desk.shows("| 500").await;
        desk
    }

    /// Lets the command come to its end.
    fn release(&self) {
        fs::write(self.work.path().join("go"), "").expect("written");
    }

    fn events(&self) -> Vec<Value> {
        let log = fs::read_to_string(newest_log(self.state())).expect("a log");
        let line = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["event"].clone();
        log.split_inclusive('\n').filter(|l| l.ends_with('\n')).map(line).collect()
    }

    fn kinds(&self, kind: &str) -> Vec<Value> {
        self.events().into_iter().filter(|event| event["kind"] == kind).collect()
    }

    /// The process of the newest engine.
    fn engine(&self) -> String {
        self.kinds("engine_started").last().expect("an engine")["pid"].to_string()
    }

    /// The command ran once, and its true end and whole output are on record.
    fn copied_once(&self) {
        wait_for("the command's end", || !self.kinds("step_finished").is_empty());
        let finished = self.kinds("step_finished");
        assert_eq!(finished.len(), 1, "{finished:?}");
        assert_eq!((&finished[0]["passed"], &finished[0]["exit"]), (&true.into(), &3.into()), "{finished:?}");
        let output = newest_log(self.state()).with_file_name("steps").join("move.copy.1/output.log");
        let whole: String = (1..=1000).map(|n| format!("{n}\n")).collect();
        assert_eq!(fs::read_to_string(output).expect("an output"), whole + "copied\n");
        assert_eq!(fs::read_to_string(self.work.path().join("tally")).expect("a tally"), "1\n");
        assert_eq!(
            self.gonogo(&["verify", newest_log(self.state()).to_str().expect("UTF-8")]).status.code(),
            Some(0)
        );
    }
}

impl World {
    /// Kills the engine, and waits until nothing of it is left.
    fn slay(&self) {
        let engine = self.engine();
        signal("KILL", &engine);
        wait_for("the engine's end", || is_gone(&engine));
    }
}

impl Drop for World {
    fn drop(&mut self) {
        leftovers::end(self.work.path());
        leftovers::end(self.state());
    }
}

fn signal(name: &str, pid: &str) {
    let _ = Command::new("kill").arg(format!("-{name}")).arg(pid).stderr(Stdio::null()).status();
}

fn is_gone(pid: &str) -> bool {
    // An engine whose parent still lives is a zombie until it is waited for; its locks go with its last thread.
    let threads = fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    threads < 2 && fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

fn wait_for(what: &str, came: impl Fn() -> bool) {
    let began = Instant::now();
    while !came() {
        assert!(began.elapsed() < Duration::from_secs(60), "waited for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test]
async fn a_cockpit_detaches_and_another_finds_the_same_view() {
    let world = World::new();
    let mut desk = world.begin().await;
    desk.press("d").await;
    assert_eq!(desk.leaves().await, Some(0));
    let mut other = Desk::new(world.state(), &["attach"], 120, 36);
    other.shows("| 500").await;
    other.shows("RUNNING").await;
    world.release();
    other.shows("GO: everything that move asks for").await;
    world.copied_once();
    other.go("a", "GO / NO-GO").await;
    other.shows("COMPLETED").await;
    other.press("q").await;
    assert_eq!(other.leaves().await, Some(0));
    wait_for("the engine's end", || is_gone(&world.engine()));
}

#[tokio::test]
async fn a_terminal_that_dies_and_a_cockpit_that_is_killed_change_nothing() {
    let world = World::new();
    let desk = world.begin().await;
    drop(desk);
    let mut second = Desk::new(world.state(), &["attach", "long"], 80, 24);
    second.shows("RUNNING").await;
    second.kill();
    second.leaves().await;
    world.release();
    world.copied_once();
    assert!(!is_gone(&world.engine()), "the engine waits for whoever comes next");
    let mut third = Desk::new(world.state(), &["attach"], 120, 36);
    third.shows("GO: everything that move asks for").await;
}

/// It was made for that terminal: neither its session nor its services are left behind.
#[tokio::test]
async fn a_demo_whose_terminal_dies_is_closed() {
    let state = tempfile::tempdir().expect("a folder");
    let mut desk = Desk::new(state.path(), &["demo"], 120, 36);
    desk.shows("POLICY").await;
    desk.hangs_up().await;
    let log = fs::read_to_string(newest_log(state.path())).expect("a log");
    assert!(log.contains(r#""kind":"session_closed","outcome":"aborted""#), "{log}");
    let opened: Value = serde_json::from_str(log.lines().next().expect("a line")).expect("JSON");
    let folder = opened["event"]["dir"].as_str().expect("its folder");
    assert!(!Path::new(folder).exists(), "{folder} is left behind");
}

#[tokio::test]
async fn of_several_sessions_that_a_name_fits_the_one_that_waits_is_brought_back() {
    let world = World::new();
    let desk = world.begin().await;
    world.slay();
    drop(desk);
    let folder = newest_log(world.state()).parent().expect("a folder").to_owned();
    let copy = |name: &str| {
        let copy = folder.with_file_name(name);
        fs::create_dir(&copy).expect("made");
        fs::copy(folder.join("audit.jsonl"), copy.join("audit.jsonl")).expect("copied");
        copy
    };
    let other = copy("19990101-000000-long");
    let both = world.gonogo(&["resume", "long", "--detach"]);
    assert!(!both.status.success(), "{}", said(&both));
    assert!(said(&both).contains("fits several sessions that are not over"), "{}", said(&both));
    assert!(said(&both).contains("19990101-000000-long"), "{}", said(&both));
    fs::write(other.join("audit.jsonl"), "").expect("emptied");
    let one = world.gonogo(&["resume", "long", "--detach"]);
    assert!(one.status.success(), "{}", said(&one));
    let again = world.gonogo(&["resume", "long", "--detach"]);
    assert!(said(&again).contains("joins it"), "the only one that is not over is live: {}", said(&again));
    let listed = said(&world.gonogo(&["sessions"]));
    assert!(listed.contains("nobody is here: `gonogo attach "), "{listed}");
    world.release();
    world.copied_once();
}

#[tokio::test]
async fn an_engine_that_is_killed_leaves_the_command_alone_and_comes_back() {
    let world = World::new();
    let mut desk = world.begin().await;
    signal("KILL", &world.engine());
    desk.shows("gonogo resume").await;
    desk.press("d").await;
    assert_eq!(desk.leaves().await, Some(1));
    let back = world.gonogo(&["resume", "long", "--detach"]);
    assert!(back.status.success(), "{}", said(&back));
    assert!(said(&back).contains("move.copy still runs under its shim"), "{}", said(&back));
    let mut other = Desk::new(world.state(), &["attach"], 120, 36);
    other.shows("| 500").await;
    world.release();
    other.shows("GO: everything that move asks for").await;
    world.copied_once();
    assert_eq!(world.kinds("engine_started").len(), 2);
}

#[tokio::test]
async fn a_resume_that_can_show_no_cockpit_starts_no_engine() {
    let world = World::new();
    let desk = world.begin().await;
    world.slay();
    let back = world.gonogo(&["resume", "long"]);
    assert_eq!(back.status.code(), Some(1), "{}", said(&back));
    assert!(said(&back).contains("the cockpit needs a terminal"), "{}", said(&back));
    assert_eq!(world.kinds("engine_started").len(), 1);
    drop(desk);
}

#[tokio::test]
async fn a_cockpit_that_lost_its_engine_comes_back_with_it_and_drives_on() {
    let world = World::new();
    let mut desk = world.begin().await;
    for lost in 1..=2 {
        world.slay();
        desk.shows("LOST at ").await;
        let back = world.gonogo(&["resume", "long", "--detach"]);
        assert!(back.status.success(), "{}", said(&back));
        desk.until("the session again", |screen| !screen.contains("LOST") && screen.contains("RUNNING"))
            .await;
        assert_eq!(world.kinds("engine_started").len(), 1 + lost);
    }
    // What it shows and what it does is of the new engine: the output goes on, and the session is driven to its end.
    world.release();
    desk.shows("| copied").await;
    desk.shows("GO: everything that move asks for").await;
    world.copied_once();
    desk.go("a", "GO / NO-GO").await;
    desk.shows("COMPLETED").await;
    desk.press("q").await;
    assert_eq!(desk.leaves().await, Some(0));
}

#[tokio::test]
async fn a_command_that_ended_while_no_engine_was_there_is_judged_by_its_record() {
    let world = World::new();
    let desk = world.begin().await;
    signal("KILL", &world.engine());
    world.release();
    let exit = newest_log(world.state()).with_file_name("steps").join("move.copy.1/exit.json");
    wait_for("the command's end", || exit.exists());
    let back = world.gonogo(&["resume", "long", "--detach"]);
    assert!(said(&back).contains("move.copy ended meanwhile, exit 3"), "{}", said(&back));
    world.copied_once();
    drop(desk);
}

#[tokio::test]
async fn signals_end_an_engine_on_the_record_and_leave_its_commands_alive() {
    for name in ["TERM", "INT", "HUP", "QUIT"] {
        let world = World::new();
        let desk = world.begin().await;
        let engine = world.engine();
        signal(name, &engine);
        wait_for("the engine's end", || is_gone(&engine));
        let stopping = world.kinds("engine_stopping");
        assert_eq!(stopping.len(), 1, "{name}");
        assert!(stopping[0]["reason"].as_str().is_some_and(|why| why.contains(name)), "{stopping:?}");
        let back = world.gonogo(&["resume", "long", "--detach"]);
        assert!(said(&back).contains("still runs under its shim"), "{}", said(&back));
        world.release();
        world.copied_once();
        drop(desk);
    }
}

#[tokio::test]
async fn a_second_session_of_a_cutover_is_refused_and_the_first_one_named() {
    let world = World::new();
    let desk = world.begin().await;
    let second = world.gonogo(&["run", world.runbook().to_str().expect("UTF-8"), "--headless"]);
    assert_eq!(second.status.code(), Some(3), "{}", said(&second));
    let first = newest_log(world.state()).parent().and_then(Path::file_name).expect("a name").to_owned();
    assert!(said(&second).contains(first.to_str().expect("UTF-8")), "{}", said(&second));
    // Another user's sessions lie elsewhere; the runbook's own file is where they meet.
    let elsewhere = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(GONOGO);
    command.arg("run").arg(world.runbook()).arg("--headless").env("GONOGO_STATE_DIR", elsewhere.path());
    let second = command.stdin(Stdio::null()).output().expect("gonogo runs");
    assert_eq!(second.status.code(), Some(3), "{}", said(&second));
    assert!(said(&second).contains("runs already"), "{}", said(&second));
    drop(desk);
}

#[tokio::test]
async fn an_engine_keeps_to_its_own_copy_of_a_runbook_that_was_changed() {
    let world = World::new();
    let desk = world.begin().await;
    world.slay();
    fs::write(world.runbook(), RUNBOOK.replace("echo copied", "echo changed")).expect("written");
    let back = world.gonogo(&["resume", "long", "--detach"]);
    assert!(back.status.success(), "{}", said(&back));
    let (was, is) = (said(&back).contains("-   run = "), said(&back).contains("+   run = "));
    assert!(was && is && said(&back).contains("echo changed"), "{}", said(&back));
    world.release();
    world.copied_once();
    drop(desk);
}

#[tokio::test]
async fn a_log_that_was_cut_or_changed_is_not_gone_on_with_and_left_as_it_is() {
    let world = World::new();
    let mut desk = world.begin().await;
    desk.press("d").await;
    assert_eq!(desk.leaves().await, Some(0));
    world.slay();
    let log = newest_log(world.state());
    let whole = fs::read(&log).expect("a log");
    let lines: Vec<&[u8]> = whole.split_inclusive(|b| *b == b'\n').collect();
    let cut = lines[..3].concat();
    let mut changed = whole.clone();
    let at = whole.len() / 2;
    changed[at] ^= 1;
    for (damaged, word) in [(cut, "TRUNCATED"), (changed, "BROKEN")] {
        fs::write(&log, &damaged).expect("written");
        let back = world.gonogo(&["resume", "long", "--detach"]);
        assert_eq!(back.status.code(), Some(3), "{}", said(&back));
        assert!(said(&back).contains(word), "{}", said(&back));
        assert_eq!(fs::read(&log).expect("a log"), damaged, "evidence is left as it is");
    }
    fs::write(&log, &whole).expect("written");
}

#[tokio::test]
async fn a_session_that_is_over_is_neither_resumed_nor_attached() {
    let world = World::new();
    let mut desk = world.begin().await;
    world.release();
    desk.shows("GO: everything that move asks for").await;
    desk.go("a", "GO / NO-GO").await;
    desk.shows("COMPLETED").await;
    desk.press("q").await;
    assert_eq!(desk.leaves().await, Some(0));
    wait_for("the engine's end", || is_gone(&world.engine()));
    for verb in ["resume", "attach"] {
        let answer = world.gonogo(&[verb, "long"]);
        assert_eq!(answer.status.code(), Some(3), "{}", said(&answer));
        assert!(said(&answer).contains("over"), "{}", said(&answer));
    }
}

#[tokio::test]
async fn a_secret_that_is_missing_at_the_resume_is_refused_by_name() {
    let world = World::new();
    let with = RUNBOOK.replace("[[stage]]", "[secret.token]\nenv = \"LONG_TOKEN\"\n[[stage]]");
    fs::write(
        world.runbook(),
        with.replace("echo copied;", "test ${#T} = 10; echo copied;")
            .replace("  expect = {", "  env = { T = \"${{ secret.token }}\" }\n  expect = {"),
    )
    .expect("written");
    let args = ["run", world.runbook().to_str().expect("UTF-8")].map(str::to_owned);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut desk = Desk::with(world.state(), &args, 120, 36, &[("LONG_TOKEN", "abcdefgh12")]);
    desk.shows("READY").await;
    desk.go("a", "GO / NO-GO").await;
    desk.shows("| 500").await;
    world.slay();
    let back = world.gonogo(&["resume", "long", "--detach"]);
    assert_eq!(back.status.code(), Some(3), "{}", said(&back));
    assert!(said(&back).contains("LONG_TOKEN"), "{}", said(&back));
    let mut again = Command::new(GONOGO);
    again.args(["resume", "long", "--detach"]).env("GONOGO_STATE_DIR", world.state());
    let back = again.env("LONG_TOKEN", "abcdefgh12").stdin(Stdio::null()).output().expect("gonogo runs");
    assert!(back.status.success(), "{}", said(&back));
    world.release();
    world.copied_once();
}

#[tokio::test]
async fn the_binary_may_be_replaced_under_a_running_session() {
    let world = World::new();
    // A program of its own, which can be replaced.
    let program = world.work.path().join("gonogo");
    fs::copy(GONOGO, &program).expect("copied");
    let two = format!(
        "{RUNBOOK}[[stage]]\nid = \"after\"\n  [[stage.step]]\n  id = \"look\"\n  run = [\"echo\", \"looked\"]\n  expect.matches = [\"looked\"]\n"
    );
    fs::write(world.runbook(), two.replace("id = \"move\"", "id = \"move\"\ngate = { auto = true }"))
        .expect("written");
    let mut command = Command::new(&program);
    command.arg("run").arg(world.runbook()).arg("--headless").env("GONOGO_STATE_DIR", world.state());
    fs::write(world.work.path().join("answers.toml"), "advance = true\n").expect("written");
    command.arg("--answers").arg(world.work.path().join("answers.toml"));
    let child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("runs");
    wait_for("the command", || world.work.path().join("tally").exists());
    fs::remove_file(&program).expect("removed");
    fs::write(&program, "#!/bin/sh\necho this is another program\nexit 99\n").expect("written");
    Command::new("chmod").arg("+x").arg(&program).status().expect("chmod");
    world.release();
    let mut child = child;
    assert!(child.wait().expect("its end").success());
    assert_eq!(world.kinds("step_finished").len(), 2);
    assert_eq!(world.kinds("session_closed")[0]["outcome"], "completed");
}
