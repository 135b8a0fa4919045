//! The preflight of an advance: each thing that counts, with its state, a line each.

use super::Context;
use super::row::{Row, Tone};
use crate::clock::Now;
use crate::event::Health;
use crate::runbook::model::Stage;
use crate::runbook::plan::stage_estimate;
use crate::runbook::{CheckId, StageId};
use crate::session::gate::{self, Verdict};
use crate::session::telemetry::LogHealth;
use crate::session::window::Standing;
use crate::session::{StageState, State, StepStatus, rollback, way_back, window};
use crate::ui::format::{about, ms};
use crate::ui::theme::Mark;

/// The lines for `current`'s gate; before the first stage, those for the way back alone.
pub fn rows(current: Option<&StageId>, cx: &Context) -> Vec<Row> {
    let state = cx.state;
    let mut rows = vec![Row::title("PREFLIGHT")];
    if let Some(plan) = current.and_then(|id| state.stage_plan(id)) {
        let seen = state.stages.get(&plan.id);
        rows.push(steps(plan, state));
        rows.extend(plan.gate.checks.iter().map(|id| check("gate", id, state)));
        rows.extend(soak(plan, seen, cx));
        rows.extend(plan.gate.accept.iter().map(|item| accept(item, seen, cx.now)));
    }
    rows.extend(escape_hatch(state));
    if let Some(pause) = &state.paused {
        rows.push(Row::mark(Mark::Fail, format!("paused by {} since {}", pause.by, cx.now.second(pause.at))));
    }
    let over = rollback::window_is_over(state, cx.now);
    rows.push(Row::mark(if over { Mark::Warn } else { Mark::Pending }, window(cx)));
    rows.extend(in_time(cx));
    rows.push(log(&cx.telemetry.log));
    if let Some(runbook) = &state.runbook {
        let sha256 = runbook.sha256.get(..16).unwrap_or(&runbook.sha256);
        rows.push(
            Row::mark(Mark::Pending, "runbook as recorded at the start")
                .and(Tone::Dim, format!("  sha256 {sha256}")),
        );
    }
    rows.into_iter().enumerate().map(|(n, row)| if n == 0 { row } else { row.indent(1) }).collect()
}

/// The verdict, and what is missing where it is NO-GO: a line each, with what would release it.
pub fn verdict(verdict: &Verdict) -> Vec<Row> {
    let mut rows = vec![match verdict.missing.len() {
        0 => Row::toned(Tone::Marked(Mark::Ok), "GO: nothing is missing"),
        n => Row::toned(Tone::Marked(Mark::Fail), format!("NO-GO: {n} missing")),
    }];
    for missing in &verdict.missing {
        let word = if missing.liftable { "BLOCKING" } else { "BLOCKING, no override lifts it" };
        let mut row = Row::mark(Mark::Fail, &missing.what).and(Tone::Marked(Mark::Fail), format!("  {word}"));
        if !missing.release.is_empty() {
            row = row.and(Tone::Dim, format!("  released by: {}", missing.release));
        }
        rows.push(row.indent(1));
    }
    rows
}

/// How long rolling back needs no reason.
pub fn window(cx: &Context) -> String {
    let Some(window) = cx.state.runbook.as_ref().and_then(|r| r.rollback.window.as_ref()) else {
        return "rollback window: none set, rolling back needs no reason".to_owned();
    };
    match rollback::window_left(cx.state, cx.now) {
        None => format!("rollback window: {} from the entry of {}", about(ms(window.lasts)), window.from),
        Some(0) => "rollback window: over, rolling back needs a reason".to_owned(),
        Some(left_ms) => format!("rollback window: open for {} more", about(left_ms)),
    }
}

/// Whether the next stage, and undoing it, fit into the change window.
fn in_time(cx: &Context) -> Vec<Row> {
    if let Some(warning) = window::warning(cx.state, cx.now) {
        return vec![Row::mark(Mark::Warn, warning)];
    }
    let Some(Standing::Open { closes: Some((closes, left_ms)) }) = window::standing(cx.state, cx.now) else {
        return Vec::new();
    };
    let next = cx.state.next_stage().and_then(|id| cx.state.stage_plan(id));
    let stage = next.map(stage_estimate).unwrap_or_default();
    let back = way_back::after(cx.state, next);
    let needed = ms(stage.known).saturating_add(back.ms);
    let fits = needed <= left_ms;
    let mut what = format!("change window closes {}, in {}", cx.now.minute(closes), about(left_ms));
    if next.is_some() {
        what += &format!(": the stage {stage}, then undoing it all {}", back.in_words());
    }
    let mark = if fits { Mark::Ok } else { Mark::Warn };
    let row = Row::mark(mark, what);
    vec![if fits { row } else { row.and(Tone::Marked(Mark::Warn), "  DOES NOT FIT") }]
}

