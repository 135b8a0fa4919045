//! Sessions that are to be found, live or not, and what the gone ones still answer.

use super::*;

#[test]
fn a_session_whose_engine_is_gone_answers_from_its_log_and_says_what_brings_it_back() {
    let mut world = World::start();
    world.does(&["acknowledge"]);
    world.kill();
    let bring_back = format!("`gonogo resume {}` brings it back", world.session);
    let status = world.does(&["status"]);
    assert!(status.contains("is gone since ") && status.contains(&bring_back), "{status}");
    assert_eq!(world.status()["engine"], "gone");
    for args in [&["advance"][..], &["wait", "gate"], &["events", "--follow"]] {
        let said = world.ctl(args);
        assert_eq!(said.code, 1, "{args:?}");
        assert!(said.err.contains(&bring_back), "{args:?}: {}", said.err);
    }
    let events = world.does(&["events"]);
    assert!(events.contains("policy acknowledged"));
    let json = world.ctl(&["advance", "--json"]);
    assert!(json.code == 1 && json.json()["error"].as_str().is_some_and(|why| why.contains(&bring_back)));
}

#[test]
fn sessions_lists_what_is_live_gone_over_and_damaged_newest_first() {
    let mut world = World::start();
    let live = world.gonogo(&["sessions"]).out;
    assert!(live.contains(&world.session) && live.contains("LIVE"), "{live}");
    world.does(&["abort", "no"]);
    world.kill();
    let sessions = world.folder.path().join("state/sessions");
    let copy = |name: &str, log: &[u8]| {
        std::fs::create_dir(sessions.join(name)).expect("made");
        std::fs::write(sessions.join(name).join("audit.jsonl"), log).expect("written");
    };
    let log = std::fs::read(world.session_folder().join("audit.jsonl")).expect("a log");
    let lines: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').collect();
    copy("1999-gone", &lines[..2].concat());
    copy("1998-torn", &[lines[0], b"{\"seq\":2"].concat());
    copy("1997-broken", &[lines[1], lines[0]].concat());
    copy("1996-empty", b"");
    copy("1995-\u{1b}[2Jhostile", lines[0]);
    let all = world.gonogo(&["sessions", "--all", "--json"]);
    assert_eq!(all.code, 0, "{}", all.err);
    let rows = all.json();
    let of = |row: usize, key: &str| rows[row][key].as_str().unwrap_or_default().to_owned();
    let engines: Vec<String> = (0..6).map(|row| of(row, "engine")).collect();
    assert_eq!(engines, ["over", "gone", "gone", "unknown", "unknown", "gone"]);
    assert_eq!((of(0, "state"), of(0, "title")), ("aborted".to_owned(), "Move the shop".to_owned()));
    assert!(of(2, "problem").starts_with("TORN TAIL"));
    assert!(of(3, "problem").starts_with("BROKEN: line 1"));
    let text = world.gonogo(&["sessions"]).out;
    assert!(text.contains("1995-^[[2Jhostile") && !text.contains('\u{1b}'), "{text:?}");
    assert!(text.contains("`gonogo resume 1999-gone` brings it back"), "{text}");
}

#[test]
fn of_many_sessions_that_are_over_the_last_ten_are_listed() {
    let mut world = World::start();
    world.does(&["abort", "no"]);
    world.kill();
    let log = world.session_folder().join("audit.jsonl");
    for number in 10..25 {
        let folder = world.session_folder().with_file_name(format!("19{number}-copy"));
        std::fs::create_dir(&folder).expect("made");
        std::fs::copy(&log, folder.join("audit.jsonl")).expect("copied");
    }
    let few = world.gonogo(&["sessions"]).out;
    assert_eq!(few.matches("over").count(), 11, "{few}");
    assert!(few.contains("… and 6 more that are over: --all lists them"), "{few}");
    assert!(!few.contains("1910-copy"));
    let ambiguous = world.gonogo(&["ctl", "copy", "status"]);
    assert_eq!(ambiguous.code, 2);
    assert!(ambiguous.err.contains("fits several sessions"), "{}", ambiguous.err);
}

#[test]
fn a_shared_session_is_reached_by_its_socket_alone() {
    let mut world = World::start();
    let share = world.folder.path().join("share");
    let door = share.join(&world.session);
    std::fs::create_dir_all(&door).expect("made");
    // As somebody sees it who has the socket and not the log.
    std::fs::rename(world.session_folder().join("control.sock"), door.join("control.sock")).expect("moved");
    let state = world.folder.path().join("another");
    let elsewhere = |world: &World, args: &[&str]| said(world.command(args).env("GONOGO_STATE_DIR", &state));
    let status = elsewhere(&world, &["ctl", &world.session, "status", "--json"]);
    assert_eq!(status.code, 0, "{}", status.err);
    assert_eq!(status.json()["session"], world.session.as_str());
    let listed = elsewhere(&world, &["sessions"]).out;
    for known in [&*world.session, "LIVE", "the policy is not acknowledged", "shared by", "Move the shop"] {
        assert!(listed.contains(known), "{known}: {listed}");
    }
    assert!(elsewhere(&world, &["ctl", "move", "events"]).out.contains(" opened: rehearsal move.toml"));
    assert_eq!(world.status()["engine"], "live", "its owner finds it there too");
    world.kill();
    let listed = elsewhere(&world, &["sessions"]).out;
    assert!(listed.contains("no engine answers") && listed.contains('?'), "{listed}");
}
