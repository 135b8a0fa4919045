//! Who was there, what they decided and what they knew when they did, what they wrote down.

use super::markup::{Lines, Markup, html, put};
use super::words::{self, clock, since_start, state};
use super::{list, table};
use crate::event::NoteTag;
use crate::report::model::{Decision, Knew, Member, OverrideStep, Report};

/// The section of decisions; nothing where nobody decided anything.
pub fn decisions(report: &Report) -> Markup {
    let mut rows = Markup::default();
    for decision in &report.decisions {
        put!(rows, "{}", self::decision(decision));
    }
    if rows.is_empty() {
        return rows;
    }
    html!(
        "<section id='decisions'><h2>Decisions, and what there was to know</h2>{}</section>",
        table(&[("time", ""), ("by", ""), ("decision", ""), ("what there was to know", "")], &rows)
    )
}

fn decision(decision: &Decision) -> Markup {
    html!(
        "<tr><td class='time'>{}<br><span class='dim'>#{}</span></td><td data-of='by'>{}<br><span class='dim'>{}</span></td>\
         <td><b>{}</b>{}</td><td>{}</td></tr>",
        clock(decision.when.at),
        decision.when.seq,
        decision.by,
        decision.seat.word(),
        decision.what,
        decision.reason.as_ref().map(|reason| html!("<br><q class='said'>{}</q>", Lines(reason))),
        list("knew", knew(&decision.knew)),
    )
}

fn knew(knew: &Knew) -> Vec<Markup> {
    let mut said = Vec::new();
    if let Some(stage) = &knew.stage {
        said.push(html!("stage {}{}", stage, knew.go.map(|go| html!(", its gate {}", state(words::go(go))))));
    }
    said.extend(knew.gate_missing.iter().map(|missing| html!("missing: {}", missing)));
    said.extend(knew.holds.iter().map(|hold| html!("{} {}", state(("✗", "HELD", "fail")), hold)));
    said.extend(
        knew.counting_down.iter().map(|trigger| html!("{} {}", state(("▲", "TRIGGER", "warn")), trigger)),
    );
    // What the gate says of a check is not said again.
    let told =
        |check: &str| knew.gate_missing.iter().any(|missing| missing.contains(&format!("check {check} ")));
    said.extend(knew.not_green.iter().filter(|check| !told(&check.check)).map(|check| {
        html!(
            "{} {}{}{}{}",
            check.check,
            state(words::health(check.health)),
            check.value.as_ref().map(|value| html!(" {}", value)),
            (!check.reason.is_empty()).then(|| html!(": {}", check.reason)),
            check.advisory.then_some(" (not counted)")
        )
    }));
    said.extend(knew.votes.iter().map(|vote| {
        html!(
            "vote {} by {}{}",
            state(words::go(vote.go)),
            vote.person,
            vote.role.as_ref().map(|role| html!(" for {}", role))
        )
    }));
    let present: Vec<String> =
        knew.present.iter().map(|p| format!("{} ({})", p.person, p.seat.word())).collect();
    if !present.is_empty() {
        said.push(html!("present: {}", present.join(", ")));
    }
    said
}

/// The sections of crew, overrides, notes.
pub fn draw(report: &Report) -> Markup {
    html!("{}{}", crew(report), notes(report))
}

fn crew(report: &Report) -> Markup {
    let mut rows = Markup::default();
    for member in &report.crew {
        put!(rows, "{}", self::member(member));
    }
    let mut policy = Markup::default();
    if !report.policy.sentences.is_empty() {
        let by = report.policy.acknowledged.as_ref().map_or_else(
            || state(("✗", "NOBODY ACKNOWLEDGED IT", "fail")),
            |by| html!("{} by {} at {}", state(("✓", "ACKNOWLEDGED", "ok")), by.by, clock(by.when.at)),
        );
        put!(policy, "<h3>Policy</h3>{}<p>{}</p>", list("knew", &report.policy.sentences), by);
    }
    html!(
        "<section id='crew'><h2>Crew</h2>{}{}{}{}</section>",
        if rows.is_empty() {
            html!("<p>Nobody came to the controls.</p>")
        } else {
            table(
                &[
                    ("person", ""),
                    ("known as", ""),
                    ("stands for", ""),
                    ("was here", ""),
                    ("had the wheel", ""),
                ],
                &rows,
            )
        },
        policy,
        overrides(report),
        refusals(report),
    )
}

