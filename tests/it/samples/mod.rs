//! The sample runbooks, driven whole against their simulators: the harness that their scenarios share.
//!
//! What a sample brings: `runbook.toml`, `answers.toml`, `README.md`, `source.md`, and `simulator/` with
//! - `setup.sh DIR`: makes everything in DIR anew and starts the old system. `GONOGO` names the binary whose lab plays
//!   services; a var of the runbook that is called `port` or ends in `_port` has its free port in the environment
//!   (`PORT`, `SLOT_PORT`). What runs afterwards names DIR or is in it: that is how it is found and ended.
//!   Its head lists the lies, one or two a line: `#   NAME   what it does`; a file `DIR/lies/NAME` switches one on.
//! - `rehearsal.toml`: values for the vars that make a rehearsal last seconds (soaks, windows, graces).
//!
//! The runbook has the vars `root` (DIR) and, if it needs it, `gonogo`.

mod cp8;
mod ended;
mod freekill;
mod journal;
mod lies;
mod mapping;
mod mtproxy;
mod turns;
mod vedicq;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gonogo::runbook::load::Missing;
use gonogo::runbook::model::{Host, Runbook};
use gonogo::runbook::{Inputs, Source, load};
use serde_json::Value;

use crate::desk::log_so_far;
use crate::leftovers;

pub(crate) use ended::Ended;

pub(crate) const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");
const LOOK: Duration = Duration::from_millis(50);
/// No rehearsal lasts so long: one that hangs is ended and told of.
const DEADLINE: Duration = Duration::from_secs(300);
/// How long a run waits at a gate that is NO-GO. Only where this is the end of it anything takes so long.
const PATIENCE: &str = "15s";

/// The folder of a sample in the repository.
pub(crate) fn folder(sample: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-runbooks").join(sample)
}

