//! A report to paste into a change ticket: what came of it first, then who decided what, then every proof.

mod course;
pub(super) mod escape;
mod people;

use std::fmt::Write as _;

use escape::{code, code_cell, inline};

use super::model::{Check, Number, Report};
use super::words::{change_window, clock, drivers, known, outcome, span};
use crate::event::Mode;

/// The report in Markdown. It is readable as plain text, and nothing that others wrote is Markdown or HTML in it.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut out = String::new();
    head(&mut out, report);
    course::stages(&mut out, report);
    people::decisions(&mut out, report);
    people::overrides(&mut out, report);
    course::rollbacks(&mut out, report);
    course::triggers(&mut out, report);
    people::notes(&mut out, report);
    checks(&mut out, report);
    versus(&mut out, report);
    course::proofs(&mut out, report);
    evidence(&mut out, report);
    people::crew(&mut out, report);
    plan(&mut out, report);
    out
}

/// `- **Name**: what`, where there is any; `what` is Markdown.
fn fact(out: &mut String, name: &str, what: &str) {
    if !what.is_empty() {
        push(out, &format!("- **{name}**: {what}"));
    }
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

/// A heading of the second level, with its blank lines.
fn heading(out: &mut String, text: &str) {
    let _ = writeln!(out, "\n## {text}\n");
}

/// `: why`, where there is any.
fn because(why: Option<&str>) -> String {
    why.filter(|why| !why.is_empty()).map(|why| format!(": {}", inline(why))).unwrap_or_default()
}

fn head(out: &mut String, report: &Report) {
    let (session, runbook) = (&report.session, &report.runbook);
    // What touched nothing is not to be taken for the cutover.
    let mode = match session.mode {
        Mode::Live => String::new(),
        mode => format!(" ({})", mode.word()),
    };
    push(out, &format!("# {}{mode}: {}\n", outcome(report), inline(&runbook.title)));
    let ended = format!("{}{}", outcome(report).to_lowercase(), because(session.reason.as_deref()));
    fact(out, "Outcome", &ended);
    let verdicts: Vec<_> = report.record.verdicts.iter().map(|verdict| inline(&verdict.text)).collect();
    let live = if report.record.live { " (live)" } else { "" };
    let anchored = match report.record.anchored {
        true => "held against a head that was kept",
        false => "not anchored: a cut tail or a whole rewrite would not be seen",
    };
    fact(out, "Record", &format!("{}{live}, {anchored}", verdicts.join("; ")));
    if let Some(head) = &report.record.head {
        fact(out, "Head", &format!("{} after {} events", code(head), report.record.events));
    }
    let drove: Vec<_> = drivers(report)
        .into_iter()
        .map(|member| format!("{} ({})", inline(&member.person), inline(&known(member))))
        .collect();
    fact(
        out,
        "Driven by",
        if drove.is_empty() { "nobody".to_owned() } else { drove.join(", then ") }.as_str(),
    );
    let from = session.opened.at.format("%Y-%m-%d %H:%M:%S");
    let until = clock(report, session.last);
    let word = if session.closed { "to" } else { "to so far" };
    fact(out, "When", &format!("{from} {word} {until} UTC, {}", span(session.duration_ms)));
    fact(out, "Ticket", &runbook.ticket.as_deref().map(inline).unwrap_or_default());
    fact(out, "Environment", &runbook.environment.as_deref().map(inline).unwrap_or_default());
    fact(out, "Owner", &runbook.owner.as_deref().map(inline).unwrap_or_default());
    let on = inline(&session.host.name);
    fact(out, "Change window", &runbook.window.as_ref().map(change_window).unwrap_or_default());
    fact(out, "Session", &format!("{}, {} on {on}", code(&session.name), session.mode.word()));
    fact(out, "Runbook", &format!("{}, SHA-256 {}", code(&runbook.file), code(&runbook.sha256)));
    for hold in &session.holds {
        fact(out, "Holds", &inline(hold));
    }
    for finding in &report.record.findings {
        fact(out, "Found", &inline(finding));
    }
    for gap in &report.unobserved {
        let lasted = span(gap.to_ms.saturating_sub(gap.from_ms));
        let after = span(gap.from_ms);
        fact(out, "Nobody observed anything", &format!("for {lasted}, {after} after it was opened"));
    }
    for what in &report.missing {
        fact(out, "Missing here", &inline(what));
    }
}

fn checks(out: &mut String, report: &Report) {
    let polled: Vec<&Check> =
        report.checks.iter().filter(|check| !check.bands.is_empty() || check.samples.total > 0).collect();
    if polled.is_empty() {
        return;
    }
    heading(out, "Checks");
    push(out, "| check | ok | failing | stale | samples | p95 | slowest |");
    push(out, "|---|---:|---:|---:|---:|---:|---:|");
    for check in &polled {
        let health = &check.health_ms;
        let latency = |of: Option<f64>| of.map_or_else(|| "-".to_owned(), |ms| span(ms.round() as u64));
        let (p95, slowest) = (check.latency_ms.map(|l| l.p95), check.latency_ms.map(|l| l.max));
        push(
            out,
            &format!(
                "| {} | {} | {} | {} | {} | {} | {} |",
                inline(&check.id),
                span(health.ok),
                span(health.failing),
                span(health.stale),
                check.samples.total,
                latency(p95),
                latency(slowest),
            ),
        );
    }
    let numbers = polled.iter().filter_map(|check| Some((check, check.number?)));
    let numbers: Vec<_> = numbers
        .map(|(check, number)| {
            let unit = check.unit.as_deref().map(|unit| format!(" {}", inline(unit))).unwrap_or_default();
            let (id, [min, median, p95, max]) =
                (inline(&check.id), [number.min, number.median, number.p95, number.max].map(rounded));
            format!("- {id}: {min} to {max}{unit}, median {median}, p95 {p95}")
        })
        .collect();
    if !numbers.is_empty() {
        push(out, "\nNumbers that they saw:\n");
        numbers.iter().for_each(|line| push(out, line));
    }
}

/// Old beside new, each number with its unit.
fn versus(out: &mut String, report: &Report) {
    if report.versus.is_empty() {
        return;
    }
    heading(out, "Old and new");
    push(out, "| check | old | new | min | max | headroom | smallest |");
    push(out, "|---|---:|---:|---:|---:|---:|---:|");
    for one in &report.versus {
        let cell = |number: &Option<Number>| {
            number.as_ref().map_or_else(|| "-".to_owned(), |number| inline(&number.shown))
        };
        let old = one.old.as_ref().map_or_else(|| "no baseline".to_owned(), |old| inline(&old.shown));
        let new = one.new.as_ref().map_or_else(|| "not judged".to_owned(), |new| inline(&new.shown));
        let cells = [&one.least, &one.most, &one.headroom, &one.smallest_headroom].map(cell).join(" | ");
        push(out, &format!("| {} | {old} | {new} | {cells} |", inline(&one.check)));
    }
}

/// A number as it is read, without digits that say nothing.
fn rounded(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn evidence(out: &mut String, report: &Report) {
    if report.evidence.is_empty() {
        return;
    }
    heading(out, "Evidence");
    push(out, "| file | bytes | SHA-256 | from |");
    push(out, "|---|---:|---|---|");
    for file in &report.evidence {
        let from = match &file.step {
            Some(step) => format!("{} by {}", code_cell(&file.source), inline(step)),
            None => format!("{} by {}", code_cell(&file.source), inline(&file.by)),
        };
        let (path, sha256) = (code_cell(&file.path), code_cell(&file.sha256));
        push(out, &format!("| {path} | {} | {sha256} | {from} |", file.bytes));
    }
}

fn plan(out: &mut String, report: &Report) {
    heading(out, "Plan and engine");
    let runbook = &report.runbook;
    fact(out, "Folder of the runbook", &code(&runbook.dir));
    for (name, value) in &runbook.vars {
        fact(out, "Input", &format!("{} = {}", inline(name), code(value)));
    }
    for sentence in &report.policy.sentences {
        fact(out, "Policy", &inline(sentence));
    }
    match &report.policy.acknowledged {
        Some(by) => {
            fact(out, "Acknowledged", &format!("by {} at {}", inline(&by.by), clock(report, by.when)))
        }
        None if !report.policy.sentences.is_empty() => fact(out, "Acknowledged", "by nobody"),
        None => {}
    }
    for engine in &report.session.engines {
        let recovered: String = engine.recovered.iter().map(|what| format!("; {}", inline(what))).collect();
        let (at, version) = (clock(report, engine.when), inline(&engine.version));
        fact(out, "Engine", &format!("gonogo {version} from {at}, pid {}{recovered}", engine.pid));
    }
    fact(out, "Record kept in", &code(&report.session.folder));
}

#[cfg(test)]
mod tests;
