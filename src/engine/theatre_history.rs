//! The history of what is played on the stage: bands and marks fit the state at every event, and a decision knows what
//! there was to know.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::theatre::Theatre;
use super::theatre_scenes::{self, observed};
use super::theatre_walks::{BUSY, Move, NO_RETURN, cases, make, moves};
use crate::event::{Event, Health};
use crate::history::{Axis, BandKind, Decision, MarkKind, Timeline};
use crate::session::{Command, StageStatus, State, StepStatus};

/// Its gate may be overridden, and a point of no return lies behind it.
const BEFORE_THE_DROP: &str = r#"
  override = "reason"
[[stage]]
id = "drop"
point_of_no_return = true
  [[stage.step]]
  id = "drop-it"
  run = ["true"]
  on_failure = "continue"
  [[stage.step]]
  id = "sweep"
  run = ["true"]
"#;

/// Everything that is told of these events: the timeline and each decision.
fn told(events: &[Arc<Event>]) -> (Timeline, Vec<Decision>) {
    let (mut axis, mut state) = (Axis::default(), State::default());
    let (mut timeline, mut decisions) = (Timeline::default(), Vec::new());
    for event in events {
        decisions.extend(Decision::of(event, &state));
        state.apply(event);
        timeline.push(event, axis.push(event), &state);
    }
    (timeline, decisions)
}

/// The bands that have no end are what the state says now.
fn fits(timeline: &Timeline, state: &State) -> Result<(), TestCaseError> {
    let open = timeline.bands.iter().filter(|b| b.to_ms.is_none()).map(|b| &b.kind);
    // The state does not keep what the gate of the way back said.
    let way_back =
        |kind: &&BandKind| matches!(kind, BandKind::Gate { stage, .. } if stage.as_str() == "rollback");
    let open: Vec<&BandKind> = open.filter(|kind| !way_back(kind)).collect();
    let mut due: Vec<BandKind> = Vec::new();
    if !state.is_closed() {
        for (id, seen) in &state.stages {
            let (stage, status) = (id.clone(), seen.status);
            if matches!(status, StageStatus::Active | StageStatus::AtGate | StageStatus::RollingBack) {
                due.push(BandKind::Stage { stage: stage.clone(), status });
            }
            if let (StageStatus::AtGate, Some(gate)) = (status, &seen.gate) {
                due.push(BandKind::Gate { stage: stage.clone(), go: gate.go });
            }
            if seen.soak.running_since.is_some() && !seen.soak.reached {
                due.push(BandKind::Soak { stage });
            }
        }
        for (step, seen) in state.steps.iter().filter(|(_, s)| s.status.is_open()) {
            due.push(BandKind::Step { step: step.clone(), attempt: seen.attempt, status: seen.status });
        }
        for (check, seen) in state.checks.iter().filter(|(_, c)| c.health != Health::Idle) {
            due.push(BandKind::Check { check: check.clone(), health: seen.health });
        }
        due.extend(state.paused.iter().map(|p| BandKind::Paused { by: p.by.clone() }));
        due.extend((!state.holds().is_empty()).then_some(BandKind::Holding));
        let rollback = state.active_rollback();
        due.extend(rollback.map(|r| BandKind::RollingBack { to: r.to.clone(), full: r.full }));
        due.extend(rollback.and_then(|r| r.stuck.as_ref()).map(|_| BandKind::Stuck));
    }
    prop_assert!(due.iter().all(|kind| open.contains(&kind)), "{due:?} are due, and open are {open:?}");
    prop_assert_eq!(due.len(), open.len(), "{:?} are due, and open are {:?}", due, open);
    Ok(())
}

fn row(kind: &BandKind) -> String {
    match kind {
        BandKind::Stage { stage, .. } => format!("stage {stage}"),
        BandKind::Step { step, .. } => format!("step {step}"),
        BandKind::Check { check, .. } => format!("check {check}"),
        BandKind::Gate { .. } => "gate".to_owned(),
        BandKind::Soak { .. } => "soak".to_owned(),
        BandKind::RollingBack { .. } => "rollback".to_owned(),
        BandKind::Stuck => "stuck".to_owned(),
        BandKind::Paused { .. } => "pause".to_owned(),
        BandKind::Holding => "hold".to_owned(),
        BandKind::Unobserved => "unobserved".to_owned(),
    }
}

