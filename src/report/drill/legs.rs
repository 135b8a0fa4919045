//! The legs of a drill out of what its sessions recorded: forward until it turned back, and the way back.

use std::collections::BTreeMap;
use std::time::Duration;

use indexmap::IndexMap;

use super::model::{Direction, Judged, Leg, StageTime, StepTime, Verdict};
use crate::audit::reader::Log;
use crate::clock::Now;
use crate::event::{Event, EventKind, Outcome, StepFinished};
use crate::runbook::model::{Action, MaxDuration, Step};
use crate::runbook::plan::estimate::{Estimate, in_order, of_step, stage_estimate};
use crate::runbook::{StageId, StepId};
use crate::session::handover::status_line;
use crate::session::past::turning_point;
use crate::session::{State, StepStatus};

/// The legs that one session recorded: forward, and from the first whole rollback on back.
#[must_use]
pub fn legs(log: &Log) -> Vec<Leg> {
    let mut state = State::default();
    let mut course = Course::default();
    let mut legs = Vec::new();
    for event in &log.events {
        if matches!(event.event, EventKind::RollbackStarted { full: true, .. })
            && course.direction == Direction::Forward
        {
            let why = why_it_turned(&state, event);
            legs.push(course.leg(&state, event.now(), why, log));
            course = Course { direction: Direction::Back, measured: course.measured, ..Course::default() };
        }
        state.apply(event);
        course.take(&state, event);
    }
    let (Some(last), due) = (state.last, state.opened.as_ref().and_then(|opened| opened.drill.as_ref()))
    else {
        return legs;
    };
    // Where a session was to go back and never did, it is its way forward that failed.
    let goes_back = course.direction == Direction::Back || due.is_some_and(|part| part.after.is_none());
    let asked = if goes_back { Outcome::RolledBack } else { Outcome::Completed };
    let good = state.outcome.is_some_and(|(outcome, _)| outcome == asked);
    let why = if good { String::new() } else { how_it_stands(&state, last) };
    legs.push(course.leg(&state, last, why, log));
    legs
}

/// Why a way forward that a rollback ended was not good; empty where it came to its turning point, and that was GO.
fn why_it_turned(state: &State, event: &Event) -> String {
    let turns = state.runbook.as_ref().and_then(|runbook| turning_point(runbook)).map(|stage| &stage.id);
    let gate = turns.and_then(|id| state.stages.get(id)?.gate.as_ref());
    if state.current_stage() == turns && gate.is_some_and(|gate| gate.go) {
        return String::new();
    }
    match &event.event {
        EventKind::RollbackStarted { reason: Some(reason), .. } => {
            format!("it was rolled back before it came to its turning point: {reason}")
        }
        _ => "it was rolled back before it came to its turning point".to_owned(),
    }
}

/// How a session stands, with what holds it.
fn how_it_stands(state: &State, now: Now) -> String {
    let failed = state.steps.iter().find(|(_, step)| step.status == StepStatus::Failed);
    let why = failed.and_then(|(id, step)| Some(format!(": {id} failed: {}", step.why.as_ref()?)));
    format!("{}{}", status_line(state, now), why.unwrap_or_default())
}

#[derive(Debug)]
struct Course {
    direction: Direction,
    started: Option<Now>,
    stages: IndexMap<StageId, StageRun>,
    steps: IndexMap<StepId, StepRun>,
    /// What each step took when it passed last, in the whole session.
    measured: BTreeMap<StepId, u64>,
    /// On a way back: when the stage before was undone.
    undone: Option<Now>,
    at_gate: Option<Now>,
}

impl Default for Course {
    fn default() -> Self {
        Self {
            direction: Direction::Forward,
            started: None,
            stages: IndexMap::new(),
            steps: IndexMap::new(),
            measured: BTreeMap::new(),
            undone: None,
            at_gate: None,
        }
    }
}

#[derive(Debug, Default)]
struct StageRun {
    entered: Option<Now>,
    at_gate: Option<Now>,
    ended: Option<Now>,
}

#[derive(Debug, Default)]
struct StepRun {
    attempts: u32,
    took_ms: Option<u64>,
    /// Whether it passed; `None` while it is open.
    passed: Option<bool>,
    skipped: bool,
    limit_ms: Option<u64>,
    why: String,
}

