//! A runbook that is run headless in a folder of its own: where many tests begin.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");

/// Where the sessions of a folder's runs are.
pub(crate) fn state(folder: &Path) -> PathBuf {
    folder.join("state")
}

/// A run of `runbook` with `answers`, both written into `folder`: the session is called `id`, and says nothing.
pub(crate) fn run(folder: &Path, id: &str, runbook: &str, answers: &str) -> Command {
    let file = format!("{id}.toml");
    std::fs::write(folder.join(&file), runbook).expect("written");
    std::fs::write(folder.join("answers.toml"), answers).expect("written");
    let mut command = Command::new(GONOGO);
    command.args(["run", &file, "--headless", "--answers", "answers.toml"]);
    command.current_dir(folder).env("GONOGO_STATE_DIR", state(folder));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}
