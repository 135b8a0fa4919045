//! What was recorded beside what would have been: gates, soaks and triggers, each along its time.

use std::sync::Arc;

use super::course::{Course, ONE_MOMENT_MS};
use super::differences::Differences;
use super::{Finding, Subject, WhatIf};
use crate::event::{Event, EventKind};
use crate::history::{Axis, Band, BandKind, Mark, MarkKind, Timeline};
use crate::runbook::id::ROLLBACK;
use crate::runbook::{StageId, TriggerId};
use crate::session::State;

/// Everything that the course says otherwise than the record.
pub(super) fn findings(events: &[Arc<Event>], course: Course, differences: Differences) -> WhatIf {
    let recorded = Recorded::of(events, course.end_ms);
    let mut findings = course.findings;
    findings.extend(gates(&recorded, &course.timeline, &course.turns, course.end_ms));
    findings.extend(soaks(&recorded, &course.turns));
    findings.extend(triggers(&recorded, &course.turns));
    findings.sort_by_key(|finding| finding.t_ms);
    findings.dedup();
    for finding in &mut findings {
        finding.seq = recorded.last_at(finding.t_ms);
    }
    let anew = |band: &Band| match &band.kind {
        BandKind::Gate { .. } | BandKind::Soak { .. } => true,
        BandKind::Check { check, .. } => differences.checks.contains(check),
        _ => false,
    };
    let bands = course.timeline.bands.into_iter().filter(anew);
    let bands = bands.map(|band| Band { to_ms: band.to_ms.or(Some(course.end_ms)), ..band }).collect();
    let mark = |seq, t_ms, label| Mark { seq, t_ms, kind: MarkKind::WhatIf, also: &[], label, by: None };
    let mut marks: Vec<Mark> = findings.iter().map(|f| mark(f.seq, f.t_ms, f.sentence())).collect();
    marks.extend(course.beyond.iter().map(|b| mark(recorded.last_at(b.t_ms), b.t_ms, b.sentence())));
    marks.sort_by_key(|mark| mark.t_ms);
    WhatIf {
        judged: differences.judged,
        unjudged: differences.unjudged,
        findings,
        checks: course.checks,
        bands,
        marks,
        beyond: course.beyond,
    }
}

/// The record up to where the course ends.
struct Recorded {
    timeline: Timeline,
    turns: Vec<(u64, EventKind)>,
    /// Where each event lies, with its number.
    places: Vec<(u64, u64)>,
}

impl Recorded {
    fn of(events: &[Arc<Event>], end_ms: u64) -> Self {
        let (mut axis, mut state) = (Axis::default(), State::default());
        let mut recorded = Self {
            timeline: Timeline::default(),
            turns: Vec::new(),
            places: Vec::with_capacity(events.len()),
        };
        for event in events {
            let t_ms = axis.push(event);
            if t_ms > end_ms {
                break;
            }
            state.apply(event);
            recorded.timeline.push(event, t_ms, &state);
            recorded.places.push((t_ms, event.seq));
            recorded.turns.push((t_ms, event.event.clone()));
        }
        recorded
    }

    /// The last event that had happened by then.
    fn last_at(&self, t_ms: u64) -> u64 {
        let behind = self.places.partition_point(|(at, _)| *at <= t_ms);
        behind.checked_sub(1).map_or(0, |at| self.places[at].1)
    }
}

/// Where a gate would have said the other thing for longer than a moment.
fn gates(recorded: &Recorded, course: &Timeline, turns: &[(u64, EventKind)], end_ms: u64) -> Vec<Finding> {
    let was: Vec<_> = said(&recorded.timeline, end_ms).collect();
    let mut found: Vec<Finding> = Vec::new();
    for (stage, go, from, to) in said(course, end_ms) {
        let other = was.iter().filter(|(s, g, f, t)| *s == stage && *g != go && *f < to && from < *t);
        for (_, _, was_from, was_to) in other {
            let (t_ms, until) = (from.max(*was_from), to.min(*was_to));
            if until - t_ms <= ONE_MOMENT_MS {
                continue;
            }
            let word = |go: bool| if go { "GO" } else { "NO-GO" };
            let why = |turns: &[(u64, EventKind)]| missing(turns, stage, t_ms);
            let lasts = humantime::format_duration(std::time::Duration::from_secs((until - t_ms) / 1_000));
            let (recorded, what_if) = if go {
                (format!("NO-GO{}", why(&recorded.turns)), format!("GO for {lasts}"))
            } else {
                (word(true).to_owned(), format!("NO-GO for {lasts}{}", why(turns)))
            };
            found.push(Finding { t_ms, seq: 0, subject: Subject::Gate(stage.clone()), recorded, what_if });
        }
    }
    found
}

