//! Telemetry and outputs as of the playhead.

use super::session::{START, Session};
use crate::event::Identity;
use crate::replay::Player;
use crate::session::Telemetry;
use crate::session::telemetry::{OutputProgress, ProcessSeen, SERIES};

/// An hour: a check every second that fails now and then, one every five minutes, and one that sees a process until
/// that is gone.
fn sampled() -> Session {
    let mut session = Session::opened();
    for second in 1..=3_600 {
        let t_ms = second * 1_000;
        session.sample(t_ms, "fast", second % 700 > 40, vec![]);
        if second % 300 == 0 {
            session.sample(t_ms + 300, "slow", true, vec![]);
        }
        if second % 2 == 0 {
            let identity = Identity { pid: 7, start_time: second, boot_id: String::new() };
            let seen = ProcessSeen { identity, name: "web".to_owned(), cpu: None, rss: 1, up_ms: 2 };
            session.sample(t_ms + 500, "relay", true, if second < 900 { vec![seen] } else { vec![] });
        }
        if second % 600 == 0 {
            session.note(t_ms, "on");
        }
    }
    session.sample(3_610_000, "slow", true, vec![]);
    session
}

/// Without what other files tell.
fn samples(player: &Player) -> Telemetry {
    Telemetry { head: None, ..player.telemetry().clone() }
}

#[test]
fn seeking_gives_the_telemetry_that_playing_gives() {
    let session = sampled();
    let mut played = session.player();
    let mut seen = Vec::new();
    for t_ms in (0..3_700_000).step_by(7_919) {
        played.to_time(t_ms);
        seen.push((t_ms, samples(&played)));
    }
    let mut sought = session.player();
    let (mut at, count) = (0, seen.len());
    for _ in 0..count {
        // Hither and thither over all of them.
        at = (at + 7 * count / 11) % count;
        let (t_ms, telemetry) = &seen[at];
        sought.to_time(*t_ms);
        assert!(samples(&sought) == *telemetry, "at {t_ms}");
    }
    for (t_ms, telemetry) in seen.iter().rev() {
        sought.to_time(*t_ms);
        assert!(samples(&sought) == *telemetry, "back at {t_ms}");
    }
}

#[test]
fn a_sample_is_known_from_when_it_ended_and_no_more_are_kept_than_live() {
    let session = sampled();
    let mut player = session.player();
    let count = |player: &Player| player.telemetry().checks.get("fast").map_or(0, |c| c.samples.len());
    player.to_time(999);
    assert_eq!((count(&player), player.telemetry().processes.len()), (0, 0));
    player.to_time(1_000);
    assert_eq!(count(&player), 1);
    player.to_time(2_500);
    assert_eq!((count(&player), player.telemetry().processes["relay"].len()), (2, 1));
    assert_eq!(player.telemetry().processes["relay"][0].identity.boot_id, "boot");
    player.to_time(3_500_000);
    let fast = &player.telemetry().checks["fast"];
    assert_eq!(fast.samples.len(), SERIES);
    assert_eq!(fast.last().map(|last| last.up_ms), Some(START + 3_500_000 - 40));
    assert_eq!((fast.streak, player.telemetry().checks["slow"].streak), (-1, 11));
    assert_eq!(player.telemetry().processes["relay"], [], "it is gone");
    player.to_end();
    assert_eq!(player.t_ms(), 3_610_000, "the last sample is later than the last event");
    assert_eq!(player.now().up_ms, START + 3_610_000);
}

#[test]
fn an_engine_that_took_over_knew_of_no_sample_yet() {
    let mut session = sampled();
    session.starts(3_620_000, "boot");
    session.sample(3_630_000, "fast", true, vec![]);
    session.sample(3_632_000, "fast", true, vec![]);
    let mut player = session.player();
    let series = |player: &Player| player.telemetry().checks.get("fast").map(|c| (c.samples.len(), c.streak));
    player.to_time(3_619_999);
    assert_eq!(series(&player), Some((300, 60)));
    for _ in 0..2 {
        player.to_time(3_620_000);
        assert_eq!((series(&player), player.telemetry().processes.len()), (None, 0));
        player.to_time(3_632_000);
        assert_eq!((series(&player), player.telemetry().processes.len()), (Some((2, 2)), 0));
        player.to_time(3_619_000);
        assert_eq!(series(&player), Some((300, 60)));
        player.to_time(3_632_000);
        assert_eq!(series(&player), Some((2, 2)), "and far onwards");
    }
}

#[test]
fn an_output_is_as_long_as_it_was_and_grows_as_it_did() {
    let session = Session::short();
    let mut player = session.player();
    let bytes = |player: &Player| player.telemetry().output.get("one.a").cloned();
    let grown = |bytes| Some(OutputProgress { attempt: 1, bytes, pid: None });
    for (t_ms, expected) in [(1_499, None), (1_500, grown(6)), (8_999, grown(13)), (9_000, grown(19))] {
        player.to_time(t_ms);
        assert_eq!(bytes(&player), expected, "at {t_ms}");
    }
    player.to_time(10_000);
    assert_eq!(bytes(&player), None, "its end is recorded, and tells the rest");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let outputs = player.outputs();
    let read = |attempt| runtime.block_on(outputs.read("one.a".into(), attempt, 2, 100));
    assert_eq!((read(1).total, read(2).total), (19, 0));
    player.to_time(4_200);
    assert_eq!((read(1).total, read(1).bytes), (13, b"rst\nsecond\n".to_vec()));
}

#[test]
fn an_output_without_an_index_is_there_from_its_steps_end_on() {
    let session = Session::short();
    let folder = session.folder.path().join("steps/one.a.1");
    std::fs::remove_file(folder.join("output.idx")).expect("removed");
    let mut player = session.player();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let outputs = player.outputs();
    for (t_ms, total) in [(9_999, 0), (10_000, 19)] {
        player.to_time(t_ms);
        assert_eq!(runtime.block_on(outputs.read("one.a".into(), 1, 0, 9)).total, total, "at {t_ms}");
    }
}