pub(crate) fn read(sample: &str, file: &str) -> String {
    let path = folder(sample).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The samples of real cutovers, by the names of their folders: those with a simulator. `SAMPLE=name` leaves one.
pub(crate) fn all() -> Vec<String> {
    let folders = std::fs::read_dir(folder("")).expect("the samples").flatten();
    let names = folders.filter(|f| f.path().join("simulator/setup.sh").exists());
    let mut names: Vec<String> = names.map(|f| f.file_name().to_string_lossy().into_owned()).collect();
    if let Ok(only) = std::env::var("SAMPLE") {
        names.retain(|name| *name == only);
    }
    names.sort();
    assert!(!names.is_empty(), "there is no such sample");
    names
}

/// A sample's runbook as it loads with nothing given.
pub(crate) fn runbook(sample: &str) -> Runbook {
    let source =
        Source { text: read(sample, "runbook.toml"), file: "runbook.toml".into(), dir: folder(sample) };
    let host = Host { name: "bastion".into(), os: "linux".into(), arch: "x86_64".into() };
    let inputs = Inputs { set: indexmap::IndexMap::new(), host, missing: Missing::Open };
    let loaded = load(&source, &inputs);
    let said: Vec<String> = loaded.diagnostics.iter().map(|d| d.message.clone()).collect();
    loaded.runbook.unwrap_or_else(|| panic!("{sample} does not load: {said:?}"))
}

/// A copy of a sample with its simulator set up in a folder of its own. Dropping it ends all that it started.
pub(crate) struct Rehearsal {
    folder: tempfile::TempDir,
    sample: String,
    ports: Vec<(String, u16)>,
    sets: Vec<String>,
    /// How long it waits at a gate that is NO-GO.
    patience: &'static str,
    _turn: turns::Turn,
}

impl Rehearsal {
    pub(crate) fn of(sample: &str) -> Self {
        let turn = turns::Turn::take();
        let runbook = runbook(sample);
        let names = runbook.vars.keys().filter(|var| *var == "port" || var.ends_with("_port"));
        let ports = names.map(|var| (var.clone(), crate::ports::unused())).collect();
        let folder = tempfile::Builder::new().prefix("rehearsal-").tempdir().expect("a folder");
        let mut made = Self {
            folder,
            sample: sample.to_owned(),
            ports,
            sets: Vec::new(),
            patience: PATIENCE,
            _turn: turn,
        };
        // A runbook's file is of one session at a time: each rehearsal has its own.
        let copied = Command::new("cp").arg("-a").arg(self::folder(sample)).arg(made.folder.path()).status();
        assert!(copied.expect("cp runs").success());
        made.sets.push(format!("root={}", made.root().display()));
        if runbook.vars.contains_key("gonogo") {
            made.sets.push(format!("gonogo={GONOGO}"));
        }
        made.sets.extend(made.ports.iter().map(|(var, port)| format!("{var}={port}")));
        made.set_up();
        made
    }

    /// Makes everything anew, lies and all, as before the first run.
    pub(crate) fn set_up(&self) {
        let mut setup = self.command(self.copy().join("simulator/setup.sh"));
        let (code, said) = wait(self.spawn(setup.arg(self.root()), "setup"), &self.said("setup"));
        assert_eq!(code, 0, "{}: the simulator does not set up:\n{said}", self.sample);
    }

    /// Switches a lie on.
    #[must_use]
    pub(crate) fn lie(self, name: &str) -> Self {
        std::fs::write(self.root().join("lies").join(name), "").expect("the simulator has a folder for lies");
        self
    }

    /// Another value for a var, over the rehearsal's own.
    #[must_use]
    pub(crate) fn set(mut self, var: &str, value: &str) -> Self {
        self.sets.push(format!("{var}={value}"));
        self
    }

    /// Waits at its gates as long as the test may last: it is broken meanwhile, and ends by itself.
    #[must_use]
    pub(crate) fn patient(mut self) -> Self {
        self.patience = "10m";
        self
    }

    /// What the simulator made.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// The sample's own folder, copied.
    pub(crate) fn copy(&self) -> PathBuf {
        self.folder.path().join(&self.sample)
    }

    /// The port that a var has.
    pub(crate) fn port(&self, var: &str) -> u16 {
        self.ports.iter().find(|(name, _)| name == var).unwrap_or_else(|| panic!("there is no var {var}")).1
    }

    /// A command in the environment of this rehearsal.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        let ports = self.ports.iter().map(|(var, port)| (var.to_uppercase(), port.to_string()));
        command.env("GONOGO", GONOGO).envs(ports).env("GONOGO_STATE_DIR", self.folder.path().join("state"));
        command.stdin(Stdio::null()).current_dir(self.copy());
        command
    }

    /// `gonogo WORDS` in that environment, with the runbook's vars where the subcommand takes a runbook.
    pub(crate) fn gonogo(&self, words: &[&str], with_runbook: bool) -> Command {
        let mut command = self.command(GONOGO);
        command.args(words);
        if with_runbook {
            command.arg("--vars").arg(self.copy().join("simulator/rehearsal.toml"));
            command.args(self.sets.iter().flat_map(|set| ["--set", set]));
            command.arg(self.copy().join("runbook.toml"));
        }
        command
    }

    /// A headless run with the sample's answers; `lines` go above the file's own.
    fn run(&self, lines: &str) -> Command {
        let answers = self.answers(lines);
        self.gonogo(&["run", "--headless", "--rehearsal", "--answers", &answers], true)
    }

    /// A file of answers: the sample's own, with `lines` above its tables.
    fn answers(&self, lines: &str) -> String {
        let own = read(&self.sample, "answers.toml");
        let own: Vec<&str> = own.lines().filter(|line| !line.starts_with("gate_within")).collect();
        let answers = self.folder.path().join("answers.toml");
        let text = format!("gate_within = {:?}\n{lines}\n{}\n", self.patience, own.join("\n"));
        std::fs::write(&answers, text).expect("written");
        answers.to_str().expect("a name in UTF-8").to_owned()
    }

    /// Forward, as far as it goes.
    pub(crate) fn drive(&self) -> Ended {
        self.start().end()
    }

    /// Forward, with this in the answers: lines of TOML that stand above the file's own tables.
    pub(crate) fn drive_with(&self, answers: &str) -> Ended {
        self.begin(self.run(answers)).end()
    }

    /// Forward to the gate of a stage, and all the way back from there.
    pub(crate) fn drive_back_from(&self, stage: &str) -> Ended {
        self.drive_with(&format!("roll_back_at = {stage:?}"))
    }

    /// A drill with the sample's answers, and with `words` of its own.
    pub(crate) fn drill(&self, words: &[&str]) -> Ended {
        let answers = self.answers("");
        let all = [&["drill", "--answers", &answers], words].concat();
        self.begin(self.gonogo(&all, true)).end()
    }

    /// A run to be tampered with while it goes forward.
    pub(crate) fn start(&self) -> Running<'_> {
        self.begin(self.run(""))
    }

    fn begin(&self, mut command: Command) -> Running<'_> {
        Running { rehearsal: self, child: self.spawn(&mut command, "run") }
    }

    /// Started with its output in a file: what inherits a pipe, as a service does, would keep it open.
    fn spawn(&self, command: &mut Command, name: &str) -> Child {
        let out = std::fs::File::create(self.said(name)).expect("a file");
        let err = out.try_clone().expect("the same file");
        command.stdout(out).stderr(err).spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"))
    }

    fn said(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.said"))
    }

    /// The folder of the newest session.
    pub(crate) fn session(&self) -> Option<PathBuf> {
        log_so_far(&self.folder.path().join("state")).and_then(|log| log.parent().map(Path::to_owned))
    }

    /// What is on record of the newest session, as far as it is written.
    pub(crate) fn events(&self) -> Vec<Value> {
        let Some(session) = self.session() else { return Vec::new() };
        let log = std::fs::read_to_string(session.join("audit.jsonl")).unwrap_or_default();
        // The last line of a live log may be half of one.
        let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events.map(|event| event["event"].clone()).collect()
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        leftovers::end(self.folder.path());
    }
}

