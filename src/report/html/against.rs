//! Two sessions of one runbook side by side, as a page: what differs first, then stages, steps and checks in pairs.

use super::markup::{Lines, Markup, html, put};
use super::words::{self, date, number, state, took};
use super::{list, shell, table};
use crate::report::against::{CheckSide, Comparison, ProofSide, Side, StageSide, StepSide};

/// The page of a comparison.
#[must_use]
pub fn page(comparison: &Comparison) -> String {
    let (this, other) = (&comparison.this, &comparison.other);
    let body = html!(
        "<header><p class='dim'>gonogo report: two sessions side by side</p><h1>{} against {}</h1>{}</header>\
         <main>{}{}{}{}{}</main>",
        this.session,
        other.session,
        sides(this, other),
        differences(comparison),
        stages(comparison),
        steps(comparison),
        checks(comparison),
        runbook(comparison),
    );
    shell(&format!("{} against {}", this.session, other.session), &body)
}

const PAIR: [(&str, &str); 3] = [("", ""), ("this", "most"), ("the other", "most")];

/// A row with a cell for each side; the sign says that they differ, and the weight makes it seen. How long something
/// took differs always, and makes no difference.
fn pair(name: &Markup, differ: bool, this: &Markup, other: &Markup) -> Markup {
    let (class, sign) = if differ { ("differs", "≠ ") } else { ("", "") };
    html!(
        "<tr class='{}'><th scope='row'>{}{}</th><td data-of='this'>{}</td><td data-of='the other'>{}</td></tr>",
        class,
        sign,
        name,
        this,
        other
    )
}

/// What a row says of one of the two sessions.
type Fact = fn(&Side) -> Markup;

fn sides(this: &Side, other: &Side) -> Markup {
    let facts: [(&str, Fact); 12] = [
        ("outcome", |side| state(words::outcome(side.outcome))),
        ("record", |side| html!("{} {}", side.verdict, side.head)),
        ("took", |side| html!("{}", took(side.duration_ms))),
        ("opened", |side| date(side.opened.at)),
        ("mode", |side| html!("{}", side.mode.word())),
        ("host", |side| html!("{}", side.host)),
        ("runbook", |side| html!("<code>{}</code>", side.runbook_id)),
        ("its SHA-256", |side| html!("<code>{}</code>", side.runbook_sha256)),
        ("stands", |side| html!("{}", side.situation.word())),
        ("overrides", |side| html!("{}", side.overrides)),
        ("rollbacks", |side| html!("{}", side.rollbacks)),
        ("unobserved", |side| html!("{}", took(side.unobserved_ms))),
    ];
    let mut rows = Markup::default();
    for (name, fact) in facts {
        let (this, other) = (fact(this), fact(other));
        let differ = this != other && !["record", "took", "opened"].contains(&name);
        put!(rows, "{}", pair(&html!("{}", name), differ, &this, &other));
    }
    table(&PAIR, &rows)
}

fn differences(comparison: &Comparison) -> Markup {
    let said = list("knew", &comparison.differences);
    let said = if said.is_empty() { html!("<p>Nothing that matters.</p>") } else { said };
    html!("<section id='differences'><h2>What differs</h2>{}</section>", said)
}

/// A side of a pair, or that it has none.
fn side<T>(side: Option<&T>, told: impl Fn(&T) -> Markup) -> Markup {
    side.map_or_else(|| html!("<span class='dim'>not there</span>"), told)
}

/// How often, where it was at all: `, 2 retries`.
fn times(count: u32, one: &str, many: &str) -> Option<String> {
    (count > 0).then(|| format!(", {count} {}", if count == 1 { one } else { many }))
}

