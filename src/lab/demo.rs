//! The world of `gonogo demo`: a scratch folder with the demo's runbook, and a legacy service to cut over from.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use color_eyre::eyre::{Result, WrapErr as _, ensure};

/// The demo's runbook, as it lies among the samples.
const RUNBOOK: &str = include_str!("../../sample-runbooks/demo/runbook.toml");
const ANSWERS: &str = include_str!("../../sample-runbooks/demo/answers.toml");

/// A running demo world. Dropping it stops its services and removes its folder.
#[derive(Debug)]
pub struct DemoWorld {
    pub runbook: PathBuf,
    pub answers: PathBuf,
    /// The runbook's inputs.
    pub vars: Vec<(String, String)>,
    folder: tempfile::TempDir,
    gonogo: PathBuf,
}

impl DemoWorld {
    /// Makes the folder and starts the legacy service in it.
    ///
    /// # Errors
    /// What the system says, in a sentence.
    pub fn make() -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("gonogo-demo-")
            .tempdir()
            .wrap_err("cannot make a scratch folder for the demo")?;
        let work = folder.path();
        for (release, version) in [("legacy", "1.4.2"), ("next", "2.0.0")] {
            let dir = work.join("releases").join(release);
            fs::create_dir_all(&dir)?;
            fs::write(dir.join("VERSION"), format!("{version}\n"))?;
        }
        std::os::unix::fs::symlink("releases/legacy", work.join("active"))?;
        let (runbook, answers) = (work.join("runbook.toml"), work.join("answers.toml"));
        fs::write(&runbook, RUNBOOK)?;
        fs::write(&answers, ANSWERS)?;
        let [port, side_port] = free_ports()?;
        let gonogo = std::env::current_exe()?;
        let world = Self {
            vars: vec![
                ("gonogo".to_owned(), gonogo.display().to_string()),
                ("work".to_owned(), work.display().to_string()),
                ("port".to_owned(), port.to_string()),
                ("side_port".to_owned(), side_port.to_string()),
            ],
            runbook,
            answers,
            folder,
            gonogo,
        };
        world.start_legacy(port)?;
        Ok(world)
    }

    /// Where everything of the demo lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn start_legacy(&self, port: u16) -> Result<()> {
        let work = self.folder();
        let started = Command::new(&self.gonogo)
            .args(["lab", "serve", "--daemonise", "--name", "legacy", "--version", "1.4.2"])
            .args(["--port", &port.to_string()])
            .arg("--pidfile")
            .arg(work.join("legacy.pid"))
            .arg("--log")
            .arg(work.join("legacy.log"))
            .stdin(Stdio::null())
            .output()
            .wrap_err("cannot start the demo's legacy service")?;
        let why = String::from_utf8_lossy(&started.stderr).into_owned();
        ensure!(started.status.success(), "the demo's legacy service did not start: {why}");
        Ok(())
    }
}

impl Drop for DemoWorld {
    fn drop(&mut self) {
        for service in ["legacy", "next", "next-warm"] {
            // What does not run needs no stopping; the services also end by themselves after an hour.
            let _ = Command::new(&self.gonogo)
                .args(["lab", "stop", "--wait", "3s", "--pidfile"])
                .arg(self.folder().join(format!("{service}.pid")))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
    }
}

/// Two ports that nobody listens on now.
fn free_ports() -> Result<[u16; 2]> {
    let (a, b) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    Ok([a.local_addr()?.port(), b.local_addr()?.port()])
}
