//! The records that pass between engine and shim: the order on stdin, and what lies in the step's folder.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::process::Identity;
use crate::proof::Before;

/// What to execute, resolved to the last letter: nothing else reaches the command.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Program and arguments. A program without a slash is looked up in the `PATH` of `env`.
    pub argv: Vec<String>,
    /// The working directory, absolute.
    pub cwd: PathBuf,
    /// The whole environment of the command; secret values among it.
    pub env: BTreeMap<String, String>,
    /// The command's umask, such as `0o022`.
    pub umask: u32,
    /// The other user as whom `argv` (wrapped by [`as_user`](crate::runbook::user::as_user)) runs, if any: ending
    /// it then goes through `sudo` too.
    pub user: Option<String>,
    /// A command to wait for, or a process to leave behind.
    pub mode: Mode,
}

/// What becomes of the command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum Mode {
    /// Its output is recorded and its end awaited.
    Run {
        /// Bytes of output that are kept; beyond them only the last 64 KiB are.
        output_limit: u64,
    },
    /// It belongs to the host, writes to its own log, and stays when the shim leaves.
    Start {
        /// Where its output goes, appended; relative to `cwd`.
        log: PathBuf,
        /// Milliseconds that it must live to count as up.
        min_uptime_ms: u64,
        /// The shim stays until it ends, and records how.
        #[serde(default)]
        seen_out: bool,
    },
}

/// One secret: only in memory and on the shim's stdin.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// Its name in the runbook.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// The order that the shim reads as one line of JSON on its stdin.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What to execute.
    pub spec: Spec,
    /// What to mask in its output.
    pub secrets: Vec<Secret>,
    /// What each report of the step was just before.
    #[serde(default)]
    pub before: Vec<Before>,
}

/// `started.json`: durable before anything is spawned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The shim that claimed this attempt.
    pub shim: Identity,
    /// When.
    pub at: DateTime<Utc>,
    /// When, in milliseconds since boot.
    pub up_ms: u64,
    /// What each report of the step was just before; it is here so that whoever judges the attempt in the end knows it.
    #[serde(default)]
    pub before: Vec<Before>,
}

/// `command.json`: the command runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// The command's process, which leads its own process group.
    pub command: Identity,
    /// When it was spawned.
    pub at: DateTime<Utc>,
    /// When, in milliseconds since boot.
    pub up_ms: u64,
}

/// `exit.json`: the only source of a step's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// How it ended.
    #[serde(flatten)]
    pub end: End,
    /// When the command itself ended (or was found to be up).
    pub at: DateTime<Utc>,
    /// When, in milliseconds since boot.
    pub up_ms: u64,
    /// Whether a stop had been asked for before that.
    pub stopped: bool,
    /// Descendants that were still alive then: background processes, which are not a failure.
    pub remain: Vec<u32>,
    /// What is in `output.log`; `None` for a process that writes to its own log.
    pub output: Option<Output>,
}

/// `ended.json`: how a `start`'s process ended that was up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// How.
    #[serde(flatten)]
    pub end: End,
    /// When.
    pub at: DateTime<Utc>,
    /// When, in milliseconds since boot.
    pub up_ms: u64,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum End {
    /// It exited by itself; for a `start` that is too early.
    Exited {
        /// Its exit status.
        code: i32,
    },
    /// A signal ended it.
    Signaled {
        /// The signal's number.
        signal: i32,
    },
    /// It never ran.
    ExecFailed {
        /// A sentence that names the path.
        why: String,
    },
    /// A `start`: it lived for its `min_uptime` and was left running.
    Up,
}

/// What `output.log` held when `exit.json` was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256, 64 lowercase hex digits.
    pub sha256: String,
    /// Bytes of the command's (redacted) output that it holds.
    pub kept: u64,
    /// Bytes of the command's (redacted) output that it does not hold: cut at the limit, or not writable.
    pub dropped: u64,
    /// Masks that were set: more than 0 means that a secret was printed.
    pub masked: u64,
    /// What the system said when the file, or its index, could not be written, if ever.
    pub error: Option<String>,
}
