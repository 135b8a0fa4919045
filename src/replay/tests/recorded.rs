//! What a recording says of the whole session.

use std::fs;
use std::sync::Arc;

use super::session::{Session, open};
use crate::event::EventKind;
use crate::history::{Axis, Timeline};
use crate::replay::{Chain, Recording};
use crate::session::{RECENT_EVENTS, State};

/// A state as text: it cannot be compared otherwise.
fn text(state: &State) -> String {
    format!("{state:?}")
}

#[test]
fn the_state_at_every_event_is_the_plain_fold() {
    let session = Session::short();
    let recording = session.recording();
    let mut plain = State::default();
    for event in &session.events {
        plain.apply(event);
        assert!(text(&recording.state_at(event.seq)) == text(&plain), "after event {}", event.seq);
        assert_eq!(recording.event(event.seq).as_ref(), Some(event));
    }
    assert!(text(&recording.state_at(u64::MAX)) == text(&plain));
    assert_eq!(plain.stages.len(), 2, "the plan is read");
    assert!(recording.event(0).is_none() && recording.event(99).is_none());
}

#[test]
fn a_state_far_behind_a_kept_one_is_the_plain_fold_too_with_its_last_events() {
    let mut session = Session::opened();
    for number in 3..=9_000 {
        session.note(number, "on");
    }
    let recording = session.recording();
    for seq in [1, 499, 4_095, 4_096, 4_097, 4_600, 8_191, 8_192, 8_193, 9_000] {
        let plain = State::of(&session.events[..seq]);
        let state = recording.state_at(seq as u64);
        assert!(text(&state) == text(&plain), "after event {seq}");
        assert_eq!(state.recent.len(), seq.min(RECENT_EVENTS));
    }
    let mut player = crate::replay::Player::new(recording, "");
    for seq in [9_000, 4_090, 4_100, 1] {
        player.to_event(seq);
        assert_eq!(
            (player.seq(), player.state().seq, player.t_ms()),
            (seq, seq, if seq == 1 { 0 } else { seq })
        );
    }
}

#[test]
fn times_heads_and_the_timeline_are_those_of_the_events() {
    let session = Session::short();
    let recording = session.recording();
    let (mut axis, mut timeline, mut state) = (Axis::default(), Timeline::default(), State::default());
    for event in &session.events {
        let t_ms = axis.push(event);
        state.apply(event);
        timeline.push(event, t_ms, &state);
        assert_eq!(recording.time_of(event.seq), t_ms);
        assert!(recording.event_at(t_ms) >= event.seq);
    }
    assert_eq!((recording.axis(), recording.event_at(9_999)), (axis, 4));
    assert_eq!(
        (&recording.timeline().bands, &recording.timeline().marks),
        (&timeline.bands, &timeline.marks)
    );
    let log = crate::audit::reader::read(&session.log()).expect("whole");
    let last = session.events.len() as u64;
    assert_eq!((recording.head(last), recording.head(last + 1)), (Some(log.head()), None));
    let hash = log.hash_of(3).expect("there");
    assert_eq!(recording.head(3), Some(format!("3:{}", &hash[..8])));
    assert_eq!(recording.events_between(2, 4), session.events[1..4]);
}

#[test]
fn a_log_alone_is_a_recording_and_what_is_none_is_a_sentence() {
    let session = Session::short();
    let elsewhere = tempfile::tempdir().expect("a folder");
    let alone = elsewhere.path().join("copied.jsonl");
    fs::copy(session.log(), &alone).expect("copied");
    assert_eq!(open(&alone).surveyed().chain, Chain::Holds);
    let refused = |path| Recording::open(path).expect_err("no recording").to_string();
    assert!(refused(elsewhere.path()).contains("cannot read"));
    let empty = elsewhere.path().join("empty");
    for (bytes, says) in
        [("", "no whole event"), ("{\"seq\":1", "no whole event"), ("hello\nworld\n", "no log of a session")]
    {
        fs::write(&empty, bytes).expect("written");
        assert!(refused(&empty).contains(says), "{}", refused(&empty));
    }
    assert!(refused(std::path::Path::new("/dev/null")).contains("no regular file"));
}

#[test]
fn a_broken_log_is_shown_up_to_its_last_good_line() {
    let session = Session::short();
    let mut bytes = fs::read(session.log()).expect("readable");
    let fifth: usize =
        bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').nth(3).expect("it has more").0 + 1;
    bytes[fifth + 30] ^= 1;
    fs::write(session.log(), bytes).expect("written");
    let surveyed = session.recording().surveyed();
    let lines = session.events.len() as u64;
    assert_eq!((surveyed.events, surveyed.lines, surveyed.is_good()), (4, lines, false));
    assert!(
        surveyed.sentence().contains(&format!("BROKEN at line 5, byte {fifth}")),
        "{}",
        surveyed.sentence()
    );
}

#[test]
fn what_a_newer_build_recorded_is_shown_as_unknown() {
    let mut session = Session::opened();
    let event = Arc::clone(session.events.last().expect("opened"));
    session.tell(10, EventKind::Paused);
    let whole = fs::read_to_string(session.log()).expect("readable");
    let mut lines: Vec<&str> = whole.lines().collect();
    let last = lines.pop().expect("three");
    let body = last[..last.len() - crate::audit::line::TAIL]
        .replace(r#"{"kind":"paused"}"#, r#"{"kind":"teleported","to":{"x":1}}"#);
    let hash = base16ct::lower::encode_string(&<sha2::Sha256 as sha2::Digest>::digest(&body));
    let newer = format!("{}\n{body},\"hash\":\"{hash}\"}}\n", lines.join("\n"));
    fs::write(session.log(), newer).expect("written");
    let recording = session.recording();
    assert_eq!(recording.surveyed().sentence(), "chain ok 3/3");
    assert_eq!(recording.event(2), Some(event));
    assert_eq!(recording.event(3).expect("there").event, EventKind::Unknown);
}

#[test]
fn a_log_that_grows_is_followed_and_one_that_became_shorter_is_read_anew() {
    let mut session = Session::opened();
    let recording = session.recording();
    let mut player = crate::replay::Player::new(recording, "");
    let come = |player: &mut crate::replay::Player, events: u64| {
        for turn in 0..12_000 {
            player.turn(turn);
            if player.surveyed().events == events && player.surveyed().whole {
                // The survey may have come there after the turn.
                player.turn(turn);
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        panic!("{:?}", player.surveyed());
    };
    session.append(b"{\"seq\":3,");
    let whole = fs::read(session.log()).expect("readable");
    fs::write(session.log(), &whole[..whole.len() - 9]).expect("written");
    session.note(500, "more");
    come(&mut player, 3);
    player.to_end();
    assert_eq!((player.seq(), player.state().notes.len()), (3, 1));
    // Two events are left of three.
    fs::write(session.log(), &whole[..whole.len() - 9]).expect("written");
    come(&mut player, 2);
    assert_eq!((player.seq(), player.state().seq, player.state().notes.len()), (2, 2, 0));
    assert_eq!(player.surveyed().round, 1);
}
