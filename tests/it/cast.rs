//! A session as a terminal recording: what a terminal shows that is told it is what the cockpit would have drawn.

use std::num::NonZeroU16;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::LazyLock;

use chrono::{Offset as _, Utc};
use gonogo::cast::{self, Options, Pace, Size};
use gonogo::replay::{Player, Recording};
use gonogo::ui::popups::Context;
use gonogo::ui::view::Pane;
use gonogo::ui::{Keymap, Screen, Theme, View};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::widgets::Widget as _;
use regex::Regex;
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use crate::headless;

/// Prints wide letters and what would harm a terminal, fails, and goes the way back.
const RUNBOOK: &str = r#"
id = "filmed"
title = "Filmed 日本"
[check.here]
file = "runbook.toml"
period = "200ms"
[[stage]]
id = "one"
watch = ["here"]
  [[stage.step]]
  id = "speak"
  run = "for i in 1 2 3 4 5 6; do echo \"日本語 line $i\"; echo \"to stderr $i\" >&2; sleep 0.3; done; printf '\\033]0;title\\007\\033[2J\\033[31mred\\n'"
  expect.matches = ["line 6"]
  [[stage.rollback]]
  id = "unspeak"
  undoes = ["speak"]
  run = "echo back"
  expect.matches = ["back"]
  [stage.gate]
  auto = true
[[stage]]
id = "two"
  [[stage.step]]
  id = "fail"
  run = "echo no; exit 3"
  expect.matches = ["yes"]
"#;

/// A real session that was rolled back, run once for all tests.
static SESSION: LazyLock<(tempfile::TempDir, PathBuf)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let answers = "advance = true\n[on_hold]\ndefault = \"rollback\"\n";
    let mut run = headless::run(folder.path(), "runbook", RUNBOOK, answers);
    let output = run.stderr(Stdio::piped()).output().expect("gonogo runs");
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    let mut sessions = std::fs::read_dir(folder.path().join("state/sessions")).expect("sessions");
    let session = sessions.next().expect("one session").expect("readable").path();
    (folder, session)
});

fn player() -> Player {
    let recording = Recording::open(&SESSION.1).expect("it can be opened");
    recording.wait_until_surveyed();
    Player::new(recording, "")
}

async fn recorded(options: Options) -> Vec<u8> {
    cast::record(&mut player(), options, Vec::new()).await.expect("written to memory")
}

/// What a cockpit shows at the playhead, drawn by other hands than the recording's.
async fn drawn(player: &Player, view: &mut View, area: Rect) -> Vec<String> {
    let (state, telemetry, outputs) = (player.state(), player.telemetry(), player.outputs());
    view.arrange(area, state, telemetry);
    while let Some(wanted) =
        view.output.wanted(view.rows(Pane::Output)).filter(|_| view.rows(Pane::Output) > 0)
    {
        let (step, attempt) = (wanted.source.step.clone(), wanted.source.attempt);
        let piece = outputs.read(step, attempt, wanted.offset, wanted.len).await;
        view.output.take(&wanted.source, piece);
    }
    let (theme, keymap) = (Theme::dark(), Keymap::default());
    let cx = Context::shown(state, telemetry, player.now(), &keymap);
    let mut buffer = Buffer::empty(area);
    Screen { cx, view, zone: Utc.fix(), theme: &theme }.render(area, &mut buffer);
    buffer.content().chunks(area.width.into()).map(row).collect()
}

/// A row's text; a wide letter covers the cell behind it.
fn row(cells: &[Cell]) -> String {
    let (mut text, mut covered) = (String::new(), 0);
    for cell in cells {
        if covered == 0 {
            text.push_str(cell.symbol());
            covered = cell.symbol().width().max(1);
        }
        covered -= 1;
    }
    text.trim_end().to_owned()
}

#[tokio::test]
async fn a_terminal_that_is_told_the_recording_shows_every_screen_as_the_cockpit_draws_it() {
    let grammar =
        Regex::new(r"^(\x1b\[[0-9;]*[mHJBCD]|\x1b\[\?25[hl]|[^\x00-\x1f\x7f-\x9f])*$").expect("a constant");
    for size in ["120x36", "80x24", "60x15"] {
        let size: Size = size.parse().expect("a size");
        let options = Options { size, ..Options::default() };
        let written = String::from_utf8(recorded(options).await).expect("text");
        let mut lines = written.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let head = lines.next().expect("a head");
        assert_eq!(
            (&head["version"], &head["width"], &head["height"]),
            (&2.into(), &size.width.into(), &size.height.into())
        );
        let told: Vec<Value> = lines.collect();

        let mut player = player();
        let n = |n| NonZeroU16::new(n).expect("not 0");
        let mut terminal = vt100::Parser::new(n(size.height), n(size.width), 0);
        let mut view = View::default();
        let mut next = told.iter().peekable();
        let frames = cast::frames(player.recording(), options.pace);
        assert!(frames.len() > 7, "{}", frames.len());
        for frame in frames {
            let by_now =
                |line: &&Value| line[0].as_f64().expect("a time") * 1000.0 < frame.at_ms as f64 + 0.5;
            while let Some(line) = next.next_if(by_now) {
                if line[1] == "o" {
                    terminal.process(line[2].as_str().expect("text").as_bytes());
                }
            }
            player.to_time(frame.t_ms);
            let expected = drawn(&player, &mut view, Rect::new(0, 0, size.width, size.height)).await;
            let shown: Vec<String> =
                terminal.screen().rows(0, size.width).map(|row| row.trim_end().to_owned()).collect();
            assert_eq!(shown, expected, "at {frame:?}");
            assert!(terminal.screen().hide_cursor());
        }
        let last = terminal.screen().contents();
        assert!(last.contains("ROLLED BACK, closed"), "{last}");
        next.for_each(|line| terminal.process(line[2].as_str().expect("text").as_bytes()));
        assert!(
            terminal.screen().contents() == last && !terminal.screen().hide_cursor(),
            "the last screen stays"
        );
        let strange = told.iter().find(|line| !grammar.is_match(line[2].as_str().expect("text")));
        assert_eq!(strange, None, "nobody's text is a command");
    }
}

#[tokio::test]
async fn a_recording_is_the_same_each_time_and_bears_chapters() {
    let written = recorded(Options::default()).await;
    assert_eq!(written, recorded(Options::default()).await);
    let written = String::from_utf8(written).expect("text");
    let lines = written.lines().skip(1).map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut last = 0.0;
    let mut chapters = Vec::new();
    for line in lines {
        let at = line[0].as_f64().expect("a time");
        assert!(at >= last, "time goes back at {line}");
        last = at;
        match line[1].as_str() {
            Some("m") => chapters.push(line[2].as_str().expect("text").to_owned()),
            kind => assert_eq!(kind, Some("o")),
        }
    }
    for chapter in ["one", "two", "roll"] {
        assert!(chapters.iter().any(|label| label.contains(chapter)), "no {chapter} in {chapters:?}");
    }
    let pace = Pace { speed: 10.0, ..Pace::default() };
    let faster = String::from_utf8(recorded(Options { pace, ..Options::default() }).await).expect("text");
    let end: Value = serde_json::from_str(faster.lines().last().expect("a line")).expect("JSON");
    // The last screen stays for a second, however fast it goes.
    assert!(end[0].as_f64().expect("a time") - 1.0 < (last - 1.0) / 5.0, "{end} is not faster than {last}");
}
