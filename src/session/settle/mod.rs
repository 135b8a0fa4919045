//! What follows by itself from the state and the time: steps that start, gates that turn, soaks that end, triggers
//! that fire, rollbacks that go on. The loop folds what [`settle`] returns and asks again, until nothing follows.

mod gates;
mod rollback;
mod steps;
mod triggers;

pub(super) use gates::is_through;
pub(super) use rollback::{next_rolled_back, passes_over};
pub(super) use steps::{is_met, retry_at};

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use indexmap::IndexMap;

use super::state::{StageState, StageStatus, State};
use crate::clock::Now;
use crate::event::{By, EventKind, Health, Measured, Outcome, Proof};
use crate::runbook::{CheckId, StepId, TriggerId};

/// What follows, and when to look again.
#[derive(Debug, Clone, Default)]
pub struct Settled {
    pub events: Vec<(By, EventKind)>,
    /// The next boot-clock time at which something may follow that does not follow now.
    pub next_up_ms: Option<u64>,
}

/// What decisions need to know beside the state.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Triggers whose `failures` were counted within their time.
    pub failures_reached: BTreeSet<TriggerId>,
    /// What the open `baseline` steps have measured so far.
    pub baselines: HashMap<StepId, Measurement>,
    /// What the newest sample says of each check that is waited for and not green; the state knows what it said when
    /// its health changed.
    pub newest: HashMap<CheckId, String>,
    /// Nothing goes forward: there is hardly any room to record it.
    pub only_back: bool,
}

/// What a `baseline` step has measured so far.
#[derive(Debug, Clone, Default)]
pub struct Measurement {
    /// Since when its looks count, on the boot clock.
    pub from_up_ms: u64,
    /// What each check gives, or why that is not enough.
    pub checks: IndexMap<CheckId, Result<Measured, String>>,
}

/// Something that follows by itself.
type Rule<'r> = dyn Fn(&mut Round) -> Vec<(By, EventKind)> + 'r;

/// What follows from `state` at `now`. The rules stand in the order of their urgency; the first that has something
/// to say ends the round.
#[must_use]
pub fn settle(state: &State, facts: &Facts, now: Now) -> Settled {
    let mut round = Round { state, now, next: None };
    if state.runbook.is_none() || state.is_closed() {
        return Settled::default();
    }
    let rules: [&Rule; 5] = [
        &|round| by_engine(ends_session(round.state)),
        &|round| by_engine(steps::ends(round, facts)),
        &|round| by_engine(steps::run_again(round, facts)),
        &|round| by_engine(rollback::goes_on(round, facts)),
        &|round| triggers::fire(round, facts),
    ];
    let forward: [&Rule; 2] =
        [&|round| by_engine(steps::start(round)), &|round| by_engine(gates::turn(round))];
    let forward = forward.into_iter().filter(|_| !facts.only_back);
    for rule in rules.into_iter().chain(forward) {
        let events = rule(&mut round);
        if !events.is_empty() {
            return Settled { events, next_up_ms: Some(now.up_ms) };
        }
    }
    Settled { events: Vec::new(), next_up_ms: round.next }
}

/// What triggers and gates alone say of `state` at `now`; steps and stages go as they went. For judging a recorded
/// course once more.
#[must_use]
pub fn verdicts(state: &State, facts: &Facts, now: Now) -> Settled {
    let mut round = Round { state, now, next: None };
    if state.runbook.is_none() || state.is_closed() {
        return Settled::default();
    }
    let mut events = triggers::fire(&mut round, facts);
    if events.is_empty() {
        events = by_engine(gates::turn(&mut round));
    }
    Settled { events, next_up_ms: round.next }
}

/// The session ends with its last stage, also where a crash came between the two records, or with the whole way back.
fn ends_session(state: &State) -> Vec<EventKind> {
    let back = state.rollback.as_ref().filter(|rollback| rollback.full && rollback.finished.is_some());
    let through = |stage: &StageState| matches!(stage.status, StageStatus::Passed | StageStatus::Skipped);
    let entered = state.stages.values().any(|stage| stage.status == StageStatus::Passed);
    if let Some(rollback) = back {
        let reason = rollback.reason.clone();
        vec![EventKind::SessionClosed { outcome: Outcome::RolledBack, reason }]
    } else if entered && state.stages.values().all(through) {
        vec![EventKind::SessionClosed { outcome: Outcome::Completed, reason: None }]
    } else {
        Vec::new()
    }
}

fn by_engine(events: Vec<EventKind>) -> Vec<(By, EventKind)> {
    events.into_iter().map(|event| (By::ENGINE, event)).collect()
}

/// One look at the state; it remembers the nearest deadline that it met.
struct Round<'a> {
    state: &'a State,
    now: Now,
    next: Option<u64>,
}

impl Round<'_> {
    /// Whether the boot clock has come to `up_ms`; if not, the loop looks again then.
    fn reached(&mut self, up_ms: u64) -> bool {
        if self.now.up_ms >= up_ms {
            return true;
        }
        self.next = Some(self.next.map_or(up_ms, |next| next.min(up_ms)));
        false
    }
}

/// Why nobody waits for these checks any longer: the first that is not green, for how long, and what its newest sample
/// says. Empty where all are green.
fn not_seen(round: &Round, checks: &[CheckId], facts: &Facts) -> (Vec<Proof>, String) {
    let state = round.state;
    let mut proofs = check_proofs(state, checks);
    for (proof, id) in proofs.iter_mut().zip(checks).filter(|(proof, _)| !proof.met) {
        let seen = state.check(id);
        let reason = facts.newest.get(id).unwrap_or(&seen.reason);
        if seen.health != Health::Idle && !reason.is_empty() {
            let lasts = Duration::from_secs(round.now.up_ms.saturating_sub(seen.since) / 1_000);
            let lasts = humantime::format_duration(lasts);
            proof.seen = format!("{} for {lasts}: {reason}", seen.health.word());
        }
    }
    let unmet = proofs.iter().find(|proof| !proof.met);
    let why = unmet.map(|proof| format!(": {} was not seen ({})", proof.expected, proof.seen));
    (proofs, why.unwrap_or_default())
}

/// A duration in the boot clock's unit.
fn ms(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The proofs of an `await` as the checks stand.
fn check_proofs(state: &State, checks: &[CheckId]) -> Vec<Proof> {
    checks
        .iter()
        .map(|id| {
            let seen = state.check(id);
            let value = seen.value.as_deref().map(|v| format!(" ({v})")).unwrap_or_default();
            let reason = if seen.health == Health::Ok || seen.reason.is_empty() {
                String::new()
            } else {
                format!(": {}", seen.reason)
            };
            Proof {
                expected: format!("check {id} green"),
                met: state.is_green(id),
                seen: format!("{}{value}{reason}", seen.health.word()),
            }
        })
        .collect()
}
