//! The way back as a person has to know it at any moment: is it ready, what would run now and how long that takes, until
//! when a rollback can still start and end in time, and what lies beyond the point of no return.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::rollback::{self, Plan};
use super::{StageStatus, State, StepStatus, gate, window};
use crate::clock::Now;
use crate::event::Health;
use crate::runbook::model::{Stage, Step};
use crate::runbook::plan::estimate_of;
use crate::runbook::{CheckId, StageId, StepId, number};

/// The way back as of a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct WayBack {
    pub ready: Ready,
    /// What rolling back as far as it goes would do now; `None` where there is nothing to undo.
    pub plan: Option<Plan>,
    /// Its steps in order, while a rollback runs those of it that are still to come, with the time that each takes.
    pub steps: Vec<(StepId, Option<StepTime>)>,
    /// What they take together.
    pub takes: Takes,
    /// By when everything has to be undone, the nearer of the change window's end and the rollback window's.
    pub deadline: Option<Deadline>,
    /// The rollback window, where the runbook has one.
    pub window: Option<RollbackWindow>,
    pub no_return: NoReturn,
}

/// Whether everything that rolling back needs is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// The session is over.
    Closed,
    /// It is being gone.
    InUse,
    /// A rollback cannot go on by itself; why.
    Stuck(String),
    /// Nothing proves it: the runbook names no check for it.
    Unproven,
    /// What is looked at has not been seen yet.
    Unseen(CheckId),
    /// Why not, a sentence each.
    NotReady(Vec<String>),
    Ready,
}

/// How long a step of the way back takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepTime {
    pub ms: u64,
    /// `None`: as the runbook says.
    pub measured: Option<Measured>,
}

/// When and where a time was measured last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    pub at: DateTime<Utc>,
    /// The session in which it was; empty for this one.
    pub session: String,
}

impl Takes {
    /// How long, and how that is known: `6m10s, as measured`; `at least 40s, 1 of 3 steps has no time`.
    #[must_use]
    pub fn in_words(&self) -> String {
        if self.steps == 0 {
            return "nothing to undo".to_owned();
        }
        let time = span_words(self.ms);
        match (self.unknown, self.measured) {
            (0, 0) => format!("{time}, as written"),
            (0, measured) if measured == self.steps => format!("{time}, as measured"),
            (0, measured) => format!("{time}, {measured} of {} steps as measured", self.steps),
            (unknown, _) if unknown == self.steps => {
                "time unknown: no step says how long it takes".to_owned()
            }
            (unknown, _) => {
                let has = if unknown == 1 { "has" } else { "have" };
                format!("at least {time}, {unknown} of {} steps {has} no time", self.steps)
            }
        }
    }
}

impl Deadline {
    /// As seen from `now`: `last safe start 03:54Z: the change window closes 04:00Z`.
    #[must_use]
    pub fn in_words(&self, now: Now) -> String {
        let ends = now.minute(self.ends);
        let of = match self.of {
            Ends::ChangeWindow => format!("the change window closes {ends}"),
            Ends::RollbackWindow => format!("the rollback window ends {ends}"),
        };
        let start = now.minute(self.last_start);
        match (self.left_ms, self.is_known) {
            (None, _) => format!("too late to be back in time: {of}"),
            (Some(_), true) => format!("last safe start {start}: {of}"),
            (Some(_), false) => format!("last safe start before {start}: {of}"),
        }
    }
}

fn span_words(ms: u64) -> String {
    number::span(Duration::from_secs(ms.div_ceil(1_000)))
}

impl Measured {
    /// When and where: `2026-11-18 in 20261118-020000-orders-db`, or here.
    #[must_use]
    pub fn in_words(&self) -> String {
        if self.session.is_empty() {
            return "in this session".to_owned();
        }
        format!("{} in {}", self.at.format("%Y-%m-%d"), self.session)
    }
}

/// A sum of such times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Takes {
    /// What is known to be needed.
    pub ms: u64,
    pub steps: usize,
    /// How many of the steps were measured.
    pub measured: usize,
    /// How many say nothing: then `ms` is only a lower limit.
    pub unknown: usize,
    /// The measurement that is the oldest of them.
    pub oldest: Option<Measured>,
}

/// By when everything has to be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    pub of: Ends,
    pub ends: DateTime<Utc>,
    /// The last moment at which a rollback can start and still end by then; a bound only, where the time that some step
    /// takes is not known.
    pub last_start: DateTime<Utc>,
    /// Whether `last_start` is more than a bound.
    pub is_known: bool,
    /// Milliseconds until then; `None`: it is over.
    pub left_ms: Option<u64>,
}

