//! One check in the tracker: its rhythm, its row of samples, its health.

use std::collections::VecDeque;

use super::{Change, SLOT_MS, millis};
use crate::check::Sample;
use crate::check::meter::Meter;
use crate::event::Health;
use crate::runbook::CheckId;
use crate::runbook::model::{Check, MetricSource, Probe};
use crate::session::telemetry::{SamplePoint, Verdict};

/// How many bad samples are remembered for counting.
const BAD_KEPT: usize = 1024;

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) period: u64,
    pub(super) timeout: u64,
    pub(super) initial_delay: u64,
    pub(super) failure_threshold: u32,
    pub(super) success_threshold: u32,
    /// Of an `any`: it has no samples of its own.
    pub(super) members: Option<Vec<CheckId>>,
    /// Of a `latency`: the check whose samples it lives on.
    pub(super) follows: Option<CheckId>,
    /// Of a metric: what makes verdicts of its numbers.
    pub(super) meter: Option<Meter>,
    pub(super) health: Health,
    pub(super) since: u64,
    pub(super) value: Option<String>,
    pub(super) streak: Streak,
    /// Samples that began before this do not count.
    pub(super) counts_from: u64,
    /// When the last sample came, or the first could have begun.
    pub(super) heard: u64,
    /// When the next sample is to start.
    pub(super) next: u64,
    pub(super) in_flight: bool,
    /// When the last bad samples began, oldest first.
    pub(super) bad: VecDeque<u64>,
    /// Why the newest sample that counts does not make it green.
    pub(super) newest: Option<String>,
}

/// Samples of one kind in a row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Streak {
    pub(super) bad: bool,
    pub(super) length: u32,
    /// When the first of them began.
    pub(super) begun: u64,
}

impl Entry {
    pub(super) fn new(check: &Check) -> Self {
        let members = if let Probe::Any(members) = &check.probe { Some(members.clone()) } else { None };
        let follows = match &check.probe {
            Probe::Metric(metric) => match &metric.source {
                MetricSource::Latency(of) => Some(of.clone()),
                _ => None,
            },
            _ => None,
        };
        Self {
            period: millis(check.period).max(1),
            timeout: millis(check.timeout),
            initial_delay: millis(check.initial_delay),
            failure_threshold: check.failure_threshold.max(1),
            success_threshold: check.success_threshold.max(1),
            members,
            follows,
            meter: Meter::of(check),
            health: Health::Idle,
            since: 0,
            value: None,
            streak: Streak::default(),
            counts_from: 0,
            heard: 0,
            next: 0,
            in_flight: false,
            bad: VecDeque::new(),
            newest: None,
        }
    }

    pub(super) fn is_polled(&self) -> bool {
        self.health != Health::Idle
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.is_polled() && !self.in_flight && self.members.is_none() && self.follows.is_none()
    }

    pub(super) fn start(&mut self, id: &CheckId, now: u64) -> Option<Change> {
        self.begin_at(now + self.initial_delay);
        self.value = None;
        self.meter.iter_mut().for_each(Meter::start);
        self.turn(id, Health::Pending, "no sample yet", now)
    }

    pub(super) fn fence(&mut self, id: &CheckId, now: u64) -> Option<Change> {
        if !self.is_polled() {
            return None;
        }
        let bad = Some(self.streak).filter(|streak| streak.bad && self.health == Health::Failing);
        self.begin_at(now + 1 + self.initial_delay);
        self.streak = bad.unwrap_or_default();
        self.meter.iter_mut().for_each(Meter::fence);
        // What was silent before may be silent again, and is to be told of then.
        matches!(self.health, Health::Ok | Health::Stale)
            .then(|| self.turn(id, Health::Pending, "fence", now))?
    }

    /// Counts, and is sampled, from this moment on.
    pub(super) fn begin_at(&mut self, moment: u64) {
        self.counts_from = moment;
        self.next = moment;
        self.heard = moment;
        self.streak = Streak::default();
        self.newest = None;
    }

    pub(super) fn launch(&mut self, now: u64) {
        self.in_flight = true;
        // From start to start without drift; after a delay of more than a slot the rhythm begins anew, which also
        // keeps checks apart that were spread over several slots.
        let on_time = now.saturating_sub(self.next) <= SLOT_MS;
        self.next = if on_time { self.next } else { now } + self.period;
    }

    pub(super) fn sample(&mut self, sample: &Sample, now: u64) -> Option<Change> {
        self.in_flight = false;
        let point = &sample.point;
        if !self.is_polled() || point.up_ms < self.counts_from {
            return None;
        }
        self.heard = now;
        self.newest = None;
        self.value.clone_from(&point.value);
        if point.verdict == Verdict::Pending {
            return self.too_early(&sample.check, point);
        }
        let bad = point.verdict != Verdict::Pass;
        if self.streak.length == 0 || self.streak.bad != bad {
            self.streak = Streak { bad, length: 0, begun: point.up_ms };
        }
        self.streak.length = self.streak.length.saturating_add(1);
        if bad {
            if self.bad.len() == BAD_KEPT {
                self.bad.pop_front();
            }
            self.bad.push_back(point.up_ms);
        }
        let Streak { length, begun, .. } = self.streak;
        let word = match point.verdict {
            Verdict::Failed => "failed",
            Verdict::Error => "error",
            Verdict::Pass if length >= self.success_threshold => {
                let reason = if length == 1 {
                    "a good sample".to_owned()
                } else {
                    format!("{length} good samples in a row")
                };
                return self.turn(&sample.check, Health::Ok, reason, begun);
            }
            Verdict::Pass | Verdict::Pending => "too few good samples",
        };
        if bad {
            let row = if length == 1 { String::new() } else { format!(" ({length} in a row)") };
            let reason = format!("{word}: {}{row}", point.reason);
            self.newest = Some(reason.clone());
            if length >= self.failure_threshold {
                return self.turn(&sample.check, Health::Failing, reason, begun);
            }
        }
        // A sample ends the silence, though it does not yet say which way.
        (self.health == Health::Stale)
            .then(|| self.turn(&sample.check, Health::Pending, "heard of again", begun))?
    }

    /// A sample that nothing can be told by breaks a good row and proves nothing; what is failing stays so.
    pub(super) fn too_early(&mut self, id: &CheckId, point: &SamplePoint) -> Option<Change> {
        if self.health == Health::Failing {
            return None;
        }
        self.streak = Streak::default();
        self.newest = Some(point.reason.clone());
        self.turn(id, Health::Pending, point.reason.clone(), point.up_ms)
    }

    /// When it will be stale if nothing is heard. A sample may take its whole timeout, and that is no silence.
    pub(super) fn stale_at(&self) -> Option<u64> {
        let silent = (3 * self.period).max(self.period + self.timeout + 1_000);
        let applies = self.members.is_none() && !matches!(self.health, Health::Idle | Health::Stale);
        applies.then_some(self.heard + silent)
    }

    pub(super) fn expire(&mut self, id: &CheckId, now: u64) -> Option<Change> {
        let at = self.stale_at().filter(|at| *at <= now)?;
        // What nobody observed breaks every row.
        self.streak = Streak::default();
        self.newest = None;
        self.turn(id, Health::Stale, "no sample came for three periods", at)
    }

    pub(super) fn turn(
        &mut self,
        id: &CheckId,
        to: Health,
        reason: impl Into<String>,
        since: u64,
    ) -> Option<Change> {
        let from = std::mem::replace(&mut self.health, to);
        if from == to {
            return None;
        }
        self.since = since;
        Some(Change { check: id.clone(), from, to, reason: reason.into(), value: self.value.clone(), since })
    }
}
