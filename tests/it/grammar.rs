//! What the cockpit sends to its terminal, read by a parser that knows nothing of it: moves, colours and modes of a
//! short list, text that may be shown, and nothing else, whatever the runbook, the commands and the people say.

use std::path::Path;
use std::process::Command;

use gonogo::text::is_allowed;

use crate::desk::Desk;

/// The modes that the cockpit switches: cursor, alternate screen, pasted text, whole frames, mouse.
const MODES: [u16; 6] = [25, 1049, 2004, 2026, 1000, 1006];

/// Hears every sequence and holds it against the list.
#[derive(Debug, Default)]
pub struct Judge {
    /// What is not on the list.
    pub wrong: Vec<String>,
    /// Every OSC, in order.
    pub asked: Vec<String>,
    /// The alternate screen is shown: there lines never end by themselves.
    alternate: bool,
    /// An OSC was heard last: what closes it may follow.
    closes: bool,
}

impl Judge {
    /// Judges all that was sent to a terminal.
    pub fn of(raw: &[u8]) -> Self {
        let mut judge = Self::default();
        vte::Parser::new().advance(&mut judge, raw);
        // Strings that the parser skips without a word.
        for start in [b"\x1bX", b"\x1b^", b"\x1b_"] {
            if raw.windows(2).any(|two| two == start) {
                judge.wrong.push(format!("{:?}", String::from_utf8_lossy(start)));
            }
        }
        judge
    }
}

impl vte::Perform for Judge {
    fn print(&mut self, c: char) {
        if !is_allowed(c) {
            self.wrong.push(format!("text {c:?}"));
        }
    }

    fn execute(&mut self, byte: u8) {
        if self.alternate || !matches!(byte, b'\r' | b'\n') {
            self.wrong.push(format!("control {byte:#04x}"));
        }
    }

    fn hook(&mut self, _: &vte::Params, _: &[u8], _: bool, action: char) {
        self.wrong.push(format!("DCS {action}"));
    }

    fn osc_dispatch(&mut self, parts: &[&[u8]], _: bool) {
        self.asked.push(parts.iter().map(|part| String::from_utf8_lossy(part)).collect::<Vec<_>>().join(";"));
        self.closes = true;
    }

    fn csi_dispatch(&mut self, params: &vte::Params, between: &[u8], ignored: bool, action: char) {
        let given: Vec<u16> = params.iter().map(|one| one[0]).collect();
        let known = match (between, action) {
            (b"", 'B' | 'C' | 'D' | 'H' | 'm') => true,
            (b"", 'J') => given == [2],
            (b"?", 'h' | 'l') => given.iter().all(|mode| MODES.contains(mode)),
            _ => false,
        };
        if !known || ignored {
            self.wrong.push(format!("CSI {} {given:?} {action}", String::from_utf8_lossy(between)));
        }
        if given == [1049] {
            self.alternate = action == 'h';
        }
    }

    fn esc_dispatch(&mut self, between: &[u8], _: bool, byte: u8) {
        if !std::mem::take(&mut self.closes) || byte != b'\\' || !between.is_empty() {
            self.wrong.push(format!("ESC {}", char::from(byte)));
        }
    }
}

#[test]
fn a_judge_hears_what_is_not_on_the_list() {
    assert!(
        Judge::of("\x1b[?1049h\x1b[2J\x1b[3;4H\x1b[2C\x1b[B\x1b[1;38;5;9mgrün ✓ 漢字\x1b[0m".as_bytes())
            .wrong
            .is_empty()
    );
    for foreign in [
        "\x1b[6n",
        "\x1b[c",
        "\x1b[>c",
        "\x1b[?1003h",
        "\x1b[3J",
        "\x1b[2K",
        "\x1b[5t",
        "\x1b7",
        "\x1bc",
        "\x1b(0",
        "\x1bP1q\x1b\\",
        "\x1b_Ga\x1b\\",
        "\x1b^a\x1b\\",
        "\x1bXa\x1b\\",
        "\x07",
        "\x08",
        "\t",
        "\u{9b}31m",
        "\u{202e}",
        "\u{200b}",
        "\u{feff}",
    ] {
        assert!(!Judge::of(foreign.as_bytes()).wrong.is_empty(), "{foreign:?}");
    }
    assert_eq!(Judge::of(b"\x1b]0;title\x07\x1b]52;c;QQ==\x1b\\").asked, ["0;title", "52;c;QQ=="]);
}

/// Text that acts on a terminal, hides, reverses, or is no text.
fn evil() -> Vec<u8> {
    let mut evil: Vec<u8> = Vec::new();
    for byte in (0..0x20_u8).chain([0x7f]).chain(0x80..=0xff) {
        evil.extend([b'a', byte, b'b', b'\n']);
    }
    for end in '@'..='~' {
        evil.extend(format!("\x1b[{end}\x1b[?1049{end}\u{9b}2{end}\n").into_bytes());
    }
    for string in [
        "]0;t",
        "]2;t",
        "]8;;http://x",
        "]52;c;b3duZWQ=",
        "]9;n",
        "P$qm",
        "_G",
        "^p",
        "Xs",
        "c",
        "7",
        "(0",
        "#8",
    ] {
        evil.extend(format!("\x1b{string}\x07x\x1b{string}\x1b\\y\x1b{string}\u{9c}z\n").into_bytes());
    }
    for text in [
        "\u{202e}exe.gpj",
        "\u{2066}a\u{2069}",
        "in\u{200b}vi\u{ad}si\u{feff}ble",
        "\u{e0047}\u{e004f}",
        "漢字 👩\u{200d}👧 🇩🇪 \u{301}",
        "\r\rover",
    ] {
        evil.extend(text.as_bytes());
        evil.push(b'\n');
    }
    evil.extend(format!("a{}\n{}\n", "\u{301}".repeat(400), "\x1b[31m".repeat(2_000)).into_bytes());
    evil
}

