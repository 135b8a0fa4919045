//! Files that are looked after, by the real engine: exact copies and their way back, and files that must not change.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::desk::{Desk, newest_log};
use crate::leftovers;

const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");

/// What nobody may ever read in a log, on a screen or in a report.
const CONTENT: &str = "hunter2-the-old-password";

const SNAPSHOT: &str = r#"
id = "conf"
title = "New configuration"
[vars]
last = { default = "true" }
[[stage]]
id = "switch"
  [[stage.step]]
  id = "keep"
  snapshot = ["conf/*.conf", "current"]
  [[stage.step]]
  id = "edit"
  run = "echo port=2 > conf/a.conf; chmod 600 conf/a.conf; rm conf/b.conf; ln -sfn v2 current; echo new > conf/new.conf; echo edited"
  expect.matches = ["edited"]
  [[stage.step]]
  id = "last"
  run = "${{ last }}; echo done"
  expect.matches = ["done"]
  [[stage.rollback]]
  id = "back"
  undoes = ["edit"]
  restore = "keep"
"#;

const FREEZE: &str = r#"
id = "frozen"
title = "Nothing else changes"
[freeze]
paths = ["conf", "current"]
[[stage]]
id = "first"
  [[stage.step]]
  id = "begin"
  run = "echo begun"
  expect.matches = ["begun"]
[[stage]]
id = "second"
  [[stage.step]]
  id = "end"
  run = "echo ended"
  expect.matches = ["ended"]
"#;

