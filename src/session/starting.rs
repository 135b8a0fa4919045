//! The events with which things begin and end, shared by operators' commands and by what follows by itself.

use indexmap::IndexMap;
use sha2::{Digest, Sha256};

use super::state::State;
use crate::event::{EventKind, Health, Outcome, Proof, StepFinished};
use crate::runbook::interpolate::Scope;
use crate::runbook::model::{Action, Step};
use crate::runbook::{CheckId, StageId, describe_action};

/// The reason of a `check_changed` that the fence made.
pub const FENCE: &str = "only samples from now on count";

/// Starts the next attempt of `step`, behind its fence.
pub(super) fn start(state: &State, step: &Step, now_up_ms: u64) -> Vec<EventKind> {
    let attempt = state.step(&step.id).attempt + 1;
    let what = state
        .runbook
        .as_ref()
        .map(|r| describe_action(r, step, &masked_scope(state, step, attempt)))
        .unwrap_or_default();
    let sha256 = base16ct::lower::encode_string(&Sha256::digest(what.as_bytes()));
    let mut events = vec![EventKind::StepStarted { step: step.id.clone(), attempt, what, sha256 }];
    events.extend(fence(state, step.action.fenced_checks(), now_up_ms));
    events
}

/// What `${{ … }}` stands for where it is only shown: secrets stay masked.
#[must_use]
pub fn masked_scope(state: &State, step: &Step, attempt: u32) -> Scope {
    let opened = state.opened.as_deref();
    Scope {
        captures: state.captures.clone(),
        secrets: state
            .runbook
            .iter()
            .flat_map(|r| r.secrets.keys())
            .map(|name| (name.clone(), format!("secret:{name}")))
            .collect(),
        session_id: opened.map(|o| o.session.clone()).unwrap_or_default(),
        session_dir: opened.map(|o| o.session_dir.clone().into()).unwrap_or_default(),
        runbook_dir: opened.map(|o| o.dir.clone().into()).unwrap_or_default(),
        stage: Some(step.id.stage().to_owned()),
        attempt: Some(attempt),
        ..Scope::default()
    }
}

/// Sends green checks back to `pending`: the old system's last good answer proves nothing about the new one.
pub(super) fn fence(state: &State, checks: &[CheckId], now_up_ms: u64) -> Vec<EventKind> {
    checks
        .iter()
        .filter(|check| matches!(state.check(check).health, Health::Ok | Health::Stale))
        .map(|check| EventKind::CheckChanged {
            check: check.clone(),
            from: state.check(check).health,
            to: Health::Pending,
            reason: FENCE.to_owned(),
            value: None,
            since: now_up_ms,
        })
        .collect()
}

/// Ends an attempt that the engine itself judges.
pub(super) fn finish(
    state: &State,
    step: &Step,
    passed: bool,
    why: impl Into<String>,
    proofs: Vec<Proof>,
    now_up_ms: u64,
) -> EventKind {
    let seen = state.step(&step.id);
    EventKind::StepFinished(Box::new(StepFinished {
        step: step.id.clone(),
        attempt: seen.attempt,
        passed,
        why: why.into(),
        proofs,
        exit: None,
        took_ms: seen.started.map_or(0, |start| now_up_ms.saturating_sub(start.up_ms)),
        output: None,
        captures: IndexMap::new(),
        remains: Vec::new(),
    }))
}

/// Whether the engine itself judges a step, without anything of the host that would have to be ended.
#[must_use]
pub fn is_judged_here(action: &Action) -> bool {
    matches!(
        action,
        Action::Await { .. } | Action::Wait { .. } | Action::Confirm { .. } | Action::Baseline { .. }
    )
}

/// What an override lifts, a sentence each, and why.
#[derive(Debug, Clone)]
pub(super) struct Overriding {
    pub lifted: Vec<String>,
    pub reason: String,
    /// Who asked for it, where a second person promotes.
    pub asked_by: Option<String>,
}

/// Promotes `stage` and enters the next, or completes the session.
pub(super) fn promote(state: &State, stage: &StageId, over: Option<Overriding>) -> Vec<EventKind> {
    let (overridden, reason, asked_by) =
        over.map_or((Vec::new(), None, None), |over| (over.lifted, Some(over.reason), over.asked_by));
    let promoted = EventKind::Promoted { stage: stage.clone(), overridden, reason, asked_by };
    let next = match state.next_stage() {
        Some(next) => EventKind::StageEntered { stage: next.clone() },
        None => EventKind::SessionClosed { outcome: Outcome::Completed, reason: None },
    };
    vec![promoted, next]
}
