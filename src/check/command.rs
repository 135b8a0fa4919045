//! `command`: a short command, run directly, in a process group of its own that is ended as a whole.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command as Process;
use tokio::time::{Instant, timeout_at};

use super::{Context, Observed, file, resolve, span};
use crate::clock;
use crate::process::with_own_limits;
use crate::proof::{self, Before, Ended, Output, ReportSeen};
use crate::runbook::interpolate::{Place, Scope};
use crate::runbook::model::{Command, RunExpect};
use crate::text::{decode, plain};

/// How much output of a check's command is kept.
const OUTPUT: usize = 1 << 20;

/// How long is waited for the rest of the output when the command itself has ended.
const REST: Duration = Duration::from_millis(200);

/// The variables of this process that a command gets besides those of the runbook.
const INHERITED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "TZ",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
];

/// What a command gets of this process's own environment: what programs need to find their way, and nothing that may
/// be a secret.
pub fn inherited() -> impl Iterator<Item = (String, String)> {
    INHERITED.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
}

/// What a command did.
#[derive(Debug)]
pub(super) struct Ran {
    pub ended: Ended,
    /// Both streams in order of arrival, and each alone.
    pub both: Vec<u8>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// There was more output than is kept.
    pub cut: bool,
}

pub(super) async fn observe(
    command: &Command,
    expect: &RunExpect,
    scope: &Scope,
    ctx: &Context,
    timeout: Duration,
) -> Observed {
    let (argv, env) = match resolved(command, scope, ctx) {
        Ok(resolved) => resolved,
        Err(why) => return Observed::error(why),
    };
    let clock::Now { at: begun, up_ms: begun_up_ms } = clock::now();
    let path = |path: &str| scope.runbook_dir.join(path);
    let mut before = Vec::new();
    for report in &expect.report {
        let seen = resolve(scope, &report.path).and_then(|p| file::see(&path(&p), scope));
        before.push(Before::from(&seen));
    }
    let ran = match run(&argv, &env, &scope.runbook_dir, timeout).await {
        Ok(ran) => ran,
        Err(why) => return Observed::error(why),
    };
    let reports: Vec<ReportSeen> = expect
        .report
        .iter()
        .zip(before)
        .map(|(report, before)| {
            let after = resolve(scope, &report.path).and_then(|p| file::see(&path(&p), scope));
            ReportSeen { begun, before, after }
        })
        .collect();
    let text = |bytes: &[u8]| scope.masked(plain(&decode(bytes)));
    let leaked = scope.leaks(&plain(&decode(&ran.both)));
    let (both, stdout, stderr) = (text(&ran.both), text(&ran.stdout), text(&ran.stderr));
    let cut = ran.cut.then_some(OUTPUT as u64);
    let output = Output { both: Ok(&both), stdout: Ok(&stdout), stderr: Ok(&stderr), cut, leaked };
    let mut proofs = proof::run(expect, ran.ended, output, &reports, scope);
    if let Some(most) = &expect.max_duration {
        let took_ms = clock::up_ms().saturating_sub(begun_up_ms);
        proofs.push(proof::duration(most, Some(took_ms), &BTreeMap::new()));
    }
    Observed::proven(proofs, format!("exit {}", ran.ended.code()))
}

/// Runs a command for what it writes.
///
/// # Errors
/// A sentence: it could not be started, or did not end in time.
pub(super) async fn look(
    command: &Command,
    scope: &Scope,
    ctx: &Context,
    timeout: Duration,
) -> Result<Ran, String> {
    let (argv, env) = resolved(command, scope, ctx)?;
    run(&argv, &env, &scope.runbook_dir, timeout).await
}

/// Runs a command that is handed `input`, and takes exit 0 for its word that it has passed it on.
///
/// # Errors
/// A sentence: it could not be started, did not end in time, or exited with something else and said this last.
pub async fn tell(
    command: &Command,
    input: &str,
    scope: &Scope,
    ctx: &Context,
    timeout: Duration,
) -> Result<(), String> {
    let (argv, env) = resolved(command, scope, ctx)?;
    let ran = run_with(&argv, &env, &scope.runbook_dir, timeout, Some(input.as_bytes())).await?;
    if ran.ended == Ended::Code(0) {
        return Ok(());
    }
    let said = scope.masked(plain(&decode(&ran.both)));
    let last = said.lines().rev().find(|line| !line.trim().is_empty());
    Err(format!(
        "exit {}{}",
        ran.ended.code(),
        last.map_or(String::new(), |last| format!(": {}", last.trim()))
    ))
}

type Env = Vec<(String, String)>;