/// What the gates of stages said, from when, until when.
fn said(timeline: &Timeline, end_ms: u64) -> impl Iterator<Item = (&StageId, bool, u64, u64)> {
    timeline.bands.iter().filter_map(move |band| match &band.kind {
        BandKind::Gate { stage, go } if stage.as_str() != ROLLBACK => {
            Some((stage, *go, band.from_ms, band.to_ms.unwrap_or(end_ms)))
        }
        _ => None,
    })
}

/// What was missing at a gate at that time, as the end of a line.
fn missing(turns: &[(u64, EventKind)], stage: &StageId, t_ms: u64) -> String {
    let upto = turns.partition_point(|(at, _)| *at <= t_ms);
    let said = turns[..upto].iter().rev().find_map(|(_, turn)| match turn {
        EventKind::GateChanged { stage: of, missing, .. } if of == stage => Some(missing),
        _ => None,
    });
    match said.map(Vec::as_slice) {
        None | Some([]) => String::new(),
        Some([only]) => format!(": {only}"),
        Some([first, rest @ ..]) => format!(": {first} (and {} more)", rest.len()),
    }
}

fn soaks(recorded: &Recorded, turns: &[(u64, EventKind)]) -> Vec<Finding> {
    let reached = |turn: &EventKind| match turn {
        EventKind::SoakReached { stage } => Some((stage.clone(), String::new())),
        _ => None,
    };
    let broken = |turn: &EventKind| match turn {
        EventKind::SoakBroken { stage, why } => Some((stage.clone(), format!(": {why}"))),
        _ => None,
    };
    let mut found = Vec::new();
    for (word, which) in [("reached", &reached as &Pick<StageId>), ("broken", &broken as &Pick<StageId>)] {
        for (t_ms, (stage, why), is) in unlike(&recorded.turns, turns, which) {
            let (had, would) = words(word, is, &why);
            let subject = Subject::Soak(stage);
            found.push(Finding { t_ms, seq: 0, subject, recorded: had, what_if: would });
        }
    }
    found
}

fn triggers(recorded: &Recorded, turns: &[(u64, EventKind)]) -> Vec<Finding> {
    let armed = |turn: &EventKind| match turn {
        EventKind::TriggerArmed { trigger, why, .. } => Some((trigger.clone(), format!(": {why}"))),
        _ => None,
    };
    let fired = |turn: &EventKind| match turn {
        EventKind::TriggerFired { trigger, why } => Some((trigger.clone(), format!(": {why}"))),
        _ => None,
    };
    let mut found = Vec::new();
    for (word, which) in
        [("counting down", &armed as &Pick<TriggerId>), ("fired", &fired as &Pick<TriggerId>)]
    {
        for (t_ms, (trigger, why), is) in unlike(&recorded.turns, turns, which) {
            let (had, would) = words(word, is, &why);
            let subject = Subject::Trigger(trigger);
            found.push(Finding { t_ms, seq: 0, subject, recorded: had, what_if: would });
        }
    }
    found
}

/// `is`: it would have been, and was not.
fn words(word: &str, is: bool, why: &str) -> (String, String) {
    let (had, would) = (format!("{word}{why}"), format!("not {word}"));
    if is { (would, had) } else { (had, would) }
}

/// What of a turn is compared: whose it is, and why.
type Pick<T> = dyn Fn(&EventKind) -> Option<(T, String)>;

/// The turns of one kind that only one side has at their moment; `true`: the course has it.
fn unlike<T: PartialEq>(
    recorded: &[(u64, EventKind)],
    course: &[(u64, EventKind)],
    which: &Pick<T>,
) -> Vec<(u64, (T, String), bool)> {
    let picked = |turns: &[(u64, EventKind)]| -> Vec<(u64, (T, String))> {
        turns.iter().filter_map(|(at, turn)| Some((*at, which(turn)?))).collect()
    };
    let mut had = picked(recorded);
    let mut unlike = Vec::new();
    for (at, what) in picked(course) {
        let same = had.iter().position(|(was, (of, _))| *of == what.0 && was.abs_diff(at) <= ONE_MOMENT_MS);
        match same {
            Some(place) => drop(had.remove(place)),
            None => unlike.push((at, what, true)),
        }
    }
    unlike.extend(had.into_iter().map(|(at, what)| (at, what, false)));
    unlike
}
