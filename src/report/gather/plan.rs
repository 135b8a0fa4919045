//! The plan, in the words of a report.

use std::time::Duration;

use indexmap::IndexMap;

use super::steps::Steps;
use crate::event::SessionOpened;
use crate::report::model::{GatePlan, Runbook, Trigger, TriggerEvent, WayBack, Window};
use crate::runbook::model::{Gate, Override, TriggerThen, TriggerWhen};
use crate::runbook::{CheckId, TriggerId};
use crate::session::State;

/// A duration in milliseconds.
pub(super) fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn names(checks: &[CheckId]) -> Vec<String> {
    checks.iter().map(CheckId::to_string).collect()
}

/// The runbook as it was run.
pub(super) fn runbook(opened: &SessionOpened, state: &State) -> Runbook {
    let plan = state.runbook.as_deref();
    let title = plan.map_or_else(|| opened.file.clone(), |plan| plan.title.clone());
    Runbook {
        id: plan.map(|plan| plan.id.clone()).unwrap_or_default(),
        title,
        owner: plan.and_then(|plan| plan.owner.clone()),
        ticket: plan.and_then(|plan| plan.ticket.clone()),
        environment: plan.and_then(|plan| plan.environment.clone()),
        dir: opened.dir.clone(),
        file: opened.file.clone(),
        sha256: opened.sha256.clone(),
        vars: opened.vars.clone(),
        text: opened.runbook.clone(),
        window: plan.and_then(|plan| plan.window).map(|at| Window { opens: at.opens, closes: at.closes }),
        readable: plan.is_some(),
    }
}

/// What a gate asks for.
pub(super) fn gate(gate: &Gate) -> GatePlan {
    let over = match gate.over {
        Override::Reason => "reason",
        Override::Two => "two",
        Override::Never => "never",
    };
    GatePlan {
        checks: names(&gate.checks),
        soak_ms: gate.soak.map(ms),
        accept: gate.accept.clone(),
        approvals: gate.approvals,
        roles: gate.roles.clone(),
        consecutive_sessions: gate.consecutive_sessions,
        drilled_within_ms: gate.drilled.as_ref().map(|drilled| ms(drilled.within)),
        drilled_environment: gate.drilled.as_ref().and_then(|drilled| drilled.environment.clone()),
        auto: gate.auto,
        over: over.to_owned(),
    }
}

/// The way back; without a plan, what ran of it.
pub(super) fn way_back(state: &State, steps: &mut Steps) -> WayBack {
    let Some(runbook) = &state.runbook else {
        let steps = steps.take_unplanned(crate::runbook::id::ROLLBACK, state);
        return WayBack { steps, ..WayBack::default() };
    };
    let plan = &runbook.rollback;
    WayBack {
        window_from: plan.window.as_ref().map(|window| window.from.to_string()),
        window_ms: plan.window.as_ref().map(|window| ms(window.lasts)),
        ready: names(&plan.ready),
        gate_checks: plan.gate.as_ref().map(|gate| names(&gate.checks)).unwrap_or_default(),
        gate_timeout_ms: plan.gate.as_ref().map(|gate| ms(gate.timeout)),
        prepare: plan.prepare.iter().map(|step| steps.take(step, state)).collect(),
        steps: plan.steps.iter().map(|step| steps.take(step, state)).collect(),
    }
}

/// The plan's triggers, and after them those of steps that were to roll back when they failed.
pub(super) fn triggers(state: &State, mut became: IndexMap<TriggerId, Vec<TriggerEvent>>) -> Vec<Trigger> {
    let planned = state.runbook.iter().flat_map(|runbook| &runbook.triggers);
    let mut triggers: Vec<Trigger> = planned
        .filter(|trigger| trigger.applies)
        .map(|trigger| Trigger {
            id: trigger.id.to_string(),
            stage: trigger.stage.as_ref().map(ToString::to_string),
            check: Some(trigger.check.to_string()),
            condition: condition(&trigger.condition),
            then: then(&trigger.then),
            events: became.shift_remove(&trigger.id).unwrap_or_default(),
        })
        .collect();
    triggers.extend(became.into_iter().map(|(id, events)| Trigger {
        id: id.to_string(),
        stage: None,
        check: None,
        condition: "the step fails".to_owned(),
        then: "roll back".to_owned(),
        events,
    }));
    triggers
}

fn condition(condition: &TriggerWhen) -> String {
    let span = |duration: &Duration| humantime::format_duration(*duration).to_string();
    match condition {
        TriggerWhen::FailingFor(lasts) => format!("failing for {}", span(lasts)),
        TriggerWhen::StaleFor(lasts) => format!("stale for {}", span(lasts)),
        TriggerWhen::Failures { count, within } => format!("{count} failures within {}", span(within)),
    }
}

fn then(then: &TriggerThen) -> String {
    match then {
        TriggerThen::Alert => "alert".to_owned(),
        TriggerThen::Hold => "hold".to_owned(),
        TriggerThen::Rollback { to, grace } => {
            let to = to.as_ref().map(|stage| format!(" to {stage}")).unwrap_or_default();
            format!("roll back{to} after {}", humantime::format_duration(*grace))
        }
    }
}
