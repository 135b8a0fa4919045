//! What was planned and what became of it: stages, rollbacks, triggers, and every proof.

use super::{because, code, heading, inline, push};
use crate::report::model::{Attempt, EndedHow, Report, Step, TriggerStep};
use crate::report::words::{clock, soak, span, stage_status, step_status};

pub(super) fn stages(out: &mut String, report: &Report) {
    if report.stages.is_empty() {
        return;
    }
    heading(out, "Stages, as planned and as they went");
    push(out, "| stage | status | planned | took | to its gate | gate red | retries |");
    push(out, "|---|---|---:|---:|---:|---:|---:|");
    for stage in &report.stages {
        let planned = stage.estimate_ms.map_or_else(|| "-".to_owned(), span);
        let (id, status) = (inline(&stage.id), stage_status(stage.status));
        if stage.entries.is_empty() {
            push(out, &format!("| {id} | {status} | {planned} | - | - | - | - |"));
        }
        for (number, entry) in stage.entries.iter().enumerate() {
            let last = number + 1 == stage.entries.len();
            let status = match entry.undone {
                _ if last => status,
                Some(_) => "rolled back",
                None => "passed",
            };
            let gate = entry
                .at_gate
                .map_or_else(|| "-".to_owned(), |gate| span(gate.t_ms.saturating_sub(entry.entered.t_ms)));
            let open = if entry.ended.is_none() { ", so far" } else { "" };
            push(
                out,
                &format!(
                    "| {id} | {status} | {planned} | {}{open} | {gate} | {} | {} |",
                    span(entry.took_ms),
                    span(entry.red_ms),
                    entry.retries,
                ),
            );
        }
    }
    push(out, "");
    for stage in &report.stages {
        for entry in &stage.entries {
            let mut facts = vec![format!("entered {}", clock(report, entry.entered))];
            if let Some(gate) = entry.at_gate {
                facts.push(format!("at its gate {}", clock(report, gate)));
            }
            if let Some(ended) = &entry.ended {
                let how = match ended.how {
                    EndedHow::Promoted => "promoted",
                    EndedHow::Overridden => "promoted by override",
                    EndedHow::RolledBack => "rolled back",
                };
                facts.push(format!("{how} by {} {}", inline(&ended.by), clock(report, ended.when)));
            }
            if let Some(undone) = entry.undone_later() {
                facts.push(format!("rolled back {}", clock(report, undone)));
            }
            if let Some(asked) = stage.gate.soak_ms {
                facts.push(format!("soak of {}", soak(asked, entry)));
            }
            push(out, &format!("- **{}**: {}", inline(&stage.title), facts.join("; ")));
            for broken in &entry.soak.breaks {
                push(
                    out,
                    &format!("  - soak broken {}: {}", clock(report, broken.when), inline(&broken.why)),
                );
            }
            for vote in &entry.votes {
                let (by, go) = (inline(&vote.by), if vote.go { "GO" } else { "NO-GO" });
                let role = vote.role.as_deref().map(|role| format!(" for {}", inline(role)));
                let (role, note) = (role.unwrap_or_default(), because(vote.note.as_deref()));
                push(out, &format!("  - {} {by} voted {go}{role}{note}", clock(report, vote.when)));
            }
            for tick in &entry.ticks {
                let word = if tick.pass { "passed" } else { "FAILED" };
                let (item, by) = (inline(&tick.item), inline(&tick.by));
                push(out, &format!("  - \"{item}\" {word} by {by}{}", because(tick.note.as_deref())));
            }
        }
    }
}

pub(super) fn rollbacks(out: &mut String, report: &Report) {
    if report.rollbacks.is_empty() {
        return;
    }
    heading(out, "Rollback");
    for rollback in &report.rollbacks {
        let scope =
            if rollback.full { "everything".to_owned() } else { format!("to {}", inline(&rollback.to)) };
        let (at, by) = (clock(report, rollback.started), inline(&rollback.by));
        let reason = because(rollback.reason.as_deref());
        push(out, &format!("- **{at} {by} rolled back {scope}**{reason}"));
        let steps: Vec<_> = rollback.steps.iter().map(|step| inline(step)).collect();
        push(
            out,
            &format!(
                "  - planned: {}",
                if steps.is_empty() { "no step".to_owned() } else { steps.join(", ") }
            ),
        );
        for stage in &rollback.stages {
            push(out, &format!("  - {} undone: {}", clock(report, stage.when), inline(&stage.stage)));
        }
        for step in &rollback.skipped {
            push(out, &format!("  - NOT UNDONE: {} was skipped", inline(step)));
        }
        for stuck in &rollback.stuck {
            push(out, &format!("  - {} STUCK: {}", clock(report, stuck.when), inline(&stuck.why)));
        }
        for verdict in &rollback.verdicts {
            let at = clock(report, verdict.when);
            let missing: Vec<_> = verdict.missing.iter().map(|what| inline(what)).collect();
            let word = if verdict.go { "GO".to_owned() } else { format!("NO-GO: {}", missing.join("; ")) };
            push(out, &format!("  - {at} gate of the way back: {word}"));
        }
        let took = span(rollback.took_ms);
        match rollback.finished {
            Some(finished) => push(out, &format!("  - finished {}, after {took}", clock(report, finished))),
            None => push(out, &format!("  - NOT FINISHED after {took}")),
        }
    }
}

