//! From nothing to a first cutover of one's own: what `init` writes works, and the command line explains itself.

use std::path::Path;
use std::process::{Command, Output};

fn gonogo(home: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gonogo"))
        .args(args)
        .current_dir(home)
        .env("HOME", home)
        .env("GONOGO_STATE_DIR", home.join("state"))
        .env_remove("XDG_CONFIG_HOME")
        .output()
        .expect("gonogo runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn what_init_writes_has_nothing_to_be_warned_of_and_goes_forward_and_back() {
    let home = tempfile::tempdir().expect("a folder");
    let made = gonogo(home.path(), &["init", "mine"]);
    assert!(made.status.success(), "{}", said(&made));
    let checked = gonogo(home.path(), &["check", "mine/runbook.toml"]);
    assert_eq!(said(&checked).trim(), "mine/runbook.toml: ok");
    let run = |answers: &str, observe: &str| {
        let args = ["run", "--rehearsal", "--headless", "--set", observe, "--answers", answers];
        gonogo(home.path(), &[&args[..], &["mine/runbook.toml"]].concat())
    };
    let link = || std::fs::read_link(home.path().join("mine/current")).expect("a link");
    let forward = run("mine/answers.toml", "observe=0s");
    assert_eq!((forward.status.code(), link()), (Some(0), "new".into()), "{}", said(&forward));
    // A gate that does not become GO in time is a hold, and that hold is answered with the way back.
    let answers = std::fs::read_to_string(home.path().join("mine/answers.toml")).expect("written");
    let back = answers.replace("\"1m\"", "\"1s\"") + "[on_hold]\ndefault = \"rollback\"\n";
    std::fs::write(home.path().join("back.toml"), back).expect("written");
    let back = run("back.toml", "observe=1h");
    assert_eq!((back.status.code(), link()), (Some(4), "old".into()), "{}", said(&back));
}

#[test]
fn init_overwrites_nothing_and_writes_a_configuration_that_is_in_order() {
    let home = tempfile::tempdir().expect("a folder");
    std::fs::write(home.path().join("answers.toml"), "mine").expect("written");
    let refused = gonogo(home.path(), &["init"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("answers.toml is there already"), "{}", said(&refused));
    assert!(!home.path().join("runbook.toml").exists());
    assert!(gonogo(home.path(), &["init", "--config"]).status.success());
    let paths = gonogo(home.path(), &["paths", "--json"]);
    let paths: serde_json::Value = serde_json::from_slice(&paths.stdout).expect("JSON");
    let config = paths["config"].as_str().expect("a path");
    assert_eq!(Path::new(config), home.path().join(".config/gonogo/config.toml"));
    assert!(Path::new(config).exists());
}

#[test]
fn shells_and_man_know_every_subcommand() {
    let home = tempfile::tempdir().expect("a folder");
    let man = gonogo(home.path(), &["man", "--dir", "man1"]);
    assert!(man.status.success(), "{}", said(&man));
    let bash = said(&gonogo(home.path(), &["completions", "bash"]));
    for name in ["run", "attach", "resume", "ctl", "replay", "verify", "report", "bundle", "init", "paths"] {
        assert!(home.path().join(format!("man1/gonogo-{name}.1")).exists(), "{name}");
        assert!(
            bash.contains(&format!("gonogo__subcmd__{name}")) || bash.contains(&format!("gonogo__{name}")),
            "{name}"
        );
    }
    assert!(!home.path().join("man1/gonogo-engine.1").exists(), "what is hidden has no page");
}