fn resolved(command: &Command, scope: &Scope, ctx: &Context) -> Result<(Vec<String>, Env), String> {
    let argv = match command {
        Command::Argv(argv) => argv.iter().map(|arg| resolve(scope, arg)).collect::<Result<_, _>>()?,
        Command::Shell(line) => {
            let line = scope.resolve(line, Place::Shell).map_err(|e| e.to_string())?;
            ctx.shell.iter().cloned().chain([line]).collect()
        }
    };
    let env = ctx.env.iter().map(|(name, value)| Ok((name.clone(), resolve(scope, value)?)));
    Ok((argv, env.collect::<Result<_, String>>()?))
}

/// Runs a command to its end, or to the end of its time: then the whole group is killed.
///
/// # Errors
/// A sentence: it could not be started, or did not end in time.
pub(super) async fn run(argv: &[String], env: &Env, dir: &Path, timeout: Duration) -> Result<Ran, String> {
    run_with(argv, env, dir, timeout, None).await
}

/// The same with something on its standard input.
async fn run_with(
    argv: &[String],
    env: &Env,
    dir: &Path,
    timeout: Duration,
    input: Option<&[u8]>,
) -> Result<Ran, String> {
    let deadline = Instant::now() + timeout;
    let (program, args) = argv.split_first().ok_or("the command is empty")?;
    let mut command = Process::new(program);
    command.args(args).env_clear().envs(inherited()).envs(env.iter().map(|(name, value)| (name, value)));
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.process_group(0).kill_on_drop(true);
    if !dir.as_os_str().is_empty() {
        command.current_dir(dir);
    }
    let mut child = with_own_limits(|| command.spawn()).map_err(|e| unstarted(program, dir, &e))?;
    let mut group = Group(child.id());
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input.map(<[u8]>::to_vec)) {
        // In a task of its own: a command that does not read it must not be waited for here.
        tokio::spawn(async move { stdin.write_all(&input).await });
    }
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    let mut ran =
        Ran { ended: Ended::Code(0), both: Vec::new(), stdout: Vec::new(), stderr: Vec::new(), cut: false };
    let mut status = None;
    let mut until = deadline;
    while status.is_none() || stdout.is_some() || stderr.is_some() {
        let step = async {
            tokio::select! {
                ended = child.wait(), if status.is_none() => Step::Ended(ended),
                read = chunk(&mut stdout), if stdout.is_some() => Step::Out(read),
                read = chunk(&mut stderr), if stderr.is_some() => Step::Err(read),
            }
        };
        match timeout_at(until, step).await {
            Ok(Step::Ended(Ok(ended))) => {
                status = Some(ended);
                until = deadline.min(Instant::now() + REST);
            }
            Ok(Step::Ended(Err(e))) => return Err(format!("{program}: its end could not be seen: {e}")),
            Ok(Step::Out(Some(bytes))) => ran.keep(&bytes, true),
            Ok(Step::Err(Some(bytes))) => ran.keep(&bytes, false),
            Ok(Step::Out(None)) => stdout = None,
            Ok(Step::Err(None)) => stderr = None,
            // What is left holds the pipes, and a look leaves nothing behind: the group goes with `group`.
            Err(_) if status.is_some() => break,
            Err(_) => return Err(format!("{program} did not end within {}", span(timeout))),
        }
    }
    if stdout.is_none() && stderr.is_none() {
        // Nobody holds the pipes: the number of the group may soon be somebody else's.
        group.0 = None;
    }
    ran.ended = status.map_or(Ended::Code(-1), ended);
    Ok(ran)
}

enum Step {
    Ended(std::io::Result<std::process::ExitStatus>),
    Out(Option<Vec<u8>>),
    Err(Option<Vec<u8>>),
}

/// The next bytes; `None` at the end.
async fn chunk(stream: &mut Option<impl AsyncRead + Unpin>) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 8192];
    let n = stream.as_mut()?.read(&mut bytes).await.ok().filter(|n| *n > 0)?;
    bytes.truncate(n);
    Some(bytes)
}

impl Ran {
    fn keep(&mut self, bytes: &[u8], is_stdout: bool) {
        let kept = bytes.len().min(OUTPUT - self.both.len());
        self.cut |= kept < bytes.len();
        self.both.extend_from_slice(&bytes[..kept]);
        if is_stdout { &mut self.stdout } else { &mut self.stderr }.extend_from_slice(&bytes[..kept]);
    }
}

/// Kills the whole group of a command when it goes out of scope.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

fn unstarted(program: &str, dir: &Path, e: &std::io::Error) -> String {
    if !dir.as_os_str().is_empty() && !dir.is_dir() {
        return format!("{program} cannot be started: its folder {} is not there", dir.display());
    }
    format!("{program} cannot be started: {e}")
}

fn ended(status: std::process::ExitStatus) -> Ended {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Code(code),
        (None, signal) => Ended::Signal(signal.unwrap_or(0)),
    }
}
