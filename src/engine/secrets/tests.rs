use super::*;
use crate::event::{LOG_FORMAT, Mode};
use crate::runbook::model::Host;
use crate::session::read_plan;

const RUNBOOK: &str = r#"
id = "web"
title = "Web"
[vars]
note = {}
[secret.token]
file = "token"
[secret.key]
file = "key.pem"
[check.answers]
tcp = "127.0.0.1:80"
[[stage]]
id = "switch"
watch = ["answers"]
  [[stage.step]]
  id = "over-there"
  run = ["echo", "${{ note }}"]
  expect.matches = ["fine"]
"#;

/// A session in a folder with these files, and this var.
fn session(files: &[(&str, &str)], note: &str, text: &str) -> (tempfile::TempDir, Runbook, SessionOpened) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).expect("written");
    }
    let host = Host { name: "bastion-7".into(), os: "linux".into(), arch: "x86_64".into() };
    let opened = SessionOpened {
        format: LOG_FORMAT,
        session: "20260101-web-at-night".into(),
        runbook: text.into(),
        sha256: String::new(),
        dir: folder.path().display().to_string(),
        file: "cutover.toml".into(),
        vars: [("note".to_owned(), note.to_owned())].into(),
        mode: Mode::Live,
        host,
        share: Some("operators".into()),
        drill: None,
        session_dir: "/srv/sessions/tonight".into(),
        version: String::new(),
    };
    let runbook = read_plan(&opened).expect("a good runbook");
    (folder, runbook, opened)
}

const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN\nqwertyuiop\nab\n-----END PRIVATE KEY-----\n";

fn refusal(token: &str, note: &str) -> Option<String> {
    let (_folder, runbook, opened) = session(&[("token", token), ("key.pem", PEM)], note, RUNBOOK);
    let refused = read(&runbook, &HashMap::new(), &opened).err()?;
    let sentence = refused.to_string();
    assert!(sentence.contains("`token`"), "{sentence}");
    assert!(!sentence.contains(token.trim_end()), "{sentence}");
    Some(sentence)
}

#[test]
fn secrets_are_read_where_they_lie_without_the_line_end_of_their_file() {
    let files = [("token", "hunter2secret\n"), ("key.pem", PEM)];
    let (_folder, runbook, opened) = session(&files, "a note", RUNBOOK);
    let given = HashMap::from([("token".to_owned(), "what-was-typed".to_owned())]);
    let (secrets, redactor) = read(&runbook, &given, &opened).expect("both are there");
    let values: Vec<&str> = secrets.iter().map(|s| s.value.as_str()).collect();
    assert_eq!(values, ["hunter2secret", PEM.trim_end()], "what lies there counts, not what was given");
    assert_eq!(redactor.redact("hunter2secret qwertyuiop what-was-typed"), "****** ****** what-was-typed");
}

#[test]
fn all_that_is_missing_is_named_at_once_and_can_be_given() {
    let (folder, runbook, opened) = session(&[], "a note", RUNBOOK);
    let Err(OpenError::Secrets { names, why }) = read(&runbook, &HashMap::new(), &opened) else {
        panic!("both are missing");
    };
    assert_eq!(names, ["token", "key"]);
    assert!(
        why.contains("`token`") && why.contains("`key`") && why.contains("key.pem cannot be read"),
        "{why}"
    );
    let given = HashMap::from([("token".to_owned(), "what-was-typed".to_owned())]);
    let Err(OpenError::Secrets { names, .. }) = read(&runbook, &given, &opened) else {
        panic!("one is missing");
    };
    assert_eq!(names, ["key"]);
    std::fs::write(folder.path().join("key.pem"), PEM).expect("written");
    let (secrets, _) = read(&runbook, &given, &opened).expect("one lies there, one is given");
    assert_eq!(secrets[0].value, "what-was-typed");
}

#[test]
fn a_variable_that_is_not_set_is_named() {
    let text = RUNBOOK.replace("file = \"token\"", "env = \"GONOGO_TEST_UNSET\"");
    let (_folder, runbook, opened) = session(&[("key.pem", PEM)], "a note", &text);
    let why = read(&runbook, &HashMap::new(), &opened).err().expect("it is not set").to_string();
    let said = "secret `token` is missing: the environment variable GONOGO_TEST_UNSET is not set; set it and start again";
    assert_eq!(why, said);
}

#[test]
fn a_secret_that_the_log_would_show_or_could_not_do_without_is_refused_without_its_value() {
    for (token, note, place) in [
        ("overdone\nbastion is ours", "a note", None),
        ("hunter2secret", "a note", None),
        ("short", "a note", Some("has 5 characters")),
        ("127.0.0.1", "a note", Some("stands in the runbook (line 11)")),
        (
            "the first line\n  run = [\"echo\", \"${{ note }}\"]\nthe last",
            "a note",
            Some("stands in the runbook (line 17)"),
        ),
        ("hunter2secret", "http://app:hunter2secret@db/", Some("in the var `note`")),
        ("hunter2secret", "68756e7465723273656372657400", Some("in the var `note`")),
        ("hunter2secret", "Basic dXNlcjpodW50ZXIyc2VjcmV0", Some("in the var `note`")),
        ("h.over-t", "a note", Some("in the name of a step")),
        ("switch.over-there", "a note", Some("in the name of a step")),
        ("-web-at-", "a note", Some("the session's name")),
        ("bastion-7", "a note", Some("the name of this machine")),
        ("operators", "a note", Some("the group that the session is shared with")),
        ("/srv/sessions", "a note", Some("the path of the session's folder")),
        ("cutover.toml", "a note", Some("the name of the runbook's file")),
    ] {
        match (refusal(token, note), place) {
            (None, None) => {}
            (Some(said), Some(place)) => assert!(said.contains(place), "{said}"),
            (said, place) => panic!("{token}: {said:?}, not {place:?}"),
        }
    }
}

#[test]
fn a_runbook_may_look_for_the_frame_of_a_key() {
    let text = RUNBOOK
        .replace("expect.matches = [\"fine\"]", "expect.not_matches = [\"-----BEGIN PRIVATE KEY-----\"]");
    let (_folder, runbook, opened) =
        session(&[("token", "hunter2secret"), ("key.pem", PEM)], "a note", &text);
    read(&runbook, &HashMap::new(), &opened).expect("the frame tells nothing");
    let text = RUNBOOK.replace("expect.matches = [\"fine\"]", "expect.not_matches = [\"qwertyuiop\"]");
    let (_folder, runbook, opened) =
        session(&[("token", "hunter2secret"), ("key.pem", PEM)], "a note", &text);
    read(&runbook, &HashMap::new(), &opened).err().expect("a line of the key");
}
