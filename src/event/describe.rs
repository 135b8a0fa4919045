//! One human line a kind: what the audit panel, the headless printer and the report show. The lines hold text that
//! others wrote: pass them through `text::safe_line` before a terminal.

use super::{By, Event, EventKind, Health, ItemOf, Outcome, PastSessions, StepFinished, drift_line};
use crate::proof;
use crate::runbook::id::ROLLBACK;
use crate::runbook::{StageId, StepId};

/// The name that an event's author has on the screen.
#[must_use]
pub fn author(by: &By) -> String {
    match by {
        By::Engine(_) => "engine".to_owned(),
        By::Trigger { trigger } => format!("trigger {trigger}"),
        By::Person(person) => person.person.clone(),
    }
}

/// The event as one line, without its number, time and author.
#[must_use]
pub fn describe(event: &Event) -> String {
    use EventKind as E;
    match &event.event {
        E::SessionOpened(opened) => format!(
            "session {} opened: {} {} on {}, gonogo {}",
            opened.session,
            opened.mode.word(),
            opened.file,
            opened.host.name,
            opened.version
        ),
        E::EngineStarted { version, pid, recovered, .. } => {
            format!("engine started, gonogo {version}, pid {pid}{}", because(&recovered.join("; ")))
        }
        E::EngineStopping { reason } => format!("engine stopping{}", because(reason)),
        E::PastSessions(past) => earlier(past),
        E::Unobserved { from, to } => {
            format!("nobody observed anything for {}", took(to.saturating_sub(*from)))
        }
        E::LogRecovered { why, dropped_bytes: 0 } => format!("the log can be written again{}", because(why)),
        E::LogRecovered { why, dropped_bytes } => {
            let dropped = proof::bytes(*dropped_bytes);
            format!("the log can be written again, {dropped} of a broken line dropped{}", because(why))
        }
        E::OperatorJoined { person, roles, .. } => {
            let roles = if roles.is_empty() { String::new() } else { format!(" for {}", roles.join(", ")) };
            format!("{} joined as {}{roles}", person.person, person.seat.word())
        }
        E::OperatorLeft { person, why } => format!("{} left{}", person.person, because(why)),
        E::WheelAsked => "asks for the wheel".to_owned(),
        E::WheelOffered { to } => format!("offers the wheel to {to}"),
        E::WheelDeclined => "the wheel stays where it is".to_owned(),
        E::WheelPassed { from: Some(from), to } => format!("the wheel passes from {from} to {to}"),
        E::WheelPassed { from: None, to } => format!("{to} takes the wheel"),
        E::HandoverAcknowledged => "handover acknowledged".to_owned(),
        E::CommandRefused { command, why } => format!("{command} refused{}", because(why)),
        E::PolicyAcknowledged => "policy acknowledged".to_owned(),
        E::StageEntered { stage } => format!("entered {stage}"),
        E::StepStarted { step, attempt, what, .. } => {
            format!("{} started{}", nth(step, *attempt), because(what))
        }
        E::StepLaunched { step, attempt, process } => {
            format!("{} is up, pid {}", nth(step, *attempt), process.pid)
        }
        E::StepFinished(finish) => finished(finish),
        E::StepUnknown { step, attempt, evidence } => {
            format!("{} is unknown{}", nth(step, *attempt), because(evidence))
        }
        E::StepResolved { step, attempt, outcome, reason } => {
            format!("{} resolved as {}{}", nth(step, *attempt), outcome.word(), because(reason))
        }
        E::StepSkipped { step, reason } => format!("step {step} skipped{}", because(reason)),
        E::StepKilled { step, attempt, why, .. } => {
            format!("{} is being ended{}", nth(step, *attempt), because(why))
        }
        E::EndRefused { step, attempt, why } => {
            format!("{} could not be ended and runs on{}", nth(step, *attempt), because(why))
        }
        E::OutputCut { step, attempt, kept, dropped } => {
            let (kept, dropped) = (proof::bytes(*kept), proof::bytes(*dropped));
            format!("output of {} was cut: {kept} kept, {dropped} dropped", nth(step, *attempt))
        }
        E::Confirmed { step, note, .. } => format!("step {step} answered yes{}", because_of(note.as_ref())),
        E::Declined { step, note, .. } => format!("step {step} answered no{}", because_of(note.as_ref())),
        E::ItemTicked { on, item, pass, note } => {
            let at = match on {
                ItemOf::Gate(stage) => gate_of(stage),
                ItemOf::Step(step) => format!("step {step}"),
            };
            let verdict = if *pass { "passed" } else { "failed" };
            format!("ticked \"{item}\" of {at} as {verdict}{}", because_of(note.as_ref()))
        }
        E::CheckChanged { check, from, to, reason, value, .. } => {
            let value = value.as_ref().map(|v| format!(" ({v})")).unwrap_or_default();
            let tail = if *to == Health::Ok || reason.is_empty() { value } else { because(reason) };
            format!("check {check} {} → {}{tail}", from.word(), to.word())
        }
        E::BaselineTaken { name, checks, .. } => {
            let measured = checks.iter().map(|(check, measured)| format!("{check} {}", measured.shown));
            format!("baseline {name} taken: {}", measured.collect::<Vec<_>>().join(", "))
        }
        E::FilesFrozen { files } => {
            format!("{} frozen: a change of them holds the session", a_file(files.len()))
        }
        E::DriftFound { files } => format!("frozen files drifted: {}", drift_line(files)),
        E::DriftGone => "the frozen files are what they were again".to_owned(),
        E::DriftAccepted { files, reason } => {
            format!("takes the drift of {} as it is{}", a_file(files.len()), because(reason))
        }
        E::SnapshotTaken { step, attempt, files, bytes, .. } => {
            let bytes = proof::bytes(*bytes);
            format!("{} copied {} ({bytes})", nth(step, *attempt), a_file(*files as usize))
        }
        E::LinkFound { step, attempt, was, to } => {
            let shown = |to: &Option<String>| to.clone().unwrap_or_else(|| "nothing".to_owned());
            format!(
                "the link of {} was {} before, and is to be {}",
                nth(step, *attempt),
                shown(was),
                shown(to)
            )
        }
        E::GateChanged { stage, go: true, .. } => format!("{} is GO", gate_of(stage)),
        E::GateChanged { stage, go: false, missing } => {
            let missing = match missing.as_slice() {
                [] => String::new(),
                [only] => because(only),
                [first, rest @ ..] => format!(": {first} (and {} more)", rest.len()),
            };
            format!("{} is NO-GO{missing}", gate_of(stage))
        }
        E::SoakStarted { stage } => format!("soak of {stage} started"),
        E::SoakBroken { stage, why } => format!("soak of {stage} broken{}", because(why)),
        E::SoakReached { stage } => format!("soak of {stage} reached"),
        E::Voted { stage, role, go, note } => {
            let word = if *go { "GO" } else { "NO-GO" };
            let role = role.as_ref().map(|role| format!(" for {role}")).unwrap_or_default();
            format!("votes {word}{role} at the {}{}", gate_of(stage), because_of(note.as_ref()))
        }
        E::OverrideAsked { stage, missing, reason } => {
            let over = missing.len();
            format!("asks a second person to override {over} at the {}{}", gate_of(stage), because(reason))
        }
        E::OverrideDeclined { stage, note } => {
            format!("declines to override the {}{}", gate_of(stage), because_of(note.as_ref()))
        }
        E::Promoted { stage, overridden, reason, asked_by } => {
            let over = if overridden.is_empty() {
                String::new()
            } else {
                format!(", overriding {}", overridden.len())
            };
            let asked = asked_by.as_ref().map(|who| format!(" as {who} asked")).unwrap_or_default();
            format!("promoted {stage}{over}{asked}{}", because_of(reason.as_ref()))
        }
        E::Paused => "paused".to_owned(),
        E::Resumed => "resumed".to_owned(),
        E::TriggerArmed { trigger, why, grace_ms } => {
            let grace = took(*grace_ms);
            format!("trigger {trigger} armed{}; rolls back in {grace} unless vetoed", because(why))
        }
        E::TriggerCleared { trigger } => format!("trigger {trigger} cleared"),
        E::TriggerVetoed { trigger, reason } => {
            format!("trigger {trigger} vetoed{}", because_of(reason.as_ref()))
        }
        E::TriggerFired { trigger, why } => format!("trigger {trigger} fired{}", because(why)),
        E::RollbackStarted { to, full, steps, reason } => {
            let scope = if *full { "everything".to_owned() } else { format!("to {to}") };
            format!("rolling back {scope}, {}{}", count(steps.len()), because_of(reason.as_ref()))
        }
        E::StageRolledBack { stage } => format!("rolled back {stage}"),
        E::RollbackStuck { why, remaining, .. } => {
            format!("rollback stuck, {} to go{}", count(remaining.len()), because(why))
        }
        E::RollbackFinished { full, skipped } if !skipped.is_empty() => {
            let end = if *full { "" } else { ", what was before is at its gate again" };
            format!(
                "rollback finished, NOT ALL IS UNDONE: skipped {}{end}",
                skipped.iter().map(StepId::as_str).collect::<Vec<_>>().join(", ")
            )
        }
        E::RollbackFinished { full: true, .. } => "rollback finished, everything is undone".to_owned(),
        E::RollbackFinished { full: false, .. } => {
            "rollback finished, what was before is at its gate again".to_owned()
        }
        E::Notified { of, on, to, .. } => format!("told of {on} (event {of}): {to}"),
        E::NotifyFailed { of, on, to, why, .. } => format!("not told of {on} (event {of}): {to}: {why}"),
        E::NoteAdded { tag, text } => format!("{}: {text}", tag.word()),
        E::EvidenceAdded { step, source, bytes, .. } => {
            let from = step.as_ref().map(|step| format!("step {step}: ")).unwrap_or_default();
            format!("evidence kept, {from}{source} ({})", proof::bytes(*bytes))
        }
        E::Checkpoint { telemetry_bytes, .. } => {
            format!("checkpoint, {} of telemetry", proof::bytes(*telemetry_bytes))
        }
        E::SessionClosed { outcome, reason } => {
            format!("session {}{}", outcome.word(), because_of(reason.as_ref()))
        }
        E::Unknown => "something that a newer gonogo recorded".to_owned(),
    }
}

