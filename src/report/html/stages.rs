//! The stages: as planned and as they went, what their gates said, who voted and ticked.

use super::markup::{Markup, html, put};
use super::words::{self, clock, state, took};
use super::{list, table};
use crate::report::model::{EndedHow, Entry, GatePlan, GateVerdict, Report, Stage, Tick, Vote};

/// How many verdicts of one gate are told; the log has them all.
const VERDICTS: usize = 50;

/// The section.
pub fn draw(report: &Report) -> Markup {
    let mut rows = Markup::default();
    for (number, stage) in (1_u32..).zip(&report.stages) {
        put!(rows, "{}", row(number, stage));
    }
    let columns = [
        ("#", "num"),
        ("stage", ""),
        ("status", ""),
        ("entered", ""),
        ("planned", "num"),
        ("took", "num"),
        ("drift", "num"),
        ("red", "num"),
        ("retries", "num"),
    ];
    let mut gates = Markup::default();
    for (number, stage) in (1_u32..).zip(&report.stages) {
        put!(gates, "{}", gate(number, stage));
    }
    html!(
        "<section id='stages'><h2>Stages, planned against actual</h2>{}\
         <p class='dim'>Red: how long a check of its gate was failing or stale. Took: all passages together.</p>{}{}{}</section>",
        table(&columns, &rows),
        gates,
        triggers(report),
        rollbacks(report),
    )
}

fn row(number: u32, stage: &Stage) -> Markup {
    let sum = |of: fn(&Entry) -> u64| stage.entries.iter().map(of).sum::<u64>();
    let entered = stage.entries.first();
    let lasted = entered.map(|_| sum(|entry| entry.took_ms));
    html!(
        "<tr><td class='num' data-of='#'>{}</td><th scope='row'>{}{}</th><td>{}</td><td data-of='entered'>{}</td>\
         <td class='num' data-of='planned'>{}</td><td class='num' data-of='took'>{}</td><td class='num' data-of='drift'>{}</td>\
         <td class='num' data-of='red'>{}</td><td class='num' data-of='retries'>{}</td></tr>",
        number,
        stage.title,
        stage.point_of_no_return.then(|| html!(" {}", state(("║", "POINT OF NO RETURN", "fail")))),
        state(words::stage(stage.status)),
        entered.map(|entry| clock(entry.entered.at)),
        stage.estimate_ms.map(took),
        lasted.map(took),
        lasted.zip(stage.estimate_ms).map(|(lasted, planned)| drift(lasted, planned)),
        Some(sum(|entry| entry.red_ms)).filter(|ms| *ms > 0).map(took),
        Some(stage.entries.iter().map(|entry| entry.retries).sum::<u32>()).filter(|retries| *retries > 0),
    )
}

fn drift(lasted: u64, planned: u64) -> String {
    if lasted >= planned {
        format!("+{}", took(lasted - planned))
    } else {
        format!("−{}", took(planned - lasted))
    }
}

fn gate(number: u32, stage: &Stage) -> Markup {
    let asked = asks(&stage.gate);
    if stage.entries.is_empty() && asked.is_empty() {
        return Markup::default();
    }
    let mut passages = Markup::default();
    for (time, entry) in (1_u32..).zip(&stage.entries) {
        put!(passages, "{}", passage(entry, (stage.entries.len() > 1).then_some(time)));
    }
    html!(
        "<div class='stage'><h3>{}. {} <code class='dim'>{}</code></h3>{}{}{}</div>",
        number,
        stage.title,
        stage.id,
        stage.description.as_ref().map(|text| html!("<p class='said'>{}</p>", super::markup::Lines(text))),
        (!asked.is_empty())
            .then(|| html!("<p><span class='dim'>The gate asks for:</span> {}</p>", asked.join("; "))),
        passages,
    )
}

/// What a gate asks for, a phrase each.
fn asks(gate: &GatePlan) -> Vec<String> {
    let mut asks = Vec::new();
    if !gate.checks.is_empty() {
        asks.push(format!("green {}", gate.checks.join(", ")));
    }
    asks.extend(gate.soak_ms.map(|soak| format!("a soak of {}", took(soak))));
    asks.extend(gate.accept.iter().map(|item| format!("“{item}”")));
    match gate.approvals {
        0 => {}
        1 => asks.push("GO of one person".to_owned()),
        many => asks.push(format!("GO of {many} people")),
    }
    asks.extend(gate.roles.iter().map(|role| format!("GO for {role}")));
    if gate.consecutive_sessions > 1 {
        asks.push(format!("GO in {} live sessions in a row", gate.consecutive_sessions));
    }
    asks.extend(gate.drilled_within_ms.map(|within| {
        let place = gate.drilled_environment.as_ref().map(|place| format!(" in {place}")).unwrap_or_default();
        format!("a good drill{place} within {}", took(within))
    }));
    if gate.auto {
        asks.push("nobody's word (it promotes by itself)".to_owned());
    }
    asks
}

