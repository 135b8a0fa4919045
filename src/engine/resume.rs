//! Brings back a session whose engine is gone: its log is held against what is known of it and against the rules
//! before anything is appended; what was left running is taken over; what cannot be known is asked.

use std::collections::HashMap;
use std::path::Path;

use super::driver::{AdoptOrder, Effect, adoptions};
use super::hub::Engine;
use super::journal::SessionLog;
use super::secrets;
use super::shim::evidence::{Evidence, evidence};
use super::shim::record::End;
use super::start::{OpenError, Parts, engine_started, raise};
use super::work::untold;
use crate::audit::dir::{Cutover, LOG, SessionDir};
use crate::audit::past;
use crate::audit::reader::{self, Log};
use crate::audit::receipts::Receipts;
use crate::clock;
use crate::event::{EventKind, Mode, SessionOpened};
use crate::runbook::model::Action;
use crate::session::{State, legal};

/// A session that is back, and what was found, a sentence each.
#[derive(Debug)]
pub struct Resumed {
    pub engine: Engine,
    pub findings: Vec<String>,
}

/// Brings the session in `folder` back and starts its engine on the current runtime. `given` are values of secrets
/// whose reference leads nowhere, by name.
///
/// # Errors
/// [`OpenError`], a sentence. The log is as it was.
pub fn resume(folder: &Path, given: &HashMap<String, String>) -> Result<Resumed, OpenError> {
    let mut dir = SessionDir::open(folder, None)?;
    let log = reader::read(&folder.join(LOG))?;
    let state = replayed(&log)?;
    let (Some(opened), Some(runbook)) = (state.opened.clone(), state.runbook.clone()) else {
        return Err(OpenError::Runbook);
    };
    Receipts::own()?.hold_against(&log).map_err(OpenError::Receipt)?;
    let opened = SessionOpened { session_dir: dir.path().display().to_string(), ..(*opened).clone() };
    let file = Path::new(&opened.dir).join(&opened.file);
    if opened.mode != Mode::Simulated {
        dir.claim(Cutover { id: &runbook.id, runbook: &file })?;
    }
    let (secrets, redactor) = secrets::read(&runbook, given, &opened)?;
    let same_boot = state.boot_id.as_deref() == Some(&clock::boot_id());
    let adopt = adoptions(&state);

    let mut findings = Vec::new();
    if !same_boot {
        findings.push("the machine was restarted since".to_owned());
    }
    if std::fs::read_to_string(&file).ok().as_deref() != Some(opened.runbook.as_str()) {
        let file = file.display();
        findings.push(format!("{file} is not what is run any more: the session keeps to its own copy"));
    }
    findings.extend(adopt.iter().filter_map(|effect| found(dir.path(), effect)));
    let last_sign = state.last.map(|last| last.up_ms).filter(|_| same_boot);
    let past = EventKind::PastSessions(Box::new(past::read(dir.path(), &runbook)));
    let (log, mended) = SessionLog::open(dir, &log)?;
    findings.extend(mended);

    // Where nothing happened for a while there was still an engine that looked.
    let gap = last_sign.map(|last| {
        let to = clock::up_ms().max(last);
        EventKind::Unobserved { from: log.last_sampled().clamp(last, to), to }
    });
    let started = [engine_started(findings.clone()), past];
    let first = gap.into_iter().chain(started).chain(untold(&state)).collect();
    let runbook = (*runbook).clone();
    let engine = raise(Parts { opened, runbook, secrets, redactor, log, state, first, adopt })?;
    Ok(Resumed { engine, findings })
}

/// The fold of a log of which every event was legal.
fn replayed(log: &Log) -> Result<State, OpenError> {
    let mut state = State::default();
    for event in &log.events {
        legal(&state, event).map_err(|why| OpenError::Illegal { seq: event.seq, why })?;
        state.apply(event);
    }
    match &state.outcome {
        Some((outcome, _)) => Err(OpenError::Over(outcome.word())),
        None => Ok(state),
    }
}

/// What is known of an attempt that was left running, as a sentence.
fn found(folder: &Path, effect: &Effect) -> Option<String> {
    let Effect::Adopt(AdoptOrder { order, .. }) = effect else { return None };
    let id = &order.step;
    let action = &order.runbook.step(id)?.action;
    if !matches!(action, Action::Run { .. } | Action::Start { .. }) {
        return Some(format!("{id} was under way"));
    }
    Some(match evidence(&folder.join(format!("steps/{id}.{}", order.attempt))) {
        Evidence::NotStarted => format!("{id} was about to start and had not: it starts now"),
        Evidence::Running { shim } => format!("{id} still runs under its shim, process {}", shim.pid),
        Evidence::Exited(exit) => match exit.end {
            End::Exited { code } => format!("{id} ended meanwhile, exit {code}"),
            End::Signaled { signal } => format!("{id} was ended meanwhile by signal {signal}"),
            End::ExecFailed { why } => format!("{id} could not be run: {why}"),
            End::Up => format!("{id} came up meanwhile"),
        },
        Evidence::Unknown { why } => format!("what became of {id} is not known: {why}"),
    })
}
