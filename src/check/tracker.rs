//! From samples to health: when each check is due, and what its samples make of it. Pure; all times are boot-clock
//! milliseconds. Names and meaning are the Kubernetes probe's.

mod entry;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use indexmap::IndexMap;

use entry::Entry;

use super::Sample;
use super::meter::Meter;
use crate::event::{EventKind, Health, Measured};
use crate::runbook::model::{Action, Check, Runbook, Step, TriggerWhen};
use crate::runbook::{CheckId, StageId, StepId};
use crate::session::{Baselines, Facts, Measurement, State, TriggerState, rollback, triggers, watch};

/// Starts are grouped in slots of this length: a wake-up costs more than a request.
const SLOT_MS: u64 = 25;

/// At most this many start in one slot while the rate allows: a burst falsifies the latencies that it measures.
const BURST: usize = 16;

/// A check's health has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub check: CheckId,
    pub from: Health,
    pub to: Health,
    pub reason: String,
    /// What was seen last, as it is shown.
    pub value: Option<String>,
    /// When the first sample of the streak that led here began.
    pub since: u64,
}

impl From<Change> for EventKind {
    fn from(change: Change) -> Self {
        let Change { check, from, to, reason, value, since } = change;
        Self::CheckChanged { check, from, to, reason, value, since }
    }
}

/// The health of every check of a runbook, and when each is due.
#[derive(Debug, Clone, Default)]
pub struct Tracker {
    checks: IndexMap<CheckId, Entry>,
    /// The stage in hand.
    stage: Option<StageId>,
    /// What was measured of the old system.
    baselines: Baselines,
}

/// What a sample led to.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// The sample itself, judged, and those of the checks that are made of it.
    pub samples: Vec<Sample>,
    pub changes: Vec<Change>,
}

