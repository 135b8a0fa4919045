//! `gonogo ctl` and `gonogo sessions` by the real binary, against a real engine on a real socket.
//!
//! The engine is this binary again: [`engine_under_test`] is its whole life, chosen by name.

use std::io::{BufRead as _, BufReader, Lines};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use gonogo::engine::{self, Opening};
use gonogo::event::{Credentials, Mode, Person, Seat};
use gonogo::runbook::load::{Inputs, Missing, Source, load};
use gonogo::runbook::model::Host;
use gonogo::wire::client::{Attached, connect};
use gonogo::wire::message::{Hello, Kind, Passphrase};
use gonogo::wire::server::{About, serve};
use gonogo::wire::socket;
use serde_json::Value;

const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");
const NAME: &str = "ctl::engine_under_test";
const FOLDER: &str = "GONOGO_TEST_RUNBOOK_FOLDER";
/// The longest that a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(60);

const RUNBOOK: &str = r#"
id = "move"
title = "Move the shop"
policy = ["Nobody deploys while this runs."]

[check.flag]
file = "flag"
period = "100ms"

[check.calm]
file = "calm"
period = "100ms"

[[stage]]
id = "ask"
title = "Ask everybody"
  [[stage.step]]
  id = "told"
  confirm = "Are the teams told?"
  items = ["the dba knows", "the shop knows"]
  skippable = true
  [stage.gate]
  accept = ["Nobody complained", "Nobody is on leave"]

[[stage]]
id = "switch"
title = "Switch over"
  [[stage.step]]
  id = "done"
  confirm = "Is it switched?"
  skippable = true
  [stage.gate]
  checks = ["flag"]
  [[stage.trigger]]
  check = "calm"
  failing_for = "100ms"
  then = "rollback"
  grace = "10m"
  armed = "stage"

[[stage]]
id = "retire"
title = "Retire the old one"
point_of_no_return = true
  [[stage.step]]
  id = "gone"
  confirm = "Is it gone?"
"#;

/// Where people vote, and an override needs two.
const VOTES: &str = r#"
id = "move"
title = "Move the shop"

[check.flag]
file = "flag"
period = "100ms"

[[stage]]
id = "switch"
title = "Switch over"
watch = ["flag"]
  [[stage.step]]
  id = "ready"
  confirm = "Is it ready?"
  [stage.gate]
  checks = ["flag"]
  approvals = 1
  override = "two"
"#;

/// Not a test of its own: the engine of the tests below.
#[test]
#[ignore = "run by the other tests, as a process of its own"]
fn engine_under_test() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let host = Host { name: "h".to_owned(), os: "linux".to_owned(), arch: "x86_64".to_owned() };
        let file = folder.join("move.toml");
        let text = std::fs::read_to_string(&file).expect("a runbook");
        let source = Source { text, file: "move.toml".to_owned(), dir: folder };
        let loaded =
            load(&source, &Inputs { set: Default::default(), host: host.clone(), missing: Missing::Error });
        let runbook = loaded.runbook.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
        let engine =
            engine::start(&Opening::new(&runbook, file, "move", Mode::Rehearsal, host)).expect("it starts");
        let uid = nix::unistd::getuid();
        let driver = Person { person: user(), uid: uid.as_raw(), seat: Seat::Driver };
        let credentials = Credentials { uid: uid.as_raw(), ..Credentials::default() };
        let _feed = engine.arrive(driver.clone(), credentials, Vec::new()).await.expect("it lives");
        let listening = socket::bind(&engine.session_dir).expect("bound");
        println!("session {}", engine.session);
        let about = About { resident: Some((driver, Vec::new())), ..About::default() };
        serve(listening, engine, about).await.expect("served");
    });
}

/// A session with its engine, and the folder that its checks look at.
struct World {
    folder: tempfile::TempDir,
    engine: Child,
    session: String,
    /// What the engine says, so that it always finds somebody to say it to.
    _words: Lines<BufReader<ChildStdout>>,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.engine.kill();
        let _ = self.engine.wait();
    }
}

/// What a command of ctl came to.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {} {}", self.out, self.err))
    }
}

impl World {
    fn start() -> Self {
        Self::of(RUNBOOK)
    }

