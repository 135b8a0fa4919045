//! The numbers that a check holds what it sees against.

use super::plan::ms;
use crate::report::model::Limit;
use crate::runbook::model::{Aggregate, Bound, Check, Measure, Metric, Probe, Reading, Rule, TextExpect};

/// Every numeric limit of a check.
pub(super) fn limits(check: &Check) -> Vec<Limit> {
    let mut limits = Vec::new();
    match &check.probe {
        Probe::Http { expect, .. } => {
            limits.extend(expect.max_latency.map(|most| latency(ms(most))));
            texts(&mut limits, "", &expect.text, check);
        }
        Probe::Tcp { expect, .. } => {
            limits.extend(expect.max_latency.map(|most| latency(ms(most))));
            texts(&mut limits, "", &expect.text, check);
        }
        Probe::Process { expect, .. } => {
            // What is charted is what they hold together, and the limit is for each.
            limits.extend(expect.max_rss.map(|most| most_of("rss", most as f64, "bytes")));
            limits.extend(expect.max_cpu.map(|most| most_of("cpu", most, "%")));
        }
        Probe::File { expect, .. } => {
            limits.extend(expect.max_age.map(|most| most_of("age", ms(most) as f64, "ms")));
            texts(&mut limits, "", &expect.text, check);
        }
        Probe::Command { expect, .. } => {
            for (name, text) in [("", &expect.text), ("stdout ", &expect.stdout), ("stderr ", &expect.stderr)]
            {
                texts(&mut limits, name, text, check);
            }
        }
        Probe::Metric(metric) => limits.extend(number(metric, check)),
        Probe::Dns { .. } | Probe::Any(_) | Probe::Snapshots(_) | Probe::Frozen(_) => {}
    }
    limits
}

/// A metric's own limits. Its numbers are recorded as they were read: only where nothing is made of them are they what
/// the limits are for.
fn number(metric: &Metric, check: &Check) -> Option<Limit> {
    let expect = &metric.expect;
    let unit = match metric.source.measure() {
        Measure::Number => None,
        Measure::Bytes => Some("bytes"),
        Measure::Milliseconds => Some("ms"),
        Measure::Percent => Some("%"),
    };
    let limit = Limit {
        of: expect.aggregate().word().to_owned(),
        min: expect.min,
        max: expect.max,
        unit: check.unit.clone().or(unit.map(str::to_owned)),
        charted: metric.reading == Reading::Value && !matches!(expect.aggregate(), Aggregate::Slope(_)),
    };
    (limit.min.is_some() || limit.max.is_some()).then_some(limit)
}

fn latency(most_ms: u64) -> Limit {
    most_of("latency", most_ms as f64, "ms")
}

fn most_of(of: &str, max: f64, unit: &str) -> Limit {
    Limit { of: of.to_owned(), min: None, max: Some(max), unit: Some(unit.to_owned()), charted: false }
}

/// The limits in what a text must say.
fn texts(limits: &mut Vec<Limit>, name: &str, text: &TextExpect, check: &Check) {
    if let Some(count) = &text.count {
        limits.push(Limit {
            of: format!("{name}count /{}/", count.pattern.0.as_str()),
            min: count.min.map(|least| least as f64),
            max: count.max.map(|most| most as f64),
            unit: None,
            charted: false,
        });
    }
    for (pointer, rule) in &text.json {
        rules(limits, format!("{name}{pointer}"), rule, check.unit.as_ref());
    }
}

/// The limits of one JSON value; one that another value of the same document gives is no number here.
fn rules(limits: &mut Vec<Limit>, of: String, rule: &Rule, unit: Option<&String>) {
    let constant = |bound: &Option<Bound>| match bound {
        Some(Bound::Constant(number)) => Some(*number),
        _ => None,
    };
    if let Some(len) = &rule.len {
        rules(limits, format!("length of {of}"), len, None);
    }
    let (min, max) = (constant(&rule.min), constant(&rule.max));
    if min.is_some() || max.is_some() {
        limits.push(Limit { of, min, max, unit: unit.cloned(), charted: false });
    }
}
