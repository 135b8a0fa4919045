//! A cutover that is driven in pairs: real cockpits on real terminals, by real users of this machine. Becoming another
//! user takes root; without it these tests say so and end.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Output, Stdio};
use std::time::{Duration, Instant};

use gonogo::session::Command;
use gonogo::wire::message::{Hello, Kind, ToServer};
use nix::unistd::{Group, User};
use serde_json::Value;

use crate::desk::{Desk, newest_log};

/// Two users and their one group that every Debian has, and a user who is not in it.
const ANNA: &str = "sync";
const BEN: &str = "_apt";
const GROUP: &str = "nogroup";
const STRANGER: &str = "games";
/// The longest that a test waits for anything outside a terminal.
const PATIENCE: Duration = Duration::from_secs(60);

const RUNBOOK: &str = r#"
id = "pair"
title = "Drive in pairs"
[roles]
db = ["_apt"]
shop = ["%nogroup"]

[check.flag]
file = "flag"
period = "100ms"

[[stage]]
id = "prepare"
title = "Prepare it"
  [[stage.step]]
  id = "ready"
  run = "echo ready"
  expect.matches = ["^ready$"]
  [stage.gate]
  approvals = 2

[[stage]]
id = "switch"
title = "Switch it"
  [[stage.step]]
  id = "done"
  run = "echo switched"
  expect.matches = ["^switched$"]
  [stage.gate]
  checks = ["flag"]
  override = "two"

[[stage]]
id = "tell"
title = "Tell everybody"
  [[stage.step]]
  id = "told"
  confirm = "Does everybody know?"
  role = "db"
"#;

/// A session's place: open to its users as far as they need it, and to nobody else.
struct World {
    root: tempfile::TempDir,
    owner: User,
}

/// The world of a session of `owner`; `None`, said aloud, where this machine cannot play it.
fn world(owner: &str) -> Option<World> {
    let user = |name: &str| User::from_name(name).ok().flatten();
    let group = Group::from_name(GROUP).ok().flatten();
    let (Some(owner), Some(ben), Some(_), Some(group)) = (user(owner), user(BEN), user(STRANGER), group)
    else {
        eprintln!("SKIPPED: this machine has no {owner}, {BEN}, {STRANGER} or {GROUP}");
        return None;
    };
    let login = fs::read_to_string("/proc/self/loginuid").unwrap_or_default();
    if !nix::unistd::getuid().is_root() || !["", "0", "4294967295"].contains(&login.trim()) {
        eprintln!("SKIPPED: only root whom nobody logged in as anybody else becomes two other users");
        return None;
    }
    let root = tempfile::tempdir().expect("a folder");
    let make = |name: &str, of: &User, mode| {
        let path = root.path().join(name);
        fs::create_dir(&path).expect("made");
        chown(&path, Some(of.uid.as_raw()), Some(of.gid.as_raw())).expect("root may");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("root may");
        path
    };
    let open = Permissions::from_mode(0o755);
    fs::set_permissions(root.path(), open).expect("ours");
    let work = make("work", &owner, 0o755);
    make("state", &owner, 0o700);
    make("ben", &ben, 0o700);
    let share = make("share", &owner, 0o2770);
    chown(&share, Some(0), Some(group.gid.as_raw())).expect("root may");
    fs::set_permissions(&share, Permissions::from_mode(0o2770)).expect("root may");
    fs::write(work.join("pair.toml"), RUNBOOK).expect("written");
    // Others may not look into the folder that it was built in. Another process copies it: one that this one holds
    // open for writing could not be executed.
    let copied = Process::new("cp").arg(env!("CARGO_BIN_EXE_gonogo")).arg(root.path()).status();
    assert!(copied.expect("cp").success());
    Some(World { root, owner })
}

