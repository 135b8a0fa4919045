//! What is played on the stage, judged once more: with its own runbook nothing would have gone another way, with
//! another one what it says.

use std::sync::LazyLock;
use std::time::Duration;

use proptest::prelude::*;

use super::machine::{LATE_MS, LOOK_MS};
use super::theatre::Theatre;
use super::theatre_scenes::{observed, soaking};
use super::theatre_walks::{BUSY, Move, NO_RETURN, cases, make, moves};
use crate::audit::telemetry::Sampled;
use crate::event::{By, EventKind, Health};
use crate::runbook::model::Runbook;
use crate::session::Command;
use crate::session::telemetry::Measure;
use crate::what_if::{
    Differences, LATEST_LOOK_MS, ONE_MOMENT_MS, Subject, WhatIf, judge, judge_differences, load, table,
};

/// Its trigger rolls back, and another stage follows.
static OBSERVED: LazyLock<String> = LazyLock::new(|| {
    observed(
        r#"
  [[stage.rollback]]
  id = "undo"
  run = ["true"]
  [[stage.trigger]]
  check = "new"
  failing_for = "5s"
  then = "rollback"
  grace = "10s"
[[stage]]
id = "after"
  [[stage.step]]
  id = "tidy"
  run = ["true"]
"#,
    )
});

fn samples(play: &Theatre) -> Vec<Sampled> {
    play.machine.journal().samples.clone()
}

fn recorded(play: &Theatre) -> Runbook {
    play.state().runbook.as_deref().expect("it is loaded").clone()
}

/// The play under its runbook with something else in place of something.
fn what_if(play: &Theatre, samples: Vec<Sampled>, changes: &[(&str, &str)]) -> WhatIf {
    let mut text = play.state().opened.as_ref().expect("it is opened").runbook.clone();
    for (old, new) in changes {
        assert!(text.contains(old), "{old}");
        text = text.replace(old, new);
    }
    let opened = play.state().opened.clone().expect("it is opened");
    let loaded = load(&opened, text, "other.toml".to_owned());
    let asked = loaded.runbook.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
    judge(play.events(), samples.into_iter(), &asked).expect("it can be judged")
}

fn same(play: &Theatre, anew: bool) -> Result<(), TestCaseError> {
    let runbook = recorded(play);
    let mut differences = Differences::between(&runbook, &runbook);
    prop_assert!(differences.judged.is_empty() && differences.unjudged.is_empty(), "{differences:?}");
    if anew {
        differences.checks = runbook.checks.keys().cloned().collect();
    }
    let found = judge_differences(play.events(), samples(play).into_iter(), &runbook, differences);
    prop_assert!(
        found.findings.is_empty() && found.beyond.is_none(),
        "{}\n{}",
        table(&found),
        play.story().join("\n")
    );
    Ok(())
}

fn walk(runbook: &str, moves: Vec<Move>, anew: bool) -> Result<(), TestCaseError> {
    let mut play = Theatre::new(runbook);
    // While the log cannot be written a change is recorded later than its sample came; nothing tells how much.
    let told = |what: &Move| !anew || !matches!(what, Move::BreakLog(_) | Move::Crash(_));
    for what in moves.into_iter().filter(told) {
        // An engine that dies while it cannot write, or over its first record after that, leaves no word of that time.
        let dies = matches!(what, Move::Die { .. } | Move::Crash(_));
        let journal = play.machine.journal();
        let wordless = (dies && journal.broken.is_some())
            || (matches!(what, Move::BreakLog(true)) && journal.crash.is_some());
        if !wordless {
            make(&mut play, what);
        }
    }
    if two_in_a_moment(&play) { Ok(()) } else { same(&play, anew) }
}

