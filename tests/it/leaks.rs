//! What a command gives away, and how long it takes: proofs beside its exit and its words.

use std::path::Path;
use std::process::{Command, Output, Stdio};

const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");
const SECRET: &str = "correct-horse-battery";

const HEAD: &str = r#"
[secret.token]
env = "TOKEN_OF_THE_TEST"
[check.log]
file = "service.log"
period = "100ms"
failure_threshold = 1
expect.secrets_absent = true
"#;

fn run(folder: &Path, steps: &str) -> (Output, String) {
    let runbook = folder.join("leaks.toml");
    std::fs::write(&runbook, format!("{HEAD}{steps}")).expect("written");
    std::fs::write(folder.join("answers.toml"), "advance = true\ngate_within = \"2s\"\n").expect("written");
    let output = Command::new(GONOGO)
        .args(["run", "--headless", "--answers"])
        .arg(folder.join("answers.toml"))
        .arg(&runbook)
        .env("GONOGO_STATE_DIR", folder.join("state"))
        .env("TOKEN_OF_THE_TEST", SECRET)
        .stdin(Stdio::null())
        .output()
        .expect("gonogo runs");
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains(SECRET), "{said}");
    (output, said)
}

#[test]
fn a_secret_that_a_command_or_a_log_gives_away_is_red() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    std::fs::write(path.join("service.log"), "startup mode=serve db_host=db\n").expect("written");
    let stage = |line: &str| {
        format!(
            "[[stage]]\nid = \"serve\"\nwatch = [\"log\"]\n[[stage.step]]\nid = \"up\"\nrun = '{line}'\n\
             env = {{ T = \"${{{{ secret.token }}}}\" }}\n\
             expect = {{ matches = [\"up\"], secrets_absent = true }}\n"
        )
    };
    let (output, said) = run(path, &stage("echo \"up, ${#T} characters\""));
    assert_eq!(output.status.code(), Some(0), "{said}");

    // Base64 is a form as any other.
    let (output, said) = run(path, &stage("echo up; echo -n \"$T\" | base64"));
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("a secret is in it"), "{said}");

    std::fs::write(path.join("service.log"), format!("startup token={SECRET}\n")).expect("written");
    let (output, said) = run(path, &stage("echo up"));
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("service.log holds no secret"), "{said}");
}

#[test]
fn a_command_is_held_against_a_time_or_against_what_another_took() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    std::fs::write(path.join("service.log"), "quiet\n").expect("written");
    let stage = |first: &str, second: &str, most: &str| {
        format!(
            "[[stage]]\nid = \"a\"\nwatch = [\"log\"]\n[[stage.step]]\nid = \"c\"\nrun = '{first}'\nexpect.matches = [\"c\"]\n\
             [[stage.step]]\nid = \"go\"\nrun = '{second}'\nexpect = {{ matches = [\"go\"], max_duration = {most} }}\n"
        )
    };
    let (output, said) =
        run(path, &stage("echo c", "echo go", "{ step = \"a.c\", times = 3, plus = \"20s\" }"));
    assert_eq!(output.status.code(), Some(0), "{said}");
    let (output, said) =
        run(path, &stage("echo c", "sleep 1; echo go", "{ step = \"a.c\", plus = \"10ms\" }"));
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("it takes at most 1 × a.c + 10 ms"), "{said}");
    let (output, said) = run(path, &stage("echo c", "sleep 1; echo go", "\"300ms\""));
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("it takes at most 300 ms"), "{said}");
    // Itself has not passed before: there is nothing to hold it against, which is never green.
    let (output, said) = run(path, &stage("echo c", "echo go", "{ step = \"a.go\", times = 9 }"));
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("a.go has not passed in this session"), "{said}");
}
