//! The checks: each with its health as a strip, its number and its latency as lines, and their summary in words.

use super::bars::{self, Bar, Track};
use super::chart::{self, Line};
use super::markup::{Markup, html, put};
use super::scale::Scale;
use super::words::{self, number, since_start, state, took};
use super::{list, table};
use crate::event::Health;
use crate::report::model::{Check, HealthBand, Limit, Report, Stats};

/// How many changes of all checks together are told in words, and of each at least.
const TOLD: usize = 4000;
const LEAST_TOLD: usize = 12;

/// The section; nothing where the runbook has no checks.
pub fn draw(report: &Report, scale: &Scale) -> Markup {
    if report.checks.is_empty() {
        return Markup::default();
    }
    let told = (TOLD / report.checks.len()).max(LEAST_TOLD);
    let (mut rows, mut charts) = (Markup::default(), Markup::default());
    for check in &report.checks {
        put!(rows, "{}", row(check));
        if check.samples.total > 0 || !check.bands.is_empty() {
            put!(charts, "{}", self::check(check, scale, told));
        }
    }
    let columns = [
        ("check", ""),
        ("looks at", ""),
        ("ok", "num"),
        ("failing", "num"),
        ("stale", "num"),
        ("samples", "num"),
        ("number", ""),
        ("limits", ""),
    ];
    html!(
        "<section id='checks' class='fresh'><h2>Checks</h2>{}{}{}</section>",
        table(&columns, &rows),
        legend(),
        charts
    )
}

fn row(check: &Check) -> Markup {
    let time = |ms: u64| (ms > 0).then(|| took(ms));
    let (failing, stale) = (check.health_ms.failing, check.health_ms.stale);
    let limits: Vec<String> = check.limits.iter().map(limit).collect();
    html!(
        "<tr><th scope='row'>{}<br><code class='dim'>{}</code>{}{}</th><td data-of='looks at'>{} <span class='dim'>{}</span></td>\
         <td class='num' data-of='ok'>{}</td><td class='num' data-of='failing'>{}</td><td class='num' data-of='stale'>{}</td>\
         <td class='num' data-of='samples'>{}</td><td data-of='number'>{}</td><td data-of='limits'>{}</td></tr>",
        check.title,
        check.id,
        (!check.applies).then_some(" does not apply"),
        check.advisory.then_some(" advisory: never counted"),
        (!check.what.starts_with(&check.kind)).then_some(check.kind.as_str()),
        check.what,
        time(check.health_ms.ok),
        time(failing).map(|time| html!("<span class='fail'>✗ {}</span>", time)),
        time(stale).map(|time| html!("<span class='stale'>~ {}</span>", time)),
        Some(check.samples.total).filter(|total| *total > 0),
        check.number.map(|stats| range(stats, written(check).0, &written(check).1)),
        limits.join("; "),
    )
}

fn limit(limit: &Limit) -> String {
    let shown = |value| match limit.unit.as_deref() {
        Some("bytes") => in_bytes(value),
        Some(unit) => format!("{} {unit}", number(value)),
        None => number(value),
    };
    let bound = |sign: &str, value: Option<f64>| value.map(|value| format!("{sign} {}", shown(value)));
    let bounds: Vec<String> = [bound("≥", limit.min), bound("≤", limit.max)].into_iter().flatten().collect();
    format!("{} {}", limit.of, bounds.join(" and "))
}

fn range(stats: Stats, shown: fn(f64) -> String, unit: &str) -> String {
    let (min, median, p95, max) = (shown(stats.min), shown(stats.median), shown(stats.p95), shown(stats.max));
    format!("min {min}, median {median}, p95 {p95}, max {max}{unit}")
}

