//! Who is to be told of an event, and what: the topics of `[[notify]]`, each a plain rule over the event and the state
//! behind it. How it is sent is the engine's; that it was, or was not, is an event.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::state::{Hold, State, StepStatus};
use crate::event::{Event, EventKind, Mode, author, describe};
use crate::runbook::describe::describe_notify;
use crate::runbook::id::ROLLBACK;
use crate::runbook::model::{Runbook, Topic};
use crate::runbook::plan;
use crate::text::{safe_line, shortened};

/// The longest text that is sent, in bytes.
const LONGEST: usize = 2 << 10;

/// Something that one `[[notify]]` is to be told, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Which `[[notify]]`, counted from 1.
    pub notify: u32,
    /// The number and the time of the event that it is about.
    pub of: u64,
    pub at: DateTime<Utc>,
    pub on: Topic,
    /// What happened, in a line.
    pub what: String,
}

impl Notice {
    /// That nobody was told, or that it is not known, without having been tried.
    #[must_use]
    pub fn untold(&self, runbook: &Runbook, why: &str) -> EventKind {
        let Self { notify, of, on, .. } = *self;
        let way =
            notify.checked_sub(1).and_then(|at| runbook.notify.get(at as usize)).map(|notify| &notify.way);
        let to =
            way.map(|way| describe_notify(way, &plan::scope(runbook), &runbook.shell)).unwrap_or_default();
        EventKind::NotifyFailed { notify, of, on, to, why: why.to_owned() }
    }
}

/// Whom `event`, which `state` has just folded in, is to be told to. Simulated sessions tell nobody.
#[must_use]
pub fn due(state: &State, event: &Event) -> Vec<Notice> {
    let Some(runbook) = state.runbook.as_deref().filter(|runbook| !runbook.notify.is_empty()) else {
        return Vec::new();
    };
    if state.opened.as_ref().is_none_or(|opened| opened.mode == Mode::Simulated) {
        return Vec::new();
    }
    let topics = topics(state, event);
    let notice = |(notify, on): (u32, Topic)| {
        let what = shortened(&safe_line(&what(state, event, on)), LONGEST).into_owned();
        Notice { notify, of: event.seq, at: event.at, on, what }
    };
    (1..)
        .zip(&runbook.notify)
        .filter_map(|(number, notify)| {
            Some((number, *topics.iter().find(|topic| notify.on.contains(topic))?))
        })
        .map(notice)
        .collect()
}

/// What an event is about, the most urgent first.
fn topics(state: &State, event: &Event) -> Vec<Topic> {
    use EventKind as E;
    match &event.event {
        E::StageEntered { .. } => vec![Topic::Stage],
        E::StepFinished(finish) if !finish.passed => {
            let holds = |hold: &Hold| matches!(hold, Hold::StepFailed { step, .. } if *step == finish.step);
            if state.holds().iter().any(holds) { vec![Topic::Hold] } else { Vec::new() }
        }
        E::DriftFound { .. } => vec![Topic::Drift, Topic::Hold],
        E::StepUnknown { .. } => vec![Topic::Question, Topic::Hold],
        E::StepStarted { step, .. } if state.step(step).status == StepStatus::Waiting => {
            vec![Topic::Question]
        }
        E::OverrideAsked { .. } => vec![Topic::Question],
        E::GateChanged { stage, .. } if stage.as_str() != ROLLBACK => {
            let called = state.stages.get(stage).and_then(|stage| stage.called);
            if called == Some(event.seq) { vec![Topic::Question] } else { Vec::new() }
        }
        E::TriggerArmed { .. } => vec![Topic::Trigger],
        E::TriggerFired { trigger, .. } => {
            let holds = |hold: &Hold| matches!(hold, Hold::Trigger { trigger: by, .. } if by == trigger);
            let hold = state.holds().iter().any(holds).then_some(Topic::Hold);
            [Topic::Trigger].into_iter().chain(hold).collect()
        }
        E::RollbackStarted { .. } | E::RollbackFinished { .. } => vec![Topic::Rollback],
        E::RollbackStuck { .. } => vec![Topic::Stuck],
        E::SessionClosed { .. } => vec![Topic::Finished],
        _ => Vec::new(),
    }
}

fn what(state: &State, event: &Event, on: Topic) -> String {
    match &event.event {
        EventKind::StageEntered { stage } => {
            let (at, of) = (state.stages.get_index_of(stage).map_or(0, |at| at + 1), state.stages.len());
            let title = state.stage_plan(stage).map_or("", |plan| plan.title.as_str());
            format!("stage {stage} ({at} of {of}): {title}")
        }
        EventKind::StepStarted { step, .. } => {
            format!("{step} waits for an answer: {}", state.step(step).what.as_deref().unwrap_or_default())
        }
        EventKind::GateChanged { stage, go: true, .. } => {
            format!("the gate of {stage} is GO and waits for somebody to advance it")
        }
        EventKind::GateChanged { stage, missing, .. } => {
            format!("the gate of {stage} waits for people: {}", missing.join("; "))
        }
        EventKind::OverrideAsked { .. } => format!("{} {}", author(&event.by), describe(event)),
        _ if on == Topic::Hold => format!("the session holds: {}", describe(event)),
        _ => describe(event),
    }
}

/// What is sent for a notice, where `head` is the log's, as `seq:hash8`.
#[must_use]
pub fn body(state: &State, notice: &Notice, head: &str) -> Value {
    let Some((opened, runbook)) = state.opened.as_deref().zip(state.runbook.as_deref()) else {
        return Value::Null;
    };
    let rehearsal = if opened.mode == Mode::Rehearsal { "REHEARSAL " } else { "" };
    let environment = runbook.environment.as_ref().map_or(String::new(), |name| format!("[{name}] "));
    let (title, host, session) = (&runbook.title, &opened.host.name, &opened.session);
    let text =
        format!("{rehearsal}{environment}{title}: {} (session {session} on {host}, log {head})", notice.what);
    json!({
        "text": safe_line(&text),
        "on": notice.on,
        "what": notice.what,
        "event": notice.of,
        "at": notice.at,
        "head": head,
        "session": session,
        "mode": opened.mode,
        "runbook": runbook.id,
        "title": title,
        "environment": runbook.environment,
        "ticket": runbook.ticket,
        "host": host,
        "stage": state.current_stage(),
        "situation": state.situation(),
    })
}
