//! The way forward as text: what would run, what must be seen, what each gate asks, and how long it takes.

use std::fmt::Write as _;
use std::time::Duration;

use super::estimate::{Estimate, in_order, of_step, stage_estimate};
use super::expect;
use crate::runbook::CheckId;
use crate::runbook::describe::{describe_action, describe_notify, describe_probe};
use crate::runbook::interpolate::Scope;
use crate::runbook::model::{
    Gate, OnFailure, Override, Probe, Runbook, SecretSource, Stage, Step, Trigger, TriggerThen, TriggerWhen,
};
use crate::text::safe;

/// Everything that a run without trouble would do, stage by stage, resolved with the names of `scope`.
#[must_use]
pub fn forward_text(runbook: &Runbook, scope: &Scope) -> String {
    let mut plan = Plan { runbook, scope, out: String::new() };
    plan.head();
    for (at, stage) in runbook.stages.iter().enumerate() {
        plan.stage(at, stage);
    }
    plan.checks();
    plan.way_back();
    plan.out
}

struct Plan<'a> {
    runbook: &'a Runbook,
    scope: &'a Scope,
    out: String,
}

impl Plan<'_> {
    fn line(&mut self, depth: usize, text: &str) {
        let _ = writeln!(self.out, "{:width$}{}", "", safe(text), width = depth * 2);
    }

    fn head(&mut self) {
        let runbook = self.runbook;
        self.line(0, &format!("{}: {}", runbook.id, runbook.title));
        let facts =
            [("owner", &runbook.owner), ("ticket", &runbook.ticket), ("environment", &runbook.environment)];
        let facts: Vec<String> =
            facts.into_iter().filter_map(|(key, value)| Some(format!("{key} {}", value.as_ref()?))).collect();
        if !facts.is_empty() {
            self.line(0, &facts.join(" · "));
        }
        let applying = || runbook.stages.iter().filter(|s| s.applies);
        let steps: usize = applying().map(|s| s.steps.iter().filter(|step| step.applies).count()).sum();
        let total = applying().map(stage_estimate).fold(Estimate::default(), Estimate::then);
        self.line(0, &format!("stages {} · steps {steps} · forward {total}", applying().count()));
        let back = applying().flat_map(|s| &s.rollback).chain(&runbook.rollback.steps);
        let back = in_order(runbook.rollback.prepare.iter().chain(back));
        self.line(0, &format!("the whole way back {back}"));
        if let Some(window) = &runbook.window {
            self.line(0, &format!("change window {}", window.in_words()));
        }
        for sentence in &runbook.policy {
            self.line(0, &format!("policy: {sentence}"));
        }
        for (name, var) in &runbook.vars {
            self.line(0, &format!("var {name} = {}", var.value.as_deref().unwrap_or("(no value yet)")));
        }
        for (name, source) in &runbook.secrets {
            let from = match source {
                SecretSource::Env(variable) => format!("from the environment variable {variable}"),
                SecretSource::File(path) => format!("from the file {}", path.display()),
            };
            self.line(0, &format!("secret:{name} {from}"));
        }
        for (name, value) in &runbook.env {
            self.line(0, &format!("env {name} = {}", self.scope.show(value)));
        }
        if let Some(Probe::Frozen(paths)) = runbook.frozen().map(|check| &check.probe) {
            let paths = paths.join(", ");
            self.line(0, &format!("frozen, a change holds the session: {paths}"));
        }
        if !runbook.rollback.ready.is_empty() {
            self.line(
                0,
                &format!(
                    "the way back needs, green before stage 1 and at every gate: {}",
                    names(&runbook.rollback.ready)
                ),
            );
        }
        for trigger in runbook.triggers.iter().filter(|t| t.stage.is_none()) {
            self.trigger(0, trigger);
        }
        for notify in &runbook.notify {
            let on = notify.on.iter().map(|topic| topic.word()).collect::<Vec<_>>().join(", ");
            let way = describe_notify(&notify.way, self.scope, &runbook.shell);
            self.line(0, &format!("tells of {on}: {way}"));
        }
    }

    fn stage(&mut self, at: usize, stage: &Stage) {
        self.out.push('\n');
        let skipped = if stage.applies { String::new() } else { " (skipped: `when` is false)".to_owned() };
        let title =
            if stage.title == stage.id.as_str() { String::new() } else { format!(": {}", stage.title) };
        self.line(0, &format!("{}. {}{title}{skipped}", at + 1, stage.id));
        if !stage.applies {
            return;
        }
        if stage.point_of_no_return {
            self.line(
                1,
                "== POINT OF NO RETURN: after its first step nothing before it can be rolled back ==",
            );
        }
        self.line(1, &stage_estimate(stage).to_string());
        if !stage.watch.is_empty() {
            self.line(1, &format!("watches {}", names(&stage.watch)));
        }
        for (n, step) in stage.steps.iter().enumerate() {
            self.step(&format!("{}.{}", at + 1, n + 1), step, &stage.steps[..n]);
        }
        self.gate(&stage.gate);
        for trigger in self.runbook.triggers.iter().filter(|t| t.stage.as_ref() == Some(&stage.id)) {
            self.trigger(1, trigger);
        }
    }

    fn step(&mut self, number: &str, step: &Step, before: &[Step]) {
        let title = if step.title == step.id.step() { String::new() } else { format!(": {}", step.title) };
        if !step.applies {
            return self.line(1, &format!("{number} {}{title} (skipped: `when` is false)", step.id.step()));
        }
        let took = of_step(step).map_or(String::new(), |d| format!(" (about {})", time(d)));
        self.line(1, &format!("{number} {}{title}{took}", step.id.step()));
        let scope = Scope { stage: Some(step.id.stage().to_owned()), ..self.scope.clone() };
        self.line(3, &describe_action(self.runbook, step, &scope));
        for file in &step.files {
            self.line(3, &format!("needs the file {}", scope.show(file)));
        }
        for proof in expect::of_action(&step.action, &scope) {
            self.line(3, &format!("green only if: {proof}"));
        }
        for (name, _) in &step.capture {
            self.line(3, &format!("captures {name}"));
        }
        self.line(3, &rules(step, before));
    }

    fn gate(&mut self, gate: &Gate) {
        let mut wants = Vec::new();
        if !gate.checks.is_empty() {
            wants.push(format!("{} green", names(&gate.checks)));
        }
        wants.extend(gate.soak.map(|soak| format!("for {} without a break", time(soak))));
        let wants = if wants.is_empty() { "every step passed".to_owned() } else { wants.join(" ") };
        let votes = votes(gate).map(|votes| format!("; {votes}")).unwrap_or_default();
        let past = past(gate).map(|past| format!("; {past}")).unwrap_or_default();
        let who = if gate.auto { "goes on by itself" } else { "an operator goes on" };
        let over = match gate.over {
            Override::Reason => "a NO-GO may be overridden with a reason",
            Override::Two => "a NO-GO may be overridden with a reason and a second person's word",
            Override::Never => "a NO-GO is never overridden",
        };
        self.line(1, &format!("gate: {wants}{votes}{past}; {who}; {over}"));
        for item in &gate.accept {
            self.line(3, &format!("[ ] {item}"));
        }
    }

    fn trigger(&mut self, depth: usize, trigger: &Trigger) {
        let armed = match (trigger.applies, &trigger.stage, trigger.armed_from_entry) {
            (false, ..) => " (skipped: `when` is false)",
            (_, None, _) => " (from stage 1 on)",
            (_, Some(_), true) => " (from the stage's entry)",
            (_, Some(_), false) => " (once the last step has passed)",
        };
        self.line(depth, &format!("trigger: {}{armed}", describe_trigger(trigger)));
    }

    fn checks(&mut self) {
        if self.runbook.checks.is_empty() {
            return;
        }
        self.out.push_str("\nchecks\n");
        for check in self.runbook.checks.values() {
            let skipped = if check.applies { "" } else { " (skipped: `when` is false)" };
            let advisory = if check.advisory { " (advisory: never counted)" } else { "" };
            let what = describe_probe(&check.probe, self.scope, &self.runbook.shell);
            self.line(1, &format!("{}: {what}, every {}{advisory}{skipped}", check.id, time(check.period)));
            for proof in expect::of_check(check, self.scope) {
                self.line(3, &format!("green only if: {proof}"));
            }
        }
    }

    fn way_back(&mut self) {
        self.out.push('\n');
        if let Some(window) = &self.runbook.rollback.window {
            self.line(0, &format!("rollback window: {} from stage {}", time(window.lasts), window.from));
        }
        self.line(0, "the way back: gonogo plan --rollback");
    }
}

