//! Holds one report against another.

use std::collections::HashMap;

use similar::TextDiff;

use super::{
    CheckPair, CheckSide, Comparison, ProofPair, ProofSide, Side, StagePair, StageSide, StepPair, StepSide,
    Var,
};
use crate::report::model::{Check, EndedHow, FORMAT, OverrideStep, Proof, Report, Stage, Step, StepStatus};
use crate::report::words::{outcome, step_status};

/// `this` held against `other`.
#[must_use]
pub fn compare(this: &Report, other: &Report) -> Comparison {
    let stages = paired(&this.stages, &other.stages, |stage| &stage.id);
    let stages = stages.map(|(id, a, b)| StagePair { id, this: a.map(stage), other: b.map(stage) });
    let (ours, theirs) = (steps_of(this), steps_of(other));
    let steps = paired(&ours, &theirs, |step| &step.id).filter_map(|(id, a, b)| {
        let ran = |of: Option<&&Step>| {
            of.map(|s| step(s)).filter(|s| s.attempts > 0 || s.status == StepStatus::Skipped)
        };
        let (this, other) = (ran(a), ran(b));
        let proofs = proofs(a.copied(), b.copied());
        (this.is_some() || other.is_some()).then_some(StepPair { id, this, other, proofs })
    });
    let checks = paired(&this.checks, &other.checks, |check| &check.id).filter_map(|(id, a, b)| {
        let polled = |of: Option<&Check>| {
            of.filter(|check| !check.bands.is_empty() || check.samples.total > 0).map(check)
        };
        let (this, other) = (polled(a), polled(b));
        (this.is_some() || other.is_some()).then_some(CheckPair { id, this, other })
    });
    let mut comparison = Comparison {
        format: FORMAT,
        this: side(this),
        other: side(other),
        differences: Vec::new(),
        runbook_diff: runbook_diff(this, other),
        vars: vars(this, other),
        stages: stages.collect(),
        steps: steps.collect(),
        checks: checks.collect(),
    };
    comparison.differences = differences(&comparison, this, other);
    comparison
}

/// Everything of both by its id: this one's in its order, and after them what only the other has.
fn paired<'a, T>(
    this: &'a [T],
    other: &'a [T],
    id: fn(&T) -> &String,
) -> impl Iterator<Item = (String, Option<&'a T>, Option<&'a T>)> {
    let by_id = |of: &'a [T]| of.iter().map(|one| (id(one).as_str(), one)).collect::<HashMap<_, _>>();
    let (ours, theirs) = (by_id(this), by_id(other));
    let only = other.iter().filter(move |one| !ours.contains_key(id(one).as_str()));
    let both =
        this.iter().map(move |one| (id(one).clone(), Some(one), theirs.get(id(one).as_str()).copied()));
    both.chain(only.map(move |one| (id(one).clone(), None, Some(one))))
}