/// The way back: without a check of its own nothing proves it, so it is not called ready.
pub fn escape_hatch(state: &State) -> Vec<Row> {
    let ready: Vec<_> = state.runbook.iter().flat_map(|r| &r.rollback.ready).collect();
    if ready.is_empty() {
        return vec![Row::mark(Mark::Pending, "way back: the runbook names no check for it")];
    }
    let go = gate::escape_hatch(state).is_go();
    let (mark, word) = if go { (Mark::Ok, "ready") } else { (Mark::Fail, "NOT READY") };
    let mut rows = vec![Row::mark(mark, "way back").and(Tone::Marked(mark), format!("  {word}"))];
    rows.extend(ready.into_iter().map(|id| check("check", id, state).indent(2)));
    rows
}

fn steps(plan: &Stage, state: &State) -> Row {
    let counted: Vec<_> = plan.steps.iter().filter(|step| step.applies).collect();
    let done = |status| matches!(status, StepStatus::Passed | StepStatus::Skipped);
    let finished = counted.iter().filter(|step| done(state.step(&step.id).status)).count();
    let skipped = counted.iter().filter(|s| state.step(&s.id).status == StepStatus::Skipped).count();
    let all = finished == counted.len();
    let mut row = Row::mark(
        if all { Mark::Ok } else { Mark::Fail },
        format!("stage {} {}", plan.id, if all { "finished" } else { "not finished" }),
    )
    .and(Tone::Dim, format!("  {finished} of {} steps", counted.len()));
    if skipped > 0 {
        row = row.and(Tone::Marked(Mark::Warn), format!("  {skipped} skipped"));
    }
    row
}

fn check(kind: &str, id: &CheckId, state: &State) -> Row {
    let seen = state.check(id);
    let mark = match seen.health {
        _ if !state.blocks(id) && seen.health != Health::Ok => Mark::Pending,
        Health::Ok => Mark::Ok,
        Health::Failing => Mark::Fail,
        Health::Stale => Mark::Stale,
        Health::Idle | Health::Pending => Mark::Warn,
    };
    let mut row = Row::mark(mark, format!("{kind} {id}"))
        .and(Tone::Marked(mark), format!("  {}", seen.health.word()))
        .and(Tone::Plain, seen.value.as_ref().map(|value| format!("  {value}")).unwrap_or_default());
    if !seen.reason.is_empty() && seen.health != Health::Ok {
        row = row.and(Tone::Dim, format!("  {}", seen.reason));
    }
    if !state.blocks(id) && seen.health != Health::Ok {
        row = row.and(Tone::Dim, "  does not count here");
    }
    row
}

fn soak(plan: &Stage, seen: Option<&StageState>, cx: &Context) -> Option<Row> {
    let wanted = plan.gate.soak?;
    let soak = seen.map(|s| s.soak.clone()).unwrap_or_default();
    let so_far = soak.so_far_ms(cx.now.up_ms).min(ms(wanted));
    let mut row = Row::mark(if soak.reached { Mark::Ok } else { Mark::Fail }, "soak").and(
        Tone::Plain,
        if soak.reached {
            format!("  {} held", about(ms(wanted)))
        } else {
            format!("  {} of {}", about(so_far), about(ms(wanted)))
        },
    );
    if let Some(why) = &soak.last_broken {
        row = row.and(Tone::Dim, format!("  broken {} times, last by {why}", soak.broken));
    }
    Some(row)
}

fn accept(item: &str, seen: Option<&StageState>, now: Now) -> Row {
    match seen.and_then(|s| s.ticks.get(item)) {
        None => Row::mark(Mark::Ask, item).and(Tone::Marked(Mark::Ask), "  not ticked"),
        Some(tick) => {
            let (mark, word) = if tick.pass { (Mark::Ok, "passed") } else { (Mark::Fail, "failed") };
            let note = tick.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
            let at = now.second(tick.at);
            Row::mark(mark, item).and(Tone::Dim, format!("  {word} by {} {at}{note}", tick.by))
        }
    }
}

fn log(health: &LogHealth) -> Row {
    match health {
        LogHealth::Ok => Row::mark(Mark::Ok, "the log can be written"),
        LogHealth::Full(why) => {
            Row::mark(Mark::Fail, "the disk is full").and(Tone::Plain, format!("  {why}"))
        }
        LogHealth::Failed(why) => {
            Row::mark(Mark::Fail, "the log cannot be written").and(Tone::Plain, format!("  {why}"))
        }
    }
}
