//! What an action or a check must show to be green, in a few words each.

use std::time::Duration;

use crate::runbook::interpolate::Scope;
use crate::runbook::model::{
    Action, Aggregate, Bound, Check, DnsExpect, FileExpect, HttpExpect, MaxDuration, MetricExpect, Probe,
    ProcessExpect, Rule, RunExpect, Sha256Expect, SignalExpect, TcpExpect, Template, TextExpect, Vs,
};
use crate::runbook::number::{self, Unit, short};

/// What must be seen of a step; empty where its kind says it all.
pub fn of_action(action: &Action, scope: &Scope) -> Vec<String> {
    match action {
        Action::Run { expect, .. } => run(expect, scope),
        Action::Request { expect, .. } => http(expect, scope),
        Action::Start { min_uptime, .. } => vec![format!("still runs after {}", time(*min_uptime))],
        Action::Signal { expect, .. } => signal(expect, scope),
        Action::Confirm { items, note_required, .. } => {
            let items = items.iter().map(|item| format!("[ ] {item}"));
            items.chain(note_required.then(|| "a note".to_owned())).collect()
        }
        Action::Snapshot { .. } => {
            vec!["each of the globs has a file, and every file is copied whole".to_owned()]
        }
        Action::Restore { .. } => vec!["each of the files is again as it was copied".to_owned()],
        _ => Vec::new(),
    }
}

/// What must be seen of a check.
pub fn of_check(check: &Check, scope: &Scope) -> Vec<String> {
    match &check.probe {
        Probe::Http { expect, .. } => http(expect, scope),
        Probe::Tcp { expect, .. } => tcp(expect, scope),
        Probe::Dns { expect, .. } => dns(expect, scope),
        Probe::Process { expect, .. } => process(expect, scope),
        Probe::File { expect, .. } => file(expect, scope),
        Probe::Command { expect, .. } => run(expect, scope),
        Probe::Metric(metric) => number(&metric.expect, &Unit::of(check)),
        Probe::Frozen(_) => vec!["no file changes, is new or is gone since the session's start".to_owned()],
        Probe::Snapshots(_) => vec!["they are as they were taken".to_owned()],
        Probe::Any(_) => Vec::new(),
    }
}

