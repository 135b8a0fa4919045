//! An event opened up: its fields, what its decider knew, its place in the chain, and what happened next.

use std::sync::Arc;

use serde_json::Value;

use super::filter::kind;
use crate::event::{Event, describe};
use crate::history::{Decision, Mark as HistoryMark, MarkKind, Timeline};
use crate::text;
use crate::ui::format::{about, time};
use crate::ui::popups::row::{Row, Tone};
use crate::ui::theme::Mark;

/// How many of the marks that came next are told.
const NEXT: usize = 8;

/// How much of one field is shown, in columns.
const FIELD: usize = 300;

/// Everything that the detail panel tells of one event.
#[derive(Debug, Clone)]
pub struct Moment {
    pub event: Arc<Event>,
    /// Where it lies.
    pub t_ms: u64,
    pub decision: Option<Decision>,
    /// The hash of the event before and its own, as the log has them.
    pub hashes: Option<(String, String)>,
    /// The failures and decisions that came after it, and how far from it, in milliseconds.
    pub next: Vec<Next>,
}

/// Something that came later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    pub seq: u64,
    pub at: chrono::DateTime<chrono::Utc>,
    pub later_ms: u64,
    pub failure: bool,
    pub what: String,
    pub by: Option<String>,
}

/// The marks after `seq` that a reader wants to know of.
pub fn next(timeline: &Timeline, event: &Event, t_ms: u64) -> Vec<Next> {
    let from = timeline.marks.partition_point(|mark| mark.seq <= event.seq);
    let tells = |mark: &&HistoryMark| {
        [MarkKind::Failure, MarkKind::Decision, MarkKind::Trigger, MarkKind::Rollback]
            .iter()
            .any(|kind| mark.is(*kind))
    };
    let next = timeline.marks[from..].iter().filter(tells).take(NEXT);
    next.map(|mark| {
        let later_ms = mark.t_ms.saturating_sub(t_ms);
        let (failure, what, by) = (mark.is(MarkKind::Failure), mark.label.clone(), mark.by.clone());
        let at = crate::history::Axis::after(event.now(), later_ms).at;
        Next { seq: mark.seq, at, later_ms, failure, what, by }
    })
    .collect()
}

impl Moment {
    /// What happened, and what whoever decided it knew.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let event = &self.event;
        let mut rows = vec![Row::new(describe(event))];
        if let Some(decision) = &self.decision {
            rows.extend(knew(decision));
        }
        rows.extend(fields(event));
        if let Some((prev, own)) = &self.hashes {
            rows.push(Row::dim(format!("prev sha256 {}   this sha256 {}", short(prev), short(own))));
        }
        rows
    }

    /// The panel's title: which event this is.
    #[must_use]
    pub fn title(&self) -> String {
        format!("Event {} {}", self.event.seq, kind(&self.event.event))
    }

    /// What happened next, a row each.
    #[must_use]
    pub fn then(&self) -> Vec<Row> {
        let rows = self.next.iter().enumerate().map(|(n, next)| {
            let head = if n == 0 { "THEN " } else { "     " };
            let by = next.by.as_ref().map(|by| format!("{by} ")).unwrap_or_default();
            let tone = if next.failure { Tone::Marked(Mark::Fail) } else { Tone::Plain };
            Row::toned(Tone::Title, head)
                .and(Tone::Dim, format!("{} +{} ", time(next.at), about(next.later_ms)))
                .and(tone, format!("{by}{}", next.what))
        });
        let rows: Vec<Row> = rows.collect();
        if rows.is_empty() {
            vec![Row::dim("THEN nothing more was decided, and nothing failed")]
        } else {
            rows
        }
    }
}

fn short(hash: &str) -> String {
    match (hash.get(..8), hash.get(hash.len().saturating_sub(4)..)) {
        (Some(head), Some(tail)) if hash.len() > 16 => format!("{head}..{tail}"),
        _ => hash.to_owned(),
    }
}

/// What whoever decided saw before them.
fn knew(decision: &Decision) -> Vec<Row> {
    let knew = &decision.knew;
    let mut rows = vec![Row::title(format!("{} KNEW", decision.by.person.to_uppercase()))];
    if let Some(verdict) = &knew.verdict {
        let stage = knew.stage.as_ref().map(|stage| format!("gate of {stage} ")).unwrap_or_default();
        if verdict.is_go() {
            rows.push(Row::mark(Mark::Ok, format!("{stage}GO")).indent(1));
        }
        rows.extend(
            verdict
                .missing
                .iter()
                .map(|missing| Row::mark(Mark::Fail, format!("{stage}NO-GO: {}", missing.what)).indent(1)),
        );
    } else if let Some(stage) = &knew.stage {
        rows.push(Row::new(format!("stage {stage} was in hand, not at its gate")).indent(1));
    }
    rows.extend(knew.not_green.iter().map(|check| {
        let value = check.value.as_ref().map(|value| format!(" {value}")).unwrap_or_default();
        let why = if check.reason.is_empty() { String::new() } else { format!(": {}", check.reason) };
        let aside = if check.advisory { " (advisory)" } else { "" };
        let mark = if check.advisory { Mark::Warn } else { Mark::Fail };
        Row::mark(mark, format!("{} {}{value}{why}{aside}", check.check, check.health.word())).indent(1)
    }));
    let warnings = knew.holds.iter().chain(&knew.counting_down);
    rows.extend(warnings.map(|what| Row::mark(Mark::Warn, what).indent(1)));
    rows.extend(knew.votes.iter().map(|vote| {
        let role = vote.role.as_ref().map(|role| format!(" for {role}")).unwrap_or_default();
        let note = vote.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        let (mark, word) = if vote.go { (Mark::Ok, "GO") } else { (Mark::Fail, "NO-GO") };
        Row::mark(mark, format!("{} voted {word}{role}{note}", vote.person)).indent(1)
    }));
    let there = knew.present.iter().map(|one| format!("{} ({})", one.person, one.seat.word()));
    let there = there.collect::<Vec<_>>().join(", ");
    rows.push(Row::dim(format!("present: {}", if there.is_empty() { "nobody" } else { &there })).indent(1));
    rows
}

/// The event's own fields, but for those that are documents of their own.
fn fields(event: &Event) -> Vec<Row> {
    let Ok(Value::Object(fields)) = serde_json::to_value(&event.event) else { return Vec::new() };
    let shown = fields.into_iter().filter(|(name, value)| {
        !matches!(name.as_str(), "kind" | "runbook") && !value.is_null() && *value != Value::Array(Vec::new())
    });
    let rows = shown.map(|(name, value)| {
        let value = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        Row::dim(format!("{name}  ")).and(Tone::Plain, text::fit(&text::safe(&value), FIELD))
    });
    rows.collect()
}