/// What ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    ChangeWindow,
    RollbackWindow,
}

/// Until when rolling back needs no reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RollbackWindow {
    /// It opens when this stage is entered.
    From(StageId),
    Open {
        left_ms: u64,
    },
    Over,
}

/// Where the point of no return lies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoReturn {
    /// The latest that was passed: nothing before it can be rolled back.
    pub passed: Option<StageId>,
    /// The next one, and how many stages away its entry is; 0: it was entered, its first step has not started.
    pub ahead: Option<(StageId, usize)>,
}

/// How the way back stands.
#[must_use]
pub fn way_back(state: &State, now: Now) -> WayBack {
    let plan = rollback::plan(state, None).filter(|_| !state.is_closed());
    let steps: Vec<_> =
        due(state, plan.as_ref()).into_iter().map(|id| (id.clone(), time_of(state, id))).collect();
    let takes = takes_in_all(state, plan.as_ref(), steps.iter().map(|(_, time)| time.as_ref()));
    let window = rollback_window(state, now);
    let deadline = deadline(state, window.as_ref(), &takes, now);
    WayBack { ready: ready(state), plan, steps, takes, deadline, window, no_return: no_return(state) }
}

/// The steps that are still to run: of the rollback under way, else of the one that could be.
fn due<'a>(state: &'a State, plan: Option<&'a Plan>) -> Vec<&'a StepId> {
    let done = |id: &&StepId| !matches!(state.step(id).status, StepStatus::Passed | StepStatus::Skipped);
    match state.active_rollback() {
        Some(running) => running.steps.iter().filter(done).collect(),
        None => plan.into_iter().flat_map(|plan| &plan.steps).collect(),
    }
}

fn ready(state: &State) -> Ready {
    if state.is_closed() {
        return Ready::Closed;
    }
    if let Some(rollback) = state.active_rollback() {
        return rollback.stuck.as_ref().map_or(Ready::InUse, |stuck| Ready::Stuck(stuck.why.clone()));
    }
    let checks = || state.runbook.iter().flat_map(|runbook| &runbook.rollback.ready);
    let missing = gate::escape_hatch(state).missing;
    if missing.is_empty() {
        let counts = |check: &CheckId| state.is_green(check) && state.check(check).health == Health::Ok;
        return if checks().any(counts) { Ready::Ready } else { Ready::Unproven };
    }
    let red: Vec<&CheckId> = checks().filter(|check| state.blocks(check)).collect();
    let unseen = |check: &&&CheckId| matches!(state.check(check).health, Health::Idle | Health::Pending);
    match red.iter().find(unseen) {
        Some(first) if red.len() == missing.len() && red.iter().filter(unseen).count() == red.len() => {
            Ready::Unseen((*first).clone())
        }
        _ => {
            let bare =
                |what: &str| what.strip_prefix("the way back is not ready: ").unwrap_or(what).to_owned();
            Ready::NotReady(missing.iter().map(|missing| bare(&missing.what)).collect())
        }
    }
}

/// What a step of the way back takes: as measured last, here or in an earlier session, else as the runbook says.
#[must_use]
pub fn time_of(state: &State, id: &StepId) -> Option<StepTime> {
    let here = state.step(id);
    if let (StepStatus::Passed, Some(finish), Some(ended)) = (here.status, &here.finish, here.ended) {
        let measured = Measured { at: ended.at, session: String::new() };
        return Some(StepTime { ms: finish.took_ms, measured: Some(measured) });
    }
    if let Some(past) = state.past.as_ref().and_then(|past| past.steps.get(id)) {
        let measured = Measured { at: past.at, session: past.session.clone() };
        return Some(StepTime { ms: past.took_ms, measured: Some(measured) });
    }
    let written = |step: &Step| {
        let ms = u64::try_from(estimate_of(step)?.as_millis()).unwrap_or(u64::MAX);
        Some(StepTime { ms, measured: None })
    };
    state.step_plan(id).and_then(written)
}

/// What rolling back as far as it goes would take after `next` was entered and everything in it was started.
#[must_use]
pub fn after(state: &State, next: Option<&Stage>) -> Takes {
    let mut then = state.clone();
    if let Some((next, seen)) = next.and_then(|next| Some((next, then.stages.get_mut(&next.id)?))) {
        seen.status = StageStatus::Active;
        for step in next.steps.iter().filter(|step| step.applies) {
            let seen = then.steps.entry(step.id.clone()).or_default();
            (seen.attempt, seen.began) = (seen.attempt + 1, then.seq + 1);
        }
    }
    let plan = rollback::plan(&then, None);
    let steps = plan.iter().flat_map(|plan| &plan.steps);
    let times: Vec<_> = steps.map(|id| time_of(state, id)).collect();
    takes_in_all(state, plan.as_ref(), times.iter().map(Option::as_ref))
}

