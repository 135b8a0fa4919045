//! What the README shows works as it stands there.

use std::process::{Command, Stdio};

const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");

/// The README's blocks of TOML, in order.
fn blocks() -> Vec<&'static str> {
    let after = include_str!("../../README.md").split("```toml\n").skip(1);
    after.map(|rest| rest.split("```").next().unwrap_or_default()).collect()
}

#[test]
fn the_first_runbook_of_the_readme_runs_to_its_end_with_the_answers_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let [runbook, answers, ..] = blocks()[..] else {
        panic!("the README has its first runbook and its answers")
    };
    std::fs::write(folder.path().join("first.toml"), runbook).expect("written");
    std::fs::write(folder.path().join("answers.toml"), answers).expect("written");
    let run = |args: &[&str]| {
        let output = Command::new(GONOGO)
            .args(args)
            .current_dir(folder.path())
            .env("GONOGO_STATE_DIR", folder.path().join("state"))
            .stdin(Stdio::null())
            .output()
            .expect("gonogo runs");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(run(&["check", "first.toml"]), "first.toml: ok\n");
    assert!(run(&["plan", "first.toml", "--rollback"]).contains("flag is gone"));
    run(&["run", "first.toml", "--headless", "--answers", "answers.toml"]);
    assert!(run(&["verify", "first"]).starts_with("CLEAN"));
    assert!(folder.path().join("flag").exists());
}
