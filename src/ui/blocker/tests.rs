//! What blocks, told: one line for each state that a session can be in.

use super::*;
use crate::event::{By, EventKind, Health, Person, Seat};
use crate::runbook::{StageId, TriggerId};
use crate::ui::keymap::Keymap;
use crate::ui::testing::{Story, driver};

fn told(story: &Story, operator: &Person, lost: Option<&str>) -> Blocker {
    let keymap = Keymap::default();
    let Story { state, telemetry, now, .. } = story;
    blocker(
        &Context {
            state,
            telemetry,
            now: *now,
            watched_ms: 0,
            keymap: &keymap,
            operator: Some(operator),
            replay: None,
        },
        lost,
    )
}

fn says(story: &Story) -> (Mark, String) {
    let blocker = told(story, &driver(), None);
    (blocker.mark, blocker.text)
}

fn starts(story: &Story, mark: Mark, with: &str) {
    let (seen, text) = says(story);
    assert!(seen == mark && text.starts_with(with), "{seen:?} {text}");
}

#[test]
fn each_state_names_what_blocks_and_why() {
    starts(&Story::opened(), Mark::Ok, "READY: freeze is next");
    starts(&Story::running(), Mark::Running, "RUNNING: switch.verify for 0:12 of 5:00");
    starts(&Story::failed(), Mark::Fail, "STEP switch.verify FAILED: exit 0, but output does not match");
    starts(&Story::no_go(), Mark::Fail, "NO-GO switch: check new-readyz is failing: status 503");
    starts(&Story::go(), Mark::Ok, "GO: everything that switch asks for");
}

#[test]
fn a_step_that_tries_again_or_takes_long_warns() {
    let mut story = Story::running();
    story.finish("switch.verify", false, "no match");
    starts(&story, Mark::Warn, "STEP switch.verify FAILED, try 1 of 3, tries again: no match");
    let mut story = Story::running();
    story.wait(30);
    starts(&story, Mark::Warn, "RUNNING, OVER ITS ESTIMATE: switch.verify for 0:42");
}

#[test]
fn a_question_shows_and_a_pause_is_told_beside_it() {
    let mut story = Story::opened();
    story.enter("freeze");
    story.start("freeze.told");
    starts(&story, Mark::Ask, "QUESTION freeze.told: ");
    story.tell_by(By::Person(driver()), EventKind::Paused);
    assert!(says(&story).1.starts_with("[PAUSED by opsA] "));
    let mut story = Story::running();
    story.tell_by(By::Person(driver()), EventKind::Paused);
    starts(&story, Mark::Warn, "PAUSED by opsA at 02:01:03Z");
}

#[test]
fn a_trigger_counts_down_in_seconds_before_anything_that_can_wait() {
    let mut story = Story::failed();
    let trigger = TriggerId::from("switch.new-readyz.rollback");
    let why = "new-readyz failing for 1m".to_owned();
    story.tell(EventKind::TriggerArmed { trigger: trigger.clone(), why, grace_ms: 30_000 });
    story.wait(12);
    starts(&story, Mark::Fail, "IN 18s TRIGGER ROLLS BACK ALL: new-readyz failing");
    story.wait(60);
    starts(&story, Mark::Fail, "IN 0s TRIGGER ROLLS BACK ALL");
    story.tell(EventKind::TriggerVetoed { trigger, reason: None });
    starts(&story, Mark::Fail, "STEP switch.verify FAILED");
}

#[test]
fn a_rollback_says_how_far_it_is_and_where_it_is_stuck() {
    let mut story = Story::failed();
    let steps = vec![StepId::from("switch.weights-back"), StepId::from("freeze.start-writers")];
    let to = StageId::from("freeze");
    let started = EventKind::RollbackStarted { to, full: true, steps, reason: None };
    story.tell_by(By::Person(driver()), started);
    story.start("switch.weights-back");
    story.wait(2);
    starts(&story, Mark::Warn, "ROLLING BACK 1/2: switch.weights-back for 0:02");
    story.finish("switch.weights-back", false, "exit 1");
    story.tell(EventKind::RollbackStuck {
        step: Some("switch.weights-back".into()),
        why: "exit 1".to_owned(),
        remaining: vec!["freeze.start-writers".into()],
    });
    starts(&story, Mark::Fail, "ROLLBACK STUCK at switch.weights-back: exit 1 (1 to go)");
}