fn passage(entry: &Entry, time: Option<u32>) -> Markup {
    let mut said = vec![(entry.entered.at, html!("entered"))];
    said.extend(entry.at_gate.map(|when| (when.at, html!("at its gate"))));
    said.extend(entry.soak.started.map(|when| (when.at, html!("soak began"))));
    let broken = state(("▲", "SOAK BROKEN", "warn"));
    said.extend(entry.soak.breaks.iter().map(|b| (b.when.at, html!("{} {}", broken, b.why))));
    said.extend(entry.soak.reached.map(|when| (when.at, html!("soak reached"))));
    said.extend(entry.ticks.iter().map(|tick| (tick.at, self::tick(tick))));
    said.extend(entry.votes.iter().map(|vote| (vote.when.at, self::vote(vote))));
    // Before the end, so that of one moment it stays the last.
    said.sort_by_key(|(at, _)| *at);
    said.extend(entry.ended.as_ref().map(|ended| {
        let how = match ended.how {
            EndedHow::Promoted => ("✓", "PROMOTED", "ok"),
            EndedHow::Overridden => ("▲", "PROMOTED OVER A NO-GO", "warn"),
            EndedHow::RolledBack => ("▲", "ROLLED BACK", "warn"),
        };
        (ended.when.at, html!("{} by {}, after {}", state(how), ended.by, took(entry.took_ms)))
    }));
    said.extend(entry.undone_later().map(|when| (when.at, state(("▲", "ROLLED BACK", "warn")))));
    html!(
        "{}{}{}",
        time.map(|time| html!("<p><b>Passage {}</b></p>", time)),
        list("plain", said.into_iter().map(|(at, what)| html!("{} {}", clock(at), what))),
        verdicts(&entry.verdicts),
    )
}

fn vote(vote: &Vote) -> Markup {
    html!(
        "vote {} by {}{}{}",
        state(words::go(vote.go)),
        vote.by,
        vote.role.as_ref().map(|role| html!(" for {}", role)),
        vote.note.as_ref().map(|note| html!(": <q class='said'>{}</q>", note)),
    )
}

/// An item with the word on it, without when.
pub fn tick(tick: &Tick) -> Markup {
    html!(
        "{} “{}” by {}{}",
        state(if tick.pass { ("✓", "YES", "ok") } else { ("✗", "NO", "fail") }),
        tick.item,
        tick.by,
        tick.note.as_ref().map(|note| html!(": <q class='said'>{}</q>", note)),
    )
}

/// What a gate said, to be opened.
fn verdicts(verdicts: &[GateVerdict]) -> Markup {
    if verdicts.is_empty() {
        return Markup::default();
    }
    let mut items = Markup::default();
    for verdict in verdicts.iter().take(VERDICTS) {
        let missing = verdict.missing.join("; ");
        put!(items, "<li>{} {} {}</li>", clock(verdict.when.at), state(words::go(verdict.go)), missing);
    }
    let more = verdicts.len().saturating_sub(VERDICTS);
    html!(
        "<details><summary>What the gate said ({})</summary><ul class='plain'>{}</ul>{}</details>",
        verdicts.len(),
        items,
        (more > 0).then(|| html!("<p class='dim'>{} more are in the log.</p>", more)),
    )
}

fn triggers(report: &Report) -> Markup {
    use crate::report::model::TriggerStep as T;
    let mut rows = Markup::default();
    for trigger in &report.triggers {
        let became = trigger.events.iter().take(VERDICTS).map(|event| {
            let what = match event.what {
                T::Armed => ("▲", "ARMED", "warn"),
                T::Cleared => ("✓", "CLEARED", "ok"),
                T::Vetoed => ("◆", "VETOED", "ask"),
                T::Fired => ("✗", "FIRED", "fail"),
            };
            html!(
                "{} {} by {}{}",
                clock(event.by.when.at),
                state(what),
                event.by.by,
                event.why.as_ref().map(|why| html!(": {}", why))
            )
        });
        let became = list("plain", became);
        put!(
            rows,
            "<tr><th scope='row'>{}</th><td data-of='when'>{} {}</td><td data-of='then'>{}</td><td>{}</td></tr>",
            trigger.id,
            trigger.check,
            trigger.condition,
            trigger.then,
            if became.is_empty() { html!("<span class='dim'>never reached</span>") } else { became },
        );
    }
    if rows.is_empty() {
        return rows;
    }
    html!(
        "<h3>Triggers</h3>{}",
        table(&[("trigger", ""), ("when", ""), ("then", ""), ("what became of it", "")], &rows)
    )
}

fn rollbacks(report: &Report) -> Markup {
    let mut drawn = Markup::default();
    for rollback in &report.rollbacks {
        let mut said = vec![html!("{} started by {}", clock(rollback.started.at), rollback.by)];
        said.extend(
            rollback
                .stages
                .iter()
                .map(|stage| html!("{} stage {} undone", clock(stage.when.at), stage.stage)),
        );
        said.extend(
            rollback
                .skipped
                .iter()
                .map(|step| html!("{} {} was skipped", state(("▲", "NOT UNDONE", "warn")), step)),
        );
        said.extend(rollback.stuck.iter().map(|stuck| {
            html!(
                "{} {} {}{}",
                clock(stuck.when.at),
                state(("✗", "STUCK", "fail")),
                stuck.why,
                (!stuck.remaining.is_empty())
                    .then(|| html!("; still to run: {}", stuck.remaining.join(", ")))
            )
        }));
        said.push(rollback.finished.map_or_else(
            || state(("▶", "NOT FINISHED where the record ends", "running")),
            |when| {
                html!(
                    "{} {} after {}",
                    clock(when.at),
                    state(("✓", "FINISHED", "ok")),
                    took(rollback.took_ms)
                )
            },
        ));
        let how_far = if rollback.full { "all the way" } else { "up to and with" };
        put!(
            drawn,
            "<h3>Rollback, {} {}</h3>{}{}{}<p class='dim'>Steps that were to run: {}</p>",
            how_far,
            if rollback.full { "" } else { rollback.to.as_str() },
            rollback.reason.as_ref().map(|reason| html!("<p>Reason: <q class='said'>{}</q></p>", reason)),
            list("plain", said),
            verdicts(&rollback.verdicts),
            if rollback.steps.is_empty() { "none".to_owned() } else { rollback.steps.join(", ") },
        );
    }
    drawn
}