fn stages(comparison: &Comparison) -> Markup {
    let told = |stage: &StageSide| {
        html!(
            "{} {}{}{}{}{}{}",
            state(words::stage(stage.status)),
            took(stage.took_ms),
            (stage.passages > 1).then(|| format!(", {} passages", stage.passages)),
            (stage.red_ms > 0).then(|| format!(", red for {}", took(stage.red_ms))),
            times(stage.retries, "retry", "retries"),
            times(stage.soak_breaks, "broken soak", "broken soaks"),
            stage.overridden.then(|| html!(" {}", state(("▲", "OVERRIDDEN", "warn")))),
        )
    };
    let mut rows = Markup::default();
    for stage in &comparison.stages {
        let (this, other) = (side(stage.this.as_ref(), told), side(stage.other.as_ref(), told));
        let of = |side: &StageSide| {
            (side.status, side.passages, side.red_ms > 0, side.retries, side.soak_breaks, side.overridden)
        };
        let differ = stage.this.as_ref().map(of) != stage.other.as_ref().map(of);
        put!(rows, "{}", pair(&html!("{}", stage.id), differ, &this, &other));
    }
    html!("<section id='stages'><h2>Stages</h2>{}</section>", table(&PAIR, &rows))
}

fn steps(comparison: &Comparison) -> Markup {
    let told = |step: &StepSide| {
        let attempts = (step.attempts > 1).then(|| format!(", {} attempts", step.attempts));
        html!("{} {}{}", state(words::step(step.status)), step.took_ms.map(took), attempts)
    };
    let seen = |proof: &ProofSide| html!("{} {}", state(words::met(proof.met)), proof.seen);
    let mut rows = Markup::default();
    for step in &comparison.steps {
        let (this, other) = (side(step.this.as_ref(), told), side(step.other.as_ref(), told));
        let of = |side: &StepSide| (side.status, side.attempts);
        let differ = step.this.as_ref().map(of) != step.other.as_ref().map(of);
        put!(rows, "{}", pair(&html!("{}", step.id), differ, &this, &other));
        for proof in &step.proofs {
            let (this, other) = (side(proof.this.as_ref(), seen), side(proof.other.as_ref(), seen));
            put!(
                rows,
                "{}",
                pair(&html!("<span class='dim'>proof:</span> {}", proof.expected), true, &this, &other)
            );
        }
    }
    html!("<section id='steps' class='fresh'><h2>Steps</h2>{}</section>", table(&PAIR, &rows))
}

fn checks(comparison: &Comparison) -> Markup {
    let told = |check: &CheckSide| {
        let some = |word: &str, value: Option<f64>| value.map(|value| format!(", {word} {}", number(value)));
        html!(
            "{} samples{}{}{}{}{}",
            check.samples,
            (check.failing_ms > 0)
                .then(|| html!(", <span class='fail'>✗ failing for {}</span>", took(check.failing_ms))),
            (check.stale_ms > 0)
                .then(|| html!(", <span class='stale'>~ stale for {}</span>", took(check.stale_ms))),
            check.latency_p95_ms.map(|ms| format!(", latency p95 {} ms", number(ms))),
            some("number median", check.number_median),
            some("max", check.number_max),
        )
    };
    let mut rows = Markup::default();
    for check in &comparison.checks {
        let (this, other) = (side(check.this.as_ref(), told), side(check.other.as_ref(), told));
        let of = |side: &CheckSide| (side.failing_ms > 0, side.stale_ms > 0);
        let differ = check.this.as_ref().map(of) != check.other.as_ref().map(of);
        put!(rows, "{}", pair(&html!("{}", check.id), differ, &this, &other));
    }
    html!("<section id='checks' class='fresh'><h2>Checks</h2>{}</section>", table(&PAIR, &rows))
}

fn runbook(comparison: &Comparison) -> Markup {
    let mut rows = Markup::default();
    for var in &comparison.vars {
        let told = |value: &String| html!("<code>{}</code>", value);
        let (this, other) = (side(var.this.as_ref(), told), side(var.other.as_ref(), told));
        put!(rows, "{}", pair(&html!("<code>{}</code>", var.name), true, &this, &other));
    }
    let diff = if comparison.runbook_diff.is_empty() {
        html!("<p>The runbooks are the same.</p>")
    } else {
        html!("<p>From the other's to this one's:</p><pre>{}</pre>", Lines(&comparison.runbook_diff))
    };
    html!("<section id='runbook'><h2>Runbook and inputs</h2>{}{}</section>", table(&PAIR, &rows), diff)
}
