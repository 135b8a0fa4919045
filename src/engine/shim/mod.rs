//! The shim: a small process of its own for every attempt of a step, so that neither the engine's death nor
//! the cockpit's touches the command. `gonogo shim STEP_DIR` ([`main`]) reads its order on stdin, leaves its
//! records in the step's folder ([`record`]), and outlives whoever started it; [`client`] is the engine's
//! side, [`evidence`](mod@evidence) says afterwards what is known.
//!
//! ```text
//! started.json   the shim's identity: made once, whole, and durable before anything is spawned
//! command.json   the command's identity
//! output.log     both streams, redacted, whole lines in order of arrival
//! output.idx     which stream wrote what, and when (`index`)
//! exit.json      the result: durable, whole or absent
//! ended.json     of a `start` whose end is asked for: how it ended, long after it was up
//! late.log       what descendants wrote after the command had ended
//! stop.json      the grace that whoever asked for the stop wants; the asking itself is SIGTERM to the shim
//! refused.json   the processes that a stop was not permitted to end
//! ```

mod channel;
pub mod client;
pub mod evidence;
mod exec;
pub mod files;
pub mod index;
mod log;
pub mod record;
mod run;
mod signals;
pub mod stop;

use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use crate::clock;
use crate::process::{self, Identity};
use crate::redact::Redactor;
use record::{Order, Started};

/// The shim program. Exit code 0: it has done its part and the records say the rest; 1: nothing was spawned,
/// and its last line on stdout says why.
#[must_use]
pub fn main(step_dir: &Path) -> ExitCode {
    match begin(step_dir) {
        Ok((order, redactor, signals)) => {
            run::run(step_dir, &order.spec, &redactor, signals);
            ExitCode::SUCCESS
        }
        Err(why) => {
            say(&format!("refused {why}"));
            ExitCode::FAILURE
        }
    }
}

/// Becomes a shim, reads the order and claims the attempt. Errors are sentences; after one nothing may start.
fn begin(step_dir: &Path) -> Result<(Order, Redactor, signals::Signals), String> {
    close_inherited();
    process::keep_memory_private();
    take_name();
    // The folder's files are for their owner alone, whatever the umask that was inherited.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let signals = signals::Signals::install().map_err(|e| format!("cannot handle signals: {e}"))?;
    // It fails only for the leader of a session, who needs none.
    let _ = rustix::process::setsid();
    become_reaper()?;

    let mut line = Vec::new();
    let read = std::io::stdin().lock().read_until(b'\n', &mut line);
    if read.is_err() || line.last() != Some(&b'\n') {
        return Err("the order on stdin is not whole".to_owned());
    }
    let order: Order =
        serde_json::from_slice(&line).map_err(|e| format!("the order on stdin is not readable: {e}"))?;
    let secrets = order.secrets.iter().map(|secret| (secret.name.as_str(), secret.value.as_str()));
    let redactor = Redactor::new(secrets).map_err(|e| e.to_string())?;

    let now = clock::now();
    let shim = Identity::own().ok_or("cannot read the shim's own identity")?;
    let started = Started { shim, at: now.at, up_ms: now.up_ms, before: order.before.clone() };
    files::claim(step_dir, "started.json", &files::json(&started)).map_err(|e| {
        let path = step_dir.join("started.json");
        match e.kind() {
            std::io::ErrorKind::AlreadyExists => {
                format!("this attempt was started before: {} exists", path.display())
            }
            _ => format!("cannot write {}: {e}", path.display()),
        }
    })?;
    Ok((order, redactor, signals))
}

/// Tells the engine one line. Nobody may be listening any more, and that is fine.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", line.replace('\n', " ")).and_then(|()| out.flush());
}

/// Closes what leaked in from whoever started the engine, so that no command inherits it.
fn close_inherited() {
    let listed = std::fs::read_dir("/proc/self/fd").or_else(|_| std::fs::read_dir("/dev/fd"));
    let open: Vec<i32> =
        listed.into_iter().flatten().flatten().filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
    for fd in open.into_iter().filter(|fd| *fd > 2) {
        // One of them was the listing itself, which is closed already.
        let _ = nix::unistd::close(fd);
    }
}

/// What a process list calls it.
fn take_name() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_name(c"gonogo-shim");
}

/// Orphaned descendants become this process's children: so they are found, reaped, and can be ended.
fn become_reaper() -> Result<(), String> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|e| format!("cannot become the reaper of the command's descendants: {e}"))?;
    Ok(())
}