#[test]
fn a_log_that_cannot_be_written_and_a_lost_engine_come_first() {
    let mut story = Story::failed();
    story.telemetry.log = LogHealth::Full("/var/lib/gonogo has 0 bytes free".to_owned());
    starts(&story, Mark::Fail, "LOG FULL: /var/lib/gonogo has 0 bytes free");
    let gone = "`gonogo resume 20261120-020000-orders-db` brings the engine back";
    let lost = told(&story, &driver(), Some(gone));
    let at = story.now.second(story.now.at);
    assert_eq!(lost.text, format!("LOST at {at}: {gone}; shown is what was seen until then"));
    assert_eq!(lost.release, "d leaves");
    story.tell(EventKind::SessionClosed { outcome: Outcome::RolledBack, reason: None });
    let closed = told(&story, &driver(), Some("it is done"));
    assert!(closed.text.starts_with("ROLLED BACK"), "{}", closed.text);
}

#[test]
fn a_policy_waits_before_the_first_stage() {
    let mut runbook = crate::ui::testing::runbook();
    runbook.policy = vec!["Nobody touches the old primary.".to_owned()];
    let mut story = Story::of(runbook);
    starts(&story, Mark::Ask, "POLICY");
    story.turn("old-readyz", Health::Ok, "");
    story.tell_by(By::Person(driver()), EventKind::PolicyAcknowledged);
    starts(&story, Mark::Ok, "READY");
}

#[test]
fn the_wheel_is_told_to_those_whom_it_concerns() {
    let mut story = Story::running();
    let navigator = story.joins("opB", 2071, Seat::Navigator, &[]);
    story.tell_by(By::Person(navigator.clone()), EventKind::WheelAsked);
    assert!(says(&story).1.ends_with("[opB asks for the wheel: H]"), "{}", says(&story).1);
    story.tell_by(By::Person(driver()), EventKind::WheelOffered { to: "opB".to_owned() });
    assert!(says(&story).1.ends_with("[wheel offered to opB]"), "{}", says(&story).1);
    let asked = told(&story, &navigator, None);
    assert_eq!((asked.mark, asked.text.as_str()), (Mark::Ask, "THE WHEEL: opsA offers it to you"));
    story.tell_by(By::Person(navigator.clone()), EventKind::WheelDeclined);
    story.tell_by(By::ENGINE, EventKind::OperatorLeft { person: driver(), why: "detached".to_owned() });
    let alone = told(&story, &navigator, None);
    assert!(
        alone.text.ends_with("[opsA (driver) is AWAY since 02:01:03Z: H takes the wheel]"),
        "{}",
        alone.text
    );
    story.finish("switch.verify", false, "exit 1");
    story.tell(EventKind::StepSkipped { step: "switch.verify".into(), reason: "known".to_owned() });
    story.tell_by(By::Person(driver()), EventKind::Paused);
    let waits = told(&story, &navigator, None);
    let first = "opsA (driver) is AWAY since 02:01:03Z: H takes the wheel; PAUSED by opsA";
    assert!(waits.text.starts_with(first), "{}", waits.text);
}

#[test]
fn a_missing_vote_names_who_could_give_it_and_asks_them() {
    let mut story = Story::crewed();
    let other = story.joins("opE", 2074, Seat::Navigator, &["app"]);
    starts(&story, Mark::Fail, "NO-GO switch: 1 of 2 approvals (opB) (and 1 more)");
    assert_eq!(told(&story, &other, None).release, "v votes");
    let voted = Person { person: "opB".to_owned(), ..other };
    assert_eq!(told(&story, &voted, None).release, "until 1 more person votes GO");
}

#[test]
fn an_override_asks_who_can_second_it_and_tells_the_others_for_whom_it_waits() {
    let mut story = Story::crewed();
    story.joins("opsA", 1000, Seat::Driver, &[]);
    let (stage, missing) = (StageId::from("switch"), vec!["check lag is failing".to_owned()]);
    let asked = EventKind::OverrideAsked { stage, missing, reason: "known lag".to_owned() };
    story.tell_by(By::Person(driver()), asked);
    starts(&story, Mark::Ask, "OVERRIDE of switch waits for a second person (here: opB): known lag");
    let second = Person { person: "opB".to_owned(), uid: 2071, seat: Seat::Navigator };
    let asks = told(&story, &second, None);
    assert_eq!(asks.text, "OVERRIDE of switch: opsA asks you: known lag");
    assert_eq!(asks.release, "v shows it, and answers");
}

#[test]
fn what_releases_it_is_told_by_the_operators_own_keys() {
    let keymap = Keymap::default().with(&[(Action::Advance, vec!["A".to_owned()])]).expect("a free key");
    let story = Story::go();
    let Story { state, telemetry, now, .. } = &story;
    let operator = driver();
    let cx = Context {
        state,
        telemetry,
        now: *now,
        watched_ms: 0,
        keymap: &keymap,
        operator: Some(&operator),
        replay: None,
    };
    assert!(blocker(&cx, None).release.starts_with("A goes on"), "{:?}", blocker(&cx, None));
}