/// Whether an event says that something went wrong: what `n` jumps to in a replay, and what a report lists.
#[must_use]
pub fn is_failure(event: &EventKind) -> bool {
    use EventKind as E;
    match event {
        E::StepFinished(finish) => !finish.passed,
        E::CheckChanged { to, .. } => matches!(to, Health::Failing | Health::Stale),
        E::ItemTicked { pass, .. } => !pass,
        E::SessionClosed { outcome, .. } => *outcome != Outcome::Completed,
        E::StepUnknown { .. }
        | E::EndRefused { .. }
        | E::Declined { .. }
        | E::SoakBroken { .. }
        | E::DriftFound { .. }
        | E::TriggerArmed { .. }
        | E::TriggerFired { .. }
        | E::RollbackStarted { .. }
        | E::RollbackStuck { .. }
        | E::LogRecovered { .. }
        | E::NotifyFailed { .. }
        | E::Unobserved { .. }
        | E::OutputCut { .. } => true,
        _ => false,
    }
}

/// `step switch.start-go`, and from the second attempt on `step switch.start-go attempt 2`.
fn nth(step: &StepId, attempt: u32) -> String {
    if attempt > 1 { format!("step {step} attempt {attempt}") } else { format!("step {step}") }
}

fn finished(finish: &StepFinished) -> String {
    let step = nth(&finish.step, finish.attempt);
    let took = took(finish.took_ms);
    let remains = match finish.remains.len() {
        0 => String::new(),
        n => format!(" (leaves {n} in the background)"),
    };
    if finish.passed {
        format!("{step} passed in {took}{}{remains}", because(&finish.why))
    } else {
        format!("{step} failed{}{remains}", because(&finish.why))
    }
}

