//! What a step does and what a check looks at, each in one line, resolved as far as it can be.

use std::path::Path;

use super::id::{CheckId, StepId};
use super::interpolate::Scope;
use super::model::{
    Action, Command, HttpTarget, LinkTarget, Metric, MetricSource, NotifyWay, Pick, Probe, ProcessSelect,
    Reader, Reading, Runbook, Step, Template,
};
use super::quote::{join, quote};
use super::user;

/// What a step does, in one line: for a command its whole command line as a shell would read it, with the variables,
/// the user and the folder that the step sets. Names that have no value yet stay as `${{ name }}`.
#[must_use]
pub fn describe_action(runbook: &Runbook, step: &Step, scope: &Scope) -> String {
    let in_place = |words: &[String]| in_place(runbook, step, scope, words);
    match &step.action {
        Action::Run { command, .. } => in_place(&argv(command, scope, &runbook.shell)),
        Action::Start { argv, log, ready, .. } => {
            let words: Vec<String> = argv.iter().map(|word| scope.show(word)).collect();
            let ready = if ready.is_empty() { String::new() } else { format!(", ready: {}", names(ready)) };
            format!("start {} (log: {}{ready})", in_place(&words), quote(&scope.show(log)))
        }
        Action::Request { target, .. } => request(target, scope),
        Action::Await { checks, hold } if hold.is_zero() => format!("await {}", names(checks)),
        Action::Await { checks, hold } => {
            format!("await {} for {}", names(checks), humantime::format_duration(*hold))
        }
        Action::Assert { checks } => format!("assert {}", names(checks)),
        Action::Confirm { question, role: Some(role), .. } => {
            format!("confirm for {role}: {}", scope.show(question))
        }
        Action::Confirm { question, .. } => format!("confirm: {}", scope.show(question)),
        Action::Wait { duration } => format!("wait {}", humantime::format_duration(*duration)),
        Action::Baseline { name, checks, window } => {
            format!("baseline {name} of {} over {}", names(checks), humantime::format_duration(*window))
        }
        Action::Signal { process, signal, .. } => format!("signal {signal} to the process of {process}"),
        Action::Link { path, target: LinkTarget::To(to) } => {
            format!("link {} to {}", quote(&scope.show(path)), quote(&scope.show(to)))
        }
        Action::Link { path, target: LinkTarget::BackTo(step) } => {
            format!("link {} back to what it was before {step}", quote(&scope.show(path)))
        }
        Action::Snapshot { globs } => format!("snapshot of {}", shown(globs, scope)),
        Action::Restore { of } => format!("restore what {of} copied"),
        Action::Collect { globs } => format!("collect {}", shown(globs, scope)),
    }
}

/// What a check looks at, in one line: `http GET http://…/readyz`.
#[must_use]
pub fn describe_probe(probe: &Probe, scope: &Scope, shell: &[String]) -> String {
    match probe {
        Probe::Http { target, .. } => format!("http {}", request(target, scope)),
        Probe::Tcp { address, .. } => format!("tcp {}", scope.show(address)),
        Probe::Dns { query, .. } => {
            let server = query.server.as_ref().map(|server| format!(" at {}", scope.show(server)));
            format!("dns {} {}{}", query.record, scope.show(&query.name), server.unwrap_or_default())
        }
        Probe::Process { select, .. } => format!("process {}", selection(select, scope)),
        Probe::File { paths, .. } => format!("file {}", shown(paths, scope)),
        Probe::Command { command, .. } => {
            let words = argv(command, scope, shell);
            format!("command {}", join(words.iter().map(String::as_str)))
        }
        Probe::Metric(metric) => format!("metric {}", number(metric, scope, shell)),
        Probe::Any(checks) => format!("any of {}", names(checks)),
        Probe::Frozen(paths) => format!("frozen {}", paths.join(", ")),
        Probe::Snapshots(steps) => {
            let steps: Vec<&str> = steps.iter().map(StepId::as_str).collect();
            format!("the copies of {}", steps.join(", "))
        }
    }
}

/// How somebody is told, in one line: `webhook secret:hook`, `run bin/page`.
#[must_use]
pub fn describe_notify(way: &NotifyWay, scope: &Scope, shell: &[String]) -> String {
    match way {
        NotifyWay::Webhook(url) => format!("webhook {}", scope.show(url)),
        NotifyWay::Run(command) => {
            let words = argv(command, scope, shell);
            format!("run {}", join(words.iter().map(String::as_str)))
        }
    }
}