/// What a trigger waits for, and what it does then: `stats is failing for 10s: the session holds`.
#[must_use]
pub fn describe_trigger(trigger: &Trigger) -> String {
    let when = match &trigger.condition {
        TriggerWhen::FailingFor(time) => format!("is failing for {}", self::time(*time)),
        TriggerWhen::StaleFor(time) => format!("is stale for {}", self::time(*time)),
        TriggerWhen::Failures { count, within } => format!("fails {count} times within {}", time(*within)),
    };
    let then = match &trigger.then {
        TriggerThen::Alert => "a rollback is proposed".to_owned(),
        TriggerThen::Hold => "the session holds".to_owned(),
        TriggerThen::Rollback { to, grace } => {
            let to = to.as_ref().map_or("all the way".to_owned(), |to| format!("to {to}"));
            format!("rolls back {to} after {} for a veto", time(*grace))
        }
    };
    format!("{} {when}: {then}", trigger.check)
}

/// When a step starts, how long it may take, and what its failure does.
fn rules(step: &Step, before: &[Step]) -> String {
    let mut rules = Vec::new();
    let default = step.needs.len() == before.len() && before.iter().all(|s| step.needs.contains(&s.id));
    if !default {
        let needs: Vec<&str> = step.needs.iter().map(|id| id.step()).collect();
        rules.push(if needs.is_empty() {
            "starts with the stage".to_owned()
        } else {
            format!("after {}", needs.join(", "))
        });
    }
    rules.push(step.timeout.map_or("no time limit".to_owned(), |limit| format!("at most {}", time(limit))));
    if step.retries.attempts > 1 {
        rules.push(format!("up to {} attempts, {} apart", step.retries.attempts, time(step.retries.delay)));
    }
    rules.push(match step.on_failure {
        OnFailure::Hold => "a failure holds".to_owned(),
        OnFailure::Rollback { grace } => format!("a failure rolls back after {} for a veto", time(grace)),
        OnFailure::Continue => "a failure keeps the gate NO-GO, later steps run".to_owned(),
        OnFailure::Stuck => "a failure stops the rollback".to_owned(),
    });
    rules.join("; ")
}