fn side(report: &Report) -> Side {
    let unobserved = report.unobserved.iter().map(|gap| gap.to_ms.saturating_sub(gap.from_ms)).sum();
    let done = report.overrides.iter().filter(|over| over.what == OverrideStep::Done).count();
    Side {
        session: report.session.name.clone(),
        runbook_id: report.runbook.id.clone(),
        runbook_sha256: report.runbook.sha256.clone(),
        mode: report.session.mode,
        host: report.session.host.name.clone(),
        opened: report.session.opened,
        duration_ms: report.session.duration_ms,
        closed: report.session.closed,
        situation: report.session.situation,
        outcome: report.session.outcome,
        verdict: report.record.verdicts.first().map(|verdict| verdict.word.clone()).unwrap_or_default(),
        head: report.record.head.clone(),
        overrides: number(done),
        rollbacks: number(report.rollbacks.len()),
        unobserved_ms: unobserved,
    }
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn stage(stage: &Stage) -> StageSide {
    let entries = &stage.entries;
    let overridden = |how: EndedHow| how == EndedHow::Overridden;
    StageSide {
        status: stage.status,
        passages: number(entries.len()),
        took_ms: entries.iter().map(|entry| entry.took_ms).sum(),
        red_ms: entries.iter().map(|entry| entry.red_ms).sum(),
        retries: entries.iter().map(|entry| entry.retries).sum(),
        soak_breaks: number(entries.iter().map(|entry| entry.soak.breaks.len()).sum()),
        overridden: entries
            .iter()
            .any(|entry| entry.ended.as_ref().is_some_and(|ended| overridden(ended.how))),
    }
}

/// Every step of a session, forward ones before those of the way back.
fn steps_of(report: &Report) -> Vec<&Step> {
    let forward = report.stages.iter().flat_map(|stage| &stage.steps);
    let back = report.stages.iter().flat_map(|stage| &stage.rollback);
    let own = report.way_back.prepare.iter().chain(&report.way_back.steps);
    forward.chain(back).chain(own).collect()
}

fn step(step: &Step) -> StepSide {
    StepSide {
        status: step.status,
        attempts: number(step.attempts.len()),
        took_ms: step.attempts.iter().rev().find_map(|attempt| attempt.took_ms),
    }
}

/// What the last attempts saw otherwise, by what was expected.
fn proofs(this: Option<&Step>, other: Option<&Step>) -> Vec<ProofPair> {
    let of = |step: Option<&Step>| step.and_then(|step| step.attempts.last()).map(|last| last.proofs.clone());
    let (Some(ours), Some(theirs)) = (of(this), of(other)) else { return Vec::new() };
    let side = |proof: &Proof| ProofSide { met: proof.met, seen: proof.seen.clone() };
    paired(&ours, &theirs, |proof| &proof.expected)
        .map(|(expected, a, b)| ProofPair { expected, this: a.map(side), other: b.map(side) })
        .filter(|pair| pair.this != pair.other)
        .collect()
}

fn check(check: &Check) -> CheckSide {
    CheckSide {
        failing_ms: check.health_ms.failing,
        stale_ms: check.health_ms.stale,
        samples: check.samples.total,
        latency_p95_ms: check.latency_ms.map(|stats| stats.p95),
        number_median: check.number.map(|stats| stats.median),
        number_max: check.number.map(|stats| stats.max),
    }
}

fn runbook_diff(this: &Report, other: &Report) -> String {
    if this.runbook.text == other.runbook.text {
        return String::new();
    }
    let diff = TextDiff::from_lines(&other.runbook.text, &this.runbook.text);
    diff.unified_diff().context_radius(2).header(&other.session.name, &this.session.name).to_string()
}

fn vars(this: &Report, other: &Report) -> Vec<Var> {
    let (ours, theirs) = (&this.runbook.vars, &other.runbook.vars);
    let names = ours.keys().chain(theirs.keys().filter(|name| !ours.contains_key(*name)));
    let var = |name: &String| {
        let (this, other) = (ours.get(name).cloned(), theirs.get(name).cloned());
        Var { name: name.clone(), this, other }
    };
    names.map(var).filter(|var| var.this != var.other).collect()
}

/// What matters first, in words.
fn differences(comparison: &Comparison, this: &Report, other: &Report) -> Vec<String> {
    let mut said = Vec::new();
    let (a, b) = (&comparison.this, &comparison.other);
    if a.runbook_id != b.runbook_id {
        said.push(format!("they are of two runbooks: {} and {}", a.runbook_id, b.runbook_id));
    } else if a.runbook_sha256 != b.runbook_sha256 {
        said.push("the runbook was changed between them".to_owned());
    }
    let (ours, theirs) = (outcome(this).to_lowercase(), outcome(other).to_lowercase());
    if ours != theirs {
        said.push(format!("this one is {ours}, the other {theirs}"));
    }
    if a.mode != b.mode {
        said.push(format!("this one is {}, the other {}", a.mode.word(), b.mode.word()));
    }
    for var in &comparison.vars {
        said.push(format!("input {} stood for something else", var.name));
    }
    for step in &comparison.steps {
        match (&step.this, &step.other) {
            (Some(ours), None) => {
                said.push(format!("only this one came to step {} ({})", step.id, step_status(ours.status)))
            }
            (None, Some(theirs)) => {
                said.push(format!("only the other came to step {} ({})", step.id, step_status(theirs.status)))
            }
            (Some(ours), Some(theirs)) if ours.status != theirs.status => said.push(format!(
                "step {} {} in this one, {} in the other",
                step.id,
                step_status(ours.status),
                step_status(theirs.status)
            )),
            _ => {}
        }
        for proof in step.proofs.iter().filter(|proof| met(proof.this.as_ref()) != met(proof.other.as_ref()))
        {
            let word = |side: Option<&ProofSide>| match met(side) {
                Some(true) => "met",
                Some(false) => "not met",
                None => "not asked for",
            };
            let (ours, theirs) = (word(proof.this.as_ref()), word(proof.other.as_ref()));
            said.push(format!(
                "step {}: {} was {ours} in this one, {theirs} in the other",
                step.id, proof.expected
            ));
        }
    }
    said
}

fn met(side: Option<&ProofSide>) -> Option<bool> {
    side.map(|side| side.met)
}
