//! How the playhead moves.

use super::session::{START, Session, start};
use crate::history::MarkKind;
use crate::replay::{Player, Skipped, Way};

/// Plays for so many real milliseconds in turns of 100.
fn play(player: &mut Player, from: u64, ms: u64) {
    (0..=ms / 100).for_each(|turn| {
        player.turn(from + turn * 100);
    });
}

#[test]
fn it_plays_at_its_speed_and_the_clocks_run_between_events() {
    let mut player = Session::short().player();
    assert_eq!((player.seq(), player.t_ms(), player.is_playing()), (1, 0, false));
    play(&mut player, 0, 1_000);
    assert_eq!(player.t_ms(), 0, "it stands still");
    player.play();
    play(&mut player, 1_000, 5_000);
    assert_eq!((player.t_ms(), player.seq()), (5_000, 4));
    assert_eq!(player.now().up_ms, START + 5_000);
    assert_eq!(player.now().at, start() + chrono::TimeDelta::seconds(5));
    assert_eq!(player.state().last.expect("four").up_ms, START + 1_000);
    player.faster();
    player.faster();
    assert_eq!(player.speed(), 5);
    play(&mut player, 6_000, 1_000);
    assert_eq!((player.t_ms(), player.seq()), (10_000, 7));
    player.set_speed(1_500);
    assert_eq!(player.speed(), 1_000);
    play(&mut player, 7_000, 10_000);
    assert_eq!((player.t_ms(), player.seq()), (610_000, 13));
    assert!(!player.is_playing() && player.is_at_end(), "there is no more to play");
    (0..20).for_each(|_| player.slower());
    assert_eq!(player.speed(), 1);
}

#[test]
fn stretches_without_events_are_jumped_over_and_it_says_so() {
    let mut player = Session::short().player();
    player.set_skip_idle(true);
    player.to_time(95_000);
    player.play();
    player.turn(0);
    play(&mut player, 0, 900);
    assert_eq!((player.t_ms(), player.skipped()), (95_900, None));
    play(&mut player, 900, 300);
    assert_eq!(player.skipped(), Some(Skipped { from_ms: 96_000, to_ms: 599_000 }));
    assert_eq!(player.t_ms(), 599_200);
    play(&mut player, 1_200, 900);
    assert_eq!((player.t_ms(), player.seq(), player.skipped()), (600_100, 12, None));
    player.set_speed(1_000);
    player.to_start();
    play(&mut player, 2_100, 100);
    assert!(player.is_at_end(), "at {}", player.t_ms());
}

#[test]
fn steps_go_event_by_event_and_minutes_by_the_clock() {
    let mut player = Session::short().player();
    let mut stepped = vec![(player.seq(), player.t_ms())];
    for _ in 0..5 {
        player.step(1);
        stepped.push((player.seq(), player.t_ms()));
    }
    assert_eq!(stepped, [(1, 0), (2, 0), (3, 1_000), (4, 1_000), (5, 10_000), (6, 10_000)]);
    player.step(-1);
    assert_eq!((player.seq(), player.state().seq), (5, 5));
    player.move_by(60_000);
    assert_eq!((player.seq(), player.t_ms()), (8, 70_000));
    player.move_by(5_000);
    player.step(-1);
    assert_eq!((player.seq(), player.t_ms()), (8, 70_000), "from between two it is to the earlier");
    player.move_by(-600_000);
    assert_eq!((player.seq(), player.t_ms()), (2, 0));
    player.step(-100);
    assert_eq!(player.seq(), 1);
    player.step(100);
    assert_eq!((player.seq(), player.t_ms()), (13, 610_000));
}

#[test]
fn it_goes_to_marks_and_tenths() {
    let mut player = Session::short().player();
    let failure = |player: &mut Player, way| {
        player.to_mark(way, |mark| mark.is(MarkKind::Failure)).map(|mark| mark.seq)
    };
    assert_eq!(failure(&mut player, Way::Back), None);
    assert_eq!((failure(&mut player, Way::Forward), player.t_ms()), (Some(10), 90_000));
    assert_eq!((failure(&mut player, Way::Forward), player.seq()), (None, 10));
    player.move_by(1_000);
    assert_eq!(failure(&mut player, Way::Back), Some(10), "it is behind the playhead");
    let note = player.to_mark(Way::Back, |mark| mark.is(MarkKind::Note));
    assert_eq!(note.map(|mark| mark.seq), Some(8));
    player.to_tenth(5);
    assert_eq!((player.t_ms(), player.seq()), (305_000, 11));
    player.to_tenth(0);
    assert_eq!((player.t_ms(), player.seq()), (0, 2));
}

#[test]
fn it_seeks_to_what_people_write_and_says_what_is_not_there() {
    let mut player = Session::short().player();
    let mut seek = |at: &str| player.seek(at.parse().expect(at)).map(|()| (player.seq(), player.t_ms()));
    assert_eq!(seek("4"), Ok((4, 1_000)));
    assert_eq!(seek("02:01:35"), Ok((11, 95_000)));
    assert_eq!(seek("2026-11-20T02:01:00Z"), Ok((7, 60_000)));
    assert_eq!(seek("+15s"), Ok((8, 75_000)));
    assert_eq!(seek("-10m"), Ok((2, 0)));
    assert_eq!(seek("T+00:10:00"), Ok((12, 600_000)));
    assert_eq!(seek("02:10:10"), Ok((13, 610_000)), "the second in which it ended");
    for beyond in ["14", "T+1:00:00", "02:30", "2026-11-19T02:01:00Z", "+1h"] {
        let why = seek(beyond).expect_err(beyond);
        assert!(why.contains("13 events from 2026-11-20 02:00:00Z to 02:10:10Z"), "{why}");
    }
}