fn walk(runbook: &str, moves: Vec<Move>) -> Result<(), TestCaseError> {
    let mut play = Theatre::new(runbook);
    moves.into_iter().for_each(|what| make(&mut play, what));
    let (mut axis, mut state, mut timeline) = (Axis::default(), State::default(), Timeline::default());
    for event in play.events() {
        let decision = Decision::of(event, &state);
        state.apply(event);
        timeline.push(event, axis.push(event), &state);
        fits(&timeline, &state)?;
        let marked = timeline.marks.last().is_some_and(|m| m.seq == event.seq && m.is(MarkKind::Decision));
        prop_assert_eq!(decision.is_some(), marked, "{:?}", event);
    }
    let mut rows: BTreeMap<String, Vec<(u64, u64)>> = BTreeMap::new();
    for band in &timeline.bands {
        let to = band.to_ms.unwrap_or(timeline.end_ms());
        prop_assert!(band.from_ms <= to && to <= timeline.end_ms(), "{:?}", band);
        rows.entry(row(&band.kind)).or_default().push((band.from_ms, to));
    }
    for (name, row) in rows {
        prop_assert!(row.windows(2).all(|two| two[0].1 <= two[1].0), "bands of {name} overlap: {row:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(8))]

    #[test]
    fn the_bands_of_a_busy_walk_fit_its_state(moves in prop::collection::vec(moves(), 40..150)) {
        walk(BUSY, moves)?;
    }

    #[test]
    fn the_bands_of_a_walk_past_a_point_of_no_return_fit_its_state(
        moves in prop::collection::vec(moves(), 40..150),
    ) {
        walk(NO_RETURN, moves)?;
    }
}

fn soaking() -> Theatre {
    let mut play = theatre_scenes::soaking(&observed(BEFORE_THE_DROP));
    play.pass(Duration::from_secs(4));
    play
}

#[test]
fn what_nobody_observed_interrupts_what_was_seen_and_no_stage() {
    for rebooted in [false, true] {
        let mut play = soaking();
        let seen_last = play.events().last().expect("it began").seq;
        play.die(Duration::from_secs(60), rebooted);
        play.pass(Duration::from_secs(3));
        let (timeline, _) = told(play.events());
        let bands = |which: fn(&BandKind) -> bool| timeline.bands.iter().filter(move |b| which(&b.kind));
        let gap = bands(|k| matches!(k, BandKind::Unobserved)).next().expect("a gap");
        assert!(gap.to_ms.expect("it is over") - gap.from_ms >= 60_000, "{gap:?}");
        let across = |b: &&crate::history::Band| {
            b.from_ms < gap.to_ms.expect("over") && b.to_ms.is_none_or(|to| to > gap.from_ms)
        };
        assert_eq!(
            bands(|k| matches!(k, BandKind::Check { .. } | BandKind::Soak { .. })).filter(across).count(),
            0
        );
        assert_eq!(bands(|k| matches!(k, BandKind::Stage { .. })).filter(across).count(), 1);
        assert!(timeline.marks.iter().any(|m| m.seq > seen_last && m.kind == MarkKind::Session));
    }
}

#[test]
fn a_point_of_no_return_is_marked_once_with_the_first_step_behind_it() {
    let mut play = soaking();
    play.until("it is GO", |s| s.stages["observe"].gate.as_ref().is_some_and(|g| g.go));
    play.script.failing_steps.insert("drop.drop-it".into(), vec!["once".to_owned()]);
    play.ask(Command::Advance { typed: Some("drop".to_owned()), over: None }).expect("it is GO");
    play.until("the first failed", |s| s.step(&"drop.drop-it".into()).status == StepStatus::Failed);
    play.ask(Command::Retry { step: "drop.drop-it".into() }).expect("it failed");
    play.pass(Duration::from_secs(3));
    let (timeline, decisions) = told(play.events());
    let points: Vec<_> = timeline.marks.iter().filter(|m| m.is(MarkKind::PointOfNoReturn)).collect();
    assert_eq!(points.len(), 1);
    assert_eq!(points[0].label, "drop.drop-it started: from here on nothing leads back behind drop");
    let attempts: Vec<_> = timeline
        .bands
        .iter()
        .filter_map(|b| match &b.kind {
            BandKind::Step { step, attempt, status } => Some(format!("{step} {attempt} {status:?}")),
            _ => None,
        })
        .collect();
    assert_eq!(
        attempts,
        ["observe.look 1 Passed", "drop.drop-it 1 Failed", "drop.sweep 1 Passed", "drop.drop-it 2 Passed"]
    );
    let what: Vec<_> = decisions.iter().map(|d| d.what.as_str()).collect();
    assert_eq!(what, ["entered observe", "promoted observe", "step drop.drop-it attempt 2 started: true"]);
}

#[test]
fn a_decision_knows_what_was_red_who_was_there_and_what_the_gate_said() {
    let mut play = soaking();
    play.script.failing_checks.insert("new".into(), "status 503".to_owned());
    play.until("it is red", |s| s.check(&"new".into()).health == Health::Failing);
    let over = || Some("the answer is cached, INC-7781".to_owned());
    play.ask(Command::Advance { typed: Some("drop".to_owned()), over: over() })
        .expect("it may be overridden");
    let (timeline, decisions) = told(play.events());
    let decision = decisions.last().expect("it was decided");
    assert_eq!(decision.what, "promoted observe, overriding 2");
    assert_eq!(decision.reason, over());
    assert_eq!(decision.by, play.driver);
    let knew = &decision.knew;
    assert_eq!(knew.stage, Some("observe".into()));
    let said = knew.verdict.as_ref().expect("it was at its gate").sentences();
    assert_eq!(
        said,
        ["check new is failing: failed: status 503 (2 in a row)", "the soak of 10s is not reached"]
    );
    let red: Vec<_> =
        knew.not_green.iter().map(|c| (c.check.as_str(), c.health, c.reason.as_str())).collect();
    assert_eq!(red, [("new", Health::Failing, "failed: status 503 (2 in a row)")]);
    assert_eq!(knew.present.iter().map(|p| p.person.as_str()).collect::<Vec<_>>(), ["opsA"]);
    let mark = timeline.marks.iter().find(|m| m.seq == decision.seq).expect("it is marked");
    assert_eq!((mark.kind, mark.by.as_deref()), (MarkKind::Override, Some("opsA")));
    assert!(mark.is(MarkKind::Decision) && !mark.is(MarkKind::Failure));
}