fn between(from: Option<Now>, to: Option<Now>) -> Option<u64> {
    Some(to?.up_ms.saturating_sub(from?.up_ms))
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Course {
    fn take(&mut self, state: &State, event: &Event) {
        let now = event.now();
        self.started.get_or_insert(now);
        match &event.event {
            EventKind::StageEntered { stage } => {
                self.stages.insert(stage.clone(), StageRun { entered: Some(now), ..StageRun::default() });
            }
            EventKind::GateChanged { stage, .. } => match self.stages.get_mut(stage) {
                Some(run) => drop(run.at_gate.get_or_insert(now)),
                None => drop(self.at_gate.get_or_insert(now)),
            },
            EventKind::Promoted { stage, .. } => {
                self.stages.entry(stage.clone()).or_default().ended = Some(now);
            }
            EventKind::StageRolledBack { stage } => {
                let entered = self.undone.or(self.started);
                let run = StageRun { entered, at_gate: None, ended: Some(now) };
                self.stages.insert(stage.clone(), run);
                self.undone = Some(now);
            }
            EventKind::StepStarted { step, .. } => {
                let limit_ms = state.step_plan(step).and_then(|plan| limit(plan, &self.measured));
                let run = self.steps.entry(step.clone()).or_default();
                *run = StepRun { attempts: run.attempts + 1, limit_ms, ..StepRun::default() };
            }
            EventKind::StepFinished(finish) => self.finish(finish),
            EventKind::StepSkipped { step, reason } => {
                let run = self.steps.entry(step.clone()).or_default();
                (run.skipped, run.why) = (true, reason.clone());
            }
            EventKind::StepUnknown { step, evidence, .. } => {
                self.steps.entry(step.clone()).or_default().why.clone_from(evidence);
            }
            _ => {}
        }
    }

    fn finish(&mut self, finish: &StepFinished) {
        if finish.passed {
            self.measured.insert(finish.step.clone(), finish.took_ms);
        }
        let run = self.steps.entry(finish.step.clone()).or_default();
        run.took_ms = Some(finish.took_ms);
        run.passed = Some(finish.passed);
        run.why.clone_from(&finish.why);
    }

    fn leg(&mut self, state: &State, end: Now, why: String, log: &Log) -> Leg {
        // The stage from which it turned back was left then.
        if self.direction == Direction::Forward
            && let Some(run) = state.current_stage().and_then(|id| self.stages.get_mut(id))
        {
            run.ended = run.ended.or(Some(end)).filter(|_| why.is_empty());
        }
        let started = self.started.unwrap_or(end);
        Leg {
            direction: self.direction,
            verdict: if why.is_empty() { Verdict::Good } else { Verdict::Failed },
            why,
            session: state.opened.as_ref().map(|opened| opened.session.clone()).unwrap_or_default(),
            head: log.head(),
            started: started.at,
            took_ms: end.up_ms.saturating_sub(started.up_ms),
            gate_ms: self.at_gate.map(|at| end.up_ms.saturating_sub(at.up_ms)),
            stages: self.stages.iter().map(|(id, run)| self.stage_time(state, id, run)).collect(),
            steps: self.steps.iter().map(|(id, run)| step_time(state, id, run)).collect(),
        }
    }

    fn stage_time(&self, state: &State, id: &StageId, run: &StageRun) -> StageTime {
        let plan = state.stage_plan(id);
        let estimate = plan.map(|stage| match self.direction {
            Direction::Forward => stage_estimate(stage),
            Direction::Back => {
                let ran = |step: &&Step| self.steps.get(&step.id).is_some_and(|run| !run.skipped);
                in_order(stage.rollback.iter().filter(ran))
            }
        });
        let estimate_ms = estimate.and_then(whole);
        let took_ms = between(run.entered, run.ended);
        StageTime {
            stage: id.to_string(),
            title: plan.map(|stage| stage.title.clone()).unwrap_or_default(),
            took_ms,
            gate_ms: between(run.at_gate, run.ended),
            estimate_ms,
            judged: took_ms.map_or(Judged::Open, |took| judge(took, estimate_ms, None)),
        }
    }
}

fn step_time(state: &State, id: &StepId, run: &StepRun) -> StepTime {
    let plan = state.step_plan(id);
    let estimate_ms = plan.and_then(of_step).map(ms);
    let judged = match (run.passed, run.took_ms) {
        _ if run.skipped => Judged::Skipped,
        (Some(true), Some(took)) => judge(took, estimate_ms, run.limit_ms),
        (Some(_), _) => Judged::Failed,
        (None, _) => Judged::Open,
    };
    StepTime {
        step: id.to_string(),
        title: plan.map(|step| step.title.clone()).unwrap_or_default(),
        kind: plan.map(|step| step.action.kind().to_owned()).unwrap_or_default(),
        attempts: run.attempts,
        took_ms: run.took_ms,
        estimate_ms,
        limit_ms: run.limit_ms,
        judged,
        why: run.why.clone(),
    }
}

/// An estimate that leaves nothing out.
fn whole(estimate: Estimate) -> Option<u64> {
    (estimate.unknown == 0 && !estimate.known.is_zero()).then(|| ms(estimate.known))
}

/// What passed within its limit is only held against its estimate.
fn judge(took: u64, estimate: Option<u64>, limit: Option<u64>) -> Judged {
    match (estimate, limit) {
        (Some(estimate), _) if took > estimate => Judged::OverEstimate,
        (None, None) => Judged::NotJudged,
        _ => Judged::Within,
    }
}

/// The time over which a step fails, where it has one.
fn limit(step: &Step, measured: &BTreeMap<StepId, u64>) -> Option<u64> {
    match &step.action {
        Action::Run { expect, .. } => match expect.max_duration.as_ref()? {
            MaxDuration::Time(time) => Some(ms(*time)),
            MaxDuration::OfStep { step, times, plus } => {
                let of = Duration::from_millis(*measured.get(step)?);
                Some(ms(Duration::try_from_secs_f64(of.as_secs_f64() * times).ok()? + *plus))
            }
        },
        Action::Signal { expect, .. } => expect.gone_within.map(ms),
        _ => None,
    }
}
