//! What is known about an attempt from its folder alone, whoever started it and whatever died since:
//!
//! | `started.json` | `exit.json` | the shim | evidence |
//! |---|---|---|---|
//! | absent | absent | | not started |
//! | | whole | | exited, exactly so |
//! | | torn | | unknown |
//! | torn | absent | | unknown |
//! | of another boot | absent | | unknown: the machine was rebooted |
//! | whole | absent | alive, same identity | running |
//! | whole | absent | gone, or its pid is another's | unknown |

use std::io::ErrorKind;
use std::path::Path;

use serde::de::DeserializeOwned;

use super::record::{Command, Ended, Exit, Started};
use crate::clock;
use crate::process::Identity;

/// What is known about an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// No shim ever claimed it: nothing was spawned.
    NotStarted,
    /// Its shim is alive.
    Running {
        /// The shim.
        shim: Identity,
    },
    /// The exact result.
    Exited(Exit),
    /// Nobody can know; an operator has to say.
    Unknown {
        /// Sentences for the operator.
        why: String,
    },
}

/// Reads a step's folder.
#[must_use]
pub fn evidence(step_dir: &Path) -> Evidence {
    if let Some(result) = result(step_dir) {
        return result;
    }
    let shim = match read::<Started>(&step_dir.join("started.json")) {
        Record::Absent => return Evidence::NotStarted,
        Record::Torn(why) => return Evidence::Unknown { why },
        Record::Whole(started) => started.shim,
    };
    if shim.is_alive() {
        return Evidence::Running { shim };
    }
    // It may have written its result between the two looks.
    result(step_dir).unwrap_or_else(|| Evidence::Unknown { why: gone(step_dir, &shim) })
}

/// The claim of an attempt, where it is whole.
#[must_use]
pub fn claim(step_dir: &Path) -> Option<Started> {
    match read(&step_dir.join("started.json")) {
        Record::Whole(started) => Some(started),
        Record::Absent | Record::Torn(_) => None,
    }
}

/// The attempt's command, once it runs.
#[must_use]
pub fn spawned(step_dir: &Path) -> Option<Identity> {
    match read::<Command>(&step_dir.join("command.json")) {
        Record::Whole(record) => Some(record.command),
        Record::Absent | Record::Torn(_) => None,
    }
}

/// How the process of a `start` ended: `None` while that is not recorded.
#[must_use]
pub fn ended(step_dir: &Path) -> Option<Ended> {
    match read(&step_dir.join("ended.json")) {
        Record::Whole(ended) => Some(ended),
        Record::Absent | Record::Torn(_) => None,
    }
}

/// Whether the attempt in this folder started that process, and its shim is there to see how it ends, or has.
#[must_use]
pub fn sees_out(step_dir: &Path, process: &Identity) -> bool {
    let is_its = match read::<Command>(&step_dir.join("command.json")) {
        Record::Whole(record) => record.command == *process,
        Record::Absent | Record::Torn(_) => false,
    };
    // The shim first: one that ends between the two looks has recorded the end before.
    is_its && (claim(step_dir).is_some_and(|claim| claim.shim.is_alive()) || ended(step_dir).is_some())
}

fn result(step_dir: &Path) -> Option<Evidence> {
    match read::<Exit>(&step_dir.join("exit.json")) {
        Record::Absent => None,
        Record::Torn(why) => Some(Evidence::Unknown { why }),
        Record::Whole(exit) => Some(Evidence::Exited(exit)),
    }
}

fn gone(step_dir: &Path, shim: &Identity) -> String {
    if shim.boot_id != clock::boot_id() {
        return "the machine was rebooted after the command had been started, and no exit was recorded"
            .to_owned();
    }
    let command = match read::<Command>(&step_dir.join("command.json")) {
        Record::Whole(record) if record.command.is_alive() => {
            format!("its command, process {}, is still alive", record.command.pid)
        }
        Record::Whole(record) => format!("its command, process {}, is gone too", record.command.pid),
        Record::Absent | Record::Torn(_) => "whether its command was spawned is not recorded".to_owned(),
    };
    format!("the shim, process {}, is gone without an exit record; {command}", shim.pid)
}

enum Record<T> {
    Absent,
    Torn(String),
    Whole(T),
}

fn read<T: DeserializeOwned>(path: &Path) -> Record<T> {
    match std::fs::read(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => Record::Absent,
        Err(e) => Record::Torn(format!("{} cannot be read: {e}", path.display())),
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(record) => Record::Whole(record),
            Err(e) => Record::Torn(format!("{} is torn: {e}", path.display())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::files;
    use super::super::record::End;
    use super::*;

    fn started(shim: Identity) -> Vec<u8> {
        let now = clock::now();
        files::json(&Started { shim, at: now.at, up_ms: now.up_ms, before: Vec::new() })
    }

    fn exit() -> Exit {
        let now = clock::now();
        let end = End::Exited { code: 3 };
        Exit { end, at: now.at, up_ms: now.up_ms, stopped: false, remain: vec![7], output: None }
    }

    #[test]
    fn each_row_of_the_table_is_classified() {
        let own = Identity::own().expect("this process");
        let recycled = Identity { start_time: own.start_time + 1, ..own.clone() };
        let rebooted = Identity { boot_id: "another".into(), ..own.clone() };
        let torn = |record: Vec<u8>| record[..record.len() / 2].to_vec();
        let whole = files::json(&exit());
        let table = [
            (None, None, "not started"),
            (Some(started(own.clone())), None, "running"),
            (Some(started(recycled.clone())), None, "gone without an exit record"),
            (Some(started(rebooted.clone())), None, "rebooted"),
            (Some(torn(started(own.clone()))), None, "started.json is torn"),
            (Some(Vec::new()), None, "started.json is torn"),
            (Some(started(own.clone())), Some(whole.clone()), "exited"),
            (Some(started(recycled)), Some(whole.clone()), "exited"),
            (Some(started(rebooted)), Some(whole.clone()), "exited"),
            (Some(started(own)), Some(torn(whole)), "exit.json is torn"),
        ];
        for (started, exited, expected) in table {
            let dir = tempfile::tempdir().expect("a folder");
            for (name, content) in [("started.json", started), ("exit.json", exited)] {
                if let Some(content) = content {
                    std::fs::write(dir.path().join(name), content).expect("written");
                }
            }
            let seen = match evidence(dir.path()) {
                Evidence::NotStarted => "not started".to_owned(),
                Evidence::Running { .. } => "running".to_owned(),
                Evidence::Exited(seen) => {
                    assert_eq!((seen.end, seen.remain), (End::Exited { code: 3 }, vec![7]));
                    "exited".to_owned()
                }
                Evidence::Unknown { why } => why,
            };
            assert!(seen.contains(expected), "{expected}: {seen}");
        }
    }
}