    fn of(runbook: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("move.toml"), runbook).expect("written");
        let mut engine = Command::new(std::env::current_exe().expect("a path"))
            .args(["--exact", NAME, "--ignored", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder.path())
            .env("GONOGO_STATE_DIR", folder.path().join("state"))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut words = BufReader::new(engine.stdout.take().expect("piped")).lines();
        let session = words
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split_once("session ").map(|(_, name)| name.to_owned()))
            .expect("the engine says its session's name");
        let world = Self { folder, engine, session, _words: words };
        world.have("calm");
        world
    }

    /// A session whose first stage is behind it, in the stage `switch` with its question open.
    fn switching() -> Self {
        let world = Self::start();
        world.does(&["acknowledge"]);
        world.does(&["advance"]);
        world.does(&["wait", "question"]);
        world.does(&["skip", "ask.told", "they know"]);
        world.does(&["wait", "gate"]);
        world.does(&["tick", "ask", "complained"]);
        world.does(&["tick", "ask", "leave"]);
        world.does(&["wait", "go"]);
        world.does(&["advance"]);
        world.does(&["wait", "question"]);
        world
    }

    fn have(&self, file: &str) {
        std::fs::write(self.folder.path().join(file), "").expect("written");
    }

    fn lose(&self, file: &str) {
        std::fs::remove_file(self.folder.path().join(file)).expect("it was there");
    }

    fn session_folder(&self) -> PathBuf {
        self.folder.path().join("state/sessions").join(&self.session)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(GONOGO);
        command.args(args).env("GONOGO_STATE_DIR", self.folder.path().join("state"));
        command.env("GONOGO_SHARE_DIR", self.folder.path().join("share")).env("NO_COLOR", "1");
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    fn gonogo(&self, args: &[&str]) -> Said {
        said(&mut self.command(args))
    }

    fn ctl(&self, args: &[&str]) -> Said {
        self.gonogo(&[&["ctl", "move"], args].concat())
    }

    fn ctl_as(&self, name: &str, args: &[&str]) -> Said {
        let mut command = self.command(&[&["ctl", "move", "--as", name], args].concat());
        said(command.env("GONOGO_PASSPHRASE", format!("passphrase of {name}")))
    }

    /// Asks for what is done; returns what was said.
    fn does(&self, args: &[&str]) -> String {
        let said = self.ctl(args);
        assert_eq!(said.code, 0, "{args:?}: {}{}", said.out, said.err);
        said.out
    }

    /// Asks for what is refused; returns why.
    fn refused(&self, args: &[&str]) -> String {
        let said = self.ctl(args);
        assert_eq!((said.code, said.out.as_str()), (3, ""), "{args:?}: {}", said.err);
        let why = said.err.strip_prefix("gonogo: refused: ");
        why.unwrap_or_else(|| panic!("{args:?}: {}", said.err)).trim_end().to_owned()
    }

    fn status(&self) -> Value {
        let said = self.ctl(&["status", "--json"]);
        assert_eq!(said.code, 0, "{}", said.err);
        said.json()
    }

    fn until(&self, what: &str, enough: impl Fn(&Value) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !enough(&self.status()) {
            assert!(Instant::now() < end, "{what} does not come: {}", self.status());
        }
    }

    async fn attach(&self, name: &str) -> Attached {
        let passphrase = Some(Passphrase(format!("passphrase of {name}")));
        let hello = Hello { person: Some(name.to_owned()), passphrase, ..Hello::new(Kind::Cockpit) };
        connect(&self.session_folder(), hello).await.expect("let in")
    }

    /// Kills the engine as the kernel would.
    fn kill(&mut self) {
        self.engine.kill().expect("it ran");
        self.engine.wait().expect("it ended");
    }
}

