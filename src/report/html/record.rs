//! What the report stands on: evidence, the log's verdict, the engines that wrote it, the runbook as it was run.

use super::markup::{Lines, Markup, html, put};
use super::words::{bytes, clock, date, state};
use super::{list, table};
use crate::report::model::Report;

/// The sections.
pub fn draw(report: &Report) -> Markup {
    html!("{}{}{}", evidence(report), record(report), runbook(report))
}

fn evidence(report: &Report) -> Markup {
    let mut rows = Markup::default();
    for file in &report.evidence {
        put!(
            rows,
            "<tr><td class='time'>{}</td><th scope='row'><code>{}</code></th><td data-of='from'><code>{}</code></td>\
             <td data-of='by'>{}</td><td class='num' data-of='size'>{}</td><td data-of='SHA-256'><code>{}</code></td></tr>",
            clock(file.when.at),
            file.path,
            file.source,
            file.step.as_ref().unwrap_or(&file.by),
            bytes(file.bytes),
            file.sha256,
        );
    }
    if rows.is_empty() {
        return rows;
    }
    let columns =
        [("time", ""), ("file", ""), ("from", ""), ("taken by", ""), ("size", "num"), ("SHA-256", "")];
    html!("<section id='evidence'><h2>Evidence</h2>{}</section>", table(&columns, &rows))
}

fn record(report: &Report) -> Markup {
    let record = &report.record;
    let verdicts = record.verdicts.iter().map(|verdict| {
        let (glyph, class) = if verdict.code == 0 { ("✓", "ok") } else { ("✗", "fail") };
        html!("{}{}", state((glyph, "", class)), verdict.text)
    });
    let mut engines = Markup::default();
    for engine in &report.session.engines {
        put!(
            engines,
            "<tr><td class='time'>{}</td><td data-of='version'>{}</td><td class='num' data-of='pid'>{}</td>\
             <td data-of='boot'><code>{}</code></td><td>{}</td></tr>",
            date(engine.when.at),
            engine.version,
            engine.pid,
            engine.boot_id,
            list("knew", &engine.recovered),
        );
    }
    html!(
        "<section id='record'><h2>Record</h2>{}{}<p>{} events{}. {}</p>{}<h3>Engines</h3>{}</section>",
        list("plain", verdicts),
        list("knew", &record.findings),
        record.events,
        record.head.as_ref().map(|head| html!(", head <code>{}</code>", head)),
        if record.anchored {
            html!("It was held against a head that somebody had kept.")
        } else {
            html!(
                "It was held against no head that somebody had kept: a cut tail or a whole rewrite would not be seen."
            )
        },
        record.live.then(|| html!(
            "<p>{} An engine was driving the session when this was made.</p>",
            state(("▶", "LIVE", "running"))
        )),
        table(
            &[("started", ""), ("gonogo", ""), ("pid", "num"), ("boot", ""), ("what it found", "")],
            &engines
        ),
    )
}

fn runbook(report: &Report) -> Markup {
    let runbook = &report.runbook;
    let mut vars = Markup::default();
    for (name, value) in &runbook.vars {
        put!(vars, "<tr><th scope='row'><code>{}</code></th><td><code>{}</code></td></tr>", name, value);
    }
    html!(
        "<section id='runbook'><h2>Runbook</h2><p><code>{}</code>, SHA-256 <code>{}</code></p>{}\
         <details class='text'><summary>Its text, as it was run</summary><pre>{}</pre></details></section>",
        runbook.file,
        runbook.sha256,
        table(&[("input", ""), ("value", "")], &vars),
        Lines(&runbook.text),
    )
}
