//! A step: what it runs, resolved and whole; how its newest attempt went; each proof with what was seen.

use super::proof;
use crate::event::{EventKind, StepFinished};
use crate::runbook::StepId;
use crate::ui::format::{bytes, took};
use crate::ui::popups::confirm::ticked;
use crate::ui::popups::row::{Row, Tone};
use crate::ui::popups::standing::standing;
use crate::ui::popups::{Context, preview};
use crate::ui::theme::Mark;

pub fn rows(id: &StepId, cx: &Context) -> Option<Vec<Row>> {
    let plan = cx.state.step_plan(id)?;
    let seen = cx.state.step(id);
    let mut rows = standing(id, cx);
    rows.extend(plan.description.iter().flat_map(|text| text.lines()).map(Row::new));
    if let Some(ending) = &seen.killed {
        let since = cx.now.second(ending.since.at);
        rows.push(Row::mark(Mark::Warn, format!("being ended since {since}: {}", ending.why)));
    }
    if let Some(at) = seen.end_refused {
        rows.push(Row::mark(Mark::Fail, format!("could not be ended at {}", cx.now.second(at.at))));
    }
    if let Some(process) = &seen.process {
        rows.push(Row::dim(format!("started process {}", process.pid)).indent(2));
    }
    rows.extend(seen.ticks.keys().map(|item| ticked(item, seen).indent(1)));
    if let Some(what) = &seen.what {
        rows.push(Row::blank());
        rows.push(
            Row::title(format!("ATTEMPT {}", seen.attempt))
                .and(Tone::Dim, format!("  ran  {}", preview::digest(what))),
        );
        rows.extend(Row::exact(Tone::Plain, what).map(|row| row.indent(2)));
    }
    rows.extend(seen.finish.iter().flat_map(|finish| finished(finish)));
    rows.extend(earlier(id, seen.attempt, cx));
    rows.push(Row::blank());
    rows.push(Row::title("AS WRITTEN"));
    rows.extend(preview::step(plan, cx.state));
    let mut traits = Vec::new();
    if !plan.needs.is_empty() {
        traits
            .push(format!("needs {}", plan.needs.iter().map(StepId::as_str).collect::<Vec<_>>().join(", ")));
    }
    if !plan.undoes.is_empty() {
        traits.push(format!(
            "undoes {}",
            plan.undoes.iter().map(StepId::as_str).collect::<Vec<_>>().join(", ")
        ));
    }
    traits.extend(plan.skippable.then(|| "may be skipped".to_owned()));
    traits.extend(plan.repeatable.then(|| "may be repeated".to_owned()));
    traits.extend(plan.idempotent.then(|| "idempotent".to_owned()));
    if !traits.is_empty() {
        rows.push(Row::dim(traits.join(" | ")).indent(3));
    }
    Some(rows)
}

/// How the attempts before the newest ended, newest first, as far as the last events tell.
fn earlier(id: &StepId, newest: u32, cx: &Context) -> Vec<Row> {
    let ends = cx.state.recent.iter().rev().filter_map(|event| match &event.event {
        EventKind::StepFinished(finish) if finish.step == *id && finish.attempt < newest => {
            Some((event, finish))
        }
        _ => None,
    });
    let rows: Vec<_> = ends
        .map(|(event, finish)| {
            let (mark, word) = if finish.passed { (Mark::Ok, "passed") } else { (Mark::Fail, "failed") };
            Row::mark(mark, format!("attempt {}  {word}  {}", finish.attempt, finish.why))
                .and(Tone::Dim, format!("  {} after {}", cx.now.second(event.at), took(finish.took_ms)))
                .indent(1)
        })
        .collect();
    if rows.is_empty() {
        return rows;
    }
    [Row::blank(), Row::title("EARLIER")].into_iter().chain(rows).collect()
}

fn finished(finish: &StepFinished) -> Vec<Row> {
    let mark = if finish.passed { Mark::Ok } else { Mark::Fail };
    let exit = finish.exit.map(|code| format!("  exit {code}")).unwrap_or_default();
    let mut rows = vec![
        Row::blank(),
        Row::title("PROOFS")
            .and(Tone::Dim, format!("  attempt {}{exit}  took {}", finish.attempt, took(finish.took_ms))),
        Row::mark(mark, &finish.why),
    ];
    rows.extend(finish.proofs.iter().flat_map(proof));
    if finish.proofs.is_empty() {
        rows.push(Row::dim("no proof was recorded").indent(1));
    }
    if let Some(output) = &finish.output {
        let cut =
            if output.dropped > 0 { format!(", {} were cut", bytes(output.dropped)) } else { String::new() };
        rows.push(Row::dim(format!("output: {} ({}{cut})", output.path, bytes(output.bytes))).indent(1));
        rows.push(Row::dim(format!("sha256 {}", output.sha256)).indent(1));
    }
    rows.extend(finish.captures.iter().map(|(name, value)| Row::new(format!("{name} = {value}")).indent(1)));
    if !finish.remains.is_empty() {
        let pids = finish.remains.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        rows.push(Row::mark(Mark::Warn, format!("background processes remained: {pids}")).indent(1));
    }
    rows
}
