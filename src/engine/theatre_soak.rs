//! The soak clock tells the truth: days pass on the stage, with everything that happens to a machine in a day, and what
//! the clock has counted is held against what really was observed to be green.

use std::time::Duration;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::theatre::Theatre;
use super::theatre_scenes::soaking;
use super::theatre_walks::cases;
use crate::event::{EventKind, Health};
use crate::session::telemetry::LogHealth;
use crate::session::{Command, Soak, StageStatus};

/// Its check is looked at once a minute; unobserved time of up to three minutes only delays its soak.
const DAY: &str = r#"
id = "day"
[check.new]
http = "http://127.0.0.1:1/new"
period = "1m"
failure_threshold = 2

[[stage]]
id = "observe"
watch = ["new"]
  [[stage.step]]
  id = "look"
  run = ["true"]
  [stage.gate]
  soak = "24h"
"#;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn soak(play: &Theatre) -> &Soak {
    &play.state().stages["observe"].soak
}

fn counted(play: &Theatre) -> u64 {
    soak(play).so_far_ms(play.now.up_ms)
}

/// Lets the check fail until the engine knows.
fn fails(play: &mut Theatre) {
    play.script.failing_checks.insert("new".into(), "status 503".to_owned());
    play.until("it is failing", |s| s.check(&"new".into()).health == Health::Failing);
    play.script.failing_checks.clear();
}

fn green(play: &mut Theatre) {
    play.until("it is green", |s| s.check(&"new".into()).health == Health::Ok);
}

#[test]
fn what_failed_while_nothing_could_be_recorded_is_no_green_time_for_whoever_takes_over() {
    let mut play = soaking(DAY);
    play.pass(ms(HOUR));
    play.machine.journal_mut().broken = Some(LogHealth::Full("0 bytes free".to_owned()));
    play.script.failing_checks.insert("new".into(), "status 503".to_owned());
    play.pass(ms(HOUR));
    play.script.failing_checks.clear();
    play.die(ms(1_000), false);
    green(&mut play);
    play.pass(ms(1_000));
    assert!(counted(&play) <= HOUR + 2 * MINUTE, "{}", counted(&play));
}

#[test]
fn green_time_that_could_not_be_recorded_does_not_count() {
    let mut play = soaking(DAY);
    play.pass(ms(HOUR));
    play.machine.journal_mut().broken = Some(LogHealth::Full("0 bytes free".to_owned()));
    play.ask(Command::Pause).expect_err("nothing can be recorded");
    play.pass(ms(HOUR));
    play.machine.journal_mut().broken = None;
    play.pass(ms(1_000));
    assert!(
        play.happened(|e| matches!(e, EventKind::SoakBroken { .. })),
        "an hour is more than three periods"
    );
    play.pass(ms(HOUR));
    assert!((HOUR - 2 * MINUTE..=HOUR + MINUTE).contains(&counted(&play)), "{}", counted(&play));
}

#[test]
fn a_day_with_all_that_happens_in_it_counts_what_was_seen_to_be_green_and_nothing_else() {
    let mut play = soaking(DAY);
    play.pass(ms(6 * HOUR));
    let six = counted(&play);
    assert!((6 * HOUR - MINUTE..=6 * HOUR).contains(&six), "{six}");

    // The wall clock is set, forth and back: nobody waits less or longer for that.
    for hours in [26, -52, 26] {
        play.set_wall_clock(TimeDelta::hours(hours));
        play.sleep(ms(1_000));
    }
    assert_eq!(counted(&play), six + 3_000);

    // The machine sleeps for two minutes: they are missing, and nothing is lost.
    let before = counted(&play);
    play.sleep(ms(2 * MINUTE));
    assert!(counted(&play) <= before, "what nobody saw does not count");
    // The engine is gone for two minutes: the same, until the next one has looked.
    let before = counted(&play);
    play.die(ms(2 * MINUTE), false);
    green(&mut play);
    assert!(counted(&play) <= before + MINUTE);
    // An hour's pause: the clock stands.
    play.ask(Command::Pause).expect("a pause is never refused");
    let before = counted(&play);
    play.pass(ms(HOUR));
    assert_eq!(counted(&play), before);
    play.ask(Command::Resume).expect("it was paused");

    let missing = 24 * HOUR - counted(&play);
    play.pass(ms(missing - 2_000));
    assert!(!soak(&play).reached, "a day is a day");
    play.pass(ms(4_000));
    assert!(soak(&play).reached && soak(&play).broken == 0);
    let reached = play.events().iter().find(|e| matches!(e.event, EventKind::SoakReached { .. })).cloned();
    let began = play.events().iter().find(|e| matches!(e.event, EventKind::SoakStarted { .. })).cloned();
    let took = reached.expect("it is").up_ms - began.expect("it did").up_ms;
    assert!(took >= 25 * HOUR + 4 * MINUTE, "a day, a pause of an hour and twice two minutes: {took}");
}

#[test]
fn what_breaks_a_day_sets_its_clock_to_nothing() {
    type Break = fn(&mut Theatre);
    let breaks: [(&str, Break); 6] = [
        ("the check fails", fails),
        ("the check fails in a pause", |play| {
            play.ask(Command::Pause).expect("a pause is never refused");
            fails(play);
            play.ask(Command::Resume).expect("it was paused");
        }),
        ("the machine sleeps for long", |play| play.sleep(ms(4 * MINUTE))),
        ("the engine is gone for long", |play| play.die(ms(4 * MINUTE), false)),
        ("the machine boots", |play| play.die(ms(1_000), true)),
        ("two absences, and no look between them", |play| {
            play.die(ms(2 * MINUTE), false);
            play.die(ms(2 * MINUTE), false);
        }),
    ];
    for (what, happens) in breaks {
        let mut play = soaking(&DAY.replace("24h", "30m"));
        play.pass(ms(20 * MINUTE));
        happens(&mut play);
        assert_eq!((soak(&play).broken, soak(&play).reached), (1, false), "{what}");
        assert!(counted(&play) <= MINUTE, "{what}: {}", counted(&play));
        green(&mut play);
        play.pass(ms(25 * MINUTE));
        assert!(!soak(&play).reached, "{what}: it begins anew");
        play.until("it is reached after all", |s| s.stages["observe"].soak.reached);
        assert_eq!(soak(&play).broken, 1, "{what}");
    }
}

