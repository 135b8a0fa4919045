//! A session's place and its people: users of this machine with cockpits, scripts, and messages written by hand.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Output, Stdio};
use std::time::{Duration, Instant};

use gonogo::wire::message::ToServer;
use nix::unistd::{Group, User};
use serde_json::Value;

use crate::desk::{Desk, log_so_far, newest_log};

/// Two users and their one group that every Debian has, and a user who is not in it.
pub const ANNA: &str = "sync";
pub const BEN: &str = "_apt";
pub const GROUP: &str = "nogroup";
pub const STRANGER: &str = "games";
/// The longest that a test waits for anything outside a terminal.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub const RUNBOOK: &str = r#"
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
pub struct World {
    pub root: tempfile::TempDir,
    pub owner: User,
}

/// The world of a session of `owner`; `None`, said aloud, where this machine cannot play it.
pub fn world(owner: &str) -> Option<World> {
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
    pub fn at(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The folder in which `user` keeps what is theirs.
    pub fn state_of(&self, user: &str) -> PathBuf {
        self.at(if user == self.owner.name { "state" } else { "ben" })
    }

    /// How `user` starts gonogo.
    pub fn start(&self, user: &str) -> (PathBuf, Vec<String>) {
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

    pub fn env(&self, user: &str) -> Vec<(&'static str, PathBuf)> {
        vec![("GONOGO_STATE_DIR", self.state_of(user)), ("GONOGO_SHARE_DIR", self.at("share"))]
    }

    /// A cockpit of `user` on a terminal of its own.
    pub fn sits(&self, user: &str, args: &[&str], passphrase: Option<&str>) -> Desk {
        let (program, become_them) = self.start(user);
        let command = pty_process::Command::new(program).args(become_them).args(args).envs(self.env(user));
        Desk::of(command.envs(passphrase.map(|given| ("GONOGO_PASSPHRASE", given))), 120, 36)
    }

    pub fn script(&self, user: &str, args: &[&str], passphrase: Option<&str>) -> Said {
        let (program, all) = self.start(user);
        let mut command = Process::new(program);
        command.args(all).args(args).envs(self.env(user)).stdin(Stdio::null());
        command.envs(passphrase.map(|given| ("GONOGO_PASSPHRASE", given)));
        Said::of(command.output().expect("it runs"))
    }

    pub fn ctl(&self, user: &str, args: &[&str]) -> Said {
        self.script(user, &[&["ctl", "pair"], args].concat(), None)
    }

    pub fn runbook(&self) -> String {
        self.at("work/pair.toml").display().to_string()
    }

    pub fn events(&self) -> Vec<Value> {
        let Some(log) = log_so_far(&self.at("state")) else { return Vec::new() };
        let log = fs::read_to_string(log).unwrap_or_default();
        let line = |line: &str| serde_json::from_str::<Value>(line).expect("JSON");
        log.split_inclusive('\n').filter(|l| l.ends_with('\n')).map(line).collect()
    }

    pub fn kinds(&self, kind: &str) -> Vec<Value> {
        let events = self.events().into_iter().map(|event| event["event"].clone());
        events.filter(|event| event["kind"] == kind).collect()
    }

    pub async fn until_recorded(&self, what: &str, recorded: impl Fn(&[Value]) -> bool) {
        let begun = Instant::now();
        while !recorded(&self.events()) {
            assert!(begun.elapsed() < PATIENCE, "waited for {what}: {:#?}", self.events().last());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The folder of the session's socket.
    pub fn door(&self) -> PathBuf {
        let shared = fs::read_dir(self.at("share")).into_iter().flatten().flatten().map(|e| e.path()).next();
        shared.unwrap_or_else(|| newest_log(&self.at("state")).parent().expect("a folder").to_owned())
    }

    /// The log is whole, and every event of it was legal.
    pub fn is_in_order(&self) {
        let log = newest_log(&self.at("state"));
        let verified = self.script("root", &["verify", log.to_str().expect("UTF-8")], None);
        assert_eq!(verified.code, Some(0), "{}{}", verified.out, verified.err);
    }
}

/// What a command came to.
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn of(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    pub fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    pub fn refused(self, because: &str) {
        assert_eq!(self.code, Some(3), "{}{}", self.out, self.err);
        assert!(self.err.contains(because), "expected \"{because}\", got \"{}\"", self.err);
    }
}

pub fn json(message: &ToServer) -> String {
    serde_json::to_string(message).expect("JSON")
}

/// What the engine answers to each message of a client that becomes somebody by these arguments; `closed` where there is
/// no way in.
pub fn by_hand(become_them: &[&str], door: &Path, messages: &[String]) -> Vec<String> {
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
pub async fn answer(desk: &mut Desk, key: &str, title: &str, answer: &str) {
    desk.press(key).await;
    desk.shows(title).await;
    desk.press("\x1b[F").await;
    desk.armed().await;
    desk.press(answer).await;
    desk.until("the dialog gone", |screen| !screen.contains(title)).await;
}

/// A session of ANNA, shared, which BEN has joined; the first stage is at its gate.
pub async fn at_the_first_gate(world: &World) -> (Desk, Desk) {
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