/// A metric's limits and its window, as short as a row of the screen needs them; empty where it has none.
#[must_use]
pub fn limits(check: &Check) -> String {
    let Probe::Metric(metric) = &check.probe else { return String::new() };
    let (expect, unit) = (&metric.expect, Unit::of(check));
    let words = [
        expect.min.map(|min| format!("≥ {}", unit.show(min))),
        expect.max.map(|max| format!("≤ {}", unit.show(max))),
        expect.vs.as_ref().map(|vs| format!("vs {}", vs.baseline)),
        expect.window.map(|window| format!("{} {}", expect.aggregate().word(), number::span(window))),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn number(expect: &MetricExpect, unit: &Unit) -> Vec<String> {
    let mut out = vec!["a number is there".to_owned()];
    out.extend(expect.max.map(|max| format!("at most {}", unit.show(max))));
    out.extend(expect.min.map(|min| format!("at least {}", unit.show(min))));
    if let Some(Vs { baseline, check, upper, lower }) = &expect.vs {
        let old = format!("{check} of the baseline {baseline}");
        out.extend(
            upper.map(|(times, plus)| format!("at most {} × {old} + {}", short(times), unit.show(plus))),
        );
        out.extend(
            lower.map(|(times, minus)| format!("at least {} × {old} − {}", short(times), unit.show(minus))),
        );
    }
    out.extend(expect.window.map(|window| {
        let word = match expect.aggregate() {
            Aggregate::Slope(per) => format!("the slope for {}", time(per)),
            aggregate => format!("the {}", aggregate.word()),
        };
        format!("{word} over {}, of {} numbers at least", time(window), expect.min_samples)
    }));
    out
}

fn time(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}

fn list<T: ToString>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

fn text(expect: &TextExpect, of: &str, scope: &Scope) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    out.extend(expect.matches.iter().map(|p| format!("{of} matches {}", scope.show(&p.0))));
    out.extend(expect.not_matches.iter().map(|p| format!("{of} never matches {}", scope.show(&p.0))));
    if let Some(count) = &expect.count {
        let times = match (count.min, count.max) {
            (Some(min), Some(max)) => format!("{min} to {max} times"),
            (Some(min), None) => format!("at least {min} times"),
            (None, Some(max)) => format!("at most {max} times"),
            (None, None) => "any number of times".to_owned(),
        };
        out.push(format!("{of} matches {} {times}", scope.show(&count.pattern.0)));
    }
    out.extend(expect.secrets_absent.then(|| format!("{of} holds no secret")));
    out.extend(
        expect.json.iter().map(|(pointer, rule)| format!("{of} {pointer} {}", self::rule(rule, scope))),
    );
    out
}

fn rule(rule: &Rule, scope: &Scope) -> String {
    let bound = |bound: &Bound| match bound {
        Bound::Constant(n) => n.to_string(),
        Bound::At { pointer, times, plus } => format!("{times} × {pointer} + {plus}"),
    };
    let words = [
        rule.equals.as_ref().map(|value| format!("is {value}")),
        rule.matches.as_ref().map(|p| format!("matches {}", scope.show(&p.0))),
        rule.min.as_ref().map(|b| format!("is at least {}", bound(b))),
        rule.max.as_ref().map(|b| format!("is at most {}", bound(b))),
        rule.exists.map(|there| if there { "is there" } else { "is not there" }.to_owned()),
        rule.len.as_ref().map(|len| format!("has a length that {}", self::rule(len, scope))),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

fn run(expect: &RunExpect, scope: &Scope) -> Vec<String> {
    let mut out = vec![format!(
        "exits with {}",
        if expect.exit.is_empty() { "0".to_owned() } else { list(&expect.exit) }
    )];
    out.extend(text(&expect.text, "output", scope));
    out.extend(text(&expect.stdout, "stdout", scope));
    out.extend(text(&expect.stderr, "stderr", scope));
    for report in &expect.report {
        let path = scope.show(&report.path);
        out.push(format!("{path} is written by this attempt"));
        out.extend(report.dated.as_ref().map(|at| format!("{path} is made by this attempt, as {at} says")));
        out.extend(text(&report.text, &path, scope));
    }
    out.extend(expect.max_duration.as_ref().map(|most| match most {
        MaxDuration::Time(limit) => format!("takes at most {}", time(*limit)),
        MaxDuration::OfStep { step, times, plus } => {
            format!("takes at most {times} × {step} + {}", time(*plus))
        }
    }));
    out
}

fn http(expect: &HttpExpect, scope: &Scope) -> Vec<String> {
    let status = if expect.status.is_empty() { "200 to 299".to_owned() } else { list(&expect.status) };
    let mut out = vec![format!("status {status}")];
    out.extend(expect.header.iter().map(|(name, p)| format!("header {name} matches {}", scope.show(&p.0))));
    out.extend(expect.max_latency.map(|limit| format!("answers within {}", time(limit))));
    out.extend(text(&expect.text, "body", scope));
    out
}

fn tcp(expect: &TcpExpect, scope: &Scope) -> Vec<String> {
    let mut out = vec![if expect.open { "open" } else { "closed" }.to_owned()];
    out.extend(expect.max_latency.map(|limit| format!("answers within {}", time(limit))));
    out.extend(text(&expect.text, "banner", scope));
    out
}

fn dns(expect: &DnsExpect, scope: &Scope) -> Vec<String> {
    let shown = |values: &[Template]| values.iter().map(|v| scope.show(v)).collect::<Vec<_>>().join(", ");
    let mut out = vec!["a record is there".to_owned()];
    out.extend((!expect.values.is_empty()).then(|| format!("the answer is {}", shown(&expect.values))));
    out.extend(
        (!expect.includes.is_empty()).then(|| format!("the answer holds {}", shown(&expect.includes))),
    );
    out.extend(expect.max_ttl.map(|most| format!("kept at most {}", time(most))));
    out
}

fn process(expect: &ProcessExpect, scope: &Scope) -> Vec<String> {
    let mut out = vec![if expect.running { "runs" } else { "does not run" }.to_owned()];
    out.extend(expect.count.map(|n| format!("{n} of them")));
    out.extend(expect.max_rss.map(|bytes| format!("at most {bytes} bytes resident")));
    out.extend(expect.max_cpu.map(|cpu| format!("at most {cpu} % of a core")));
    out.extend(
        expect
            .max_restarts
            .map(|most| format!("started anew at most {} times within {}", most.count, time(most.within))),
    );
    out.extend(expect.env.iter().map(|(name, rule)| format!("runs with {name} {}", self::rule(rule, scope))));
    out
}

fn file(expect: &FileExpect, scope: &Scope) -> Vec<String> {
    let mut out = vec![if expect.exists { "is there" } else { "is not there" }.to_owned()];
    out.extend(expect.executable.map(|x| if x { "executable" } else { "not executable" }.to_owned()));
    out.extend(expect.sha256.as_ref().map(|digest| match digest {
        Sha256Expect::Hex(hex) => format!("SHA-256 {}", scope.show(hex)),
        Sha256Expect::InJson { file, pointer } => format!("SHA-256 as in {} at {pointer}", scope.show(file)),
    }));
    out.extend(expect.sha256sums.as_ref().map(|sums| format!("SHA-256 as in {}", scope.show(sums))));
    out.extend(expect.max_age.map(|age| format!("at most {} old", time(age))));
    out.extend(text(&expect.text, "text", scope));
    out
}

fn signal(expect: &SignalExpect, scope: &Scope) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(log) = &expect.log {
        let path = scope.show(&log.path);
        out.extend(log.matches.iter().map(|p| format!("{path} then says {}", scope.show(&p.0))));
    }
    out.extend(expect.gone_within.map(|limit| format!("gone within {}", time(limit))));
    out.extend((!expect.exit.is_empty()).then(|| format!("exits with {}", list(&expect.exit))));
    out
}