/// Whether a rollback by a trigger came while another was due within what counts as one moment: which of the two the
/// engine named is then not told by what was recorded.
fn two_in_a_moment(play: &Theatre) -> bool {
    let mut due = std::collections::BTreeMap::new();
    for event in play.events() {
        match (&event.by, &event.event) {
            (_, EventKind::TriggerArmed { trigger, grace_ms, .. }) => {
                due.insert(trigger.clone(), event.up_ms + grace_ms);
            }
            (_, EventKind::TriggerCleared { trigger } | EventKind::TriggerVetoed { trigger, .. }) => {
                due.remove(trigger);
            }
            (By::Trigger { trigger }, EventKind::RollbackStarted { .. }) => {
                let others = due.iter().filter(|(other, _)| *other != trigger);
                if others.into_iter().any(|(_, at)| at.abs_diff(event.up_ms) <= ONE_MOMENT_MS) {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

proptest! {
    #![proptest_config(cases(8))]

    #[test]
    fn with_its_own_runbook_a_busy_walk_goes_as_it_went(moves in prop::collection::vec(moves(), 40..150)) {
        walk(BUSY, moves, false)?;
    }

    #[test]
    fn with_its_own_runbook_a_walk_past_a_point_of_no_return_goes_as_it_went(
        moves in prop::collection::vec(moves(), 40..150),
    ) {
        walk(NO_RETURN, moves, false)?;
    }

    #[test]
    fn the_samples_of_a_busy_walk_judged_anew_say_what_was_recorded(
        moves in prop::collection::vec(moves(), 40..150),
    ) {
        walk(BUSY, moves, true)?;
    }

    #[test]
    fn the_samples_of_a_walk_past_a_point_of_no_return_judged_anew_say_what_was_recorded(
        moves in prop::collection::vec(moves(), 40..150),
    ) {
        walk(NO_RETURN, moves, true)?;
    }
}

#[test]
fn a_look_is_as_late_as_it_is_on_the_stage() {
    assert_eq!(LATEST_LOOK_MS, LOOK_MS + LATE_MS, "what comes later is recorded as unobserved");
    for asleep in [500, 2_500, 3_900] {
        let mut play = soaking(&OBSERVED);
        play.pass(Duration::from_millis(9_900));
        // The soak's time is over while nobody looks, and a sample that is under way is read late.
        play.sleep(Duration::from_millis(asleep));
        play.until("it is GO", |s| s.stages["observe"].gate.as_ref().is_some_and(|g| g.go));
        play.advance().expect("it is GO");
        play.pass(Duration::from_secs(2));
        same(&play, false).expect("as recorded");
        same(&play, true).expect("as recorded");
    }
}

#[test]
fn a_sample_that_was_read_late_is_as_good_as_it_was() {
    let mut play = soaking(&OBSERVED);
    let slept = |play: &Theatre| {
        samples(play)
            .iter()
            .flat_map(|line| line.samples.clone())
            .any(|measure| matches!(measure, Measure::Sample { point, .. } if point.took_ms > 10_000))
    };
    for after in 0..100 {
        play.pass(Duration::from_millis(after));
        play.sleep(Duration::from_secs(12));
        play.pass(Duration::from_secs(3));
        if slept(&play) {
            break;
        }
    }
    assert!(slept(&play), "the machine slept over a look");
    same(&play, true).expect("as recorded");
}

#[test]
fn what_came_due_for_an_engine_that_died_over_its_record_did_not_come() {
    let mut play = Theatre::new(NO_RETURN);
    play.pass(Duration::from_millis(10));
    play.blind = true;
    play.advance().expect("it can begin");
    play.until("it is stale", |s| s.check(&"a".into()).health == Health::Stale);
    // It sleeps until the trigger is long due, and dies with no more recorded than that nobody observed anything.
    play.machine.journal_mut().crash = Some((0, 1));
    play.sleep(Duration::from_secs(7));
    play.pass(Duration::from_secs(20));
    same(&play, false).expect("as recorded");
}

/// Soaked for long enough and promoted.
fn promoted() -> Theatre {
    promoted_with(&OBSERVED)
}

fn promoted_with(runbook: &str) -> Theatre {
    let mut play = Theatre::new(runbook);
    play.advance().expect("it can begin");
    play.until("it is GO", |s| s.stages["observe"].gate.as_ref().is_some_and(|g| g.go));
    play.pass(Duration::from_secs(5));
    play.advance().expect("it is GO");
    play.pass(Duration::from_secs(2));
    play
}

/// Failed while it soaked, and rolled back by its trigger.
fn rolled_back() -> Theatre {
    let mut play = soaking(&OBSERVED);
    play.pass(Duration::from_secs(3));
    play.script.failing_checks.insert("new".into(), "status 503".to_owned());
    play.until("it is rolled back", crate::session::State::is_closed);
    play
}

#[test]
fn a_longer_soak_would_have_kept_the_stage_at_its_gate() {
    let play = promoted();
    let found = what_if(&play, samples(&play), &[("soak = \"10s\"", "soak = \"1m\"")]);
    assert_eq!(found.judged, ["gate of observe: soak 10s → 1m"]);
    let rows: Vec<_> = found.findings.iter().map(|f| (f.subject.to_string(), f.what_if.as_str())).collect();
    assert!(rows.contains(&("soak of observe".to_owned(), "not reached")), "{rows:?}");
    let refused = "refused, NO-GO: the soak of 1m is not reached";
    assert!(rows.contains(&("gate of observe".to_owned(), refused)), "{rows:?}");
    let beyond = found.beyond.as_ref().expect("the course is another");
    assert!(!beyond.ends && beyond.sentence().starts_with("observe would not have been promoted then"));
    assert!(found.marks.iter().any(|mark| mark.t_ms == beyond.t_ms));
    let shorter = what_if(&play, samples(&play), &[("soak = \"10s\"", "soak = \"4s\"")]);
    assert!(shorter.beyond.is_none(), "{shorter:?}");
    let text = table(&shorter);
    assert!(text.contains("soak of observe") && text.contains("GO for 6s"), "{text}");
}

#[test]
fn slow_answers_would_have_broken_a_tighter_limit_and_rolled_back() {
    let play = promoted();
    let mut slow = samples(&play);
    let begun = slow[0].up_ms;
    for measure in slow.iter_mut().flat_map(|line| &mut line.samples) {
        let Measure::Sample { point, .. } = measure else { continue };
        point.took_ms = if point.up_ms > begun + 4_000 { 400 } else { 20 };
    }
    let limit = |max: &str| {
        ("period = \"1s\"".to_owned(), format!("period = \"1s\"\nexpect = {{ max_latency = \"{max}\" }}"))
    };
    let (old, wide) = limit("500ms");
    let found = what_if(&play, slow.clone(), &[(&old, &wide)]);
    assert_eq!(found.judged, ["check new: max_latency no limit → 500 ms"]);
    assert!(found.findings.is_empty() && found.beyond.is_none(), "{}", table(&found));
    let (old, tight) = limit("300ms");
    let found = what_if(&play, slow.clone(), &[(&old, &tight), ("grace = \"10s\"", "grace = \"1s\"")]);
    let text = table(&found);
    assert!(
        text.contains("broken: check new is failing: failed: after 400 ms (expected: answer within 300 ms)"),
        "{text}"
    );
    let beyond = found.beyond.expect("it would have rolled back");
    assert!(beyond.ends && beyond.why.contains("would have rolled"), "{beyond:?}");
    assert!(found.findings.iter().all(|f| f.t_ms <= beyond.t_ms), "{text}");
    assert!(found.checks[0].now_bad > 0 && found.checks[0].now_good == 0);
}

#[test]
fn the_numbers_of_a_metric_are_held_against_other_limits() {
    let http = "http = \"http://127.0.0.1:1/new\"";
    let metric = "metric = { file = \"/run/lag\", regex = '(\\d+)' }\nexpect = { max = 10 }";
    let play = promoted_with(&OBSERVED.replace(http, metric));
    let mut numbers = samples(&play);
    let begun = numbers[0].up_ms;
    for measure in numbers.iter_mut().flat_map(|line| &mut line.samples) {
        let Measure::Sample { point, .. } = measure else { continue };
        point.number = Some(if point.up_ms > begun + 4_000 { 7.0 } else { 2.0 });
    }
    let found = what_if(&play, numbers.clone(), &[("max = 10", "max = 8")]);
    assert_eq!(found.judged, ["check new: max 10 → 8"]);
    assert!(found.findings.is_empty() && found.checks[0].samples > 0, "{}", table(&found));
    let found = what_if(&play, numbers, &[("max = 10", "max = 5")]);
    let text = table(&found);
    assert!(
        text.contains("broken: check new is failing: failed: 7, and the most is 5 (2 in a row)"),
        "{text}"
    );
}

#[test]
fn a_slower_trigger_would_not_have_rolled_back_and_nothing_is_known_beyond() {
    let play = rolled_back();
    let found = what_if(&play, samples(&play), &[("failing_for = \"5s\"", "failing_for = \"10m\"")]);
    assert_eq!(found.judged, ["trigger observe.new.rollback: when failing for 5s → failing for 10m"]);
    let trigger = Subject::Trigger("observe.new.rollback".into());
    let rows: Vec<_> =
        found.findings.iter().filter(|f| f.subject == trigger).map(|f| f.what_if.as_str()).collect();
    assert_eq!(rows, ["not counting down", "not fired"]);
    let beyond = found.beyond.expect("the course is another");
    assert_eq!(
        beyond.sentence(),
        "trigger observe.new.rollback would not have rolled back: the recording tells nothing beyond"
    );
    let patient = what_if(&play, samples(&play), &[("failure_threshold = 2", "failure_threshold = 9")]);
    assert!(
        patient.beyond.is_none_or(|b| b.ends),
        "it fires from the first bad sample on, whatever the threshold"
    );
}

#[test]
fn what_no_sample_tells_is_said_and_changes_nothing() {
    let mut play = promoted();
    play.ask(Command::Pause).expect("anyone may");
    let changes = [
        ("http://127.0.0.1:1/new", "http://127.0.0.1:1/other"),
        ("id = \"undo\"\n  run = [\"true\"]", "id = \"undo\"\n  run = [\"false\"]"),
        ("  soak = \"10s\"", "  soak = \"10s\"\n  accept = [\"it looks well\"]"),
        ("id = \"tidy\"\n  run = [\"true\"]", "id = \"tidy\"\n  run = [\"false\"]"),
    ];
    let found = what_if(&play, samples(&play), &changes);
    assert!(found.findings.is_empty() && found.judged.is_empty(), "{}", table(&found));
    assert_eq!(
        found.unjudged,
        [
            "check new looks at, or expects, what its samples do not tell; it is judged as recorded",
            "stage observe: its rollback steps are others; they are kept as they went",
            "gate of observe: it asks people to accept other items; nobody was asked that",
            "stage after: its steps are others; they are kept as they went",
        ]
    );
}
