//! Ending a command and everything that descends from it: TERM, a grace, then KILL until nothing is left.
//! Each process is signalled by identity. As subreaper the shim is the ancestor of all of them, whatever
//! session or group they fled to.

use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

use super::files;
use crate::process::{self, Descendant, SignalError};

/// Milliseconds between TERM and KILL where nobody says otherwise.
pub const GRACE_MS: u64 = 10_000;

/// Milliseconds between two rounds of KILL.
const ROUND_MS: u64 = 20;

/// The same where processes of another user are left: sudo needs its time.
const REFUSED_ROUND_MS: u64 = 500;

/// Rounds of KILL that processes of another user may survive before the stop is given up.
const REFUSED_ROUNDS: u32 = 6;

/// `stop.json`: how whoever asks for the stop wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// Milliseconds between TERM and KILL.
    pub grace_ms: u64,
}

impl Wish {
    /// The wish in the step's folder, or the default.
    pub fn read(step_dir: &Path) -> Self {
        std::fs::read(step_dir.join("stop.json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or(Self { grace_ms: GRACE_MS })
    }
}

/// `refused.json`: what a stop could not end. The step stays running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// A sentence that names the processes and their user.
    pub why: String,
    /// The processes.
    pub pids: Vec<u32>,
}

/// A stop under way.
pub struct Stop {
    /// When to look again, in milliseconds since boot.
    pub due: u64,
    /// When TERM has had its time.
    kill_from: u64,
    refused_rounds: u32,
}

impl Stop {
    /// Sends TERM to every descendant, and CONT to those that could not hear it.
    pub fn begin(wish: Wish, user: Option<&str>, up_ms: u64) -> Self {
        let all = process::descendants(std::process::id());
        send(&all, Signal::TERM, user);
        let stopped: Vec<_> = all.into_iter().filter(|descendant| descendant.stopped).collect();
        send(&stopped, Signal::CONT, user);
        let kill_from = up_ms.saturating_add(wish.grace_ms);
        Self { due: kill_from, kill_from, refused_rounds: 0 }
    }

    /// Takes a second wish into account: a stop gets shorter, never longer.
    pub fn hasten(&mut self, wish: Wish, up_ms: u64) {
        self.kill_from = self.kill_from.min(up_ms.saturating_add(wish.grace_ms));
        self.due = self.due.min(self.kill_from);
    }

    /// One round of KILL, if its time has come. `leader` is the command while it is not reaped: so long its
    /// group's number cannot be somebody else's.
    ///
    /// # Errors
    /// [`Refused`] when processes of another user would not go.
    pub fn round(&mut self, leader: Option<u32>, user: Option<&str>, up_ms: u64) -> Result<(), Refused> {
        if up_ms < self.due {
            return Ok(());
        }
        if let Some(group) = leader.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw) {
            // It reaches even what was forked while we looked.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let refused = send(&process::descendants(std::process::id()), Signal::KILL, user);
        if refused.is_empty() {
            self.due = up_ms + ROUND_MS;
            return Ok(());
        }
        self.due = up_ms + REFUSED_ROUND_MS;
        self.refused_rounds += 1;
        if self.refused_rounds < REFUSED_ROUNDS {
            return Ok(());
        }
        let named = refused.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        let whom = user.map_or(String::new(), |user| format!(" as {user}"));
        Err(Refused { why: format!("not permitted to end process {named}{whom}"), pids: refused })
    }
}

impl Refused {
    /// Puts it where the engine finds it.
    pub fn record(&self, step_dir: &Path) {
        // The engine sees the step running on; the sentence is a help, not the proof.
        let _ = files::replace(step_dir, "refused.json", &files::json(self));
    }
}

/// Signals each process by identity; those of another user through sudo. Returns the pids that were refused.
fn send(to: &[Descendant], signal: Signal, user: Option<&str>) -> Vec<u32> {
    let refused: Vec<u32> = to
        .iter()
        .filter(|one| matches!(process::signal(&one.identity, signal), Err(SignalError::NotPermitted(_))))
        .map(|one| one.identity.pid)
        .collect();
    if let (false, Some(user)) = (refused.is_empty(), user) {
        // sudo's own process is root's and ends with its command: only the user's are asked for.
        let theirs: Vec<u32> = refused.iter().copied().filter(|pid| belongs_to(*pid, user)).collect();
        if !theirs.is_empty() {
            kill_as(user, signal, &theirs);
        }
    }
    refused
}

fn belongs_to(pid: u32, user: &str) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let owner = std::fs::metadata(format!("/proc/{pid}")).map(|meta| meta.uid());
    let user = nix::unistd::User::from_name(user).ok().flatten();
    owner.is_ok_and(|owner| user.is_none_or(|user| user.uid.as_raw() == owner))
}

/// Does not wait for it: the shim reaps whatever ends.
fn kill_as(user: &str, signal: Signal, pids: &[u32]) {
    let _ = std::process::Command::new("sudo")
        .args(["-n", "-u", user, "--", "kill", &format!("-{}", signal.as_raw())])
        .args(pids.iter().map(u32::to_string))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
}