/// Evil text in every place that a runbook has for text, as TOML writes it.
const RUNBOOK: &str = r#"
id = "grammar"
title = "T\u001B]0;owned\u0007\u202Egpj.exe\u009B31m"
ticket = "C\u001B[2J\u200B"
environment = "E\u001B[6n\u2066"
owner = "O\u001BP$qm\u001B\\"

[check.green]
file = "."
period = "300ms"

[check.red]
title = "K\u001B[?1049l\u00AD"
command = ["cat", "evil.bin"]
period = "300ms"
expect.matches = ['^never\x1b$']

[[stage]]
id = "one"
title = "S\u001B]52;c;b3duZWQ=\u0007\u202E"
description = "D\u001B[31m"
watch = ["green", "red"]
  [[stage.step]]
  id = "prints"
  title = "P\u001B_Ga\u001B\\\uFEFF"
  run = ["cat", "evil.bin"]
  expect.matches = ['^never$']
  [[stage.rollback]]
  id = "back"
  title = "B\u001B[5n"
  run = ["true"]
  [stage.gate]
  accept = ["A\u001Bc\u202E"]
"#;

/// Looks at every panel, at details, help and palette, and writes an evil note; whatever may be refused is.
async fn look_around(desk: &mut Desk) {
    let mut keys: Vec<&str> = ["1", "2", "3", "4", "5", "6", "7", "8", "9"].to_vec();
    keys.extend(["z", "z", "2", "j", "k", "\t", "G", "gg", "3", "t", "t", "t", "t", "t", "M", "M"]);
    for key in keys {
        desk.press(key).await;
        // An answer to one key before the next: they are not to be taken for a sequence.
        desk.quiet().await;
    }
    for (open, close) in [
        ("2\r", "\x1b"),
        ("3\r", "\x1b"),
        ("6\r", "\x1b"),
        ("7\r", "\x1b"),
        ("?", "\x1b"),
        (":", "\x1b"),
        ("b", "\x1b"),
        ("a", "\x1b"),
        ("r", "\x1b"),
        ("H", "\x1b"),
    ] {
        desk.press(open).await;
        desk.quiet().await;
        desk.press("\x1b[6~").await;
        desk.quiet().await;
        desk.press(close).await;
        desk.quiet().await;
    }
    desk.press("c").await;
    desk.quiet().await;
    desk.press("\x1b[200~n\u{202e}ote \u{9b}31m \u{200b}\x1b[201~").await;
    desk.quiet().await;
    desk.press("\x1b").await;
    desk.quiet().await;
}

fn ctl(state: &Path, args: &[&str]) {
    let mut ctl = Command::new(env!("CARGO_BIN_EXE_gonogo"));
    let done =
        ctl.args(["ctl", "grammar"]).args(args).env("GONOGO_STATE_DIR", state).output().expect("gonogo runs");
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test]
async fn whatever_others_wrote_only_our_grammar_reaches_the_terminal() {
    let state = tempfile::tempdir().expect("a folder");
    std::fs::write(state.path().join("evil.bin"), evil()).expect("written");
    let book = state.path().join("grammar.toml");
    std::fs::write(&book, RUNBOOK).expect("written");
    let mut desk = Desk::new(state.path(), &["run", book.to_str().expect("UTF-8")], 120, 36);
    desk.shows("1 Stages").await;
    ctl(state.path(), &["advance"]);
    desk.shows("FAIL").await;
    ctl(state.path(), &["note", "n\u{202e}ote \u{1b}[2J \u{9d}0;t\u{7}"]);
    let mut desks = vec![desk];
    for (cols, rows) in [(80, 24), (60, 15)] {
        desks.push(Desk::new(state.path(), &["attach", "grammar"], cols, rows));
    }
    for desk in &mut desks {
        desk.shows("FAIL").await;
        look_around(desk).await;
    }
    ctl(state.path(), &["abort", "r\u{202e}eason \u{1b}]0;t\u{7}"]);
    for mut desk in desks {
        desk.shows("ABORTED").await;
        desk.press("q").await;
        desk.leaves().await;
        desk.spoke_only_our_grammar();
    }
    let mut desk = Desk::new(state.path(), &["replay", "grammar"], 100, 30);
    desk.shows("REPLAY").await;
    desk.press("9").await;
    desk.quiet().await;
    look_around(&mut desk).await;
    desk.press("q").await;
    desk.leaves().await;
    desk.spoke_only_our_grammar();
}
