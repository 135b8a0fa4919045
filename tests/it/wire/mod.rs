//! Cockpits in other processes: an engine served over a real socket, and whoever comes to it. Each test is a process
//! of its own, because a session's place is told to a process by its environment.

use std::future::Future;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use gonogo::clock;
use gonogo::engine::{self, Engine, Opening};
use gonogo::event::{By, EventKind, Mode, NoteTag, Person, Seat};
use gonogo::feed::{Feed, FeedItem};
use gonogo::runbook::load::{Inputs, Missing, Source, load};
use gonogo::runbook::model::Host;
use gonogo::session::telemetry::Measure;
use gonogo::session::{Command, State, Telemetry};
use gonogo::wire::client::{Attached, ConnectError, Head, connect, connect_knowing};
use gonogo::wire::codec::{self, Lines};
use gonogo::wire::message::{Hello, Kind, LONGEST_ASKED, LONGEST_TOLD, Passphrase, ToClient, ToServer};
use gonogo::wire::server::{About, Limits, serve};
use gonogo::wire::socket::{self, SOCKET};
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinHandle;

const RUNBOOK: &str = r#"
id = "pair"
title = "Pair"
[[stage]]
id = "one"
  [[stage.step]]
  id = "look"
  confirm = "Is it there?"
[[stage]]
id = "two"
  [[stage.step]]
  id = "again"
  confirm = "Is it there still?"
"#;

/// The longest that a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(60);
/// Says that this process was started for one test.
const ALONE: &str = "GONOGO_TEST_ALONE";

/// Runs the test of this name in a process of its own, with a state folder of its own.
fn alone(name: &str, test: impl Future<Output = ()>) {
    if std::env::var_os(ALONE).is_some() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async { tokio::time::timeout(PATIENCE, test).await.expect("it comes to an end") });
        runtime.shutdown_background();
        return;
    }
    let state = tempfile::tempdir().expect("a folder");
    let own = std::env::current_exe().expect("a path");
    let name = name.split_once("::").map_or(name, |(_, name)| name);
    let output = Process::new(own)
        .args(["--exact", name, "--include-ignored", "--nocapture", "--test-threads=1"])
        .env("GONOGO_STATE_DIR", state.path())
        .env(ALONE, "1")
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
    print!("{told}");
}

macro_rules! alone {
    ($(async fn $name:ident() $body:block)*) => {
        $(#[test] fn $name() { alone(concat!(module_path!(), "::", stringify!($name)), async $body); })*
    };
}

mod company;
mod hostile;

/// An engine that is served.
struct Served {
    engine: Engine,
    serving: JoinHandle<std::io::Result<()>>,
}

/// Patience that is a fraction of what a person gets, and still more than a busy machine takes for an answer.
fn hurried() -> Limits {
    let tick = Duration::from_millis(10);
    Limits { hello: Duration::from_secs(2), tick, silent: 3_000, ..Limits::default() }
}

/// A session that waits for somebody to begin it.
fn engine(runbook: &str) -> Engine {
    let host = Host { name: "h".to_owned(), os: "linux".to_owned(), arch: "x86_64".to_owned() };
    let source = Source { text: runbook.to_owned(), file: "pair.toml".to_owned(), dir: "/tmp".into() };
    let inputs = Inputs { set: Default::default(), host: host.clone(), missing: Missing::Error };
    let loaded = load(&source, &inputs);
    let runbook = loaded.runbook.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
    let opening = Opening::new(&runbook, "/tmp/pair.toml".into(), "pair", Mode::Simulated, host);
    engine::start(&opening).expect("it starts")
}

impl Served {
    fn new(limits: Limits) -> Self {
        Self::of(RUNBOOK, limits)
    }

    fn of(runbook: &str, limits: Limits) -> Self {
        let engine = engine(runbook);
        let listening = socket::bind(&engine.session_dir).expect("bound");
        let about = About { limits, ..About::default() };
        let serving = tokio::spawn(serve(listening, engine.clone(), about));
        Self { engine, serving }
    }

    fn folder(&self) -> &Path {
        &self.engine.session_dir
    }

    async fn attach(&self, hello: Hello) -> Attached {
        connect(self.folder(), hello).await.expect("let in")
    }

    /// What somebody who looks from within sees.
    async fn inside(&self) -> Feed {
        let nobody = Person { person: "nobody".to_owned(), uid: 0, seat: Seat::Observer };
        self.engine.feed(nobody).await.expect("it lives")
    }

    async fn raw(&self) -> Raw {
        let (read, write) = socket::connect(self.folder()).await.expect("connected").into_split();
        Raw { lines: Lines::new(read, LONGEST_TOLD), write }
    }

    /// How often somebody was recorded as turned away.
    fn turned_away(&self) -> usize {
        crate::record::hold(&self.folder().join("audit.jsonl"));
        let log = std::fs::read_to_string(self.folder().join("audit.jsonl")).expect("a log");
        log.lines().filter(|line| line.contains(r#""command_refused","command":"attach""#)).count()
    }
}

fn cockpit() -> Hello {
    Hello::new(Kind::Cockpit)
}

fn named(name: &str) -> Hello {
    let passphrase = Some(Passphrase(format!("passphrase of {name}")));
    Hello { person: Some(name.to_owned()), passphrase, ..cockpit() }
}

fn note(text: &str) -> Command {
    Command::Note { tag: NoteTag::Observation, text: text.to_owned(), attached: None }
}

/// A client by hand.
struct Raw {
    lines: Lines<OwnedReadHalf>,
    write: OwnedWriteHalf,
}

impl Raw {
    async fn say(&mut self, bytes: &[u8]) {
        // It may have been thrown out already.
        let _ = self.write.write_all(bytes).await;
    }

    async fn tell(&mut self, message: &ToServer) {
        let mut line = Vec::new();
        codec::encode(message, &mut line);
        self.say(&line).await;
    }

    /// Why the server ended it; empty where it did not say.
    async fn end(&mut self) -> String {
        let mut why = String::new();
        while let Ok(Some(line)) = self.lines.next().await {
            if let Ok(ToClient::Refused { why: said } | ToClient::Bye { why: said }) = codec::decode(line) {
                why = said;
            }
        }
        why
    }
}

/// A screen: it folds what it is told.
struct Screen {
    state: State,
    telemetry: Telemetry,
    items: tokio::sync::mpsc::Receiver<FeedItem>,
    lost: Option<String>,
}

impl Screen {
    fn of(feed: &mut Feed) -> Self {
        let (_, empty) = tokio::sync::mpsc::channel(1);
        Self {
            state: std::mem::take(&mut feed.state),
            telemetry: std::mem::take(&mut feed.telemetry),
            items: std::mem::replace(&mut feed.items, empty),
            lost: None,
        }
    }

    /// Folds until `enough`.
    async fn until(&mut self, enough: impl Fn(&Self) -> bool) {
        while !enough(self) {
            match self.items.recv().await.expect("there is more to come") {
                FeedItem::Event(event) => self.state.apply(&event),
                FeedItem::Measure(measure) => self.telemetry.record(measure),
                FeedItem::Lost(why) => self.lost = Some(why),
            }
        }
    }
}

fn is_here(screen: &Screen, name: &str) -> bool {
    screen.state.present().any(|operator| operator.person.person == name)
}
