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

/// Runs a test in a process of its own, with a state folder of its own.
fn alone(name: &str, test: impl Future<Output = ()>) {
    if std::env::var_os(ALONE).is_some() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async { tokio::time::timeout(PATIENCE, test).await.expect("it comes to an end") });
        runtime.shutdown_background();
        return;
    }
    let state = tempfile::tempdir().expect("a folder");
    let own = std::env::current_exe().expect("a path");
    let output = Process::new(own)
        .args(["--exact", &format!("wire::{name}"), "--include-ignored", "--nocapture", "--test-threads=1"])
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
        $(#[test] fn $name() { alone(stringify!($name), async $body); })*
    };
}

/// An engine that is served.
struct Served {
    engine: Engine,
    serving: JoinHandle<std::io::Result<()>>,
}

/// Patience that is a hundredth of what a person gets.
fn hurried() -> Limits {
    let tick = Duration::from_millis(10);
    Limits { hello: Duration::from_millis(200), tick, silent: 3_000, ..Limits::default() }
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

/// What a client of another uid, alone in the group of that number, is answered.
async fn client_as(uid: &'static str, folder: &Path) -> String {
    let socket = folder.join(SOCKET);
    let mut hello = Vec::new();
    codec::encode(&ToServer::Hello(cockpit()), &mut hello);
    let script = "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n\
                  try: s.sendall(sys.argv[2].encode())\nexcept BrokenPipeError: pass\nprint(s.makefile().readline())";
    let run = move || {
        let mut client = Process::new("setpriv");
        client.args(["--reuid", uid, "--regid", uid, "--clear-groups", "python3", "-S", "-c", script]);
        client.arg(socket).arg(String::from_utf8_lossy(&hello).as_ref()).env("PATH", "/usr/bin:/bin");
        client.stdin(Stdio::null()).output().expect("setpriv runs")
    };
    let output = tokio::task::spawn_blocking(run).await.expect("no panic");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
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

alone! {
    async fn clients_fold_the_very_state_of_the_engine_and_command_it() {
        let served = Served::new(Limits::default());
        let mut first = served.attach(named("anna")).await;
        let mut second = served.attach(named("bert")).await;
        let (mut anna, mut bert) = (Screen::of(&mut first.feed), Screen::of(&mut second.feed));
        bert.until(|s| is_here(s, "anna") && is_here(s, "bert")).await;
        assert_eq!(bert.state.driver().map(|p| p.person.as_str()), Some("anna"));
        let commander = first.feed.commander.as_ref().expect("a way to command");
        commander.ask(Command::Advance { typed: None, over: None }, bert.state.seq).await.expect("carried out");
        commander.ask(Command::Pause, 0).await.expect("carried out");
        let navigator = second.feed.commander.as_ref().expect("a way to command");
        let refusal = navigator.ask(Command::Resume, 0).await.expect_err("bert has no wheel");
        bert.until(|s| s.state.paused.is_some()).await;
        navigator.ask(note("seen"), 0).await.expect("anybody may");

        let inside = served.inside().await;
        let seq = inside.state.seq;
        for screen in [&mut anna, &mut bert] {
            screen.until(|s| s.state.seq >= seq && s.telemetry.presence.len() == 2).await;
            assert_eq!(screen.state.seq, seq, "{refusal}");
            assert!(format!("{:?}", screen.state) == format!("{:?}", inside.state), "one log, one state");
            assert_eq!(screen.telemetry.head, inside.telemetry.head);
        }
        let head = first.head.borrow().clone();
        assert_eq!(Some(format!("{}:{}", head.seq, &head.hash[..8])), inside.telemetry.head);

        let third = served.attach(Hello::new(Kind::Ctl)).await;
        assert!(format!("{:?}", third.feed.state) == format!("{:?}", served.inside().await.state));
        let script = third.feed.commander.as_ref().expect("a way to command");
        script.ask(note("by a script"), 0).await.expect("carried out");
        drop((first, anna));
        bert.until(|s| !is_here(s, "anna")).await;
        assert!(bert.state.crew.len() == 3, "with their first command a script's person has come");
        let looks_on = served.attach(Hello::new(Kind::Ctl)).await;
        drop((third, looks_on));
        bert.until(|s| s.state.present().count() == 1).await;
        let log = std::fs::read_to_string(served.folder().join("audit.jsonl")).expect("a log");
        assert_eq!(log.matches(r#""kind":"operator_joined""#).count(), 3, "a look alone is no coming");
        assert_eq!(log.matches(r#""kind":"operator_left""#).count(), 2);
    }

    async fn whoever_is_answered_was_told_what_happened_before() {
        let served = Served::new(Limits::default());
        let mut client = served.attach(cockpit()).await;
        let mut screen = Screen::of(&mut client.feed);
        let commander = client.feed.commander.as_ref().expect("a way to command");
        for number in 0..40 {
            let (text, wanted) = (format!("note {number}"), format!("note {number}"));
            commander.ask(note(&text), 0).await.expect("carried out");
            let mut told = false;
            while let Ok(item) = screen.items.try_recv() {
                told |= matches!(item, FeedItem::Event(event)
                    if matches!(&event.event, EventKind::NoteAdded { text, .. } if *text == wanted));
            }
            assert!(told, "{wanted} was answered before it was shown");
        }
    }

    async fn of_two_advances_at_once_exactly_one_wins() {
        let stages = 30;
        let stage = |n| {
            format!("[[stage]]\nid = \"s{n}\"\n[[stage.step]]\nid = \"look\"\nconfirm = \"Is it there?\"\n")
        };
        let text = "id = \"race\"\ntitle = \"Race\"\n".to_owned() + &(0..stages).map(stage).collect::<String>();
        let served = Served::of(&text, Limits::default());
        let (mut one, two) = (served.attach(cockpit()).await, served.attach(cockpit()).await);
        let mut screen = Screen::of(&mut one.feed);
        screen.until(|s| s.state.present().count() > 0).await;
        let (one, two) = (one.feed.commander.expect("a way"), two.feed.commander.expect("a way"));
        for number in 0..stages {
            let advance = || Command::Advance { typed: None, over: None };
            let seen = served.inside().await.state.seq;
            let (first, second) = tokio::join!(one.ask(advance(), seen), two.ask(advance(), seen));
            assert!(first.is_ok() != second.is_ok(), "round {number}: {first:?}, {second:?}");
            let step = format!("s{number}.look");
            one.ask(Command::Confirm { step: step.into(), yes: true, note: None }, 0).await.expect("confirmed");
        }
    }

    async fn one_person_joins_once_however_many_cockpits_they_have() {
        let served = Served::new(Limits::default());
        let (one, two) = (served.attach(cockpit()).await, served.attach(cockpit()).await);
        let mut watch = served.attach(Hello { observe: true, ..named("eve") }).await;
        let mut eve = Screen::of(&mut watch.feed);
        drop(one);
        let cockpits = |s: &Screen| s.telemetry.presence.iter().map(|p| p.connections).sum::<u32>();
        eve.until(|s| cockpits(s) == 2).await;
        assert_eq!(eve.state.present().count(), 2);
        drop(two);
        eve.until(|s| s.state.present().count() == 1).await;

        let observer = watch.feed.commander.as_ref().expect("a way to command");
        let refusal = observer.ask(note("hello"), 0).await.expect_err("eve looks on");
        assert!(refusal.0.contains("observer"), "{refusal}");
        eve.until(|s| s.state.recent.back().is_some_and(|e| matches!(e.event, EventKind::CommandRefused { .. })))
            .await;
        observer.ask(Command::Pause, 0).await.expect("anyone may pause");
    }

    async fn a_client_that_never_reads_delays_nobody_and_takes_little_memory() {
        let served = Served::new(Limits { stuck: 300, ..hurried() });
        let mut asleep = served.raw().await;
        asleep.tell(&ToServer::Hello(named("asleep"))).await;
        let mut awake = served.attach(named("awake")).await;
        let mut screen = Screen::of(&mut awake.feed);
        let before = resident_bytes();
        let text = "x".repeat(4_000);
        let (rounds, each) = (100, 100);
        for round in 1..=rounds {
            for _ in 0..each {
                let event = EventKind::NoteAdded { tag: NoteTag::Observation, text: text.clone() };
                served.engine.record(By::ENGINE, event);
                let head = Measure::Head("1:00000000".to_owned());
                served.engine.show(head);
            }
            screen.until(|s| s.state.seq >= round * each).await;
        }
        let grown = resident_bytes().saturating_sub(before);
        assert!(grown < 24 << 20, "40 MB went by, {} MB were kept", grown >> 20);
        screen.until(|s| s.state.crew.contains_key("asleep") && !is_here(s, "asleep")).await;
        let log = std::fs::read_to_string(served.folder().join("audit.jsonl")).expect("a log");
        assert!(log.contains(r#""why":"it read nothing for 3s""#), "what happened is recorded");
    }

    async fn whoever_does_not_answer_has_left() {
        let served = Served::new(Limits { silent: 20, ..hurried() });
        let mut mute = served.raw().await;
        mute.tell(&ToServer::Hello(cockpit())).await;
        assert_eq!(mute.end().await, "the engine let go of this client: no answer for 200ms");
        // A client that answers its pings stays, long beyond that.
        let mut awake = served.attach(cockpit()).await;
        let mut screen = Screen::of(&mut awake.feed);
        let until = clock::up_ms() + 1_000;
        while clock::up_ms() < until {
            served.engine.show(Measure::Head("1:00000000".to_owned()));
            awake.feed.commander.as_ref().expect("a way").active();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        served.engine.record(By::ENGINE, EventKind::Paused);
        screen.until(|s| s.state.paused.is_some()).await;
        assert_eq!(screen.lost, None);
    }

    async fn garbage_is_answered_recorded_once_and_harms_nobody() {
        let served = Served::new(hurried());
        let mut well = served.attach(cockpit()).await;
        let mut screen = Screen::of(&mut well.feed);
        let long = [vec![b'x'; LONGEST_ASKED + 1], b"\n".to_vec()].concat();
        let deep = [vec![b'['; 60_000], b"\n".to_vec()].concat();
        let ask = br#"{"message":"ask","id":1,"command":{"command":"pause"},"seen_seq":0,"upload":null}"#;
        let early = [&ask[..], b"\n"].concat();
        for garbage in [&b"\n"[..], b"GET / HTTP/1.1\n", b"\xff\xfe\0\n", b"{}\n", b"[]\n", &long, &deep, &early] {
            let mut raw = served.raw().await;
            raw.say(garbage).await;
            assert!(!raw.end().await.is_empty(), "a sentence says why");
        }
        for garbage in [
            &b"\n"[..],
            br#"{"message":"reboot"}"#,
            br#"{"message":"pong","and":1}"#,
            br#"{"message":"ask","id":1,"command":{"command":"pause","now":true},"seen_seq":0,"upload":null}"#,
            br#"{"message":"read_output","id":1,"step":"../../x","attempt":1,"offset":0,"len":9}"#,
            &long,
        ] {
            let mut raw = served.raw().await;
            raw.tell(&ToServer::Hello(Hello::new(Kind::Ctl))).await;
            raw.say(garbage).await;
            raw.say(b"\n").await;
            assert!(!raw.end().await.is_empty(), "a sentence says why");
        }
        well.feed.commander.as_ref().expect("a way").ask(note("all is well"), 0).await.expect("carried out");
        screen.until(|s| s.state.recent.iter().any(|e| matches!(e.event, EventKind::NoteAdded { .. }))).await;
        assert!(screen.state.paused.is_none());
        assert_eq!(served.turned_away(), 1, "once a minute is enough");
    }

    async fn a_message_that_comes_byte_by_byte_is_a_message() {
        let served = Served::new(Limits { hello: Duration::from_secs(30), ..hurried() });
        let mut raw = served.raw().await;
        let mut line = Vec::new();
        codec::encode(&ToServer::Hello(cockpit()), &mut line);
        let ask = ToServer::Ask { id: 7, command: Command::Pause, seen_seq: 0, upload: None };
        codec::encode(&ask, &mut line);
        for byte in line {
            raw.say(&[byte]).await;
            tokio::task::yield_now().await;
        }
        let answer = loop {
            let line = raw.lines.next().await.expect("whole").expect("more");
            if let Ok(answer @ ToClient::Answer { .. }) = codec::decode(line) {
                break answer;
            }
        };
        assert_eq!(answer, ToClient::Answer { id: 7, refusal: None });
    }

    async fn whoever_may_not_come_is_told_why() {
        let served = Served::new(hurried());
        let mut silent = served.raw().await;
        assert_eq!(silent.end().await, "no hello came within 200ms");
        let refused = async |hello: Hello| match connect(served.folder(), hello).await {
            Err(ConnectError::Refused(why)) => why,
            other => panic!("{other:?}"),
        };
        let why = refused(Hello { format: 99, version: "9.9".to_owned(), ..cockpit() }).await;
        assert!(why.contains("gonogo 9.9 speaks format 99: attach with the engine's own binary, /"), "{why}");
        let mut newer = served.raw().await;
        newer.say(b"{\"message\":\"hello\",\"format\":99,\"version\":\"9.9\",\"quantum\":true}\n").await;
        assert!(newer.end().await.contains("attach with the engine's own binary"), "a newer hello is heard too");
        let why = refused(Hello { session: Some("another".to_owned()), ..cockpit() }).await;
        assert!(why.contains(&served.engine.session) && why.contains("not another"), "{why}");
        let stranger = Hello { version: "0.0.1".to_owned(), ..cockpit() };
        assert!(connect(served.folder(), stranger).await.is_ok(), "another version of one format is let in");
        assert_eq!(served.turned_away(), 0, "none of them meant harm");

        drop(served.attach(named("anna")).await);
        let why = refused(Hello { passphrase: None, ..named("anna") }).await;
        assert!(why.contains("passphrase"), "{why}");
        let why = refused(Hello { passphrase: named("bert").passphrase, ..named("anna") }).await;
        assert!(why.contains("not the passphrase"), "{why}");
    }

    async fn the_seventeenth_client_is_refused_until_one_leaves() {
        let served = Served::new(Limits::default());
        let mut clients = Vec::new();
        for _ in 0..16 {
            clients.push(served.attach(cockpit()).await);
        }
        match connect(served.folder(), cockpit()).await {
            Err(ConnectError::Refused(why)) => assert!(why.contains("16 clients are attached"), "{why}"),
            other => panic!("{other:?}"),
        }
        clients.pop();
        while connect(served.folder(), cockpit()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn a_flood_of_connections_keeps_nobody_who_is_attached_from_working() {
        let served = Served::new(Limits { hello: Duration::from_millis(500), ..Limits::default() });
        let client = served.attach(cockpit()).await;
        let commander = client.feed.commander.as_ref().expect("a way to command");
        let mut flood = Vec::new();
        for _ in 0..10 {
            for _ in 0..50 {
                flood.extend(socket::connect(served.folder()).await);
            }
            commander.ask(note("working"), 0).await.expect("carried out");
        }
        // And once the flood is over others come again.
        while connect(served.folder(), cockpit()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn a_shared_session_is_open_to_its_group_and_to_nobody_else() {
        let group = nix::unistd::Group::from_gid(1.into()).ok().flatten().filter(|group| group.name == "daemon");
        if !rustix::process::geteuid().is_root() || group.is_none() {
            return;
        }
        let root = tempfile::tempdir().expect("a folder");
        std::fs::set_permissions(root.path(), PermissionsExt::from_mode(0o755)).expect("ours");
        let share = root.path().join("gonogo");
        std::fs::create_dir(&share).expect("made");
        std::os::unix::fs::chown(&share, Some(0), Some(1)).expect("root may");
        std::fs::set_permissions(&share, PermissionsExt::from_mode(0o2770)).expect("ours");
        let engine = engine(RUNBOOK);
        let listening = socket::bind_shared(&share, &engine.session, "daemon").expect("bound");
        let folder = listening.folder().to_owned();
        tokio::spawn(serve(listening, engine, About::default()));
        let said = client_as("1", &folder).await;
        assert!(said.contains(r#""message":"welcome""#) && said.contains(r#""person":"daemon""#), "{said}");
        let said = client_as("2", &folder).await;
        assert!(said.contains("PermissionError"), "{said}");
    }

    async fn a_uid_that_is_nobody_here_is_refused_and_recorded() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let served = Served::new(Limits::default());
        // The folders say no already; this is what is behind them.
        for folder in served.folder().ancestors().take(4) {
            let _ = std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755));
        }
        std::fs::set_permissions(served.folder().join(SOCKET), PermissionsExt::from_mode(0o666)).expect("ours");
        let mut came = 0;
        for uid in ["4242", "65534"] {
            let said = client_as(uid, served.folder()).await;
            assert!(said.contains(r#""message":"refused""#) && said.contains(uid), "{said}");
            came += 1;
            while served.turned_away() < came {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        assert!(served.inside().await.state.crew.is_empty());
    }

    async fn ten_thousand_random_messages_change_nothing() {
        let served = Served::new(hurried());
        let before = served.inside().await.state;
        let mut random = Random(0x5eed);
        let words = [
            "message", "ask", "hello", "upload", "command", "pause", "advance", "id", "step", "format", "1", "null",
            "{", "}", "[", "]", ":", ",", "\"", "\\u0000", "true", "-1", "1e999", "seen_seq", "\u{202e}", "\n",
        ];
        for _ in 0..100 {
            let mut raw = served.raw().await;
            if random.below(2) == 0 {
                raw.tell(&ToServer::Hello(Hello::new(Kind::Ctl))).await;
            }
            for _ in 0..100 {
                let mut line = Vec::new();
                for _ in 0..random.below(30) {
                    match random.below(3) {
                        0 => line.push(u8::try_from(random.below(256)).expect("a byte")),
                        _ => line.extend(words[random.below(words.len())].bytes()),
                    }
                }
                line.push(b'\n');
                raw.say(&line).await;
            }
            raw.end().await;
        }
        let after = served.inside().await.state;
        // What is recorded of it is one refusal.
        assert!(after.seq <= before.seq + 1 && after.paused.is_none() && after.crew.is_empty());
        assert!(!served.serving.is_finished());
    }

    async fn a_file_comes_with_a_note_and_output_is_read_over_the_wire() {
        let served = Served::new(Limits::default());
        let mut client = served.attach(cockpit()).await;
        let mut screen = Screen::of(&mut client.feed);
        let bytes = vec![7; 300_000];
        let here = tempfile::tempdir().expect("a folder");
        let graph = here.path().join("graph.png");
        std::fs::write(&graph, &bytes).expect("written");
        let commander = client.feed.commander.clone().expect("a way");
        commander.ask_with_file(note("look"), &graph, 0).await.expect("carried out");
        let missing = commander.ask_with_file(note("look"), &here.path().join("none"), 0).await;
        assert!(missing.is_err_and(|refusal| refusal.0.contains("No such file")));
        let folder = commander.ask_with_file(note("look"), here.path(), 0).await;
        assert!(folder.is_err_and(|refusal| refusal.0.contains("only a file can be attached")));
        let evidence = |s: &Screen| {
            s.state.recent.iter().find_map(|event| match &event.event {
                EventKind::EvidenceAdded { path, bytes, .. } => Some((path.clone(), *bytes)),
                _ => None,
            })
        };
        screen.until(|s| evidence(s).is_some()).await;
        let (path, length) = evidence(&screen).expect("found");
        assert_eq!((path.as_str(), length), ("evidence/notes/1-graph.png", 300_000));
        assert!(std::fs::read(served.folder().join(path)).expect("it is there") == bytes);

        // A file that the client says is there is none.
        let attached = Some(gonogo::session::Attached {
            source: "x".to_owned(),
            path: "/etc/passwd".to_owned(),
            bytes: 1,
            sha256: String::new(),
        });
        let forged = Command::Note { tag: NoteTag::Bug, text: "forged".to_owned(), attached };
        client.feed.commander.as_ref().expect("a way").ask(forged, 0).await.expect("a note");
        screen.until(|s| s.state.recent.iter().any(|e| format!("{:?}", e.event).contains("forged"))).await;
        assert!(!std::fs::read_to_string(served.folder().join("audit.jsonl")).expect("a log").contains("passwd"));

        let steps = served.folder().join("steps/one.look.1");
        std::fs::create_dir_all(&steps).expect("made");
        std::fs::write(steps.join("output.log"), "0123456789").expect("written");
        let piece = client.feed.outputs.read("one.look".into(), 1, 3, 4).await;
        assert_eq!((piece.bytes.as_slice(), piece.offset, piece.total), (&b"3456"[..], 3, 10));
    }

    async fn an_engine_that_goes_is_told_of_and_one_that_is_done_is_not_missed() {
        let served = Served::new(Limits::default());
        let mut client = served.attach(cockpit()).await;
        let mut screen = Screen::of(&mut client.feed);
        served.engine.stop("for a test");
        screen.until(|s| s.lost.is_some()).await;
        let lost = screen.lost.take().expect("said");
        assert!(lost.contains(&format!("`gonogo resume {}` brings", served.engine.session)), "{lost}");
        let refusal = client.feed.commander.as_ref().expect("a way").ask(Command::Pause, 0).await;
        assert!(refusal.expect_err("nobody is there").0.contains("gonogo resume"));
        served.serving.await.expect("no panic").expect("served");
        assert!(!served.engine.session_dir.join(SOCKET).exists());
        let again = connect(&served.engine.session_dir, cockpit()).await;
        assert!(matches!(again, Err(ConnectError::NoEngine { .. })), "{again:?}");

        let served = Served::new(Limits::default());
        let mut client = served.attach(cockpit()).await;
        let mut screen = Screen::of(&mut client.feed);
        let abort = Command::Abort { reason: "enough".to_owned() };
        client.feed.commander.as_ref().expect("a way").ask(abort, u64::MAX).await.expect("carried out");
        screen.until(|s| s.state.is_closed()).await;
        assert!(served.attach(cockpit()).await.feed.state.is_closed(), "it can still be looked at");
        drop((client, screen));
        served.serving.await.expect("no panic").expect("served");
    }

    async fn a_log_that_does_not_go_on_from_what_was_seen_is_refused() {
        let served = Served::new(Limits::default());
        let seen = served.attach(cockpit()).await.head.borrow().clone();
        let short = Head { hash: seen.hash[..8].to_owned(), ..seen.clone() };
        for known in [seen.clone(), short.clone()] {
            connect_knowing(served.folder(), cockpit(), Some(known)).await.expect("it goes on from there");
        }
        let rewritten = Head { hash: "0".repeat(8), ..seen.clone() };
        let cut = Head { seq: seen.seq + 1000, ..seen };
        for known in [rewritten, cut] {
            let refused = connect_knowing(served.folder(), cockpit(), Some(known)).await;
            assert!(matches!(refused, Err(ConnectError::NotWhole(_))), "{:?}", refused.is_ok());
        }
    }

    async fn a_log_that_is_not_whole_is_refused() {
        let served = Served::new(Limits::default());
        drop(served.attach(cockpit()).await);
        let log = served.folder().join("audit.jsonl");
        let mut bytes = std::fs::read(&log).expect("a log");
        let at = bytes.windows(4).position(|w| w == b"Pair").expect("the runbook's title");
        bytes[at] = b'F';
        let mut file = std::fs::OpenOptions::new().write(true).open(&log).expect("ours");
        file.write_all(&bytes).expect("written");
        match connect(served.folder(), cockpit()).await {
            Err(e @ ConnectError::NotWhole(_)) => assert!(e.to_string().contains("event 1"), "{e}"),
            other => panic!("{:?}", other.is_ok()),
        }
    }
}

/// How long a cockpit takes to come back to a long session; for whoever wants to know:
/// `cargo test --release --test it wire::reattaching -- --ignored --nocapture`.
#[test]
#[ignore = "it measures, and asserts nothing of time"]
fn reattaching_to_a_hundred_thousand_events() {
    alone("reattaching_to_a_hundred_thousand_events", async {
        let served = Served::new(Limits::default());
        let check = gonogo::runbook::CheckId::from("web");
        let health = [gonogo::event::Health::Ok, gonogo::event::Health::Failing];
        for number in 0..100_000_u64 {
            let event = EventKind::CheckChanged {
                check: check.clone(),
                from: health[usize::from(number % 2 == 0)],
                to: health[usize::from(number % 2 == 1)],
                reason: "GET http://127.0.0.1:8080/readyz answered 503 Service Unavailable".to_owned(),
                value: Some("503".to_owned()),
                since: number,
            };
            served.engine.record(By::ENGINE, event);
        }
        while served.inside().await.state.seq < 100_000 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        for _ in 0..5 {
            let began = clock::up_ms();
            let attached = served.attach(cockpit()).await;
            println!("{} events in {} ms", attached.feed.state.seq, clock::up_ms() - began);
        }
    });
}

/// What this process holds in memory.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4096
}

/// Numbers without order, the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).expect("small")
    }
}
