//! Who was there, what they decided on what they knew, what they overrode and wrote down.

use super::{because, code, fact, heading, inline, push};
use crate::report::model::{Decision, OverrideStep, Report};
use crate::report::words::{clock, known, span};

pub(super) fn decisions(out: &mut String, report: &Report) {
    if report.decisions.is_empty() {
        return;
    }
    heading(out, "Who decided what");
    push(out, "| when | who | what | reason |");
    push(out, "|---|---|---|---|");
    for decision in &report.decisions {
        let (at, who) = (clock(report, decision.when), inline(&decision.by));
        let reason = decision.reason.as_deref().map(inline).unwrap_or_default();
        push(out, &format!("| {at} | {who} | {} | {reason} |", inline(&decision.what)));
    }
    let against: Vec<(&Decision, Vec<String>)> = report
        .decisions
        .iter()
        .map(|decision| (decision, knew(decision)))
        .filter(|(_, knew)| !knew.is_empty())
        .collect();
    if against.is_empty() {
        return;
    }
    push(out, "\nWhat was not green when they decided:\n");
    for (decision, knew) in against {
        let (at, who, what) = (clock(report, decision.when), inline(&decision.by), inline(&decision.what));
        push(out, &format!("- {at} {who}, {what}"));
        knew.iter().for_each(|line| push(out, &format!("  - {line}")));
    }
}

/// What there was to know that spoke against going on.
fn knew(decision: &Decision) -> Vec<String> {
    let knew = &decision.knew;
    let missing = knew.gate_missing.iter().map(|what| format!("gate: {}", inline(what)));
    // What the gate misses already names the checks that it asks for.
    let checks = knew.not_green.iter().filter(|_| knew.gate_missing.is_empty()).map(|seen| {
        let advisory = if seen.advisory { ", advisory" } else { "" };
        let (check, health) = (inline(&seen.check), seen.health.word());
        format!("check {check} was {health}{advisory}{}", because(Some(&seen.reason)))
    });
    let others = knew.holds.iter().chain(&knew.counting_down).map(|what| inline(what));
    missing.chain(checks).chain(others).collect()
}

pub(super) fn overrides(out: &mut String, report: &Report) {
    if report.overrides.is_empty() {
        return;
    }
    heading(out, "Overrides");
    for over in &report.overrides {
        let (at, by, stage) = (clock(report, over.when), inline(&over.by), inline(&over.stage));
        let did = match over.what {
            OverrideStep::Asked => "asked a second person to override",
            OverrideStep::Declined => "declined to override",
            OverrideStep::Done => "overrode",
        };
        let asked = over.asked_by.as_deref().map(|who| format!(", as {} asked", inline(who)));
        let (asked, why) = (asked.unwrap_or_default(), because(over.reason.as_deref()));
        push(out, &format!("- {at} **{by} {did} the gate of {stage}**{asked}{why}"));
        over.lifts.iter().for_each(|what| push(out, &format!("  - lifted: {}", inline(what))));
    }
}

pub(super) fn notes(out: &mut String, report: &Report) {
    if !report.notes.is_empty() {
        heading(out, "Notes");
    }
    for note in &report.notes {
        let (at, by, tag) = (clock(report, note.when), inline(&note.by), note.tag.word());
        let attached = note.attached.as_deref().map(|path| format!(" (with {})", code(path)));
        push(out, &format!("- {at} {by}, {tag}: {}{}", inline(&note.text), attached.unwrap_or_default()));
    }
    if !report.refusals.is_empty() {
        heading(out, "Refused");
    }
    for refusal in &report.refusals {
        let (at, by) = (clock(report, refusal.when), inline(&refusal.by));
        push(out, &format!("- {at} {by}, {}: {}", inline(&refusal.command), inline(&refusal.why)));
    }
}

pub(super) fn crew(out: &mut String, report: &Report) {
    if report.crew.is_empty() {
        return;
    }
    heading(out, "Who was there");
    for member in &report.crew {
        let stays = member.stays.iter().map(|stay| {
            let (from, seat) = (clock(report, stay.from), stay.seat.word());
            match stay.to {
                Some(to) => {
                    format!("{seat} from {from} to {}{}", clock(report, to), because(Some(&stay.why)))
                }
                None => format!("{seat} from {from} on"),
            }
        });
        let mut known = vec![inline(&known(member))];
        known.extend(member.ssh.as_deref().map(|ssh| format!("over SSH {}", code(ssh))));
        if !member.roles.is_empty() {
            known.push(format!("for {}", inline(&member.roles.join(", "))));
        }
        let wheel: u64 = member
            .wheel
            .iter()
            .map(|held| held.to_ms.unwrap_or(report.timeline.end_ms).saturating_sub(held.from_ms))
            .sum();
        if !member.wheel.is_empty() {
            known.push(format!("had the wheel for {}", span(wheel)));
        }
        known.extend(stays);
        fact(out, &inline(&member.person), &known.join("; "));
    }
}