pub(super) fn triggers(out: &mut String, report: &Report) {
    let told: Vec<_> = report.triggers.iter().filter(|trigger| !trigger.events.is_empty()).collect();
    if told.is_empty() {
        return;
    }
    heading(out, "Triggers");
    for trigger in told {
        let (id, condition) = (inline(&trigger.id), inline(&trigger.condition));
        push(out, &format!("- **{id}**: {condition}, then {}", inline(&trigger.then)));
        for event in &trigger.events {
            let became = match event.what {
                TriggerStep::Armed => "counts down",
                TriggerStep::Cleared => "cleared",
                TriggerStep::Vetoed => "vetoed",
                TriggerStep::Fired => "fired",
            };
            let (at, by) = (clock(report, event.by.when), inline(&event.by.by));
            let why = because(event.why.as_deref());
            push(out, &format!("  - {at} {became} by {by}{why}"));
        }
    }
}

/// Every attempt of every step with every proof, folded by stage.
pub(super) fn proofs(out: &mut String, report: &Report) {
    heading(out, "Proofs");
    for stage in &report.stages {
        section(out, report, &stage.id, stage.steps.iter().collect());
    }
    let back = report.stages.iter().flat_map(|stage| &stage.rollback);
    let back = report.way_back.prepare.iter().chain(back).chain(&report.way_back.steps);
    let back: Vec<&Step> = back.filter(|step| !step.attempts.is_empty() || step.skipped.is_some()).collect();
    if !back.is_empty() {
        section(out, report, "the way back", back);
    }
}

fn section(out: &mut String, report: &Report, name: &str, steps: Vec<&Step>) {
    let attempts: Vec<&Attempt> = steps.iter().flat_map(|step| &step.attempts).collect();
    let proofs = attempts.iter().flat_map(|attempt| &attempt.proofs);
    let (met, all) = proofs.fold((0, 0), |(met, all), proof| (met + usize::from(proof.met), all + 1));
    let (steps_count, attempts_count) = (count(steps.len(), "step"), count(attempts.len(), "attempt"));
    let name = inline(name).replace('\\', "");
    push(
        out,
        &format!(
            "<details><summary>{name}: {steps_count}, {attempts_count}, {met} of {} met</summary>\n",
            count(all, "proof")
        ),
    );
    for step in steps {
        let title = if step.title == step.id { String::new() } else { format!(", {}", inline(&step.title)) };
        let status = step_status(step.status);
        push(out, &format!("- **{}**{title}: {status}", inline(&step.id)));
        if let Some(skipped) = &step.skipped {
            let (at, by) = (clock(report, skipped.when), inline(&skipped.by));
            push(out, &format!("  - skipped by {by} {at}{}", because(Some(&skipped.reason))));
        }
        step.attempts.iter().for_each(|attempt| tell(out, report, attempt));
    }
    push(out, "\n</details>\n");
}

fn tell(out: &mut String, report: &Report, attempt: &Attempt) {
    let (at, by) = (clock(report, attempt.started), inline(&attempt.by));
    let took = attempt.took_ms.map(|took| format!(" in {}", span(took))).unwrap_or_default();
    let (number, status) = (attempt.attempt, step_status(attempt.status));
    let exit = attempt.exit.map(|exit| format!(", exit {exit}")).unwrap_or_default();
    push(out, &format!("  - attempt {number}, {at} by {by}: {status}{took}{exit}"));
    let line = |out: &mut String, what: String| push(out, &format!("    - {what}"));
    if !attempt.what.is_empty() {
        line(out, format!("ran {}", code(&attempt.what)));
    }
    for proof in &attempt.proofs {
        let word = if proof.met { "met" } else { "**NOT MET**" };
        line(out, format!("{word}: {} (seen: {})", inline(&proof.expected), inline(&proof.seen)));
    }
    if attempt.proofs.is_empty() && !attempt.why.is_empty() {
        line(out, inline(&attempt.why));
    }
    if let Some(answer) = &attempt.answer {
        let (by, word) = (inline(&answer.by), if answer.yes { "yes" } else { "no" });
        line(
            out,
            format!("{} {by} answered {word}{}", clock(report, answer.when), because(answer.note.as_deref())),
        );
    }
    for tick in &attempt.ticks {
        let word = if tick.pass { "passed" } else { "FAILED" };
        let (item, by) = (inline(&tick.item), inline(&tick.by));
        line(out, format!("\"{item}\" {word} by {by}{}", because(tick.note.as_deref())));
    }
    if let Some(unknown) = &attempt.unknown {
        line(out, format!("what became of it could not be known: {}", inline(unknown)));
    }
    if let Some(resolved) = &attempt.resolved {
        let (by, word) = (inline(&resolved.by), resolved.outcome.word());
        line(out, format!("{by} said what became of it: {word}{}", because(Some(&resolved.reason))));
    }
    if let Some(killed) = &attempt.killed {
        let refused = killed.refused.as_deref().map(|why| format!("; it could not be: {}", inline(why)));
        line(
            out,
            format!(
                "was to be ended by {}{}{}",
                inline(&killed.by),
                because(Some(&killed.why)),
                refused.unwrap_or_default()
            ),
        );
    }
    for (name, value) in &attempt.captures {
        line(out, format!("took {} = {}", inline(name), code(value)));
    }
    if let Some(output) = &attempt.output {
        let cut = match output.dropped {
            0 => String::new(),
            dropped => format!(", and {dropped} bytes that were cut"),
        };
        let (path, sha256) = (code(&output.path), code(&output.sha256));
        line(out, format!("output {path}, {} bytes{cut}, SHA-256 {sha256}", output.bytes));
    }
    if !attempt.remains.is_empty() {
        let pids: Vec<_> = attempt.remains.iter().map(u32::to_string).collect();
        line(out, format!("left in the background: pid {}", pids.join(", ")));
    }
}

fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
