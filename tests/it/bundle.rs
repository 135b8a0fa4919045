//! A bundle is a session's record: what somebody else unpacks anywhere is as good as the folder that it was made of.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::headless;

const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");

const RUNBOOK: &str = r#"
id = "packed"
[secret.token]
env = "TOKEN"
[[stage]]
id = "one"
  [[stage.step]]
  id = "report"
  run = "echo \"$TOKEN was used\" | tee told.txt"
  env.TOKEN = "${{ secret.token }}"
  expect.matches = ["was used"]
  evidence = ["told.txt"]
  [[stage.step]]
  id = "wait"
  run = "until [ -e go ]; do sleep 0.02; done; echo done"
  expect.matches = ["^done$"]
  [stage.gate]
  auto = true
"#;

fn gonogo(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(GONOGO);
    command.args(args).current_dir(folder).env("GONOGO_STATE_DIR", folder.join("state"));
    command.stdin(Stdio::null()).output().expect("gonogo runs")
}

fn told(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Unpacks an archive with the system's own tar, in a folder where nothing else lies.
fn unpacked(archive: &Path) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let status = Command::new("tar").arg("xzf").arg(archive).current_dir(folder.path()).status();
    assert!(status.expect("tar").success());
    let mut inside = std::fs::read_dir(folder.path()).expect("readable");
    let session = inside.next().expect("one folder").expect("readable").path();
    assert!(inside.next().is_none());
    (folder, session)
}

#[test]
fn a_bundle_is_verified_where_it_is_unpacked_and_comes_out_the_same_again() {
    let world = tempfile::tempdir().expect("a folder");
    let here = world.path();
    let mut child = headless::run(here, "runbook", RUNBOOK, "advance = true\n")
        .env("TOKEN", "canary-in-a-bundle")
        .stderr(std::fs::File::create(here.join("errors")).expect("created"))
        .spawn()
        .expect("gonogo runs");

    // While it runs: so far.
    let patience = Instant::now() + Duration::from_secs(60);
    while !std::fs::read_dir(here.join("state/sessions")).is_ok_and(|mut sessions| {
        sessions.any(|s| s.is_ok_and(|s| s.path().join("steps/one.wait.1/command.json").exists()))
    }) {
        assert!(Instant::now() < patience, "the second step does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    let live = gonogo(here, &["bundle", "packed", "-o", "live.tar.gz"]);
    assert!(live.status.success(), "{}", told(&live));
    assert!(told(&live).contains("the session is live"), "{}", told(&live));
    let (_kept, session) = unpacked(&here.join("live.tar.gz"));
    let verdict = gonogo(here, &["verify", &session.display().to_string()]);
    assert!(verdict.status.success() && told(&verdict).contains("CLEAN UNFINISHED"), "{}", told(&verdict));

    std::fs::write(here.join("go"), "").expect("written");
    assert!(child.wait().expect("its end").success());
    let bundled = gonogo(here, &["bundle", "packed"]);
    assert!(bundled.status.success(), "{}", told(&bundled));
    assert!(!told(&bundled).contains("verify says"), "{}", told(&bundled));
    let archive = std::fs::read_dir(here).expect("readable").map(|entry| entry.expect("readable").path());
    let archive = archive
        .filter(|path| path.to_string_lossy().ends_with("-packed.tar.gz"))
        .max()
        .expect("an archive of the session's name");
    let sums = archive.with_extension("gz.sha256");
    let checked =
        Command::new("sha256sum").arg("-c").arg(&sums).current_dir(here).output().expect("sha256sum");
    assert!(checked.status.success(), "{}", told(&checked));
    assert_eq!(String::from_utf8_lossy(&bundled.stdout), std::fs::read_to_string(&sums).expect("there"));

    let (_kept, session) = unpacked(&archive);
    let verdict = gonogo(here, &["verify", &session.display().to_string()]);
    assert!(verdict.status.success() && told(&verdict).starts_with("CLEAN\n"), "{}", told(&verdict));
    assert!(session.join("evidence/one.report.1/told.txt").is_file());
    for form in ["md", "html", "json"] {
        let packed = std::fs::read(session.join(format!("report.{form}"))).expect("a report");
        let anew = gonogo(&session, &["report", ".", "--format", form]);
        assert!(anew.status.success() && anew.stdout == packed, "report.{form}: {}", told(&anew));
    }
    let cast = gonogo(&session, &["report", ".", "--format", "asciicast", "--size", "80x24"]);
    assert!(cast.stdout.starts_with(br#"{"version":2,"width":80,"height":24,"#), "{}", told(&cast));
    let secret = Command::new("grep").args(["-r", "canary-in-a-bundle"]).arg(&session).output();
    assert_eq!(secret.expect("grep").status.code(), Some(1), "a secret was packed");
    assert!(!session.join("lock").exists() && !session.join("engine.log").exists());

    // What was unpacked is packed again, elsewhere and later: the same bytes.
    let again = gonogo(here, &["bundle", &session.display().to_string(), "-o", "again.tar.gz"]);
    assert!(again.status.success(), "{}", told(&again));
    assert_eq!(
        std::fs::read(here.join("again.tar.gz")).expect("there"),
        std::fs::read(&archive).expect("there")
    );

    // What is not as it was is packed all the same, and told.
    std::fs::write(session.join("steps/one.wait.1/output.log"), "gone\n").expect("written");
    let changed = gonogo(here, &["bundle", &session.display().to_string(), "-o", "changed.tar.gz"]);
    assert!(changed.status.success());
    assert!(told(&changed).contains("verify says OUTPUT CHANGED"), "{}", told(&changed));
}
