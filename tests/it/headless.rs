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

#[test]
fn a_headless_run_prints_the_last_words_of_a_step_that_failed_and_nothing_that_a_terminal_obeys() {
    const RUNBOOK: &str = r#"
id = "fails"
[[stage]]
id = "only"
  [[stage.step]]
  id = "talks"
  run = "seq 1 9; printf 'no \\033[2J room\\n' >&2; exit 7"
"#;
    let folder = tempfile::tempdir().expect("a folder");
    let run = run(folder.path(), "fails", RUNBOOK, "advance = true\n").stdout(Stdio::piped()).output();
    let said = String::from_utf8_lossy(&run.expect("gonogo runs").stdout).into_owned();
    let last: Vec<&str> = said.lines().filter_map(|line| line.trim_start().strip_prefix("| ")).collect();
    assert_eq!(last.len(), 5, "{said}");
    assert!(last.contains(&"9") && !last.contains(&"1"), "{said}");
    assert!(said.contains("| no ^[[2J room"), "{said}");
    assert!(!said.contains('\u{1b}'), "{said}");
}