impl Drop for World {
    fn drop(&mut self) {
        let pid = self.kinds("engine_started").last().map(|event| event["pid"].to_string());
        let ended = !self.kinds("session_closed").is_empty();
        if let Some(pid) = pid.filter(|_| !ended) {
            let _ = Process::new("kill").args(["-9", &pid]).status();
        }
    }
}

impl World {
    fn at(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The folder in which `user` keeps what is theirs.
    fn state_of(&self, user: &str) -> PathBuf {
        self.at(if user == self.owner.name { "state" } else { "ben" })
    }

    /// How `user` starts gonogo.
    fn start(&self, user: &str) -> (PathBuf, Vec<String>) {
        let gonogo = self.at("gonogo");
        if user == "root" {
            return (gonogo, Vec::new());
        }
        let group = User::from_name(user).ok().flatten().expect("looked at before").gid.to_string();
        let become_them = ["--reuid", user, "--regid", &group, "--init-groups"];
        let mut args: Vec<String> = become_them.map(str::to_owned).into();
        args.push(gonogo.display().to_string());
        ("setpriv".into(), args)
    }

    fn env(&self, user: &str) -> Vec<(&'static str, PathBuf)> {
        vec![("GONOGO_STATE_DIR", self.state_of(user)), ("GONOGO_SHARE_DIR", self.at("share"))]
    }

    /// A cockpit of `user` on a terminal of its own.
    fn sits(&self, user: &str, args: &[&str], passphrase: Option<&str>) -> Desk {
        let (program, become_them) = self.start(user);
        let command = pty_process::Command::new(program).args(become_them).args(args).envs(self.env(user));
        Desk::of(command.envs(passphrase.map(|given| ("GONOGO_PASSPHRASE", given))), 120, 36)
    }

    fn script(&self, user: &str, args: &[&str], passphrase: Option<&str>) -> Said {
        let (program, all) = self.start(user);
        let mut command = Process::new(program);
        command.args(all).args(args).envs(self.env(user)).stdin(Stdio::null());
        command.envs(passphrase.map(|given| ("GONOGO_PASSPHRASE", given)));
        Said::of(command.output().expect("it runs"))
    }

    fn ctl(&self, user: &str, args: &[&str]) -> Said {
        self.script(user, &[&["ctl", "pair"], args].concat(), None)
    }

    fn runbook(&self) -> String {
        self.at("work/pair.toml").display().to_string()
    }

    fn events(&self) -> Vec<Value> {
        if !self.at("state/sessions").is_dir() {
            return Vec::new();
        }
        let log = fs::read_to_string(newest_log(&self.at("state"))).unwrap_or_default();
        let line = |line: &str| serde_json::from_str::<Value>(line).expect("JSON");
        log.split_inclusive('\n').filter(|l| l.ends_with('\n')).map(line).collect()
    }

    fn kinds(&self, kind: &str) -> Vec<Value> {
        let events = self.events().into_iter().map(|event| event["event"].clone());
        events.filter(|event| event["kind"] == kind).collect()
    }

    async fn until_recorded(&self, what: &str, recorded: impl Fn(&[Value]) -> bool) {
        let begun = Instant::now();
        while !recorded(&self.events()) {
            assert!(begun.elapsed() < PATIENCE, "waited for {what}: {:#?}", self.events().last());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The folder of the session's socket.
    fn door(&self) -> PathBuf {
        let shared = fs::read_dir(self.at("share")).into_iter().flatten().flatten().map(|e| e.path()).next();
        shared.unwrap_or_else(|| newest_log(&self.at("state")).parent().expect("a folder").to_owned())
    }

    /// The log is whole, and every event of it was legal.
    fn is_in_order(&self) {
        let log = newest_log(&self.at("state"));
        let verified = self.script("root", &["verify", log.to_str().expect("UTF-8")], None);
        assert_eq!(verified.code, Some(0), "{}{}", verified.out, verified.err);
    }
}

/// What a command came to.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn of(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    fn refused(self, because: &str) {
        assert_eq!(self.code, Some(3), "{}{}", self.out, self.err);
        assert!(self.err.contains(because), "expected \"{because}\", got \"{}\"", self.err);
    }
}

fn json(message: &ToServer) -> String {
    serde_json::to_string(message).expect("JSON")
}

/// What the engine answers to each message of a client that becomes somebody by these arguments; `closed` where there is
/// no way in.
fn by_hand(become_them: &[&str], door: &Path, messages: &[String]) -> Vec<String> {
    const CLIENT: &str = r#"
import socket, sys
engine = socket.socket(socket.AF_UNIX)
try: engine.connect(sys.argv[1])
except OSError: sys.exit("closed")
said = engine.makefile()
for message in sys.argv[2:]:
    try: engine.sendall(message.encode() + b"\n")
    except OSError: pass
    for line in said:
        if line.startswith(tuple('{"message":"' + word for word in ("welcome", "refused", "answer", "bye"))):
            print(line.strip())
            break
"#;
    let mut client = Process::new("setpriv");
    client.args(become_them).args(["--clear-groups", "python3", "-S", "-c", CLIENT]);
    client.arg(door.join("control.sock")).args(messages).env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    let output = client.output().expect("setpriv runs");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    said.lines().map(str::to_owned).collect()
}

/// Opens a dialog, reads it to its end, and presses `answer`.
async fn answer(desk: &mut Desk, key: &str, title: &str, answer: &str) {
    desk.press(key).await;
    desk.shows(title).await;
    desk.press("\x1b[F").await;
    desk.until("an armed button", |screen| !screen.contains("(not armed)")).await;
    desk.press(answer).await;
    desk.until("the dialog gone", |screen| !screen.contains(title)).await;
}

/// A session of ANNA, shared, which BEN has joined; the first stage is at its gate.
async fn at_the_first_gate(world: &World) -> (Desk, Desk) {
    let mut anna = world.sits(ANNA, &["run", &world.runbook(), "--share", GROUP], None);
    anna.shows("READY").await;
    let mut ben = world.sits(BEN, &["attach"], None);
    ben.shows("READY").await;
    anna.go("a", "GO / NO-GO").await;
    for desk in [&mut anna, &mut ben] {
        desk.shows("0 of 2 approvals").await;
    }
    (anna, ben)
}

#[tokio::test]
async fn two_users_see_each_other_vote_pause_and_pass_the_wheel() {
    let Some(world) = world(ANNA) else { return };
    let (mut anna, mut ben) = at_the_first_gate(&world).await;
    for desk in [&mut anna, &mut ben] {
        desk.press("7").await;
        desk.until("both in the crew panel", |s| {
            let has = |name: &str, seat: &str| s.lines().any(|l| l.contains(name) && l.contains(seat));
            has(ANNA, "driver") && has(BEN, "navigator")
        })
        .await;
    }
    let roles = |person: &str| -> Vec<Value> {
        let joined = world.kinds("operator_joined").into_iter();
        joined
            .filter(|event| event["person"]["person"] == person)
            .map(|event| event["roles"].clone())
            .collect()
    };
    assert_eq!(roles(ANNA), [serde_json::json!(["shop"])], "the runbook's group");
    assert_eq!(roles(BEN), [serde_json::json!(["db", "shop"])], "the runbook's user and group");

    // Two say GO; whoever only navigates does not advance.
    answer(&mut ben, "v", "VOTE", "y").await;
    anna.shows("1 of 2 approvals").await;
    world.ctl(BEN, &["advance"]).refused("needs the driver seat");
    answer(&mut anna, "v", "VOTE", "y").await;
    anna.until("a gate that is GO", |s| s.contains("GO") && !s.contains("of 2 approvals")).await;

    // Anyone pauses; the driver alone goes on.
    ben.press("p").await;
    for desk in [&mut anna, &mut ben] {
        desk.shows("PAUSED").await;
    }
    ben.press("P").await;
    ben.shows("needs the driver seat").await;
    answer(&mut anna, "P", "RESUME", "y").await;
    ben.until("no pause", |s| !s.contains("PAUSED")).await;

    // The wheel: asked for, offered, taken by whoever has read where the session stands.
    answer(&mut ben, "H", "THE WHEEL", "y").await;
    anna.shows("asks for the wheel").await;
    answer(&mut anna, "H", "THE WHEEL", "y").await;
    ben.shows("wheel offered to").await;
    answer(&mut ben, "H", "HANDOVER", "y").await;
    anna.until("the other drives", |s| s.lines().any(|l| l.contains(BEN) && l.contains("driver"))).await;
    ben.until("the wheel is his", |s| s.contains(&format!("driver: {BEN}"))).await;
    ben.go("a", "GO / NO-GO").await;
    anna.shows("Switch it").await;
    world
        .until_recorded("the second stage", |events| {
            events.iter().any(|e| e["event"]["kind"] == "stage_entered" && e["event"]["stage"] == "switch")
        })
        .await;
    let acknowledged = world.events().into_iter().find(|e| e["event"]["kind"] == "handover_acknowledged");
    assert_eq!(acknowledged.expect("the handover was acknowledged")["by"]["person"], BEN);

    // One's terminal is pulled: nothing hangs, and the other takes the wheel.
    drop(ben);
    anna.shows("AWAY").await;
    anna.shows("the driver is away").await;
    answer(&mut anna, "H", "HANDOVER", "y").await;
    anna.until("the wheel taken", |s| s.lines().any(|l| l.contains(ANNA) && l.contains("driver"))).await;
    assert_eq!(world.kinds("operator_left").len(), 1);
    world.is_in_order();
}

#[tokio::test]
async fn of_two_who_press_advance_at_once_one_wins_and_the_other_reads_who() {
    let Some(world) = world(ANNA) else { return };
    let (mut anna, mut ben) = at_the_first_gate(&world).await;
    // The wheel is one person's; they have two terminals.
    let mut twin = world.sits(ANNA, &["attach"], None);
    answer(&mut ben, "v", "VOTE", "y").await;
    anna.shows("1 of 2 approvals").await;
    answer(&mut anna, "v", "VOTE", "y").await;
    world
        .until_recorded("two votes", |events| {
            events.iter().filter(|e| e["event"]["kind"] == "voted").count() == 2
        })
        .await;
    for desk in [&mut anna, &mut twin] {
        desk.shows("GO: everything that").await;
        desk.press("a").await;
        desk.shows("GO / NO-GO").await;
        desk.press("\x1b[F").await;
        desk.until("an armed button", |s| s.contains("GO / NO-GO") && !s.contains("(not armed)")).await;
    }
    tokio::join!(anna.press("y"), twin.press("y"));
    world
        .until_recorded("the next stage", |events| {
            events.iter().filter(|e| e["event"]["kind"] == "stage_entered").count() == 2
        })
        .await;
    let lost = |screen: &str| screen.contains("moved on") || screen.contains("nothing was sent");
    // One of the two has it on the screen: what happened meanwhile, and by whom.
    tokio::select! {
        () = anna.until("who won", lost) => {}
        () = twin.until("who won", lost) => {}
    }
    let entered = world.kinds("stage_entered");
    assert_eq!(entered.len(), 2, "one press, one stage: {entered:?}");
    world.is_in_order();
}

#[tokio::test]
async fn a_script_counts_as_its_person_and_a_look_leaves_no_trace() {
    let Some(world) = world(ANNA) else { return };
    let mut anna = world.sits(ANNA, &["run", &world.runbook(), "--share", GROUP], None);
    anna.shows("READY").await;
    anna.go("a", "GO / NO-GO").await;
    anna.shows("0 of 2 approvals").await;
    world.ctl(BEN, &["status"]).done();
    world.ctl(BEN, &["events"]).done();
    assert_eq!(world.kinds("operator_joined").len(), 1, "whoever looks has not come");
    world.ctl(BEN, &["vote", "go"]).done();
    let events = world.events();
    let joined = events.iter().find(|e| e["event"]["kind"] == "operator_joined" && e["by"]["person"] == BEN);
    let joined = joined.expect("whoever votes has come");
    assert_eq!(joined["by"]["seat"], "navigator");
    assert_eq!(joined["event"]["roles"], serde_json::json!(["db", "shop"]));
    let uid = User::from_name(BEN).ok().flatten().expect("looked at before").uid.as_raw();
    assert_eq!(joined["event"]["credentials"]["uid"], uid);
    world
        .until_recorded("the script's leaving", |events| {
            events.iter().any(|e| e["event"]["kind"] == "operator_left" && e["event"]["why"] == "a script's")
        })
        .await;
    anna.shows("1 of 2 approvals").await;
    // Twice is once, and again from a cockpit too.
    world.ctl(BEN, &["vote", "go"]).done();
    world.ctl(ANNA, &["status"]).done();
    anna.shows("1 of 2 approvals").await;
    world.ctl(BEN, &["advance"]).refused("needs the driver seat");
    // The driver's own script drives.
    world.ctl(ANNA, &["vote", "go"]).done();
    world.ctl(ANNA, &["advance"]).done();
    anna.shows("Switch it").await;
    assert_eq!(world.kinds("wheel_passed").len(), 0);

    // The gate's check is red. An override that the driver asks for is another's to grant, by a script too.
    world.ctl(ANNA, &["wait", "gate"]).done();
    anna.shows("flag is failing").await;
    world.ctl(ANNA, &["advance", "--typed", "switch", "--override", "seen by hand"]).done();
    world.ctl(ANNA, &["second", "go"]).refused("a second person answers");
    world.ctl(BEN, &["second", "go", "--note", "seen too"]).done();
    let promoted = world.kinds("promoted").pop().expect("it was overridden");
    assert_eq!(promoted["asked_by"], ANNA, "{promoted}");
    // Who stands for a role answers for it; who does not may not claim it either.
    world.ctl(ANNA, &["confirm", "tell.told", "yes"]).refused("answered for db");
    world.ctl(ANNA, &["confirm", "tell.told", "yes", "--role", "db"]).refused("the runbook says _apt");
    world.ctl(BEN, &["confirm", "tell.told", "yes"]).done();
    world.is_in_order();
}

#[tokio::test]
async fn two_who_are_both_root_count_as_two_by_their_passphrases_alone() {
    let Some(world) = world("root") else { return };
    let mut first = world.sits("root", &["run", &world.runbook()], None);
    first.shows("READY").await;
    let mut second = world.sits("root", &["attach"], None);
    second.shows("READY").await;
    first.go("a", "GO / NO-GO").await;
    first.shows("0 of 2 approvals").await;
    second.shows("0 of 2 approvals").await;
    // Two terminals of root are nobody in particular, and it says what to do.
    answer(&mut first, "v", "VOTE", "y").await;
    second.shows("--as NAME").await;
    answer(&mut second, "v", "VOTE", "y").await;
    let gate = world.ctl("root", &["status", "--json"]).done();
    let gate: Value = serde_json::from_str(&gate).expect("JSON");
    let what = gate["stage"]["gate"]["missing"][0]["what"].as_str().expect("something is missing").to_owned();
    assert!(what.starts_with("0 of 2 approvals") && what.contains("gonogo attach --as NAME"), "{what}");
    first.shows("--as NAME").await;

    let mut anna = world.sits("root", &["attach", "--as", "anna"], Some("a horse, a staple"));
    anna.shows("--as NAME").await;
    answer(&mut anna, "v", "VOTE", "y").await;
    first.shows("1 of 2 approvals").await;
    anna.shows("1 of 2 approvals").await;
    // Once more the same person is still one.
    answer(&mut anna, "v", "VOTE", "y").await;
    first.shows("1 of 2 approvals").await;
    let ben = &["ctl", "pair", "--as", "ben", "vote", "go"];
    world
        .script("root", &["ctl", "pair", "--as", "anna", "vote", "go"], Some("guessed it"))
        .refused("not the passphrase");
    world.script("root", ben, Some("a battery, correct")).done();
    first.until("a gate that is GO", |s| !s.contains("of 2 approvals")).await;
    world.ctl("root", &["advance"]).done();
    assert_eq!(world.kinds("stage_entered").len(), 2);
    world.is_in_order();
}

#[tokio::test]
async fn strangers_observers_and_garbage_are_refused_recorded_and_harmless() {
    let Some(world) = world(ANNA) else { return };
    let (mut anna, ben) = at_the_first_gate(&world).await;
    drop(ben);
    world
        .until_recorded("the other gone", |events| {
            events.iter().any(|e| e["event"]["kind"] == "operator_left")
        })
        .await;

    // Who is not of the group does not even reach the door.
    let door = world.door();
    let stranger = world.script(STRANGER, &["attach", &door.display().to_string()], None);
    assert_ne!(stranger.code, Some(0));
    let hello = |observe| ToServer::Hello(Hello { observe, ..Hello::new(Kind::Cockpit) });
    for outside in [["--reuid", STRANGER, "--regid", STRANGER], ["--reuid", "4242", "--regid", "4242"]] {
        assert_eq!(by_hand(&outside, &door, &[json(&hello(false))]), ["closed"], "{outside:?}");
    }
    // Through the group's door, but nobody of this machine: refused, and recorded.
    let said = by_hand(&["--reuid", "4242", "--regid", GROUP], &door, &[json(&hello(false))]);
    assert!(said[0].contains("unmapped: uid 4242"), "{said:?}");
    let unmapped = |e: &Value| e["event"]["why"].as_str().is_some_and(|why| why.contains("uid 4242"));
    world.until_recorded("the unmapped uid", |events| events.iter().any(unmapped)).await;

    // An observer's keys, and the same by hand.
    let mut observer = world.sits(BEN, &["attach", "--observe"], None);
    observer.shows("of 2 approvals").await;
    observer.press("v").await;
    observer.shows("is observer").await;
    let ask =
        |(id, command): (u64, Command)| json(&ToServer::Ask { id, command, seen_seq: 9_999, upload: None });
    let commands = [
        Command::Advance { typed: None, over: None },
        Command::Rollback { to: None, reason: None },
        Command::AskWheel,
        Command::TakeWheel,
        Command::Pause,
    ];
    let mut messages = vec![json(&hello(true))];
    messages.extend((0..).zip(commands).map(ask));
    messages.push("\u{1b}[2J this is no message".to_owned());
    let said = by_hand(&["--reuid", BEN, "--regid", GROUP], &door, &messages);
    assert!(said[0].contains("welcome"), "{said:?}");
    assert!(said[1..5].iter().all(|answer| answer.contains("an observer cannot")), "{said:?}");
    assert!(said[5].contains("\"refusal\":null"), "anyone may pause: {said:?}");
    assert!(said[6].contains("bye"), "garbage ends a connection: {said:?}");
    anna.shows("PAUSED").await;

    let kinds: Vec<String> =
        world.kinds("command_refused").iter().map(|e| e["command"].to_string()).collect();
    for word in ["attach", "advance", "roll back", "ask for the wheel", "take the wheel"] {
        assert!(kinds.iter().any(|kind| kind.contains(word)), "{word}: {kinds:?}");
    }
    assert_eq!(world.kinds("stage_entered").len(), 1);
    assert_eq!(world.kinds("rollback_started").len() + world.kinds("wheel_passed").len(), 0);
    answer(&mut anna, "P", "RESUME", "y").await;
    world.is_in_order();
}
