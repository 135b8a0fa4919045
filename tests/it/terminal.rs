//! The cockpit on a real terminal: whatever ends it, the terminal is as it was.
//!
//! The process under test is this binary again: [`cockpit_under_test`] is its whole life, chosen by name.

use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gonogo::feed::{Feed, FeedItem, OutputReader};
use gonogo::session::{State, Telemetry};
use gonogo::ui::{Exit, Options, cockpit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pty_process::{Command, Size};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

const NAME: &str = "terminal::cockpit_under_test";
const NOTES: &str = "GONOGO_TEST_NOTES";
const WAYS: &str = "GONOGO_TEST_WAY";

/// Not a test of its own: what the tests below run on their terminals.
#[test]
#[ignore = "run by the other tests, on a terminal of theirs"]
fn cockpit_under_test() {
    let Some(notes) = std::env::var_os(NOTES).map(PathBuf::from) else { return };
    let way = std::env::var(WAYS).unwrap_or_default();
    std::fs::write(notes.join("pid"), std::process::id().to_string()).expect("a folder to write to");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (tell, items) = mpsc::channel(8);
    let (requests, _requests) = mpsc::channel(1);
    let feed = Feed {
        state: State::default(),
        telemetry: Telemetry::default(),
        items,
        commander: None,
        outputs: OutputReader::new(requests),
    };
    let (_, never) = mpsc::channel(1);
    let order = notes.join("order");
    let ordered = async || {
        while !order.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let parting = runtime.block_on(async {
        match way.as_str() {
            "panic" => tokio::select! {
                exit = cockpit(feed, never, Options { mouse: true, ..Options::default() }) => exit,
                () = async { ordered().await; panic!("the screen's own thread fell over") } => unreachable!(),
            },
            "task" => {
                let task = async move {
                    ordered().await;
                    let fallen = tokio::spawn(async { panic!("a task fell over") }).await;
                    assert!(fallen.is_err());
                    let _ = tell.send(FeedItem::Lost("its task fell over".to_owned())).await;
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    exit = cockpit(feed, never, Options { mouse: true, ..Options::default() }) => exit,
                    () = task => unreachable!(),
                }
            }
            _ => {
                let _ = tell.send(FeedItem::Lost("there never was one".to_owned())).await;
                // That nothing comes any more, as of an engine that is gone, does not take the reason's place.
                drop(tell);
                cockpit(feed, never, Options { mouse: true, ..Options::default() }).await
            }
        }
    });
    let exit = parting.map(|parting| parting.exit);
    std::fs::write(notes.join("exit"), format!("{exit:?}")).expect("a folder to write to");
    assert!(matches!(exit, Ok(Exit::Left | Exit::Lost(_) | Exit::Signalled(_) | Exit::TerminalGone)));
}

/// A terminal with the cockpit on it, run by a shell that notes the modes before and after.
struct Stage {
    pty: Option<pty_process::Pty>,
    child: tokio::process::Child,
    screen: vt100::Parser,
    raw: Vec<u8>,
    notes: tempfile::TempDir,
}

impl Stage {
    fn set(way: &str) -> Self {
        let notes = tempfile::tempdir().expect("a folder");
        let (pty, pts) = pty_process::open().expect("a terminal");
        pty.resize(Size::new(24, 80)).expect("a size");
        let script = r#"stty -g > "$0/before"; "$1" --exact "$2" --ignored --nocapture --test-threads 1; stty -g > "$0/after"; echo done > "$0/done""#;
        let child = Command::new("sh")
            .args(["-c", script])
            .arg(notes.path())
            .arg(std::env::current_exe().expect("this binary"))
            .arg(NAME)
            .env(NOTES, notes.path())
            .env(WAYS, way)
            .env("LC_ALL", "C.UTF-8")
            .env("RUST_BACKTRACE", "0")
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .kill_on_drop(true)
            .spawn(pts)
            .expect("a shell");
        let (rows, cols) = (NonZeroU16::new(24).expect("not 0"), NonZeroU16::new(80).expect("not 0"));
        let screen = vt100::Parser::new(rows, cols, 0);
        Self { pty: Some(pty), child, screen, raw: Vec::new(), notes }
    }

    /// Reads the terminal until it shows what is waited for.
    async fn until(&mut self, what: &str, shown: impl Fn(&vt100::Screen) -> bool) {
        let mut buf = [0; 4096];
        let pty = self.pty.as_mut().expect("the terminal is there");
        let patience = tokio::time::Instant::now() + Duration::from_secs(30);
        while !shown(self.screen.screen()) {
            let read = tokio::time::timeout_at(patience, pty.read(&mut buf)).await;
            let count = read.unwrap_or_else(|_| {
                panic!("waited for {what}, on the screen is:\n{}", self.screen.screen().contents())
            });
            let count = count.unwrap_or(0);
            assert!(count > 0, "the terminal ended before {what}");
            self.raw.extend(&buf[..count]);
            self.screen.process(&buf[..count]);
        }
    }

    async fn up(&mut self) {
        self.until("the cockpit", |screen| {
            screen.alternate_screen() && screen.contents().contains("1 Stages")
        })
        .await;
        let screen = self.screen.screen();
        assert!(screen.hide_cursor() && screen.bracketed_paste());
        assert_ne!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    }

    async fn press(&mut self, keys: &str) {
        self.pty.as_mut().expect("the terminal is there").write_all(keys.as_bytes()).await.expect("written");
    }

    /// Leaves by `q`, once the cockpit knows that its engine is gone and has nothing to ask.
    async fn leave(&mut self) {
        self.until("the banner", |screen| screen.contents().contains("LOST")).await;
        self.press("q").await;
    }

    fn order(&self) {
        std::fs::write(self.notes.path().join("order"), "now").expect("a folder to write to");
    }

    fn signal(&self, signal: Signal) {
        let pid = self.note("pid").parse().expect("a number");
        kill(Pid::from_raw(pid), signal).expect("it is there");
    }

    fn note(&self, name: &str) -> String {
        let path: &Path = self.notes.path();
        std::fs::read_to_string(path.join(name)).unwrap_or_default()
    }

    /// Waits for the shell's end, and holds the terminal against how it was.
    async fn as_it_was(&mut self) {
        self.until("the main screen", |screen| !screen.alternate_screen()).await;
        let mut buf = [0; 4096];
        let pty = self.pty.as_mut().expect("the terminal is there");
        let rest = tokio::time::timeout(Duration::from_secs(30), async {
            while let Ok(count @ 1..) = pty.read(&mut buf).await {
                self.raw.extend(&buf[..count]);
                self.screen.process(&buf[..count]);
            }
            self.child.wait().await.expect("its end")
        });
        rest.await.expect("the shell ends");
        assert_eq!(self.note("done"), "done\n");
        assert_eq!(self.note("before"), self.note("after"), "the terminal's modes");
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        assert!(!screen.bold() && !screen.inverse() && screen.fgcolor() == vt100::Color::Default);
    }
}

#[tokio::test]
async fn leaving_gives_the_terminal_back() {
    let mut stage = Stage::set("lost");
    stage.up().await;
    stage.leave().await;
    stage.as_it_was().await;
    assert_eq!(stage.note("exit"), r#"Ok(Lost("there never was one"))"#);
    // No title, no clipboard, no query: what we send is moves, colours and text.
    let raw = String::from_utf8_lossy(&stage.raw).into_owned();
    for never in ["\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1b[6n", "\x1b[c", "\x1b[>"] {
        assert!(!raw.contains(never), "{never:?}");
    }
    assert_eq!(raw.matches("\x1b[?2026h").count() + 1, raw.matches("\x1b[?2026l").count());
}

#[tokio::test]
async fn every_signal_gives_the_terminal_back() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT] {
        let mut stage = Stage::set("signal");
        stage.up().await;
        stage.signal(signal);
        stage.as_it_was().await;
        assert_eq!(stage.note("exit"), format!("Ok(Signalled({}))", signal as i32));
    }
}

#[tokio::test]
async fn a_panic_of_the_screen_gives_the_terminal_back_and_is_read() {
    let mut stage = Stage::set("panic");
    stage.up().await;
    stage.order();
    stage.as_it_was().await;
    assert!(stage.screen.screen().contents().contains("own thread fell over"));
}

#[tokio::test]
async fn a_panic_elsewhere_leaves_the_screen_alone_and_is_read_afterwards() {
    let mut stage = Stage::set("task");
    stage.up().await;
    stage.order();
    stage.until("the loss", |screen| screen.contents().contains("its task fell over")).await;
    assert!(!stage.screen.screen().contents().contains("panicked"));
    stage.leave().await;
    stage.as_it_was().await;
    assert!(stage.screen.screen().contents().contains("a task fell over"));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_stop_gives_the_terminal_back_and_going_on_takes_it_again() {
    let mut stage = Stage::set("stop");
    stage.up().await;
    stage.signal(Signal::SIGTSTP);
    stage.until("the main screen", |screen| !screen.alternate_screen() && !screen.hide_cursor()).await;
    let stat = format!("/proc/{}/stat", stage.note("pid"));
    while !std::fs::read_to_string(&stat).expect("it is there").contains(") T ") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stage.signal(Signal::SIGCONT);
    stage.up().await;
    stage.leave().await;
    stage.as_it_was().await;
}

#[tokio::test]
async fn a_new_size_is_drawn_whole() {
    let mut stage = Stage::set("size");
    stage.up().await;
    stage.pty.as_ref().expect("the terminal is there").resize(Size::new(40, 130)).expect("a size");
    let (rows, cols) = (NonZeroU16::new(40).expect("not 0"), NonZeroU16::new(130).expect("not 0"));
    stage.screen.screen_mut().set_size(rows, cols);
    stage.until("six panels", |screen| screen.contents().contains("4 Processes")).await;
    stage.leave().await;
    stage.as_it_was().await;
}

#[tokio::test]
async fn a_terminal_that_dies_ends_the_cockpit_and_nothing_panics() {
    let mut stage = Stage::set("death");
    stage.up().await;
    drop(stage.pty.take());
    let end = tokio::time::timeout(Duration::from_secs(30), async {
        while stage.note("exit").is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    end.await.expect("the cockpit ends");
    let exit = stage.note("exit");
    assert!(exit == "Ok(Signalled(1))" || exit == "Ok(TerminalGone)", "{exit}");
}