fn time(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}

/// What earlier sessions must have shown; `None` where nothing is asked.
fn past(gate: &Gate) -> Option<String> {
    let row = (gate.consecutive_sessions > 1)
        .then(|| format!("GO in {} live sessions in a row, this one with them", gate.consecutive_sessions));
    let drilled = gate.drilled.as_ref().map(|drilled| {
        let place = drilled.environment.as_ref().map(|place| format!(" in {place}")).unwrap_or_default();
        format!("drilled{place} within {}", time(drilled.within))
    });
    let asked: Vec<String> = row.into_iter().chain(drilled).collect();
    (!asked.is_empty()).then(|| asked.join(", "))
}

/// Who must vote GO; `None` where nobody must.
fn votes(gate: &Gate) -> Option<String> {
    let people = match gate.approvals {
        0 => None,
        1 => Some("1 person votes GO".to_owned()),
        n => Some(format!("{n} people vote GO")),
    };
    let roles = (!gate.roles.is_empty()).then(|| format!("a GO each for {}", gate.roles.join(", ")));
    let votes: Vec<String> = people.into_iter().chain(roles).collect();
    (!votes.is_empty()).then(|| votes.join(", "))
}

fn names(checks: &[CheckId]) -> String {
    checks.iter().map(CheckId::as_str).collect::<Vec<_>>().join(", ")
}