/// How a check's number is written, and its unit behind it. Of a process it is its memory.
fn written(check: &Check) -> (fn(f64) -> String, String) {
    let of_limit = check.limits.iter().find(|limit| limit.charted).and_then(|limit| limit.unit.as_deref());
    match check.unit.as_deref().or(of_limit) {
        Some("bytes") => (in_bytes, String::new()),
        None if check.kind == "process" => (in_bytes, String::new()),
        Some(unit) => (number, format!(" {unit}")),
        None => (number, String::new()),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what is a size")]
fn in_bytes(size: f64) -> String {
    words::bytes(size.clamp(0.0, 1e18) as u64)
}

fn in_ms(ms: f64) -> String {
    format!("{} ms", number(ms))
}

fn check(check: &Check, scale: &Scale, told: usize) -> Markup {
    let bars: Vec<Bar> = check.bands.iter().map(|band| bar(band, scale)).collect();
    let title = format!("Health of {}: {}", check.title, health_times(check));
    let strip = Track { scale, height: 22, title: &title, bars: &bars, told, signs: &[] };
    let (mut lines, mut said) = (Markup::default(), Vec::new());
    if let Some(stats) = check.number {
        let (shown, unit) = written(check);
        let title = format!("Number{}: {}", limits_in_words(check), range(stats, shown, &unit));
        let limits = limits(check, |limit| limit.charted);
        let points = &check.number_series;
        // A number that never changed is told better by the words alone.
        if stats.min < stats.max || !limits.is_empty() {
            let line = Line { scale, points, limits: &limits, name: "number", title: &title, shown };
            put!(lines, "{}", line.draw());
        }
        said.push(title);
    }
    if let Some(stats) = check.latency_ms {
        let title = format!("Latency: {}", range(stats, number, " ms"));
        let limits = limits(check, |limit| limit.of == "latency" && !limit.charted);
        let points = &check.latency_series;
        let line = Line { scale, points, limits: &limits, name: "latency", title: &title, shown: in_ms };
        put!(lines, "{}", line.draw());
        said.push(title);
    }
    said.push(health_times(check));
    html!(
        "<div class='check'><h3>{} <code class='dim'>{}</code></h3><figure>{}{}{}<figcaption>{}</figcaption></figure>{}</div>",
        check.title,
        check.id,
        strip.draw(),
        lines,
        chart::axis(scale),
        list("plain", said),
        changes(check, told)
    )
}

fn limits(check: &Check, which: fn(&Limit) -> bool) -> Vec<f64> {
    check
        .limits
        .iter()
        .filter(|limit| which(limit))
        .flat_map(|limit| [limit.min, limit.max])
        .flatten()
        .collect()
}

fn limits_in_words(check: &Check) -> String {
    let limits: Vec<String> = check.limits.iter().filter(|limit| limit.charted).map(limit).collect();
    if limits.is_empty() { String::new() } else { format!(" (limit: {})", limits.join("; ")) }
}

fn health_times(check: &Check) -> String {
    let times = check.health_ms;
    let times =
        [("ok", times.ok), ("failing", times.failing), ("stale", times.stale), ("pending", times.pending)];
    let told: Vec<String> = (times.into_iter().filter(|(_, ms)| *ms > 0))
        .map(|(word, ms)| format!("{word} {}", took(ms)))
        .collect();
    let samples = check.samples;
    let looked = format!(
        "{} samples: {} met, {} not met, {} not observed",
        samples.total, samples.passed, samples.failed, samples.errors
    );
    if told.is_empty() { looked } else { format!("{}; {looked}", told.join(", ")) }
}

/// A health as a bar: the worse, the higher.
fn bar(band: &HealthBand, scale: &Scale) -> Bar {
    let (class, y, height) = match band.health {
        Health::Failing => ("f-fail", 2, 18),
        Health::Stale => ("h-unseen", 2, 18),
        Health::Ok => ("f-ok", 13, 7),
        Health::Pending | Health::Idle => ("h-pending", 13, 7),
    };
    let to_ms = band.to_ms.unwrap_or(scale.end_ms());
    let (_, word, _) = words::health(band.health);
    let value = band.value.as_ref().map(|value| format!(", {value}")).unwrap_or_default();
    let why = if band.reason.is_empty() { String::new() } else { format!(": {}", band.reason) };
    let lasted = took(to_ms.saturating_sub(band.from_ms));
    let title = format!("{word} at {} for {lasted}{value}{why}", since_start(band.from_ms));
    Bar { from_ms: band.from_ms, to_ms, class, y, height, title }
}

/// Each change of its health, to be opened.
fn changes(check: &Check, told: usize) -> Markup {
    let mut rows = Markup::default();
    for band in check.bands.iter().take(told) {
        put!(
            rows,
            "<tr><td class='time'>{}</td><td>{}</td><td data-of='for'>{}</td><td data-of='value'>{}</td><td>{}</td></tr>",
            since_start(band.from_ms),
            state(words::health(band.health)),
            band.to_ms.map(|to_ms| took(to_ms.saturating_sub(band.from_ms))),
            band.value,
            band.reason,
        );
    }
    let more = check.bands.len().saturating_sub(told);
    let columns = [("session time", ""), ("health", ""), ("for", ""), ("value", ""), ("why", "")];
    html!(
        "<details><summary>How its health changed ({})</summary>{}{}</details>",
        check.bands.len(),
        table(&columns, &rows),
        (more > 0).then(|| html!("<p class='dim'>{} more are in the log.</p>", more)),
    )
}

fn legend() -> Markup {
    let kinds = [
        ("f-ok", 6, 5, "✓ OK (low)"),
        ("f-fail", 1, 10, "✗ FAIL (high)"),
        ("h-unseen", 1, 10, "~ STALE (high, crossed)"),
        ("h-pending", 6, 5, "· PENDING (low, hatched)"),
    ];
    html!(
        "<ul class='legend'>{}<li>no bar: not polled</li><li>what changed faster than a picture can show is drawn at its worst</li><li>broken line: a gap, nothing was measured</li></ul>",
        bars::legend(&kinds)
    )
}
