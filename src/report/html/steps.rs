//! The steps: every attempt, what ran, what it had to prove and what was seen, what it printed.

use super::markup::{Lines, Markup, html, put};
use super::outputs::Outputs;
use super::stages;
use super::words::{self, clock, state, took};
use super::{list, table};
use crate::report::model::{Attempt, Report, Step};

/// The section.
pub fn draw(report: &Report, outputs: &Outputs<'_>) -> Markup {
    let mut drawn = Markup::default();
    for (number, stage) in (1_u32..).zip(&report.stages) {
        if stage.point_of_no_return {
            put!(drawn, "<p class='pnr'>POINT OF NO RETURN</p>");
        }
        put!(drawn, "<div class='stage'><h3>{}. {}</h3>", number, stage.title);
        if !stage.applies {
            put!(drawn, "<p class='dim'>Its condition is false: it was not part of this cutover.</p>");
        }
        put!(
            drawn,
            "{}{}</div>",
            group(&stage.steps, "", outputs),
            group(&stage.rollback, "The way back from here", outputs)
        );
    }
    put!(
        drawn,
        "{}{}",
        group(&report.way_back.prepare, "Before any rollback", outputs),
        group(&report.way_back.steps, "At the end of a rollback all the way", outputs)
    );
    html!("<section id='steps' class='fresh'><h2>Steps and proofs</h2>{}</section>", drawn)
}

fn group(steps: &[Step], heading: &str, outputs: &Outputs<'_>) -> Markup {
    let mut drawn = Markup::default();
    if !heading.is_empty() && !steps.is_empty() {
        put!(drawn, "<p class='dim'><b>{}</b></p>", heading);
    }
    let ran = |step: &&Step| !step.attempts.is_empty() || step.skipped.is_some();
    for step in steps.iter().filter(ran) {
        put!(drawn, "{}", self::step(step, outputs));
    }
    let others: Vec<&str> = steps.iter().filter(|step| !ran(step)).map(|step| step.title.as_str()).collect();
    if !others.is_empty() {
        put!(drawn, "<p class='dim'>Never ran: {}</p>", others.join("; "));
    }
    drawn
}

fn step(step: &Step, outputs: &Outputs<'_>) -> Markup {
    let mut drawn = html!(
        "<div class='step'><h4>{}</h4> {} <span class='dim'><code>{}</code> {}{}{}{}</span>",
        step.title,
        state(words::step(step.status)),
        step.id,
        step.kind,
        step.user.as_ref().map(|user| html!(" as {}", user)),
        step.estimate_ms.map(|ms| html!(", planned {}", took(ms))),
        step.timeout_ms.map(|ms| html!(", at most {}", took(ms))),
    );
    if let Some(skipped) = &step.skipped {
        put!(
            drawn,
            "<p>{} {} by {}: <q class='said'>{}</q></p>",
            clock(skipped.when.at),
            state(("·", "SKIPPED", "pending")),
            skipped.by,
            skipped.reason
        );
    }
    if let Some((last, before)) = step.attempts.split_last() {
        for attempt in before {
            put!(
                drawn,
                "<details><summary>Attempt {} {} {}</summary>{}</details>",
                attempt.attempt,
                state(words::step(attempt.status)),
                attempt.why,
                self::attempt(attempt, outputs)
            );
        }
        if last.attempt > 1 {
            put!(drawn, "<p><b>Attempt {}</b> {}</p>", last.attempt, state(words::step(last.status)));
        }
        put!(drawn, "{}", attempt(last, outputs));
    }
    put!(drawn, "</div>");
    drawn
}

fn attempt(attempt: &Attempt, outputs: &Outputs<'_>) -> Markup {
    let mut drawn = html!("<p>{} started by {}", clock(attempt.started.at), attempt.by);
    if let Some(ms) = attempt.took_ms {
        put!(drawn, ", took {}", took(ms));
    }
    if let Some(exit) = attempt.exit {
        put!(drawn, ", exit {}", exit);
    }
    if let Some(pid) = attempt.pid {
        put!(drawn, ", pid {}", pid);
    }
    put!(drawn, "{}</p>", (!attempt.why.is_empty()).then(|| html!(". <b>{}</b>", attempt.why)));
    put!(drawn, "{}", list("plain", happened(attempt)));
    put!(
        drawn,
        "<details><summary>What ran</summary><pre>{}</pre><p class='dim'>SHA-256 <code>{}</code></p></details>",
        Lines(&attempt.what),
        attempt.sha256
    );
    let mut proofs = Markup::default();
    for proof in &attempt.proofs {
        put!(
            proofs,
            "<tr><td data-of='expected'>{}</td><td data-of='seen'>{}</td><td>{}</td></tr>",
            proof.expected,
            proof.seen,
            state(words::met(proof.met))
        );
    }
    put!(drawn, "{}", table(&[("expected", "half"), ("seen", "most"), ("met", "")], &proofs));
    let captures =
        attempt.captures.iter().map(|(name, value)| html!("captured {} = <code>{}</code>", name, value));
    put!(drawn, "{}", list("plain", captures));
    put!(drawn, "{}", attempt.output.as_ref().map(|output| outputs.draw(output)));
    drawn
}

/// What happened to an attempt besides, a sentence each.
fn happened(attempt: &Attempt) -> Vec<Markup> {
    let mut said = Vec::new();
    if let Some(killed) = &attempt.killed {
        let word = if killed.timed_out { "TIMED OUT" } else { "ENDED" };
        said.push(html!(
            "{} {} by {}: {}",
            clock(killed.when.at),
            state(("▲", word, "warn")),
            killed.by,
            killed.why
        ));
        said.extend(
            killed.refused.iter().map(|why| html!("{} {}", state(("✗", "COULD NOT BE ENDED", "fail")), why)),
        );
    }
    said.extend(attempt.unknown.iter().map(|what| html!("{} {}", state(("?", "UNKNOWN", "stale")), what)));
    said.extend(attempt.resolved.iter().map(|resolved| {
        html!(
            "{} {} says: {}; <q class='said'>{}</q>",
            clock(resolved.when.at),
            resolved.by,
            resolved.outcome.word(),
            resolved.reason
        )
    }));
    said.extend(attempt.answer.iter().map(|answer| {
        let word = if answer.yes { ("✓", "YES", "ok") } else { ("✗", "NO", "fail") };
        html!(
            "{} {} by {}{}",
            clock(answer.when.at),
            state(word),
            answer.by,
            answer.note.as_ref().map(|note| html!(": <q class='said'>{}</q>", note))
        )
    }));
    said.extend(attempt.ticks.iter().map(|tick| html!("{} {}", clock(tick.at), stages::tick(tick))));
    if !attempt.remains.is_empty() {
        let pids: Vec<String> = attempt.remains.iter().map(u32::to_string).collect();
        said.push(html!(
            "{} background processes remain: pid {}",
            state(("▲", "REMAINS", "warn")),
            pids.join(", ")
        ));
    }
    said
}