fn earlier(past: &PastSessions) -> String {
    let mut known = Vec::new();
    if let Some(last) = past.live.first() {
        known.push(match &last.broken {
            Some(why) => format!("the live one before this, {}: {why}", last.session),
            None => format!("the live one before this was {}", last.session),
        });
    }
    known.extend(past.drills.iter().map(|drill| {
        let place = drill.environment.as_ref().map(|place| format!(" in {place}")).unwrap_or_default();
        format!("drilled{place} at {}", drill.finished.format("%Y-%m-%d %H:%MZ"))
    }));
    if let Some(back) = &past.rollback {
        known.push(format!("rolling back took {} in {}", took(back.took_ms), back.session));
    }
    let known = if known.is_empty() { "nothing is known of any".to_owned() } else { known.join("; ") };
    format!("earlier sessions: {known}")
}

fn gate_of(stage: &StageId) -> String {
    if stage.as_str() == ROLLBACK { "gate of the rollback".to_owned() } else { format!("gate of {stage}") }
}

fn count(steps: usize) -> String {
    if steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") }
}

fn a_file(files: usize) -> String {
    if files == 1 { "1 file".to_owned() } else { format!("{files} files") }
}

fn because(why: &str) -> String {
    if why.is_empty() { String::new() } else { format!(": {why}") }
}

fn because_of(why: Option<&String>) -> String {
    why.map(|why| because(why)).unwrap_or_default()
}

/// A span of time, short: `250ms`, `3.2s`, `15s`, `2m 41s`.
fn took(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms}ms"),
        1_000..60_000 if ms % 1_000 >= 100 => format!("{}.{}s", ms / 1_000, ms % 1_000 / 100),
        _ => humantime::format_duration(std::time::Duration::from_secs(ms / 1_000)).to_string(),
    }
}

#[cfg(test)]
mod tests;