impl Tracker {
    /// Knows the checks that apply; none is polled yet.
    #[must_use]
    pub fn new<'a>(checks: impl IntoIterator<Item = &'a Check>) -> Self {
        let entry = |check: &Check| (check.id.clone(), Entry::new(check));
        let mut checks: IndexMap<CheckId, Entry> =
            checks.into_iter().filter(|check| check.applies).map(entry).collect();
        let known: BTreeSet<CheckId> = checks.keys().cloned().collect();
        for members in checks.values_mut().filter_map(|entry| entry.members.as_mut()) {
            members.retain(|member| known.contains(member));
        }
        Self { checks, ..Self::default() }
    }

    /// The same for a whole runbook, whose `baseline` steps need numbers for as long as they measure.
    #[must_use]
    pub fn of(runbook: &Runbook) -> Self {
        let mut tracker = Self::new(runbook.checks.values());
        for step in runbook.all_steps() {
            let Action::Baseline { checks, window, .. } = &step.action else { continue };
            for check in checks {
                let entry = tracker.checks.get_mut(check);
                entry
                    .and_then(|entry| entry.meter.as_mut())
                    .into_iter()
                    .for_each(|meter| meter.keep(*window));
            }
        }
        tracker
    }

    /// Tells the stage in hand: with a new one, what counters rise is counted anew.
    pub fn enter_stage(&mut self, stage: Option<&StageId>) {
        if self.stage.as_ref() == stage {
            return;
        }
        self.stage = stage.cloned();
        self.checks.values_mut().filter_map(|entry| entry.meter.as_mut()).for_each(Meter::enter_stage);
    }

    /// Tells what was measured of the old system.
    pub fn compare_with(&mut self, baselines: &Baselines) {
        if self.baselines != *baselines {
            self.baselines.clone_from(baselines);
        }
    }

    /// What the numbers of a metric make that were read from `since` on, behind its fence, or why they are not enough;
    /// and since when they count at all.
    fn measured(&self, check: &CheckId, since: u64) -> (Result<Measured, String>, u64) {
        let entry = self.checks.get(check);
        let Some((entry, meter)) = entry.and_then(|entry| Some((entry, entry.meter.as_ref()?))) else {
            return (Err("it is not measured".to_owned()), since);
        };
        let from = entry.counts_from.max(since);
        (meter.measured(from), from)
    }

    /// A check's health; one that does not apply is idle.
    #[must_use]
    pub fn health(&self, check: &CheckId) -> Health {
        self.checks.get(check).map_or(Health::Idle, |entry| entry.health)
    }

    /// Polls these checks, and those that they live on, and no others.
    pub fn poll(&mut self, wanted: &BTreeSet<CheckId>, now: u64) -> Vec<Change> {
        let wanted = self.with_members(wanted);
        let followed = wanted.iter().filter_map(|id| self.checks.get(id)?.follows.clone());
        let wanted: BTreeSet<CheckId> = followed.chain(wanted.iter().cloned()).collect();
        let mut changes = Vec::new();
        for (id, entry) in &mut self.checks {
            match (wanted.contains(id), entry.health) {
                (true, Health::Idle) => changes.extend(entry.start(id, now)),
                (false, Health::Idle) | (true, _) => {}
                (false, _) => changes.extend(entry.turn(id, Health::Idle, "not needed now", now)),
            }
        }
        self.settle_any(now, &mut changes);
        changes
    }

    /// From here on only samples count that begin after `now`: a green check, or one that was not sure yet, starts
    /// again at `pending`. One that is failing stays so until enough new samples are good; its bad streak goes on,
    /// so that no trigger is put off.
    pub fn fence(&mut self, check: &CheckId, now: u64) -> Vec<Change> {
        let fenced = self.with_members(&BTreeSet::from([check.clone()]));
        let mut changes = Vec::new();
        for (id, entry) in self.checks.iter_mut().filter(|(id, _)| fenced.contains(*id)) {
            changes.extend(entry.fence(id, now));
        }
        self.settle_any(now, &mut changes);
        changes
    }

    /// Takes a look's result in: judges it where it is a number, makes of it the samples of those checks that live on
    /// it, and takes all of them in.
    pub fn take(&mut self, mut sample: Sample, now: u64) -> Taken {
        let mut taken = Taken::default();
        let followers = self.checks.iter().filter(|(_, entry)| entry.follows.as_ref() == Some(&sample.check));
        let followers: Vec<CheckId> =
            followers.filter(|(_, entry)| entry.is_polled()).map(|(id, _)| id.clone()).collect();
        let made = followers.into_iter().map(|check| Sample::latency(check, &sample)).collect::<Vec<_>>();
        self.judge(&mut sample);
        taken.changes.extend(self.sample(&sample, now));
        taken.samples.push(sample);
        for mut sample in made {
            self.judge(&mut sample);
            taken.changes.extend(self.sample(&sample, now));
            taken.samples.push(sample);
        }
        taken
    }

    /// Judges the number of a sample together with those before it. What is no number, or does not count, stays as it
    /// is.
    pub fn judge(&mut self, sample: &mut Sample) {
        let Some(entry) = self.checks.get_mut(&sample.check) else { return };
        let counts = entry.is_polled() && sample.point.up_ms >= entry.counts_from;
        if let Some(meter) = entry.meter.as_mut().filter(|_| counts) {
            meter.judge(&mut sample.point, &self.baselines);
        }
    }

    /// Takes a sample in as it was judged. One of a check that is not polled, or that began before the fence, changes
    /// nothing.
    pub fn sample(&mut self, sample: &Sample, now: u64) -> Vec<Change> {
        let mut changes = Vec::new();
        if let Some(entry) = self.checks.get_mut(&sample.check) {
            changes.extend(entry.expire(&sample.check, now));
            changes.extend(entry.sample(sample, now));
            self.settle_any(now, &mut changes);
        }
        changes
    }

    /// What time alone does: a check that was not heard of for three periods is stale.
    pub fn tick(&mut self, now: u64) -> Vec<Change> {
        let mut changes: Vec<Change> =
            self.checks.iter_mut().filter_map(|(id, entry)| entry.expire(id, now)).collect();
        self.settle_any(now, &mut changes);
        changes
    }

    /// When [`Tracker::tick`] has something to do next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        self.checks.values().filter_map(Entry::stale_at).min()
    }

    /// The checks whose sample is to start now, and counts them as under way: none is here twice before
    /// [`Tracker::sample`] has brought its result.
    pub fn due(&mut self, now: u64) -> Vec<CheckId> {
        let burst = self.burst();
        let mut due: Vec<(u64, usize)> = self
            .checks
            .values()
            .enumerate()
            .filter(|(_, entry)| entry.is_waiting() && entry.next <= now)
            .map(|(i, entry)| (entry.next, i))
            .collect();
        due.sort_unstable();
        due.truncate(burst);
        due.into_iter()
            .filter_map(|(_, i)| {
                let (id, entry) = self.checks.get_index_mut(i)?;
                entry.launch(now);
                Some(id.clone())
            })
            .collect()
    }

    /// When [`Tracker::due`] has something to give next: the end of a slot, so that starts come grouped.
    #[must_use]
    pub fn next_due(&self, now: u64) -> Option<u64> {
        let next = self.checks.values().filter(|entry| entry.is_waiting()).map(|entry| entry.next).min()?;
        Some(next.max(now + 1).next_multiple_of(SLOT_MS))
    }

    /// How many samples were bad that began in the last `window` before `now`. Of an `any`: its best member's.
    #[must_use]
    pub fn bad_within(&self, check: &CheckId, window: Duration, now: u64) -> u32 {
        let Some(entry) = self.checks.get(check) else { return 0 };
        if let Some(members) = &entry.members {
            return members.iter().map(|member| self.bad_within(member, window, now)).min().unwrap_or(0);
        }
        let from = now.saturating_sub(millis(window));
        u32::try_from(entry.bad.iter().filter(|begun| **begun >= from).count()).unwrap_or(u32::MAX)
    }

    /// The triggers of `state` whose failures were counted within their time.
    #[must_use]
    pub fn facts(&self, state: &State, now: u64) -> Facts {
        let reached = triggers::live(state).filter(|trigger| match trigger.condition {
            TriggerWhen::Failures { count, within } => {
                // Failures from before it fell quiet were answered already.
                let quiet_since = match state.triggers.get(&trigger.id) {
                    Some(TriggerState::Quiet { since }) => *since,
                    _ => 0,
                };
                now.checked_sub(quiet_since + 1).is_some_and(|quiet_ms| {
                    let counted = within.min(Duration::from_millis(quiet_ms));
                    self.bad_within(&trigger.check, counted, now) >= count
                })
            }
            _ => false,
        });
        Facts {
            failures_reached: reached.map(|trigger| trigger.id.clone()).collect(),
            baselines: self.measurements(state),
            newest: self.newest(state),
            only_back: false,
        }
    }

    /// What the newest sample says of each check that is waited for and not green.
    fn newest(&self, state: &State) -> HashMap<CheckId, String> {
        let newest = |id: CheckId| {
            let said = self.checks.get(&id)?.newest.clone()?;
            Some((id, said))
        };
        watch::awaited(state).into_iter().filter_map(newest).collect()
    }

    /// What the open `baseline` steps have measured so far. Under a new engine their time begins anew.
    fn measurements(&self, state: &State) -> HashMap<StepId, Measurement> {
        let Some(runbook) = &state.runbook else { return HashMap::new() };
        let measurement = |step: &Step| {
            let Action::Baseline { checks, .. } = &step.action else { return None };
            let began = state.step(&step.id).started?.up_ms;
            let mut measurement = Measurement { from_up_ms: began, ..Measurement::default() };
            for check in checks.iter().filter(|id| runbook.check(id).is_some_and(|check| check.applies)) {
                let (measured, from) = self.measured(check, began);
                measurement.from_up_ms = measurement.from_up_ms.max(from);
                measurement.checks.insert(check.clone(), measured);
            }
            Some((step.id.clone(), measurement))
        };
        rollback::open_steps(state, runbook).filter_map(measurement).collect()
    }

    /// When the bad streak began that a check is in; `None` where its last sample was good. Of an `any`: when its
    /// last member went bad, while all are.
    #[must_use]
    pub fn bad_since(&self, check: &CheckId) -> Option<u64> {
        let entry = self.checks.get(check)?;
        match &entry.members {
            Some(members) => {
                members.iter().map(|m| self.bad_since(m)).collect::<Option<Vec<_>>>()?.into_iter().max()
            }
            None => (entry.streak.bad && entry.streak.length > 0).then_some(entry.streak.begun),
        }
    }

    /// How many may start in one slot: at least twice what the periods ask for on the average.
    fn burst(&self) -> usize {
        let waiting = self.checks.values().filter(|entry| entry.is_polled());
        // Thousandths of a check in one slot.
        let load: u64 = waiting.map(|entry| 1000 * SLOT_MS / entry.period).sum();
        BURST.max(usize::try_from(2 * load.div_ceil(1000)).unwrap_or(BURST))
    }

    fn with_members(&self, of: &BTreeSet<CheckId>) -> BTreeSet<CheckId> {
        let mut all = BTreeSet::new();
        let mut todo: Vec<&CheckId> = of.iter().collect();
        while let Some(id) = todo.pop() {
            if all.insert(id.clone()) {
                todo.extend(
                    self.checks.get(id).and_then(|entry| entry.members.as_ref()).into_iter().flatten(),
                );
            }
        }
        all
    }

    /// Brings each `any` to what its members make of it; again for those that are members themselves.
    fn settle_any(&mut self, now: u64, changes: &mut Vec<Change>) {
        for _ in 0..self.checks.len() {
            let mut moved = false;
            for i in 0..self.checks.len() {
                let Some((to, reason, since)) = self.any_health(i, now) else { continue };
                let Some((id, entry)) = self.checks.get_index_mut(i) else { continue };
                if let Some(change) = entry.turn(id, to, reason, since) {
                    changes.push(change);
                    moved = true;
                }
            }
            if !moved {
                return;
            }
        }
    }

    /// What the members of the `any` at this place make of it; `None` for other checks and where it is not polled.
    fn any_health(&self, index: usize, now: u64) -> Option<(Health, String, u64)> {
        let (_, entry) = self.checks.get_index(index)?;
        let members = entry.members.as_ref().filter(|_| entry.is_polled())?;
        let of = |health| {
            members
                .iter()
                .filter(move |member| self.health(member) == health)
                .map(|member| (member, &self.checks[member]))
        };
        if let Some((member, seen)) = of(Health::Ok).min_by_key(|(_, seen)| seen.since) {
            return Some((Health::Ok, format!("{member} is ok"), seen.since));
        }
        if members.is_empty() || of(Health::Pending).next().is_some() || of(Health::Idle).next().is_some() {
            return Some((Health::Pending, "none of its checks is ok yet".to_owned(), now));
        }
        let newest = members.iter().map(|member| self.checks[member].since).max().unwrap_or(now);
        Some(match of(Health::Stale).next() {
            Some((member, _)) => {
                (Health::Stale, format!("none of its checks is ok, and {member} is stale"), newest)
            }
            None => (Health::Failing, "failed: none of its checks is ok".to_owned(), newest),
        })
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 8)
}

#[cfg(test)]
pub(super) mod tests;