/// A folder with configuration, a runbook and the sessions.
struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new(runbook: &str) -> Self {
        let world = Self { folder: tempfile::tempdir().expect("a folder") };
        fs::create_dir(world.path("conf")).expect("a folder");
        world.write("conf/a.conf", "port=1\n");
        world.write("conf/b.conf", CONTENT);
        fs::set_permissions(world.path("conf/a.conf"), fs::Permissions::from_mode(0o640)).expect("its mode");
        std::os::unix::fs::symlink("v1", world.path("current")).expect("a link");
        world.write("runbook.toml", runbook);
        world.answers("stop");
        world
    }

    fn answers(&self, on_hold: &str) {
        self.write("answers.toml", &format!("advance = true\n[on_hold]\ndefault = \"{on_hold}\"\n"));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("written");
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(GONOGO);
        command.args(args).env("GONOGO_STATE_DIR", self.path("state")).current_dir(self.folder.path());
        command.stdin(Stdio::null());
        command
    }

    fn gonogo(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("gonogo runs")
    }

    fn drive(&self, more: &[&str]) -> Output {
        let all = [&["run", "--headless", "--answers", "answers.toml", "runbook.toml"], more].concat();
        self.gonogo(&all)
    }

    /// A headless run that goes on beside the test and waits for somebody to command it.
    fn begin(&self) -> Beside {
        let mut command = self.command(&["run", "--headless", "runbook.toml"]);
        Beside(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("gonogo runs"))
    }

    fn session(&self) -> PathBuf {
        newest_log(&self.path("state")).parent().expect("its folder").to_owned()
    }

    fn log(&self) -> String {
        fs::read_to_string(newest_log(&self.path("state"))).unwrap_or_default()
    }

    fn events(&self) -> Vec<Value> {
        // A last line may be in the making.
        self.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn last(&self, kind: &str) -> Option<Value> {
        self.events().iter().rev().find(|e| e["event"]["kind"] == kind).map(|e| e["event"].clone())
    }

    /// Waits until the log holds something.
    fn until(&self, what: &str, is: impl Fn(&Self) -> bool) {
        let patience = Instant::now() + Duration::from_secs(60);
        while !is(self) {
            assert!(Instant::now() < patience, "waited for {what}:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn ctl(&self, args: &[&str]) -> Output {
        let session = self.session();
        let session = session.to_str().expect("UTF-8");
        self.gonogo(&[&["ctl", session], args].concat())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        leftovers::end(self.folder.path());
    }
}

/// A process that ends with the test.
struct Beside(Child);

impl Beside {
    fn kill(&mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("waited for");
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn told(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("it is there").mode() & 0o777
}

#[test]
fn what_was_copied_comes_back_and_is_in_no_log_report_or_bundle() {
    let world = World::new(SNAPSHOT);
    world.answers("rollback");
    let run = world.drive(&["--set", "last=false"]);
    assert_eq!(run.status.code(), Some(4), "{}", told(&run));
    assert_eq!(fs::read_to_string(world.path("conf/a.conf")).expect("there"), "port=1\n");
    assert_eq!(fs::read_to_string(world.path("conf/b.conf")).expect("there"), CONTENT);
    assert_eq!(fs::read_link(world.path("current")).expect("a link"), Path::new("v1"));
    assert_eq!((mode(&world.path("conf/a.conf")), world.path("conf/new.conf").exists()), (0o640, true));

    let taken = world.last("snapshot_taken").expect("it was recorded");
    assert_eq!((taken["files"].as_u64(), taken["bytes"].as_u64()), (Some(3), Some(31)));
    let copies = world.session().join(taken["path"].as_str().expect("a path"));
    assert_eq!((mode(&copies), mode(&copies.join("manifest.json"))), (0o700, 0o600));

    let session = world.session().display().to_string();
    let report = world.gonogo(&["report", &session, "--format", "json"]);
    assert!(world.gonogo(&["bundle", &session, "-o", "it.tgz"]).status.success());
    let unpacked = Command::new("tar").args(["-xzOf", "it.tgz"]).current_dir(world.folder.path()).output();
    let unpacked = String::from_utf8_lossy(&unpacked.expect("tar").stdout).into_owned();
    assert!(unpacked.contains("snapshot_taken"), "the bundle holds the log");
    for text in [world.log(), told(&run), told(&report), unpacked] {
        assert!(!text.contains(CONTENT), "{text}");
    }
    assert!(world.gonogo(&["verify", &session]).status.success());

    let copy = find(&copies.join("files"), "b.conf");
    fs::write(&copy, "port=3\n").expect("written");
    let judged = world.gonogo(&["verify", &session]);
    assert_eq!(judged.status.code(), Some(8), "{}", told(&judged));
    let path = copy.strip_prefix(world.session()).expect("within it").display().to_string();
    let said = format!("OUTPUT CHANGED: {path}: it is not what it was");
    assert!(told(&judged).contains(&said), "{}", told(&judged));
    fs::remove_file(copies.join("manifest.json")).expect("removed");
    let judged = told(&world.gonogo(&["verify", &session]));
    assert!(judged.contains("manifest.json: it is gone"), "{judged}");
    // As where a bundle was unpacked, which never has them.
    fs::remove_dir_all(world.session().join("snapshots")).expect("removed");
    let judged = world.gonogo(&["verify", &session]);
    assert!(judged.status.success() && told(&judged).contains("they are not here"), "{}", told(&judged));
}

/// The file of that name below a folder.
fn find(folder: &Path, name: &str) -> PathBuf {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() && !path.is_symlink() {
                true => folders.push(path),
                false if path.ends_with(name) => return path,
                false => {}
            }
        }
    }
    panic!("no {name} is there");
}

#[test]
fn a_copy_that_changes_closes_the_way_back_before_anything_else_begins() {
    let world = World::new(SNAPSHOT);
    let mut engine = world.begin();
    world.until("somebody may begin", |w| w.log().contains("none made yet"));
    assert!(world.ctl(&["advance"]).status.success());
    world.until("the gate", |w| w.last("gate_changed").is_some_and(|e| e["go"] == true));
    let taken = world.last("snapshot_taken").expect("it was recorded");
    let manifest = world.session().join(taken["path"].as_str().expect("a path")).join("manifest.json");
    fs::write(&manifest, "{}").expect("written");
    world.until("a gate that is closed", |w| w.last("gate_changed").is_some_and(|e| e["go"] == false));
    let missing = world.last("gate_changed").expect("it was")["missing"].to_string();
    assert!(
        missing.contains("the way back is not ready") && missing.contains("manifest.json is not what it was")
    );
    let refused = world.ctl(&["advance"]);
    assert!(
        !refused.status.success() && told(&refused).contains("way back is not ready"),
        "{}",
        told(&refused)
    );
    engine.kill();
}

#[test]
fn a_glob_that_matches_nothing_and_a_disk_that_is_full_fail_a_snapshot_and_leave_nothing() {
    let world = World::new(&SNAPSHOT.replace("\"current\"]", "\"none/*\"]"));
    let run = world.drive(&[]);
    assert_eq!(run.status.code(), Some(3), "{}", told(&run));
    assert!(
        told(&run).contains("none/* is copied") && told(&run).contains("no file matches"),
        "{}",
        told(&run)
    );
    assert!(!world.session().join("snapshots").exists());

    let world = World::new(SNAPSHOT);
    fs::File::create(world.path("conf/huge.conf")).expect("a file").set_len(2 << 30).expect("a hole");
    let run = world.drive(&[]);
    assert_eq!(run.status.code(), Some(3), "{}", told(&run));
    assert!(told(&run).contains("it is too much to copy"), "{}", told(&run));
    assert!(world.last("snapshot_taken").is_none());
}

#[test]
fn a_drift_holds_names_the_files_and_goes_on_once_they_are_put_back() {
    let world = World::new(FREEZE);
    let mut engine = world.begin();
    world.until("the files are frozen", |w| w.last("files_frozen").is_some());
    world.until("they are looked after", |w| {
        w.log().contains("\"check\":\"frozen-files\",\"from\":\"pending\",\"to\":\"ok\"")
    });
    assert!(world.ctl(&["advance"]).status.success());
    world.until("the first gate", |w| w.last("gate_changed").is_some_and(|e| e["go"] == true));

    world.write("conf/b.conf", "another secret thing");
    world.write("conf/c.conf", "x");
    world.until("the drift", |w| {
        w.last("drift_found").is_some_and(|e| e["files"].as_array().is_some_and(|f| f.len() == 2))
    });
    let files = world.last("drift_found").expect("it was")["files"].clone();
    let named =
        |at: usize| (files[at]["file"].as_str().unwrap_or_default().to_owned(), files[at]["what"].clone());
    assert_eq!(named(0), ("conf/b.conf".to_owned(), "changed".into()));
    assert_eq!(named(1), ("conf/c.conf".to_owned(), "new".into()));
    let status = told(&world.ctl(&["status"]));
    assert!(status.contains("conf/b.conf has changed, conf/c.conf is new"), "{status}");
    for refused in [world.ctl(&["advance"]), world.ctl(&["resume"])] {
        assert!(
            !refused.status.success() && told(&refused).contains("conf/b.conf has changed"),
            "{}",
            told(&refused)
        );
    }

    world.write("conf/b.conf", CONTENT);
    fs::remove_file(world.path("conf/c.conf")).expect("it was there");
    world.until("they are as they were", |w| w.last("drift_gone").is_some());
    let refused = world.ctl(&["advance"]);
    assert!(
        !refused.status.success() && told(&refused).contains("are what they were again"),
        "{}",
        told(&refused)
    );
    assert!(world.ctl(&["resume"]).status.success());
    world.until("the gate is GO again", |w| w.last("gate_changed").is_some_and(|e| e["go"] == true));
    assert!(world.ctl(&["advance"]).status.success());
    engine.kill();
    assert!(!world.log().contains(CONTENT) && !world.log().contains("another secret thing"));
}

#[test]
fn a_drift_of_the_time_without_an_engine_is_found_at_the_resume_and_can_be_accepted() {
    let world = World::new(FREEZE);
    let mut engine = world.begin();
    world.until("the files are frozen", |w| w.last("files_frozen").is_some());
    engine.kill();
    fs::remove_file(world.path("current")).expect("it was there");
    std::os::unix::fs::symlink("v2", world.path("current")).expect("a link");

    let session = world.session().display().to_string();
    let mut command = world.command(&["resume", &session, "--headless"]);
    let _engine = Beside(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("gonogo runs"));
    world.until("the drift", |w| w.last("drift_found").is_some_and(|e| e["files"][0]["file"] == "current"));
    let refused = world.ctl(&["advance"]);
    assert!(
        !refused.status.success() && told(&refused).contains("current has changed"),
        "{}",
        told(&refused)
    );
    let refused = world.ctl(&["accept-drift", " "]);
    assert!(!refused.status.success() && told(&refused).contains("needs a reason"), "{}", told(&refused));
    let accepted = world.ctl(&["accept-drift", "the release was moved on purpose"]);
    assert!(accepted.status.success(), "{}", told(&accepted));
    world.until("it is looked after again", |w| {
        let events = w.events();
        let accepted = events.iter().position(|e| e["event"]["kind"] == "drift_accepted");
        events[accepted.unwrap_or(events.len())..]
            .iter()
            .any(|e| e["event"]["check"] == "frozen-files" && e["event"]["to"] == "ok")
    });
    assert!(world.ctl(&["advance"]).status.success());
    let report = world.gonogo(&["report", &session]);
    assert!(told(&report).contains("the release was moved on purpose"), "{}", told(&report));
    assert!(!told(&report).contains(CONTENT));
}

#[test]
fn nothing_begins_while_a_frozen_file_is_not_there() {
    let world = World::new(&FREEZE.replace("\"current\"", "\"conf/*.key\""));
    world.write("answers.toml", "advance = true\ngate_within = \"2s\"\n");
    let run = world.drive(&[]);
    assert_eq!(run.status.code(), Some(3), "{}", told(&run));
    assert!(told(&run).contains("conf/*.key stands for no file"), "{}", told(&run));
    assert!(world.last("stage_entered").is_none());
}

#[tokio::test]
async fn the_cockpit_names_what_drifted_and_takes_it_with_a_reason() {
    let world = World::new(FREEZE);
    let runbook = world.path("runbook.toml");
    let mut desk = Desk::new(&world.path("state"), &["run", runbook.to_str().expect("UTF-8")], 120, 36);
    desk.shows("READY: first is next").await;
    world.until("the files are frozen", |w| w.last("files_frozen").is_some());
    world.write("conf/b.conf", "another secret thing");
    desk.shows("DRIFT: conf/b.conf has changed").await;
    desk.press("P").await;
    desk.shows("FROZEN FILES DRIFTED").await;
    desk.shows("conf/b.conf has changed").await;
    // The reason first; the dialog is armed once all of it was on the screen.
    desk.press("\tknown\x1b[6~").await;
    desk.armed().await;
    desk.press("\t\r").await;
    world.until("it is accepted", |w| w.last("drift_accepted").is_some_and(|e| e["reason"] == "known"));
    desk.until("the banner is free", |screen| !screen.contains("DRIFT:")).await;
    let raw = String::from_utf8_lossy(&desk.raw).into_owned();
    assert!(!raw.contains(CONTENT) && !raw.contains("another secret thing"));
    desk.press("q").await;
}
