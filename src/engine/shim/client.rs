//! The engine's side of a shim: start one, await its result, take over one that an earlier engine started,
//! ask it to end its command.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::evidence::{Evidence, evidence};
use super::files;
use super::record::{End, Exit, Order, Secret, Spec, Started};
use super::stop::{Refused, Wish};
use crate::clock;
use crate::process::{self, Identity, SignalError};
use crate::proof::Before;
use crate::redact::{Redactor, TooShort};

/// How often a shim that an earlier engine started is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// The binary from which shims are started: held open, so that replacing the file changes nothing.
#[derive(Debug)]
pub struct Program {
    path: PathBuf,
    /// Keeps `path` valid where it names a descriptor.
    _held: Option<File>,
}

impl Program {
    /// The binary of this very process, held.
    ///
    /// # Errors
    /// What the system says.
    pub fn own() -> io::Result<Self> {
        if cfg!(target_os = "linux") {
            Self::held(Path::new("/proc/self/exe"))
        } else {
            Ok(Self::at(std::env::current_exe()?))
        }
    }

    /// The binary at a path, held as it is now; on systems without `/proc` the path alone.
    ///
    /// # Errors
    /// What the system says.
    pub fn held(path: &Path) -> io::Result<Self> {
        if !cfg!(target_os = "linux") {
            return Ok(Self::at(path));
        }
        let held = File::open(path)?;
        // The name is looked up in the child, between fork and exec, where the descriptor is still open.
        let path = PathBuf::from(format!("/proc/self/fd/{}", held.as_raw_fd()));
        Ok(Self { path, _held: Some(held) })
    }

    /// The binary at a path.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), _held: None }
    }
}

/// One attempt to start.
#[derive(Clone)]
pub struct Launch {
    /// What to execute.
    pub spec: Spec,
    /// The session's secrets: masked in the output and in `spec.json`.
    pub secrets: Vec<Secret>,
    /// What each report of the step is now, before the command.
    pub before: Vec<Before>,
}

