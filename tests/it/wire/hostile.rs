//! Clients that are mute, stuck, strangers, many or mad: each is told why, and nobody else is harmed.

use super::*;

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

alone! {
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
        let served = Served::new(Limits { silent: 200, ..hurried() });
        let mut mute = served.raw().await;
        mute.tell(&ToServer::Hello(cockpit())).await;
        assert_eq!(mute.end().await, "the engine let go of this client: no answer for 2s");
        // A client that answers its pings stays, long beyond that.
        let mut awake = served.attach(cockpit()).await;
        let mut screen = Screen::of(&mut awake.feed);
        let until = clock::up_ms() + 3_000;
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
        assert_eq!(silent.end().await, "no hello came within 2s");
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