#[test]
fn an_absence_after_a_look_is_one_of_its_own() {
    let mut play = soaking(&DAY.replace("24h", "30m"));
    for _ in 0..4 {
        play.die(ms(2 * MINUTE), false);
        green(&mut play);
    }
    assert_eq!(soak(&play).broken, 0);
    play.until("it is reached", |s| s.stages["observe"].soak.reached);
}

#[test]
fn the_check_that_is_looked_at_most_often_says_how_long_an_absence_may_be() {
    let both = DAY.replace("watch = [\"new\"]", "watch = [\"new\", \"often\"]").replace(
        "[[stage]]",
        "[check.often]\nhttp = \"http://127.0.0.1:1/often\"\nperiod = \"10s\"\n[[stage]]",
    );
    let mut play = soaking(&both);
    play.pass(ms(10 * MINUTE));
    play.sleep(ms(20_000));
    assert_eq!(soak(&play).broken, 0);
    play.sleep(ms(MINUTE));
    assert_eq!(soak(&play).broken, 1);
}

#[test]
fn a_countdown_and_a_timeout_go_by_the_boot_clock_whatever_the_wall_clock_says() {
    let with_trigger = format!(
        "{}\n  [[stage.trigger]]\n  check = \"new\"\n  failing_for = \"10m\"\n  then = \"hold\"\n",
        DAY.replace("run = [\"true\"]", "wait = \"5m\"")
    );
    let mut play = Theatre::new(&with_trigger);
    play.advance().expect("it can begin");
    play.set_wall_clock(TimeDelta::hours(30));
    play.pass(ms(MINUTE));
    assert_eq!(play.state().stages["observe"].status, StageStatus::Active, "five minutes are five minutes");
    play.until("the soak runs", |s| s.stages["observe"].soak.running_since.is_some());
    fails(&mut play);
    play.script.failing_checks.insert("new".into(), "status 503".to_owned());
    play.set_wall_clock(TimeDelta::hours(-60));
    play.pass(ms(5 * MINUTE));
    assert!(play.state().holds().is_empty(), "it does not fail for ten minutes yet");
    play.pass(ms(10 * MINUTE));
    assert_eq!(play.state().holds().len(), 1);
}

/// Something that happens.
#[derive(Debug, Clone, Copy)]
enum Move {
    Pass(u64),
    Sleep(u64),
    Die(u64),
    Boot,
    Fail,
    Pause(u64),
    Wall(i64),
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        6 => (1_u64..15 * MINUTE).prop_map(Move::Pass),
        2 => (1_u64..6 * MINUTE).prop_map(Move::Sleep),
        2 => (1_u64..6 * MINUTE).prop_map(Move::Die),
        1 => Just(Move::Boot),
        1 => Just(Move::Fail),
        1 => (1_u64..10 * MINUTE).prop_map(Move::Pause),
        1 => (-100_000_000_i64..100_000_000).prop_map(Move::Wall),
    ]
}

/// The most that a clock may have counted: a reckoning of its own, from what was done on the stage alone.
fn reckon(play: &mut Theatre, at: Move, most: u64) -> u64 {
    let asleep = |most: u64, gap: u64| match gap {
        // A look that comes a little late is a look.
        0..=4_000 => most + gap,
        _ if gap <= 3 * MINUTE => most,
        _ => 0,
    };
    match at {
        Move::Pass(time) => {
            play.pass(ms(time));
            most + time
        }
        Move::Sleep(time) => {
            play.sleep(ms(time));
            asleep(most, time)
        }
        Move::Die(time) => {
            play.die(ms(time), false);
            if time > 3 * MINUTE { 0 } else { most }
        }
        Move::Boot => {
            play.die(ms(1), true);
            0
        }
        Move::Fail => {
            fails(play);
            0
        }
        Move::Pause(time) => {
            play.ask(Command::Pause).expect("a pause is never refused");
            play.pass(ms(time));
            play.ask(Command::Resume).expect("it was paused");
            most
        }
        Move::Wall(by) => {
            play.set_wall_clock(TimeDelta::milliseconds(by));
            most
        }
    }
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn whatever_happens_the_clock_never_counts_more_than_was_green(moves in prop::collection::vec(moves(), 1..12)) {
        let mut play = soaking(&DAY.replace("24h", "40m"));
        let mut most = 0;
        for at in moves {
            // A look takes its time, so a little more may have been green than was passed on purpose.
            let before = play.now.up_ms;
            most = reckon(&mut play, at, most);
            if matches!(at, Move::Fail) {
                green(&mut play);
                most += play.now.up_ms.saturating_sub(before);
            }
            prop_assert!(counted(&play) <= most + 2_000, "{at:?}: {} of at most {most}", counted(&play));
            if soak(&play).reached {
                prop_assert!(most + 2_000 >= 40 * MINUTE, "{at:?}: reached after at most {most}");
                break;
            }
        }
        if !soak(&play).reached {
            green(&mut play);
            play.pass(ms(45 * MINUTE));
            prop_assert!(soak(&play).reached, "nothing stands in its way any more");
        }
    }
}