/// Where a metric's number is read and what is made of it: `rate of /^failed (.*)/ in http GET http://…/stats`.
fn number(metric: &Metric, scope: &Scope, shell: &[String]) -> String {
    let pick = |pick: &Pick| match pick {
        Pick::Regex(pattern) => format!("/{}/", scope.show(&pattern.0)),
        Pick::Json(pointer) => pointer.clone(),
        Pick::Series(series) => series.to_string(),
        Pick::Count(pattern) => format!("the matches of /{}/", scope.show(&pattern.0)),
    };
    let read = |reader: &Reader| {
        let of = reader.of.as_ref().map_or_else(String::new, |of| format!(" divided by {}", pick(of)));
        pick(&reader.pick) + &of
    };
    let what = match &metric.source {
        MetricSource::Http { target, reader } => {
            format!("{} in http {}", read(reader), request(target, scope))
        }
        MetricSource::Command { command, reader } => {
            let words = argv(command, scope, shell);
            format!("{} in command {}", read(reader), join(words.iter().map(String::as_str)))
        }
        MetricSource::File { path, reader } => format!("{} in file {}", read(reader), scope.show(path)),
        MetricSource::Prometheus { url, query } => {
            format!("prometheus {} at {}", scope.show(query), scope.show(url))
        }
        MetricSource::Latency(check) => format!("latency of {check}"),
        MetricSource::Process { check, field } => format!("{} of the processes of {check}", field.word()),
        MetricSource::Host(field) => format!("{} of this host", field.word()),
    };
    if metric.reading == Reading::Value { what } else { format!("{} of {what}", metric.reading.word()) }
}

/// The words that are executed for a command.
#[must_use]
pub fn argv(command: &Command, scope: &Scope, shell: &[String]) -> Vec<String> {
    match command {
        Command::Argv(words) => words.iter().map(|word| scope.show(word)).collect(),
        Command::Shell(text) => shell.iter().cloned().chain([scope.show(text)]).collect(),
    }
}

/// A command line with what the step itself sets around it.
fn in_place(runbook: &Runbook, step: &Step, scope: &Scope, words: &[String]) -> String {
    let mut line = String::new();
    if let Some(cwd) = &step.cwd {
        line += &format!("cd {} && ", quote(&scope.show(cwd)));
    }
    for (name, value) in &step.env {
        line += &format!("{name}={} ", quote(&scope.show(value)));
    }
    if let Some(user) = &step.user {
        line += &user::prefix(user, user::kept(runbook, step));
    }
    line + &join(words.iter().map(String::as_str))
}

fn request(target: &HttpTarget, scope: &Scope) -> String {
    let mut line = format!("{} {}", target.method, scope.show(&target.url));
    for (name, value) in &target.headers {
        line += &format!(", {name}: {}", scope.show(value));
    }
    if let Some(body) = &target.body {
        line += &format!(", body {}", quote(&scope.show(body)));
    }
    if let Some(json) = &target.json {
        line += &format!(", json {}", scope.show(&Template(json.to_string())));
    }
    if let Some(proxy) = &target.proxy {
        line += &format!(", through the proxy {}", scope.show(proxy));
    }
    if target.insecure {
        line += ", INSECURE: any certificate is taken";
    }
    line
}

fn selection(select: &ProcessSelect, scope: &Scope) -> String {
    let ProcessSelect { name, cmdline, exe, pidfile, port, unit, user, step } = select;
    let written = [
        ("name", name.as_ref()),
        ("cmdline", cmdline.as_ref().map(|pattern| &pattern.0)),
        ("exe", exe.as_ref()),
        ("pidfile", pidfile.as_ref()),
        ("port", port.as_ref()),
        ("unit", unit.as_ref()),
        ("user", user.as_ref()),
    ];
    written
        .into_iter()
        .filter_map(|(key, value)| Some(format!("{key} {}", scope.show(value?))))
        .chain(step.as_ref().map(|step| format!("started by {step}")))
        .collect::<Vec<_>>()
        .join(", ")
}

fn shown(templates: &[Template], scope: &Scope) -> String {
    templates.iter().map(|t| scope.show(t)).collect::<Vec<_>>().join(", ")
}

fn names(checks: &[CheckId]) -> String {
    checks.iter().map(CheckId::as_str).collect::<Vec<_>>().join(", ")
}

/// The folder that a step works in: the runbook's own, unless it sets `cwd`.
#[must_use]
pub fn working_dir(step: &Step, scope: &Scope, runbook_dir: &Path) -> std::path::PathBuf {
    step.cwd.as_ref().map_or_else(|| runbook_dir.to_owned(), |cwd| runbook_dir.join(scope.show(cwd)))
}
