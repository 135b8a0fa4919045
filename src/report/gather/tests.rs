use super::*;
use crate::event::{Health, Outcome};
use crate::report::model::{EndedHow, OverrideStep, StageStatus, StepStatus};
use crate::report::testing::{Story, cutover};
use crate::session::Situation;

#[test]
fn a_cutover_is_told_with_its_outcome_its_people_and_its_record() {
    let report = cutover().report();
    assert_eq!(report.session.outcome, Some(Outcome::RolledBack));
    assert_eq!(report.session.situation, Situation::RolledBack);
    assert!(report.session.closed && report.missing.is_empty());
    assert_eq!(report.session.duration_ms, 620_000);
    assert_eq!(report.runbook.ticket.as_deref(), Some("CHG-4711"));
    let names: Vec<_> = report.crew.iter().map(|member| member.person.as_str()).collect();
    assert_eq!(names, ["opsA", "opsB"]);
    assert_eq!(report.crew[0].wheel.len(), 1);
    assert_eq!(report.crew[1].known_as.as_deref(), Some("uid 1001"));
    assert_eq!(report.policy.acknowledged.as_ref().map(|by| by.by.as_str()), Some("opsA"));
    assert_eq!(report.refusals.len(), 1);
    assert_eq!(report.unobserved, [Unobserved { from_ms: 300_000, to_ms: 330_000 }]);
}

#[test]
fn a_passage_knows_when_it_came_to_its_gate_how_long_it_was_red_and_how_it_ended() {
    let report = cutover().report();
    let [prepare, switch] = report.stages.as_slice() else { panic!("two stages") };
    let [entry] = prepare.entries.as_slice() else { panic!("one passage") };
    assert_eq!((entry.took_ms, entry.retries, entry.red_ms), (120_000, 1, 0));
    assert_eq!(entry.at_gate.map(|when| when.t_ms), Some(120_020));
    assert_eq!(entry.ended.as_ref().map(|ended| ended.how), Some(EndedHow::Promoted));
    assert_eq!(prepare.status, StageStatus::RolledBack);
    let [entry] = switch.entries.as_slice() else { panic!("one passage") };
    assert_eq!((entry.took_ms, entry.retries, entry.red_ms), (269_999, 0, 25_000));
    assert_eq!(entry.ended.as_ref().map(|ended| ended.how), Some(EndedHow::Overridden));
    assert_eq!((entry.soak.breaks.len(), entry.soak.reached), (1, None));
    assert_eq!((entry.votes.len(), entry.ticks.len(), entry.verdicts.len()), (2, 1, 2));
    assert_eq!(switch.gate.soak_ms, Some(120_000));
}

#[test]
fn every_attempt_is_told_with_every_proof() {
    let report = cutover().report();
    let copy = &report.stages[0].steps[0];
    assert_eq!((copy.id.as_str(), copy.status, copy.attempts.len()), ("prepare.copy", StepStatus::Passed, 2));
    let [failed, passed] = copy.attempts.as_slice() else { panic!("two attempts") };
    assert_eq!((failed.status, failed.exit, failed.took_ms), (StepStatus::Failed, Some(1), Some(30_000)));
    assert_eq!(passed.proofs.len(), 2);
    assert!(passed.proofs.iter().all(|proof| proof.met));
    let answer = report.stages[0].steps[1].attempts[0].answer.as_ref().expect("it was answered");
    assert_eq!((answer.by.as_str(), answer.yes, answer.note.as_deref()), ("opsB", true, Some("by the desk")));
    let told = &report.way_back.steps[0];
    assert_eq!(told.skipped.as_ref().map(|skipped| skipped.by.as_str()), Some("opsA"));
}

#[test]
fn an_override_a_rollback_and_a_note_with_its_file_are_told() {
    let report = cutover().report();
    let [done] = report.overrides.as_slice() else { panic!("one override") };
    assert_eq!((done.what, done.reason.as_deref()), (OverrideStep::Done, Some("the window closes at 08:10")));
    let [back] = report.rollbacks.as_slice() else { panic!("one rollback") };
    assert_eq!((back.took_ms, back.stages.len(), back.stuck.len()), (100_010, 2, 1));
    assert_eq!(report.notes[0].attached.as_deref(), Some("evidence/graph.png"));
    let decided: Vec<_> = report.decisions.iter().map(|decision| decision.what.as_str()).collect();
    assert!(decided.iter().any(|what| what.contains("promoted switch")), "{decided:?}");
    let over = report.decisions.iter().find(|decision| decision.what.contains("promoted switch"));
    let knew = &over.expect("it is one").knew;
    assert_eq!((knew.stage.as_deref(), knew.go), (Some("switch"), Some(false)));
    assert!(!knew.gate_missing.is_empty());
}

#[test]
fn a_check_is_told_with_its_health_and_its_samples_and_a_gap_is_a_gap() {
    let report = cutover().report();
    let readyz = report.checks.iter().find(|check| check.id == "readyz").expect("it is planned");
    assert_eq!(readyz.health_ms.failing, 25_000);
    assert_eq!(readyz.samples.failed, 14);
    assert_eq!(readyz.samples.passed + readyz.samples.failed, readyz.samples.total);
    assert_eq!(readyz.latency_ms.map(|stats| (stats.median, stats.max)), Some((20.0, 900.0)));
    assert!(readyz.number.is_none() && readyz.number_series.is_empty());
    assert!(readyz.latency_series.iter().any(|point| point.1.is_none()));
    assert_eq!((readyz.gates.as_slice(), readyz.limits[0].max), (&["switch".to_owned()][..], Some(500.0)));
    let failing = readyz.bands.iter().find(|band| band.health == Health::Failing).expect("it failed");
    assert_eq!((failing.from_ms, failing.to_ms), (200_000, Some(225_000)));
    assert!(failing.reason.starts_with("status 503"));
    let lag = report.checks.iter().find(|check| check.id == "lag").expect("it is planned");
    assert_eq!(lag.number.map(|stats| (stats.min, stats.max)), Some((0.5, 3.5)));
}

#[test]
fn every_beginning_of_a_log_gives_a_report_so_far() {
    let whole = cutover();
    for length in 1..whole.events.len() {
        let events = whole.events[..length].to_vec();
        let report = Story { events, samples: Vec::new() }.report();
        assert!(!report.session.closed && report.session.outcome.is_none());
        assert_eq!(report.session.last.seq, length as u64);
    }
    assert!(of_events(&[], &[], whole.report().record).is_none());
}

#[test]
fn a_runbook_that_cannot_be_read_leaves_what_the_events_tell() {
    let mut whole = cutover();
    if let EventKind::SessionOpened(opened) = &mut Arc::make_mut(&mut whole.events[0]).event {
        opened.runbook = "this is no TOML".to_owned();
    }
    let report = whole.report();
    assert!(!report.runbook.readable && !report.missing.is_empty());
    assert_eq!(
        report.stages.iter().map(|stage| stage.id.as_str()).collect::<Vec<_>>(),
        ["prepare", "switch"]
    );
    assert_eq!(report.stages[0].steps[0].attempts.len(), 2);
    assert!(!report.checks.is_empty());
}
