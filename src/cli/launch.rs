//! Starts an engine in a process of its own, and waits for its word.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::engine::{Order, Word};
use crate::process::with_own_limits;

/// An engine that was started, and what it said.
#[derive(Debug)]
pub(super) struct Launched {
    pub child: Child,
    pub word: Word,
}

/// Starts the engine of the session in `dir`.
///
/// # Errors
/// A sentence: it could not be started, or ended without a word.
pub(super) fn launch(dir: &Path, order: &Order) -> Result<Launched, String> {
    let mut command = Command::new(program()?);
    command.arg0("gonogo").arg("engine").arg(dir).stdin(Stdio::piped()).stdout(Stdio::piped());
    // What the engine starts one day is to be as its operator would have started it.
    let mut child =
        with_own_limits(|| command.spawn()).map_err(|e| format!("cannot start the engine: {e}"))?;
    let mut line = serde_json::to_vec(order).map_err(|e| format!("the order has no JSON: {e}"))?;
    line.push(b'\n');
    // An engine that ends before it has read all says so itself.
    let _ = child.stdin.take().expect("it is piped").write_all(&line);
    let mut said = String::new();
    let read = BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut said);
    match read.ok().and_then(|_| serde_json::from_str(&said).ok()) {
        Some(word) => Ok(Launched { child, word }),
        None => {
            let how = child.wait().map_or_else(|e| e.to_string(), |status| status.to_string());
            Err(format!("the engine ended before it was ready ({how})"))
        }
    }
}

/// This very program, also where its file was replaced meanwhile.
fn program() -> Result<PathBuf, String> {
    if cfg!(target_os = "linux") {
        return Ok("/proc/self/exe".into());
    }
    std::env::current_exe().map_err(|e| format!("cannot find this very program: {e}"))
}
