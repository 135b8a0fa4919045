//! The page's beginning: what it was, how it ended, whether the record is whole.

use super::markup::{Markup, html, put};
use super::words::{self, date, took};
use crate::event::Mode;
use crate::report::model::Report;
use crate::report::words::change_window;

/// The heading, the verdicts, the facts.
pub fn draw(report: &Report) -> Markup {
    html!(
        "<header><p class='dim'>gonogo session report</p><h1>{}</h1>{}{}{}{}</header>",
        title(report),
        verdicts(report),
        facts(report),
        sentences("Why nothing new starts", &report.session.holds),
        sentences("What this report cannot tell", &report.missing),
    )
}

/// The runbook's title, or what stands for it.
pub fn title(report: &Report) -> &str {
    [&report.runbook.title, &report.runbook.id, &report.session.name]
        .into_iter()
        .find(|name| !name.is_empty())
        .map_or("a session", String::as_str)
}

fn verdicts(report: &Report) -> Markup {
    let session = &report.session;
    let mut items = Markup::default();
    let (glyph, word, class) = match session.mode {
        Mode::Live => ("●", "LIVE", "running"),
        Mode::Rehearsal => ("○", "REHEARSAL", "ask"),
        Mode::Simulated => ("○", "SIMULATED: NOTHING WAS TOUCHED", "ask"),
    };
    put!(items, "<li class='s {}'>{} {}</li>", class, glyph, word);
    let (glyph, word, class) = words::outcome(session.outcome);
    let so_far = if session.closed { "in" } else { "so far, after" };
    put!(items, "<li class='s {}'>{} {} <span>{} {}", class, glyph, word, so_far, took(session.duration_ms));
    if let Some(reason) = &session.reason {
        put!(items, ": {}", reason);
    }
    put!(items, "</span></li>");
    let record = &report.record;
    let (glyph, class) = if record.code == 0 { ("✓", "ok") } else { ("✗", "fail") };
    let word = record.verdicts.first().map_or("UNKNOWN", |verdict| verdict.word.as_str());
    put!(
        items,
        "<li class='s {}'>{} RECORD {} <span>{} events{}{}</span></li>",
        class,
        glyph,
        word,
        record.events,
        record.head.as_ref().map(|head| html!(", head <code>{}</code>", head)),
        (!record.anchored).then_some(", not anchored"),
    );
    let counts = [
        (report.rollbacks.len(), "▲", "rollback", "rollbacks", "warn"),
        (report.overrides.len(), "▲", "event of overriding", "events of overriding", "warn"),
        (report.unobserved.len(), "~", "time unobserved", "times unobserved", "stale"),
    ];
    for (count, glyph, one, many, class) in counts.into_iter().filter(|(count, ..)| *count > 0) {
        put!(
            items,
            "<li class='s {}'>{} {} <span>{}</span></li>",
            class,
            glyph,
            count,
            if count == 1 { one } else { many }
        );
    }
    html!("<ul class='verdicts'>{}</ul>", items)
}

fn facts(report: &Report) -> Markup {
    let (session, runbook) = (&report.session, &report.runbook);
    let mut facts = Markup::default();
    let mut fact = |name: &str, value: Markup| {
        if !value.is_empty() {
            put!(facts, "<dt>{}</dt><dd>{}</dd>", name, value);
        }
    };
    let text = |text: &Option<String>| text.as_ref().map(|text| html!("{}", text)).unwrap_or_default();
    fact("Ticket", text(&runbook.ticket));
    fact("Environment", text(&runbook.environment));
    fact("Owner", text(&runbook.owner));
    let window = runbook.window.as_ref().map(|window| html!("{}", change_window(window)));
    fact("Change window", window.unwrap_or_default());
    fact("Session", html!("<code>{}</code>", session.name));
    fact("Host", html!("{} ({}, {})", session.host.name, session.host.os, session.host.arch));
    fact("Opened", date(session.opened.at));
    fact(if session.closed { "Closed" } else { "Last event" }, date(session.last.at));
    fact("Runbook", html!("<code>{}</code> in <code>{}</code>", runbook.file, runbook.dir));
    fact("Its SHA-256", html!("<code>{}</code>", runbook.sha256));
    fact("Record", html!("<code>{}</code>", session.folder));
    fact("Shared with", text(&session.share));
    html!("<dl class='facts'>{}</dl>", facts)
}

fn sentences(heading: &str, sentences: &[String]) -> Markup {
    if sentences.is_empty() {
        return Markup::default();
    }
    html!("<h3>{}</h3>{}", heading, super::list("knew", sentences))
}