fn said(command: &mut Command) -> Said {
    let output = command.output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    Said { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

#[test]
fn a_script_drives_a_session_from_its_policy_to_a_gate_and_is_told_what_it_did() {
    let world = World::start();
    assert_eq!(world.refused(&["advance"]), "the policy is to be acknowledged first");
    assert_eq!(world.does(&["acknowledge"]), "policy acknowledged\n");
    assert_eq!(world.refused(&["acknowledge"]), "there is nothing to acknowledge");
    assert_eq!(world.does(&["advance"]), "entered ask\n");
    assert_eq!(world.does(&["wait", "question", "closed"]), "question\n");

    assert_eq!(world.refused(&["confirm", "ask.told", "yes"]), "\"the dba knows\" is not ticked as passed");
    let ambiguous = world.ctl(&["tick", "ask.told", "knows"]);
    assert_eq!(ambiguous.code, 2);
    assert!(ambiguous.err.contains("more than one item of ask.told"), "{}", ambiguous.err);
    assert!(world.ctl(&["tick", "ask.told", "nobody"]).err.contains("there are: \"the dba knows\""));
    assert!(
        world
            .does(&["tick", "ask.told", "dba"])
            .contains("ticked \"the dba knows\" of step ask.told as passed")
    );
    world.does(&["tick", "ask.told", "the shop knows"]);
    assert_eq!(
        world.does(&["confirm", "ask.told", "yes", "--note", "by mail"]),
        "step ask.told answered yes: by mail\n"
    );
    assert_eq!(world.refused(&["confirm", "ask.told", "yes"]), "ask.told does not wait for an answer");

    assert_eq!(world.does(&["wait", "gate"]), "gate\n");
    assert!(world.refused(&["advance"]).contains("NO-GO: \"Nobody complained\" is not ticked"));
    world.does(&["tick", "ask", "Nobody complained", "--fail", "anna did"]);
    world.does(&["tick", "ask", "leave"]);
    assert!(world.refused(&["advance"]).contains("was failed by"));
    world.does(&["tick", "ask", "complained", "--note", "she does not any more"]);
    assert_eq!(world.does(&["wait", "go"]), "go\n");
    assert_eq!(world.does(&["advance"]), "promoted ask; entered switch\n");
    assert_eq!(world.refused(&["wait", "closed", "--timeout", "10ms"]), "not closed within 10ms");
}

#[test]
fn steps_fail_are_tried_again_skipped_and_ended_from_a_script() {
    let world = World::switching();
    assert!(world.refused(&["retry", "switch.done"]).contains("switch.done is under way"));
    assert!(world.refused(&["kill", "ask.told"]).contains("ask.told is not running"));
    assert!(world.refused(&["skip", "ask.nothing", "x"]).contains("there is no step ask.nothing"));
    assert!(world.refused(&["resolve", "switch.done", "done", "seen"]).contains("is known"));
    assert!(world.does(&["kill", "switch.done"]).contains("step switch.done is being ended"));
    assert_eq!(world.does(&["wait", "held"]), "held\n");
    assert!(world.does(&["status"]).contains("step switch.done failed"), "{}", world.does(&["status"]));
    assert!(world.does(&["retry", "switch.done"]).contains("step switch.done attempt 2 started"));
    world.does(&["wait", "question"]);
    assert!(world.does(&["confirm", "switch.done", "no"]).contains("answered no"));
    world.does(&["wait", "held"]);
    let skipped = world.does(&["skip", "switch.done", "by hand"]);
    assert_eq!(skipped, "step switch.done skipped: by hand\n");
    world.does(&["wait", "gate"]);

    assert!(world.refused(&["advance", "--typed", "retire"]).contains("NO-GO: check flag is failing"));
    let over = world.refused(&["advance", "--typed", "retire", "--override", "it is there"]);
    assert!(over.contains("may never be overridden"), "{over}");
    world.have("flag");
    world.does(&["wait", "go"]);
    assert!(world.refused(&["advance"]).contains("type `retire` to enter it"));
    assert_eq!(world.does(&["advance", "--typed", "retire"]), "promoted switch; entered retire\n");
    assert!(world.refused(&["rollback", "--to", "ask"]).contains("point of no return"));
    world.does(&["wait", "question"]);
    world.does(&["confirm", "retire.gone", "yes"]);
    world.does(&["wait", "go"]);
    assert_eq!(world.does(&["advance"]), "promoted retire; session completed\n");
    assert_eq!(world.does(&["wait", "closed"]), "closed\n");
    assert_eq!(world.refused(&["pause"]), "the session is over: completed");
    assert_eq!(world.refused(&["wait", "gate"]), "the session is over: completed");
    assert_eq!(world.status()["engine"], "over");
}

#[test]
fn a_pause_a_note_with_a_file_and_a_veto_are_answered_with_the_logs_own_words() {
    let world = World::switching();
    assert_eq!(world.does(&["pause"]), "paused\n");
    assert_eq!(world.does(&["pause"]), "it stands so already\n", "a pause is never refused");
    assert!(world.does(&["status"]).contains("paused by"));
    assert_eq!(world.does(&["resume"]), "resumed\n");
    assert_eq!(world.refused(&["resume"]), "nothing is paused");

    std::fs::write(world.folder.path().join("lag.txt"), "4 s\n").expect("written");
    let noted = world.does(&["note", "the lag was 4 s", "--tag", "bug", "--attach", "lag.txt"]);
    assert!(noted.starts_with("bug: the lag was 4 s; evidence kept, lag.txt"), "{noted}");
    assert_eq!(world.refused(&["note", "  "]), "the note is empty");
    let missing = world.ctl(&["note", "x", "--attach", "nowhere.txt"]);
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("nowhere.txt cannot be read"), "{}", missing.err);

    let trigger = "switch.calm.rollback";
    assert_eq!(world.refused(&["veto", trigger]), format!("trigger {trigger} is not counting down"));
    world.lose("calm");
    world.until("the countdown", |status| status["countdowns"][0]["trigger"] == trigger);
    assert!(world.does(&["status"]).contains("switch.calm.rollback fires in "));
    let vetoed = world.does(&["veto", trigger, "--reason", "known"]);
    assert_eq!(vetoed, "trigger switch.calm.rollback vetoed: known\n");
}

#[test]
fn a_rollback_and_an_abort_from_a_script_need_no_dialog() {
    let world = World::switching();
    let started = world.does(&["rollback", "--to", "switch", "--reason", "not today"]);
    assert_eq!(started, "rolling back to switch, 0 steps: not today\n");
    world.does(&["wait", "ready"]);
    assert_eq!(world.status()["next_stage"]["id"], "switch");
    assert!(world.refused(&["rollback", "--to", "retire"]).contains("retire was not entered"));
    assert!(world.ctl(&["abort", " "]).err.contains("an abort needs a reason"));
    assert_eq!(world.does(&["abort", "withdrawn"]), "session aborted: withdrawn\n");
    assert!(world.ctl(&["status"]).out.contains("over since"));
}

#[test]
fn with_json_every_answer_is_one_object() {
    let world = World::start();
    let refused = world.ctl(&["advance", "--json"]);
    let why = serde_json::json!({ "ok": false, "refused": "the policy is to be acknowledged first" });
    assert_eq!((refused.code, refused.json()), (3, why));
    let done = world.ctl(&["--json", "acknowledge"]);
    let json = done.json();
    assert_eq!((done.code, &json["ok"], &json["did"]), (0, &true.into(), &"policy acknowledged".into()));
    assert!(json["seq"].as_u64().is_some_and(|seq| seq > 1));
    world.does(&["advance"]);
    world.does(&["wait", "question"]);
    let unknown = world.ctl(&["tick", "nowhere", "x", "--json"]);
    let why = serde_json::json!({ "ok": false, "error": "there is no stage nowhere" });
    assert_eq!((unknown.code, unknown.json()), (2, why));
    let nobody = world.gonogo(&["ctl", "elsewhere", "status", "--json"]);
    assert_eq!((nobody.code, &nobody.json()["ok"]), (2, &false.into()));
    let waited = world.ctl(&["wait", "question", "--json"]).json();
    assert_eq!((&waited["ok"], &waited["reached"]), (&true.into(), &"question".into()));

    let status = world.status();
    assert_eq!(status["engine"], "live");
    assert_eq!(status["session"], world.session.as_str());
    assert_eq!(status["stage"]["id"], "ask");
    assert_eq!(status["stage"]["of"], 3);
    assert_eq!(status["questions"][0]["question"], "Are the teams told?");
    assert_eq!(status["log"]["health"], "ok");
    let head = status["log"]["head"].as_str().expect("a head");
    let verified = world.gonogo(&["verify", "move", "--anchor", head]);
    assert_eq!(verified.code, 0, "{}", verified.out);

    let events = world.ctl(&["events", "--json"]).out;
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(events[0]["event"]["kind"], "session_opened");
    assert!(events.iter().zip(1..).all(|(event, seq)| event["seq"] == seq), "in order, without a gap");
    let last = world.ctl(&["events", "--after", "1"]).out;
    assert!(!last.contains("#1 ") && last.contains("policy acknowledged"), "{last}");
}

#[test]
fn a_handover_says_what_is_open_what_comes_by_itself_and_what_rolling_back_would_do() {
    let world = World::switching();
    world.does(&["note", "the lag was 4 s", "--tag", "decision"]);
    world.does(&["pause"]);
    let text = world.does(&["handover"]);
    for told in [
        "the session is paused by",
        "released by: resume",
        "switch.done",
        "by itself",
        "back to before ask",
        "the lag was 4 s",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let json = world.ctl(&["handover", "--json"]).json();
    assert_eq!((&json["engine"], &json["stage"]), (&"live".into(), &"switch".into()));
    assert_eq!(json["notes"][0]["tag"], "decision");
    assert!(json["next"].as_array().is_some_and(|next| !next.is_empty()));
}

#[test]
fn events_are_followed_until_the_session_is_over() {
    let world = World::start();
    let mut command = world.command(&["ctl", "move", "events", "--follow"]);
    let mut following = command.stdout(Stdio::piped()).spawn().expect("it runs");
    let mut lines = BufReader::new(following.stdout.take().expect("piped")).lines();
    let mut until = |what: &str| lines.by_ref().map_while(Result::ok).any(|line| line.contains(what));
    assert!(until("engine started"));
    world.does(&["acknowledge"]);
    assert!(until("policy acknowledged"));
    world.does(&["abort", "enough"]);
    assert!(until("session aborted: enough"));
    assert!(following.wait().expect("it ends").success());
}

#[test]
fn of_two_who_advance_at_once_one_wins_and_the_other_is_told_who() {
    let world = World::start();
    world.does(&["acknowledge"]);
    let seen = world.status()["log"]["seq"].to_string();
    let advance = || {
        let mut command = world.command(&["ctl", "move", "advance", "--seen", &seen]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs")
    };
    let both = [advance(), advance()].map(|child| child.wait_with_output().expect("it ends"));
    let mut codes = both.iter().map(|output| output.status.code()).collect::<Vec<_>>();
    codes.sort();
    assert_eq!(codes, [Some(0), Some(3)]);
    let loser = both.iter().find(|output| !output.status.success()).expect("one lost");
    let why = String::from_utf8_lossy(&loser.stderr);
    assert!(why.contains(&format!("while you decided: entered ask ({})", user())), "{why}");
    assert_eq!(world.status()["stage"]["id"], "ask", "one advance, one stage");
}

/// A step that takes longer than any test.
const SLOW: &str = r#"
id = "move"
title = "Move the shop"
[[stage]]
id = "copy"
  [[stage.step]]
  id = "rows"
  run = "echo started; sleep 600"
"#;

#[test]
fn a_session_that_an_engine_and_a_shim_left_is_resolved_by_script() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("move.toml"), SLOW).expect("written");
    std::fs::write(folder.path().join("answers.toml"), "advance = true\n").expect("written");
    let mut engine = Command::new(GONOGO)
        .args(["run", "move.toml", "--rehearsal", "--headless", "--answers", "answers.toml"])
        .env("GONOGO_STATE_DIR", folder.path().join("state"))
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    let mut words = BufReader::new(engine.stdout.take().expect("piped")).lines();
    let opened =
        words.by_ref().map_while(Result::ok).find(|line| line.contains(" opened: ")).expect("it opens");
    let session =
        opened.split_whitespace().skip_while(|word| *word != "session").nth(1).expect("a name").to_owned();
    let mut world = World { folder, engine, session, _words: words };
    world.until("the command", |status| status["running"][0]["step"] == "copy.rows");
    let records = world.session_folder().join("steps/copy.rows.1");
    let pid = |record: &str, of: &str| {
        let end = Instant::now() + PATIENCE;
        loop {
            let text = std::fs::read_to_string(records.join(record)).unwrap_or_default();
            if let Some(pid) =
                serde_json::from_str::<Value>(&text).ok().and_then(|json| json[of]["pid"].as_i64())
            {
                return nix::unistd::Pid::from_raw(i32::try_from(pid).expect("a pid"));
            }
            assert!(Instant::now() < end, "there is no pid in {record}: {text}");
        }
    };
    let (shim, command) = (pid("started.json", "shim"), pid("command.json", "command"));
    world.kill();
    for pid in [shim, command] {
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("it lived");
    }
    assert_eq!(world.ctl(&["kill", "copy.rows"]).code, 1, "nobody is there to end it");
    let back = world.gonogo(&["resume", "move", "--detach"]);
    assert_eq!(back.code, 0, "{}{}", back.out, back.err);
    world.does(&["wait", "held"]);
    assert!(world.does(&["status"]).contains("copy.rows is unknown"), "{}", world.does(&["status"]));
    assert!(world.refused(&["retry", "copy.rows"]).contains("say it first"));
    let again = world.does(&["resolve", "copy.rows", "run-again", "nothing was copied"]);
    assert!(again.starts_with("step copy.rows resolved as run again: nothing was copied; "), "{again}");
    assert!(world.refused(&["abort", "enough"]).contains("kill it first"));
    assert_eq!(
        world.does(&["kill", "copy.rows"]).trim(),
        format!("step copy.rows attempt 2 is being ended: ended by {}", user())
    );
    world.does(&["wait", "held"]);
    world.does(&["abort", "enough"]);
    assert_eq!(world.ctl(&["status"]).code, 0);
}

fn user() -> String {
    nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten().expect("a user").name
}

/// Whether the system cannot tell this user from others, so that passphrases do.
fn is_nobody_in_particular() -> bool {
    let login = std::fs::read_to_string("/proc/self/loginuid").unwrap_or_default();
    nix::unistd::getuid().is_root() && ["", "0", "4294967295"].contains(&login.trim())
}

#[test]
fn the_wheel_passes_by_script_between_two_whom_only_their_passphrases_tell_apart() {
    if !is_nobody_in_particular() {
        return;
    }
    let world = World::start();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _anna = runtime.block_on(world.attach("anna"));
    world.until("anna", |status| status["here"].as_array().is_some_and(|here| here.len() == 2));
    let anna = |args: &[&str]| world.ctl_as("anna", args);
    let mut stranger = world.command(&["ctl", "move", "--as", "anna", "status"]);
    let stranger = said(stranger.env("GONOGO_PASSPHRASE", "guessed"));
    assert_eq!(stranger.code, 3, "{}", stranger.err);
    let refused = anna(&["acknowledge"]);
    assert_eq!(refused.code, 3);
    assert!(refused.err.contains("needs the driver seat"), "{}", refused.err);
    assert_eq!(anna(&["wheel", "ask"]).out, "asks for the wheel\n");
    assert!(world.does(&["status"]).contains("asked for by anna"));
    assert!(world.refused(&["pass", "bert"]).contains("bert"));
    assert_eq!(world.does(&["pass", "anna"]), "offers the wheel to anna\n");
    assert!(world.does(&["status"]).contains("offered to anna"));
    assert_eq!(anna(&["wheel", "decline"]).out, "the wheel stays where it is\n");
    world.does(&["wheel", "offer", "anna"]);
    let accepted = anna(&["wheel", "accept"]);
    assert!(accepted.out.contains("to anna"), "{}{}", accepted.out, accepted.err);
    assert_eq!(world.status()["driver"], "anna");
    assert!(world.refused(&["acknowledge"]).contains("needs the driver seat"));
    assert!(world.refused(&["wheel", "take"]).contains("anna"));
    assert_eq!(anna(&["acknowledge"]).code, 0);
}

#[test]
fn a_second_person_says_their_word_on_an_override_by_script() {
    if !is_nobody_in_particular() {
        return;
    }
    let world = World::of(VOTES);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _here = runtime.block_on(async { (world.attach("anna").await, world.attach("bert").await) });
    world.until("both", |status| status["here"].as_array().is_some_and(|here| here.len() == 3));
    world.does(&["pass", "anna"]);
    let [anna, bert] = ["anna", "bert"].map(|name| {
        move |world: &World, args: &[&str]| {
            let said = world.ctl_as(name, args);
            assert_eq!(said.code, 0, "{name} {args:?}: {}", said.err);
            said.out
        }
    });
    anna(&world, &["wheel", "accept"]);
    anna(&world, &["advance"]);
    world.does(&["wait", "question"]);
    bert(&world, &["confirm", "switch.ready", "yes"]);
    world.does(&["wait", "gate"]);
    // A vote from before the failure would be void.
    world
        .until("the failure", |status| status["stage"]["gate"]["missing"].to_string().contains("is failing"));
    assert_eq!(bert(&world, &["vote", "go", "--note", "level"]), "votes GO at the gate of switch: level\n");
    let asked = anna(&world, &["advance", "--typed", "switch", "--override", "the flag lies"]);
    assert!(asked.starts_with("asks a second person to override"), "{asked}");
    assert!(world.does(&["status"]).contains("anna asks for a second person's word: the flag lies"));
    assert_eq!(
        bert(&world, &["second", "no-go", "--note", "wait"]),
        "declines to override the gate of switch: wait\n"
    );
    anna(&world, &["advance", "--typed", "switch", "--override", "the flag lies"]);
    let own = world.ctl_as("anna", &["second", "go"]);
    assert_eq!(own.code, 3, "{}", own.out);
    let done = bert(&world, &["second", "go"]);
    assert!(done.starts_with("promoted switch, overriding 1 as anna asked"), "{done}");
    assert!(done.contains("session completed"), "{done}");
}

#[test]
fn votes_are_given_at_a_gate_that_asks_for_them_and_refused_before() {
    let world = World::of(VOTES);
    let early = world.ctl(&["vote", "go"]);
    assert_eq!(early.code, 2);
    assert!(early.err.contains("no stage is in hand"), "{}", early.err);
    world.have("flag");
    world.does(&["advance"]);
    assert!(world.refused(&["vote", "go"]).contains("has not come to its gate yet"));
    assert!(world.refused(&["second", "go"]).contains("nobody asks to override the gate of switch"));
    world.does(&["wait", "question"]);
    world.does(&["confirm", "switch.ready", "yes"]);
    world.does(&["wait", "gate"]);
    assert!(world.refused(&["vote", "go", "--role", "db"]).contains("asks for no role"));
    assert_eq!(
        world.does(&["vote", "no-go", "--note", "not yet"]),
        "votes NO-GO at the gate of switch: not yet\n"
    );
    assert!(world.refused(&["advance"]).contains("votes NO-GO: not yet"));
    world.does(&["vote", "go"]);
    assert_eq!(world.status()["stage"]["votes"][0]["go"], true);
    world.does(&["wait", "go"]);
    assert_eq!(world.does(&["advance"]), "promoted switch; session completed\n");
}

#[test]
fn a_session_whose_engine_is_gone_answers_from_its_log_and_says_what_brings_it_back() {
    let mut world = World::start();
    world.does(&["acknowledge"]);
    world.kill();
    let bring_back = format!("`gonogo resume {}` brings it back", world.session);
    let status = world.does(&["status"]);
    assert!(status.contains("is gone since ") && status.contains(&bring_back), "{status}");
    assert_eq!(world.status()["engine"], "gone");
    for args in [&["advance"][..], &["wait", "gate"], &["events", "--follow"]] {
        let said = world.ctl(args);
        assert_eq!(said.code, 1, "{args:?}");
        assert!(said.err.contains(&bring_back), "{args:?}: {}", said.err);
    }
    let events = world.does(&["events"]);
    assert!(events.contains("policy acknowledged"));
    let json = world.ctl(&["advance", "--json"]);
    assert!(json.code == 1 && json.json()["error"].as_str().is_some_and(|why| why.contains(&bring_back)));
}

#[test]
fn sessions_lists_what_is_live_gone_over_and_damaged_newest_first() {
    let mut world = World::start();
    let live = world.gonogo(&["sessions"]).out;
    assert!(live.contains(&world.session) && live.contains("LIVE"), "{live}");
    world.does(&["abort", "no"]);
    world.kill();
    let sessions = world.folder.path().join("state/sessions");
    let copy = |name: &str, log: &[u8]| {
        std::fs::create_dir(sessions.join(name)).expect("made");
        std::fs::write(sessions.join(name).join("audit.jsonl"), log).expect("written");
    };
    let log = std::fs::read(world.session_folder().join("audit.jsonl")).expect("a log");
    let lines: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').collect();
    copy("1999-gone", &lines[..2].concat());
    copy("1998-torn", &[lines[0], b"{\"seq\":2"].concat());
    copy("1997-broken", &[lines[1], lines[0]].concat());
    copy("1996-empty", b"");
    copy("1995-\u{1b}[2Jhostile", lines[0]);
    let all = world.gonogo(&["sessions", "--all", "--json"]);
    assert_eq!(all.code, 0, "{}", all.err);
    let rows = all.json();
    let of = |row: usize, key: &str| rows[row][key].as_str().unwrap_or_default().to_owned();
    let engines: Vec<String> = (0..6).map(|row| of(row, "engine")).collect();
    assert_eq!(engines, ["over", "gone", "gone", "unknown", "unknown", "gone"]);
    assert_eq!((of(0, "state"), of(0, "title")), ("aborted".to_owned(), "Move the shop".to_owned()));
    assert!(of(2, "problem").starts_with("TORN TAIL"));
    assert!(of(3, "problem").starts_with("BROKEN: line 1"));
    let text = world.gonogo(&["sessions"]).out;
    assert!(text.contains("1995-^[[2Jhostile") && !text.contains('\u{1b}'), "{text:?}");
    assert!(text.contains("`gonogo resume 1999-gone` brings it back"), "{text}");
}

#[test]
fn of_many_sessions_that_are_over_the_last_ten_are_listed() {
    let mut world = World::start();
    world.does(&["abort", "no"]);
    world.kill();
    let log = world.session_folder().join("audit.jsonl");
    for number in 10..25 {
        let folder = world.session_folder().with_file_name(format!("19{number}-copy"));
        std::fs::create_dir(&folder).expect("made");
        std::fs::copy(&log, folder.join("audit.jsonl")).expect("copied");
    }
    let few = world.gonogo(&["sessions"]).out;
    assert_eq!(few.matches("over").count(), 11, "{few}");
    assert!(few.contains("… and 6 more that are over: --all lists them"), "{few}");
    assert!(!few.contains("1910-copy"));
    let ambiguous = world.gonogo(&["ctl", "copy", "status"]);
    assert_eq!(ambiguous.code, 2);
    assert!(ambiguous.err.contains("fits several sessions"), "{}", ambiguous.err);
}

#[test]
fn a_shared_session_is_reached_by_its_socket_alone() {
    let mut world = World::start();
    let share = world.folder.path().join("share");
    let door = share.join(&world.session);
    std::fs::create_dir_all(&door).expect("made");
    // As somebody sees it who has the socket and not the log.
    std::fs::rename(world.session_folder().join("control.sock"), door.join("control.sock")).expect("moved");
    let state = world.folder.path().join("another");
    let elsewhere = |world: &World, args: &[&str]| said(world.command(args).env("GONOGO_STATE_DIR", &state));
    let status = elsewhere(&world, &["ctl", &world.session, "status", "--json"]);
    assert_eq!(status.code, 0, "{}", status.err);
    assert_eq!(status.json()["session"], world.session.as_str());
    let listed = elsewhere(&world, &["sessions"]).out;
    for known in [&*world.session, "LIVE", "the policy is not acknowledged", "shared by", "Move the shop"] {
        assert!(listed.contains(known), "{known}: {listed}");
    }
    assert!(elsewhere(&world, &["ctl", "move", "events"]).out.contains(" opened: rehearsal move.toml"));
    assert_eq!(world.status()["engine"], "live", "its owner finds it there too");
    world.kill();
    let listed = elsewhere(&world, &["sessions"]).out;
    assert!(listed.contains("no engine answers") && listed.contains('?'), "{listed}");
}

#[test]
fn help_teaches_every_command_with_an_example() {
    let help = |args: &[&str]| said(Command::new(GONOGO).args(args)).out;
    let commands = [
        "status",
        "handover",
        "events",
        "wait",
        "acknowledge",
        "advance",
        "pause",
        "resume",
        "rollback",
        "retry",
        "skip",
        "kill",
        "confirm",
        "tick",
        "vote",
        "second",
        "veto",
        "note",
        "resolve",
        "pass",
        "abort",
    ];
    for command in commands {
        let help = help(&["ctl", "x", command, "--help"]);
        assert!(
            help.contains("Example") && help.contains(&format!("ctl orders {command}")),
            "{command}: {help}"
        );
    }
    assert!(help(&["ctl", "--help"]).contains("Exit codes:"));
    assert!(help(&["sessions", "--help"]).contains("gone_since"));
}
