//! Cockpits that mean well: one state for all, one answer each, and a word when the engine is gone.

use super::*;

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