fn member(member: &Member) -> Markup {
    let known = member.known_as.as_ref().map_or_else(
        || html!("{} uid {}", state(("▲", "NOT TOLD APART", "warn")), member.uid),
        |known| html!("{}", known),
    );
    let stays = member.stays.iter().map(|stay| {
        html!(
            "{} to {} as {}{}",
            clock(stay.from.at),
            stay.to.map_or_else(|| html!("the end"), |to| clock(to.at)),
            stay.seat.word(),
            (!stay.why.is_empty()).then(|| html!(" ({})", stay.why))
        )
    });
    let wheel = member.wheel.iter().map(|span| {
        html!(
            "<span class='time'>{}</span> to <span class='time'>{}</span>",
            since_start(span.from_ms),
            span.to_ms.map_or_else(|| "the end".to_owned(), since_start)
        )
    });
    html!(
        "<tr><th scope='row'>{}</th><td data-of='known as'>{}{}{}</td><td data-of='stands for'>{}</td>\
         <td data-of='was here'>{}</td><td data-of='had the wheel'>{}</td></tr>",
        member.person,
        known,
        member
            .login_uid
            .filter(|uid| *uid != member.uid)
            .map(|uid| html!("<br><span class='dim'>logged in as uid {}</span>", uid)),
        member.ssh.as_ref().map(|ssh| html!("<br><span class='dim'>over SSH {}</span>", ssh)),
        member.roles.join(", "),
        list("plain", stays),
        list("plain", wheel),
    )
}

fn overrides(report: &Report) -> Markup {
    let mut rows = Markup::default();
    for told in &report.overrides {
        let what = match told.what {
            OverrideStep::Asked => ("?", "ASKED", "ask"),
            OverrideStep::Declined => ("✗", "DECLINED", "fail"),
            OverrideStep::Done => ("▲", "OVERRIDDEN", "warn"),
        };
        put!(
            rows,
            "<tr><td class='time'>{}</td><td>{}</td><td data-of='stage'>{}</td><td data-of='by'>{}{}</td>\
             <td data-of='reason'>{}</td><td data-of='lifts'>{}</td></tr>",
            clock(told.when.at),
            state(what),
            told.stage,
            told.by,
            told.asked_by.as_ref().map(|by| html!("<br><span class='dim'>asked by {}</span>", by)),
            told.reason.as_ref().map(|reason| html!("<q class='said'>{}</q>", Lines(reason))),
            list("knew", &told.lifts),
        );
    }
    if rows.is_empty() {
        return rows;
    }
    let columns = [("time", ""), ("what", ""), ("stage", ""), ("by", ""), ("reason", ""), ("lifts", "")];
    html!("<h3 id='overrides'>Overrides</h3>{}", table(&columns, &rows))
}

fn refusals(report: &Report) -> Markup {
    let mut rows = Markup::default();
    for refusal in &report.refusals {
        put!(
            rows,
            "<tr><td class='time'>{}</td><td data-of='by'>{}</td><td data-of='command'>{}</td><td data-of='why'>{}</td></tr>",
            clock(refusal.when.at),
            refusal.by,
            refusal.command,
            refusal.why
        );
    }
    if rows.is_empty() {
        return rows;
    }
    html!(
        "<h3>Refused commands</h3>{}",
        table(&[("time", ""), ("by", ""), ("command", ""), ("why", "")], &rows)
    )
}

fn notes(report: &Report) -> Markup {
    let mut rows = Markup::default();
    for note in &report.notes {
        let tag = match note.tag {
            NoteTag::Observation => ("✎", "NOTE", "pending"),
            NoteTag::Decision => ("◆", "DECISION", "ask"),
            NoteTag::Bug => ("✗", "BUG", "fail"),
        };
        put!(
            rows,
            "<tr><td class='time'>{}</td><td>{}</td><td data-of='by'>{}</td><td class='said'>{}{}</td></tr>",
            clock(note.when.at),
            state(tag),
            note.by,
            Lines(&note.text),
            note.attached
                .as_ref()
                .map(|path| html!("<br><span class='dim'>attached: <code>{}</code></span>", path)),
        );
    }
    if rows.is_empty() {
        return rows;
    }
    html!(
        "<section id='notes'><h2>Notes</h2>{}</section>",
        table(&[("time", ""), ("tag", ""), ("by", ""), ("text", "")], &rows)
    )
}
