//! Two sessions side by side, to paste into a change ticket.

use super::{Comparison, Side};
use crate::report::markdown::escape::{code, fence, inline};
use crate::report::words::{span, stage_status, step_status};

/// The comparison in Markdown; nothing that others wrote is Markdown or HTML in it.
#[must_use]
pub fn markdown(comparison: &Comparison) -> String {
    let Comparison { this, other, .. } = comparison;
    let mut out = format!("# {} against {}\n\n", inline(&this.session), inline(&other.session));
    let mut push = |line: String| {
        out.push_str(&line);
        out.push('\n');
    };
    push("| | this | other |".to_owned());
    push("|---|---|---|".to_owned());
    let mut row = |name: &str, of: &dyn Fn(&Side) -> String| {
        push(format!("| {name} | {} | {} |", of(this), of(other)));
    };
    row("outcome", &|side| {
        side.outcome
            .map_or_else(|| format!("{}, so far", side.situation.word()), |outcome| outcome.word().to_owned())
    });
    row("opened", &|side| format!("{} UTC", side.opened.at.format("%Y-%m-%d %H:%M:%S")));
    row("took", &|side| span(side.duration_ms));
    row("mode", &|side| format!("{} on {}", side.mode.word(), inline(&side.host)));
    row("record", &|side| inline(&side.verdict));
    row("head", &|side| side.head.as_deref().map(code).unwrap_or_default());
    row("overrides", &|side| side.overrides.to_string());
    row("rollbacks", &|side| side.rollbacks.to_string());
    row("unobserved", &|side| span(side.unobserved_ms));
    push("\n## What differed\n".to_owned());
    if comparison.differences.is_empty() {
        push("Nothing but how long it took and what was measured.".to_owned());
    }
    comparison.differences.iter().for_each(|what| push(format!("- {}", inline(what))));
    for var in &comparison.vars {
        let of = |value: &Option<String>| value.as_deref().map_or_else(|| "nothing".to_owned(), code);
        push(format!("- input {}: this {}, other {}", inline(&var.name), of(&var.this), of(&var.other)));
    }
    push("\n## Stages\n".to_owned());
    push("| stage | this | other | took | other | red | other | retries | other |".to_owned());
    push("|---|---|---|---:|---:|---:|---:|---:|---:|".to_owned());
    for stage in &comparison.stages {
        let (a, b) = (stage.this.as_ref(), stage.other.as_ref());
        let status = |of: Option<&super::StageSide>| of.map_or("-", |of| stage_status(of.status));
        let ms = |of: Option<u64>| of.map_or_else(|| "-".to_owned(), span);
        let n = |of: Option<u32>| of.map_or_else(|| "-".to_owned(), |n| n.to_string());
        push(format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            inline(&stage.id),
            status(a),
            status(b),
            ms(a.map(|of| of.took_ms)),
            ms(b.map(|of| of.took_ms)),
            ms(a.map(|of| of.red_ms)),
            ms(b.map(|of| of.red_ms)),
            n(a.map(|of| of.retries)),
            n(b.map(|of| of.retries)),
        ));
    }
    push("\n## Steps\n".to_owned());
    push("| step | this | other |".to_owned());
    push("|---|---|---|".to_owned());
    for step in &comparison.steps {
        let of = |side: &Option<super::StepSide>| match side {
            None => "-".to_owned(),
            Some(side) => {
                let took = side.took_ms.map(|took| format!(" in {}", span(took))).unwrap_or_default();
                let attempts =
                    if side.attempts > 1 { format!(", {} attempts", side.attempts) } else { String::new() };
                format!("{}{took}{attempts}", step_status(side.status))
            }
        };
        push(format!("| {} | {} | {} |", inline(&step.id), of(&step.this), of(&step.other)));
    }
    let differ: Vec<_> = comparison.steps.iter().filter(|step| !step.proofs.is_empty()).collect();
    if !differ.is_empty() {
        push("\n## Proofs that were seen otherwise\n".to_owned());
    }
    for step in differ {
        push(format!("- **{}**", inline(&step.id)));
        for proof in &step.proofs {
            let of = |side: &Option<super::ProofSide>| match side {
                None => "not asked for".to_owned(),
                Some(side) => {
                    format!("{}, seen: {}", if side.met { "met" } else { "NOT MET" }, inline(&side.seen))
                }
            };
            push(format!("  - {}", inline(&proof.expected)));
            push(format!("    - this: {}", of(&proof.this)));
            push(format!("    - other: {}", of(&proof.other)));
        }
    }
    if !comparison.checks.is_empty() {
        push("\n## Checks\n".to_owned());
        push("| check | failing | other | stale | other | p95 | other |".to_owned());
        push("|---|---:|---:|---:|---:|---:|---:|".to_owned());
    }
    for check in &comparison.checks {
        let (a, b) = (check.this.as_ref(), check.other.as_ref());
        let ms = |of: Option<u64>| of.map_or_else(|| "-".to_owned(), span);
        let p95 = |of: Option<f64>| ms(of.map(|ms| ms.round() as u64));
        push(format!(
            "| {} | {} | {} | {} | {} | {} | {} |",
            inline(&check.id),
            ms(a.map(|of| of.failing_ms)),
            ms(b.map(|of| of.failing_ms)),
            ms(a.map(|of| of.stale_ms)),
            ms(b.map(|of| of.stale_ms)),
            p95(a.and_then(|of| of.latency_p95_ms)),
            p95(b.and_then(|of| of.latency_p95_ms)),
        ));
    }
    if !comparison.runbook_diff.is_empty() {
        push("\n## The runbook, from the other to this\n".to_owned());
        push(fence(&comparison.runbook_diff, "diff"));
    }
    out
}