/// Why an attempt could not be started. Nothing was spawned, except where [`LaunchError::Lost`] says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The step's folder could not be prepared.
    #[error("cannot prepare {path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A secret is too short to be masked.
    #[error(transparent)]
    Secret(#[from] TooShort),
    /// The shim itself could not be started.
    #[error("cannot start a shim from {program}: {source}")]
    Spawn {
        /// The binary.
        program: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The shim refused.
    #[error("the shim refused: {0}")]
    Refused(String),
    /// The shim ended without a word.
    #[error("the shim ended before it had said anything")]
    Lost(Evidence),
}

/// Starts an attempt: makes its folder with `spec.json`, starts a shim in it, and returns when the command
/// runs (or could not be executed: then [`Running::wait`] has the result at once).
///
/// # Errors
/// [`LaunchError`], a sentence.
pub async fn launch(program: &Program, step_dir: &Path, launch: Launch) -> Result<Running, LaunchError> {
    let folder = |source| LaunchError::Folder { path: step_dir.to_owned(), source };
    let redactor =
        Redactor::new(launch.secrets.iter().map(|secret| (secret.name.as_str(), secret.value.as_str())))?;
    let shown = files::json(&shown(&launch, &redactor));
    let order = files::json(&Order { spec: launch.spec, secrets: launch.secrets, before: launch.before });
    let dir = step_dir.to_owned();
    let step_dir = tokio::task::spawn_blocking(move || prepare(&dir, &shown))
        .await
        .unwrap_or_else(|e| Err(io::Error::other(e)))
        .map_err(folder)?;

    let spawn = |source| LaunchError::Spawn { program: program.path.clone(), source };
    let mut command = shim_command(program, &step_dir);
    let mut child = process::with_own_limits(|| command.spawn()).map_err(spawn)?;
    let stdin = child.stdin.take().expect("piped");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    // A shim that refuses before it has read all leaves a broken pipe: its own words are the reason.
    let _ = write(stdin, &order).await;
    let running = |child, lines, said_exit| Running {
        asker: Asker { step_dir: step_dir.clone(), shim: None },
        ears: Ears::Own(Box::new(Own { child, lines, said_exit })),
    };
    let first = lines.next_line().await.ok().flatten();
    match first.as_deref() {
        Some("started") => Ok(running(child, lines, false)),
        Some("exit") => Ok(running(child, lines, true)),
        Some(other) => {
            let why = other.strip_prefix("refused ").unwrap_or(other).to_owned();
            let _ = child.wait().await;
            Err(LaunchError::Refused(why))
        }
        None => {
            let _ = child.wait().await;
            Err(LaunchError::Lost(evidence(&step_dir)))
        }
    }
    .map(Running::identified)
}

/// Claims an attempt that nothing was spawned for, so that no shim ever starts it, and records `why` as its result.
///
/// # Errors
/// `AlreadyExists` where a shim was faster: then the evidence says what is known. Otherwise what the system says.
pub fn forbid(step_dir: &Path, why: &str) -> io::Result<()> {
    files::create_dir(step_dir)?;
    let now = clock::now();
    let shim = Identity::own().ok_or_else(|| io::Error::other("cannot read this process's own identity"))?;
    let started = Started { shim, at: now.at, up_ms: now.up_ms, before: Vec::new() };
    files::claim(step_dir, "started.json", &files::json(&started))?;
    let end = End::ExecFailed { why: why.to_owned() };
    let exit = Exit { end, at: now.at, up_ms: now.up_ms, stopped: true, remain: Vec::new(), output: None };
    files::replace(step_dir, "exit.json", &files::json(&exit))
}

async fn write(mut stdin: tokio::process::ChildStdin, order: &[u8]) -> io::Result<()> {
    stdin.write_all(order).await?;
    stdin.shutdown().await
}

/// A shim has nothing of the engine's: no environment (but the PATH to sudo), no folder, no terminal.
fn shim_command(program: &Program, step_dir: &Path) -> Command {
    let mut command = Command::new(&program.path);
    command
        .arg0("gonogo")
        .arg("shim")
        .arg(step_dir)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(false);
    command
}

/// The spec as it may lie on a disk: every text redacted, secrets by name and length.
fn shown(launch: &Launch, redactor: &Redactor) -> serde_json::Value {
    let mut shown = serde_json::to_value(&launch.spec).expect("a spec has string keys only");
    redactor.redact_json(&mut shown);
    let names = launch.secrets.iter().map(|s| format!("secret:{}#{}", s.name, s.value.chars().count()));
    shown["secrets"] = names.collect();
    shown
}

/// Makes the folder and `spec.json`; returns the folder's absolute path.
fn prepare(step_dir: &Path, spec: &[u8]) -> io::Result<PathBuf> {
    files::create_dir(step_dir)?;
    let step_dir = step_dir.canonicalize()?;
    match files::create_new(&step_dir.join("spec.json")) {
        Ok(mut file) => file.write_all(spec)?,
        // An earlier engine got this far; the shim decides whether the attempt was started.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        Err(e) => return Err(e),
    }
    Ok(step_dir)
}

/// A shim at work. Dropping it changes nothing: the command goes on.
#[derive(Debug)]
pub struct Running {
    asker: Asker,
    ears: Ears,
}

#[derive(Debug)]
enum Ears {
    /// Our own child, which tells us.
    Own(Box<Own>),
    /// An earlier engine's, which we look at.
    Adopted,
}

#[derive(Debug)]
struct Own {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said_exit: bool,
}

impl Running {
    /// Takes over a shim that an earlier engine started, as [`evidence`] found it.
    #[must_use]
    pub fn adopt(step_dir: &Path, shim: Identity) -> Self {
        Self { asker: Asker { step_dir: step_dir.to_owned(), shim: Some(shim) }, ears: Ears::Adopted }
    }

    fn identified(mut self) -> Self {
        if let Evidence::Running { shim } = evidence(&self.asker.step_dir) {
            self.asker.shim = Some(shim);
        } else if let Ears::Own(own) = &self.ears {
            self.asker.shim = own.child.id().and_then(Identity::of);
        }
        self
    }

    /// Who can ask this shim to stop; a clone may go elsewhere while this waits.
    #[must_use]
    pub fn asker(&self) -> Asker {
        self.asker.clone()
    }

    /// Waits until the result is durable, or the shim is gone: then the evidence says what is known. May be
    /// cancelled and called again.
    pub async fn wait(&mut self) -> Evidence {
        match &mut self.ears {
            Ears::Own(own) => {
                while !own.said_exit {
                    match own.lines.next_line().await {
                        Ok(Some(line)) => own.said_exit = line == "exit",
                        Ok(None) | Err(_) => {
                            let _ = own.child.wait().await;
                            break;
                        }
                    }
                }
            }
            Ears::Adopted => {
                while matches!(evidence(&self.asker.step_dir), Evidence::Running { .. }) {
                    tokio::time::sleep(LOOK).await;
                }
            }
        }
        evidence(&self.asker.step_dir)
    }

    /// The same as [`Asker::stop`].
    ///
    /// # Errors
    /// Those of [`Asker::stop`].
    pub fn stop(&self, grace: Duration) -> Result<(), StopError> {
        self.asker.stop(grace)
    }
}

/// Asks one shim to end its command.
#[derive(Debug, Clone)]
pub struct Asker {
    step_dir: PathBuf,
    shim: Option<Identity>,
}

/// Why a stop could not be asked for.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// The shim could not be reached.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// The grace could not be written.
    #[error("cannot write stop.json in {path}: {source}")]
    Write {
        /// The step's folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Asker {
    /// The shim, where it lives.
    #[must_use]
    pub fn shim(&self) -> Option<&Identity> {
        self.shim.as_ref()
    }

    /// Asks for the end of the command and all its descendants: TERM, after the grace KILL. Returns when it
    /// is asked; [`Running::wait`] returns when nothing is left. Asking again can only shorten the grace. A
    /// shim that has ended by itself is no error.
    ///
    /// # Errors
    /// [`StopError`], a sentence.
    pub fn stop(&self, grace: Duration) -> Result<(), StopError> {
        // What an earlier asking was not permitted says nothing about this one.
        let _ = std::fs::remove_file(self.step_dir.join("refused.json"));
        let wish = Wish { grace_ms: u64::try_from(grace.as_millis()).unwrap_or(u64::MAX) };
        files::replace(&self.step_dir, "stop.json", &files::json(&wish))
            .map_err(|source| StopError::Write { path: self.step_dir.clone(), source })?;
        match self.shim.as_ref().map(|shim| process::signal(shim, rustix::process::Signal::TERM)) {
            None | Some(Ok(()) | Err(SignalError::Gone(_))) => Ok(()),
            Some(Err(e)) => Err(e.into()),
        }
    }

    /// What a stop was not permitted to end, if so: the step stays running.
    #[must_use]
    pub fn refused(&self) -> Option<Refused> {
        serde_json::from_slice(&std::fs::read(self.step_dir.join("refused.json")).ok()?).ok()
    }
}
