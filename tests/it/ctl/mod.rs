//! `gonogo ctl` and `gonogo sessions` by the real binary, against a real engine on a real socket.
//!
//! The engine is this binary again: [`engine_under_test`] is its whole life, chosen by name.

mod crew;
mod script;
mod sessions;

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

fn user() -> String {
    nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten().expect("a user").name
}

/// Whether the system cannot tell this user from others, so that passphrases do.
fn is_nobody_in_particular() -> bool {
    let login = std::fs::read_to_string("/proc/self/loginuid").unwrap_or_default();
    nix::unistd::getuid().is_root() && ["", "0", "4294967295"].contains(&login.trim())
}
