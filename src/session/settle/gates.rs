//! Gates: the stage that comes to its gate, the fence before it, the soak, the verdict, the promotion by itself.

use super::{Round, ms};
use crate::event::{EventKind, Health};
use crate::runbook::model::{OnFailure, Stage};
use crate::session::state::{StageState, StageStatus, State, StepStatus};
use crate::session::{gate, starting};

/// What the gate of the stage in hand does now.
pub(super) fn turn(round: &mut Round) -> Vec<EventKind> {
    let state = round.state;
    let Some(plan) = state.current_stage().and_then(|id| state.stage_plan(id)) else { return Vec::new() };
    let Some(stage) = state.stages.get(&plan.id) else { return Vec::new() };
    match stage.status {
        StageStatus::Active if is_through(state, plan) => arrive(state, plan, round.now.up_ms),
        // A rollback came back to it.
        StageStatus::AtGate if stage.gate.is_none() => arrive(state, plan, round.now.up_ms),
        StageStatus::AtGate => {
            let soaked = soak(round, plan, stage);
            if soaked.is_empty() { verdict(state, plan, stage) } else { soaked }
        }
        _ => Vec::new(),
    }
}

/// Every step has ended in a way that lets the stage come to its gate.
pub(in crate::session) fn is_through(state: &State, plan: &Stage) -> bool {
    plan.steps.iter().filter(|s| s.applies).all(|step| match state.step(&step.id).status {
        StepStatus::Passed | StepStatus::Skipped => true,
        StepStatus::Failed => step.on_failure == OnFailure::Continue && !state.will_retry(step),
        _ => false,
    })
}

/// The stage comes to its gate: from here on only samples that begin now count.
fn arrive(state: &State, plan: &Stage, up_ms: u64) -> Vec<EventKind> {
    let mut events = starting::fence(state, &gate::fenced_checks(state, plan), up_ms);
    // Folded in as if the fence had been applied, so that the first verdict is never the old one.
    let missing = gate::evaluate_fenced(state, &plan.id).sentences();
    events.push(EventKind::GateChanged { stage: plan.id.clone(), go: missing.is_empty(), missing });
    events
}

fn soak(round: &mut Round, plan: &Stage, stage: &StageState) -> Vec<EventKind> {
    let (state, id) = (round.state, plan.id.clone());
    let Some(asked) = plan.gate.soak else { return Vec::new() };
    let soak = &stage.soak;
    let counted = |check: &&crate::runbook::CheckId| state.blocks(check);
    if soak.started {
        let failing = plan
            .gate
            .checks
            .iter()
            .filter(counted)
            .find(|check| state.check(check).health == Health::Failing);
        if let Some(check) = failing {
            return vec![EventKind::SoakBroken { stage: id, why: gate::check_sentence(state, check) }];
        }
        let tolerated = tolerated_gap(state, plan);
        if soak.unobserved_ms > tolerated {
            let gap = std::time::Duration::from_millis(soak.unobserved_ms);
            let why = format!("nobody observed it for {}", humantime::format_duration(gap));
            return vec![EventKind::SoakBroken { stage: id, why }];
        }
        let reached = !soak.reached
            && soak
                .running_since
                .is_some_and(|since| round.reached(since + ms(asked).saturating_sub(soak.banked_ms)));
        return if reached { vec![EventKind::SoakReached { stage: id }] } else { Vec::new() };
    }
    let green = state.paused.is_none() && !plan.gate.checks.iter().any(|check| state.blocks(check));
    if green { vec![EventKind::SoakStarted { stage: id }] } else { Vec::new() }
}

/// How long a soak bears that nobody looked: three periods of each check that counts, so of the one that is looked at
/// most often.
fn tolerated_gap(state: &State, plan: &Stage) -> u64 {
    let checks = plan.gate.checks.iter().filter_map(|id| state.runbook.as_ref()?.check(id));
    let counting = checks.filter(|check| check.applies && !check.advisory);
    counting.map(|check| ms(check.period).saturating_mul(3)).min().unwrap_or(0)
}

fn verdict(state: &State, plan: &Stage, stage: &StageState) -> Vec<EventKind> {
    let verdict = gate::evaluate(state, &plan.id);
    let (go, missing) = (verdict.is_go(), verdict.sentences());
    let recorded = stage.gate.as_ref().is_some_and(|seen| seen.go == go && seen.missing == missing);
    if !recorded {
        return vec![EventKind::GateChanged { stage: plan.id.clone(), go, missing }];
    }
    let next = state.next_stage().and_then(|id| state.stage_plan(id));
    let crosses = next.is_some_and(|stage| stage.point_of_no_return);
    if go && gate::promotes_itself(state, plan) && !crosses {
        return starting::promote(state, &plan.id, None);
    }
    Vec::new()
}
