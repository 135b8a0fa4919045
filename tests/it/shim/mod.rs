//! The shim as the engine uses it: the real binary, real commands, real deaths.

mod deaths;
mod results;
mod surroundings;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gonogo::engine::shim::client::{Launch, LaunchError, Program, Running, launch};
use gonogo::engine::shim::evidence::{Evidence, ended, evidence, sees_out};
use gonogo::engine::shim::index;
use gonogo::engine::shim::record::{Command, End, Exit, Mode, Secret, Spec, Started};
use gonogo::process::{Identity, descendants, signal};
use rustix::process::Signal;
use sha2::{Digest as _, Sha256};

const GRACE: Duration = Duration::from_secs(10);

/// One attempt in a folder of its own.
struct Step {
    root: tempfile::TempDir,
    launch: Launch,
}

impl Step {
    fn new<const N: usize>(argv: [&str; N]) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let env = BTreeMap::from([("PATH".to_owned(), std::env::var("PATH").expect("a PATH"))]);
        let spec = Spec {
            argv: argv.map(str::to_owned).to_vec(),
            cwd: root.path().to_owned(),
            env,
            umask: 0o022,
            user: None,
            mode: Mode::Run { output_limit: 64 << 20 },
        };
        Self { root, launch: Launch { spec, secrets: Vec::new(), before: Vec::new() } }
    }

    fn sh(script: &str) -> Self {
        Self::new(["bash", "-c", script])
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.launch.spec.env.insert(name.into(), value.into());
        self
    }

    fn secret(mut self, value: &str) -> Self {
        self.launch.secrets.push(Secret { name: "proxy".into(), value: value.into() });
        self
    }

    fn limit(mut self, output_limit: u64) -> Self {
        self.launch.spec.mode = Mode::Run { output_limit };
        self
    }

    fn dir(&self) -> PathBuf {
        self.root.path().join("step")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    async fn start(&self) -> Running {
        launch(&program(), &self.dir(), self.launch.clone()).await.expect("it starts")
    }

    async fn exit(&self) -> Exit {
        exited(self.start().await.wait().await)
    }

    fn output(&self) -> String {
        String::from_utf8_lossy(&self.bytes("output.log")).into_owned()
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.dir().join(name)).expect("the file is there")
    }

    fn command(&self) -> Identity {
        let record: Command = serde_json::from_slice(&self.bytes("command.json")).expect("whole");
        record.command
    }

    fn shim(&self) -> Identity {
        let record: Started = serde_json::from_slice(&self.bytes("started.json")).expect("whole");
        record.shim
    }
}

fn program() -> Program {
    Program::at(env!("CARGO_BIN_EXE_gonogo"))
}

fn exited(evidence: Evidence) -> Exit {
    match evidence {
        Evidence::Exited(exit) => exit,
        other => panic!("no exit: {other:?}"),
    }
}

/// Waits for a condition; the limit is only there to end a broken test.
async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..6000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("waited in vain until {what}");
}

fn pid_in(path: &Path) -> Option<u32> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}