/// What these steps of a rollback take, with what proves the old system behind them where that was measured.
fn takes_in_all<'a>(
    state: &State,
    plan: Option<&Plan>,
    times: impl Iterator<Item = Option<&'a StepTime>>,
) -> Takes {
    let mut sum = takes(times);
    if plan.is_some_and(|plan| plan.full && !plan.steps.is_empty()) {
        let proof = state.past.as_ref().and_then(|past| past.rollback.as_ref()).map(|back| back.gate_ms);
        sum.ms = sum.ms.saturating_add(proof.unwrap_or_default());
    }
    sum
}

/// What some steps take, one after the other: as measured last, else as the runbook says.
#[must_use]
pub fn takes_of<'a>(state: &State, steps: impl IntoIterator<Item = &'a Step>) -> Takes {
    let times: Vec<_> = steps.into_iter().filter(|s| s.applies).map(|s| time_of(state, &s.id)).collect();
    takes(times.iter().map(Option::as_ref))
}

/// The sum of some times, one after the other.
#[must_use]
pub fn takes<'a>(times: impl Iterator<Item = Option<&'a StepTime>>) -> Takes {
    let mut sum = Takes::default();
    for time in times {
        sum.steps += 1;
        let Some(time) = time else {
            sum.unknown += 1;
            continue;
        };
        sum.ms = sum.ms.saturating_add(time.ms);
        if let Some(measured) = &time.measured {
            sum.measured += 1;
            if sum.oldest.as_ref().is_none_or(|oldest| measured.at < oldest.at) {
                sum.oldest = Some(measured.clone());
            }
        }
    }
    sum
}

fn rollback_window(state: &State, now: Now) -> Option<RollbackWindow> {
    let window = state.runbook.as_ref()?.rollback.window.as_ref()?;
    Some(match rollback::window_left(state, now) {
        None => RollbackWindow::From(window.from.clone()),
        Some(0) => RollbackWindow::Over,
        Some(left_ms) => RollbackWindow::Open { left_ms },
    })
}

fn deadline(state: &State, rollback: Option<&RollbackWindow>, takes: &Takes, now: Now) -> Option<Deadline> {
    if state.is_closed() {
        return None;
    }
    let closes = match window::standing(state, now) {
        Some(
            window::Standing::Open { closes: Some((at, _)) } | window::Standing::After { closed: at, .. },
        ) => Some(at),
        Some(window::Standing::Before { .. }) => state.runbook.as_ref()?.window?.closes,
        _ => None,
    };
    let closes = closes.map(|at| (at, Ends::ChangeWindow));
    let ends = match rollback {
        Some(RollbackWindow::Open { left_ms }) => Some((later(now.at, *left_ms), Ends::RollbackWindow)),
        _ => None,
    };
    let (ends, of) = closes.into_iter().chain(ends).min_by_key(|(at, _)| *at)?;
    let last_start = ends.checked_sub_signed(span(takes.ms)).unwrap_or(DateTime::<Utc>::MIN_UTC);
    let left_ms = u64::try_from((last_start - now.at).num_milliseconds()).ok();
    Some(Deadline { of, ends, last_start, is_known: takes.unknown == 0, left_ms })
}

fn span(ms: u64) -> TimeDelta {
    i64::try_from(ms).ok().and_then(TimeDelta::try_milliseconds).unwrap_or(TimeDelta::MAX)
}

fn later(at: DateTime<Utc>, ms: u64) -> DateTime<Utc> {
    at.checked_add_signed(span(ms)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn no_return(state: &State) -> NoReturn {
    let passed = rollback::point_passed(state).cloned();
    let Some(runbook) = &state.runbook else { return NoReturn::default() };
    let stages = || runbook.stages.iter().filter(|stage| stage.applies);
    let at = |id: Option<&StageId>| id.and_then(|id| stages().position(|stage| stage.id == *id));
    let (here, behind) = (at(state.current_stage()), at(passed.as_ref()));
    // Where none is in hand the next one is a stage away.
    let first = here.or_else(|| at(state.next_stage())).unwrap_or_default();
    let ahead = stages().enumerate().find(|(index, stage)| {
        stage.point_of_no_return && *index >= first && behind.is_none_or(|behind| *index > behind)
    });
    let ahead = ahead.map(|(index, stage)| (stage.id.clone(), index - first + usize::from(here.is_none())));
    NoReturn { passed, ahead: ahead.filter(|_| !state.is_closed()) }
}
