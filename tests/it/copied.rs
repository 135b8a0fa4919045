//! Copying from a cockpit on a real terminal: what the terminal is asked to take, and the file beside it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::desk::Desk;
use crate::headless;

/// A step that tries to write to the clipboard itself.
const RUNBOOK: &str = r#"
id = "copy"
title = "A step with an eye on the clipboard"

[check.here]
file = "/etc/passwd"
period = "200ms"

[[stage]]
id = "only"
watch = ["here"]
  [[stage.step]]
  id = "talks"
  run = "printf 'the words\\033]52;c;ZXZpbA==\\007 and more\\n'"
  expect.matches = ['and more']
"#;

const ANSWERS: &str = "advance = true\n[on_hold]\ndefault = \"stop\"\n";

fn recorded() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = headless::run(folder.path(), "copy", RUNBOOK, ANSWERS).status();
    assert!(ran.expect("gonogo runs").success());
    folder
}

fn copies(state: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(state.join("copies")).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = files.map(|file| file.path()).collect();
    files.sort_by_key(|path| std::fs::metadata(path).and_then(|meta| meta.modified()).expect("a time"));
    files
}

/// What the terminal was asked to put on its clipboard, one after the other.
fn clipboard(desk: &Desk) -> Vec<String> {
    let raw = String::from_utf8_lossy(&desk.raw).into_owned();
    let asked = raw.split("\x1b]52;c;").skip(1);
    let texts = asked.map(|rest| {
        let (text, _) = rest.split_once("\x1b\\").expect("an end");
        STANDARD.decode(text).expect("base64")
    });
    texts.map(|text| String::from_utf8(text).expect("UTF-8")).collect()
}

#[tokio::test]
async fn what_is_copied_goes_to_the_terminal_and_to_a_file_and_carries_nothing_that_acts() {
    let folder = recorded();
    let state = headless::state(folder.path());
    let mut desk = Desk::new(&state, &["replay", "copy"], 160, 40);
    desk.shows("REPLAY (read-only)").await;
    desk.press("G").await;
    desk.shows("| the words").await;
    assert!(clipboard(&desk).is_empty(), "nothing is copied unasked");
    // To the output: the line as it is shown, whatever it tried.
    desk.press("\t\ty").await;
    desk.shows("-output.txt: 1 line, sent to the terminal's clipboard").await;
    let asked = clipboard(&desk);
    let [row] = asked.as_slice() else { panic!("one text: {asked:?}") };
    assert!(row.starts_with("the words") && row.ends_with(" and more\n"), "{row:?}");
    assert!(!row.contains(['\u{1b}', '\u{7}']), "{row:?}");
    let [file] = copies(&state).try_into().expect("one file");
    assert_eq!(std::fs::read_to_string(&file).expect("a copy"), *row);
    let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(&state.join("copies"))), (0o600, 0o700));
    assert!(file.file_name().is_some_and(|name| name.to_string_lossy().ends_with("-output.txt")));
    // The events, all of them, with a heading.
    desk.press("\x1b[Z\x1b[ZY").await;
    desk.shows("-events.txt").await;
    let asked = clipboard(&desk);
    assert_eq!(asked.len(), 2);
    assert!(asked[1].starts_with("Events  ") && asked[1].contains("#0001 "), "{}", asked[1]);
    assert!(asked[1].lines().all(|line| line.trim_end() == line), "{}", asked[1]);
    // Of those that a filter leaves also the ones that nobody has looked for yet.
    desk.press("fkind:stage\rY").await;
    desk.shows("-events-2.txt").await;
    let asked = clipboard(&desk);
    let (heading, listed) = asked[2].split_once('\n').expect("a heading");
    assert!(heading.ends_with("only rows with \"kind:stage\""), "{heading}");
    assert!(listed.contains("entered only") && !listed.contains("#0001 "), "{listed}");
    assert!(listed.lines().all(|line| asked[1].contains(line)), "{listed}");
    desk.press("\x1b").await;
    desk.until("no filter", |screen| !screen.contains("f kind:")).await;
    // Where no file can be, it is said, and the terminal is asked all the same.
    std::fs::rename(state.join("copies"), state.join("before")).expect("moved");
    std::fs::write(state.join("copies"), "a file in the way").expect("written");
    desk.press("y").await;
    desk.shows("; no file: ").await;
    assert_eq!(clipboard(&desk).len(), 4);
    desk.press("q").await;
    assert_eq!(desk.leaves().await, Some(0));
}