/// A run that goes on.
pub(crate) struct Running<'r> {
    rehearsal: &'r Rehearsal,
    child: Child,
}

impl Running<'_> {
    /// Waits until something is on record, and fails where the run ends before.
    pub(crate) fn until(&mut self, what: impl Fn(&Value) -> bool) {
        let begun = Instant::now();
        while !self.rehearsal.events().iter().any(&what) {
            let ended = self.child.try_wait().expect("its state").is_some() || begun.elapsed() > DEADLINE;
            assert!(!ended, "it is not on record:\n{}", self.said());
            std::thread::sleep(LOOK);
        }
    }

    pub(crate) fn until_kind(&mut self, kind: &str) {
        self.until(|event| event["kind"] == kind);
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.rehearsal.said("run")).unwrap_or_default()
    }

    /// Waits for its end.
    pub(crate) fn end(self) -> Ended {
        let (code, said) = wait(self.child, &self.rehearsal.said("run"));
        let session = self.rehearsal.session();
        let state = session.map(|session| crate::record::hold(&session.join("audit.jsonl")));
        Ended { code, said, events: self.rehearsal.events(), state: state.unwrap_or_default() }
    }
}

/// The exit code of a process and what it said.
fn wait(mut child: Child, said: &Path) -> (i32, String) {
    let begun = Instant::now();
    let read = || String::from_utf8_lossy(&std::fs::read(said).unwrap_or_default()).into_owned();
    loop {
        if let Some(status) = child.try_wait().expect("its state") {
            return (status.code().unwrap_or(-1), read());
        }
        if begun.elapsed() > DEADLINE {
            // It is told of in any case.
            let _ = child.kill();
            panic!("it does not end:\n{}", read());
        }
        std::thread::sleep(LOOK);
    }
}
