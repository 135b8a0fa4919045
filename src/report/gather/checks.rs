//! How each check went: its health as the log has it, its samples as far as they were kept.

use std::collections::HashMap;

use super::limits::limits;
use super::plan::ms;
use super::series::{Digest, Series};
use crate::audit::telemetry::Sampled;
use crate::event::{Event, EventKind, Health};
use crate::history::{BandKind, Timeline};
use crate::report::model::{Check, HealthBand, HealthTimes, SampleCounts, When};
use crate::runbook::CheckId;
use crate::runbook::describe::describe_probe;
use crate::runbook::interpolate::Scope;
use crate::runbook::model;
use crate::session::State;
use crate::session::telemetry::{Measure, SamplePoint, Verdict};

/// Into so many spans a session is cut for its charts; each keeps two values at most.
const SPANS: u64 = 200;
/// Samples of a live session are at most this far behind its last event; what pretends to be further is put there.
const BEHIND_MS: u64 = 120_000;

/// How the checks went so far.
#[derive(Debug, Default)]
pub(super) struct Checks {
    sampled: HashMap<CheckId, Seen>,
    /// Why a check came to its health, and on what value; in order.
    changes: HashMap<CheckId, Vec<Change>>,
    end_ms: u64,
}

#[derive(Debug)]
struct Change {
    t_ms: u64,
    reason: String,
    value: Option<String>,
}

/// A check's samples.
#[derive(Debug)]
struct Seen {
    counts: SampleCounts,
    number: Digest,
    latency: Digest,
    numbers: Series,
    latencies: Series,
}

impl Checks {
    /// Takes the next event.
    pub fn push(&mut self, event: &Event, when: When) {
        if let EventKind::CheckChanged { check, reason, value, .. } = &event.event {
            let (reason, value) = (reason.clone(), value.clone());
            let change = Change { t_ms: when.t_ms, reason, value };
            self.changes.entry(check.clone()).or_default().push(change);
        }
        self.end_ms = when.t_ms;
    }

    /// Takes the next line of samples; `place` lays a reading of the boot clock on the session's time.
    pub fn sampled(&mut self, sampled: &Sampled, state: &State, end_ms: u64, place: impl Fn(u64) -> u64) {
        for measure in &sampled.samples {
            let Measure::Sample { check, point, .. } = measure else { continue };
            let t_ms = place(point.up_ms).min(end_ms + BEHIND_MS);
            self.end_ms = self.end_ms.max(t_ms);
            match self.sampled.get_mut(check) {
                Some(seen) => seen.push(t_ms, point),
                None => {
                    let plan = state.runbook.as_ref().and_then(|runbook| runbook.check(check));
                    let mut seen = Seen::new(plan, end_ms);
                    seen.push(t_ms, point);
                    self.sampled.insert(check.clone(), seen);
                }
            }
        }
    }

    /// The checks in the plan's order, and without a plan by name.
    pub fn finish(mut self, state: &State, timeline: &Timeline) -> Vec<Check> {
        let mut bands = self.bands(timeline);
        let mut checks: Vec<Check> = Vec::new();
        if let Some(runbook) = &state.runbook {
            checks = runbook
                .checks
                .values()
                .map(|plan| {
                    let gates = runbook.stages.iter().filter(|stage| stage.gate.checks.contains(&plan.id));
                    let gates = gates.map(|stage| stage.id.to_string()).collect();
                    let what = describe_probe(&plan.probe, &Scope::default(), &runbook.shell);
                    Check { gates, ..planned(plan, what) }
                })
                .collect();
        }
        let mut others: Vec<&CheckId> = self.sampled.keys().chain(bands.keys()).collect();
        others.retain(|id| checks.iter().all(|check| check.id != id.as_str()));
        others.sort();
        others.dedup();
        checks.extend(others.into_iter().map(unplanned).collect::<Vec<_>>());
        for check in &mut checks {
            check.bands = bands.remove(check.id.as_str()).unwrap_or_default();
            check.health_ms = times(&check.bands, timeline.end_ms());
            if let Some(seen) = self.sampled.remove(check.id.as_str()) {
                check.samples = seen.counts;
                check.number = seen.number.stats();
                check.latency_ms = seen.latency.stats();
                check.number_series = seen.numbers.finish(self.end_ms);
                check.latency_series = seen.latencies.finish(self.end_ms);
            }
        }
        checks
    }

    /// Each check's health over time, with the reason that it had.
    fn bands(&self, timeline: &Timeline) -> HashMap<CheckId, Vec<HealthBand>> {
        let mut bands: HashMap<CheckId, Vec<HealthBand>> = HashMap::new();
        for band in &timeline.bands {
            let BandKind::Check { check, health } = &band.kind else { continue };
            let changes = self.changes.get(check).map(Vec::as_slice).unwrap_or_default();
            let before = changes.partition_point(|change| change.t_ms <= band.from_ms);
            let change = before.checked_sub(1).and_then(|at| changes.get(at));
            bands.entry(check.clone()).or_default().push(HealthBand {
                health: *health,
                from_ms: band.from_ms,
                to_ms: band.to_ms,
                reason: change.map(|change| change.reason.clone()).unwrap_or_default(),
                value: change.and_then(|change| change.value.clone()),
            });
        }
        bands
    }
}

impl Seen {
    fn new(plan: Option<&model::Check>, end_ms: u64) -> Self {
        // As long as it takes until a check is stale.
        let gap_ms = plan.map_or(30_000, |plan| 3 * ms(plan.period) + ms(plan.timeout));
        let series = || Series::new(end_ms / SPANS, gap_ms);
        Self {
            counts: SampleCounts::default(),
            number: Digest::default(),
            latency: Digest::default(),
            numbers: series(),
            latencies: series(),
        }
    }

    fn push(&mut self, t_ms: u64, point: &SamplePoint) {
        self.counts.total += 1;
        *match point.verdict {
            Verdict::Pass => &mut self.counts.passed,
            Verdict::Failed => &mut self.counts.failed,
            Verdict::Error => &mut self.counts.errors,
            Verdict::Pending => &mut self.counts.pending,
        } += 1;
        let took = f64::from(point.took_ms);
        self.latency.push(took);
        self.latencies.push(t_ms, took);
        if let Some(number) = point.number.filter(|number| number.is_finite()) {
            self.number.push(number);
            self.numbers.push(t_ms, number);
        }
    }
}

fn planned(plan: &model::Check, what: String) -> Check {
    Check {
        title: plan.title.clone(),
        applies: plan.applies,
        kind: plan.probe.kind().to_owned(),
        what,
        advisory: plan.advisory,
        unit: plan.unit.clone(),
        period_ms: ms(plan.period),
        failure_threshold: plan.failure_threshold,
        success_threshold: plan.success_threshold,
        limits: limits(plan),
        ..unplanned(&plan.id)
    }
}

fn unplanned(id: &CheckId) -> Check {
    Check {
        id: id.to_string(),
        title: id.to_string(),
        applies: true,
        kind: String::new(),
        what: String::new(),
        advisory: false,
        unit: None,
        period_ms: 0,
        failure_threshold: 0,
        success_threshold: 0,
        limits: Vec::new(),
        gates: Vec::new(),
        bands: Vec::new(),
        health_ms: HealthTimes::default(),
        samples: SampleCounts::default(),
        number: None,
        latency_ms: None,
        number_series: Vec::new(),
        latency_series: Vec::new(),
    }
}

fn times(bands: &[HealthBand], end_ms: u64) -> HealthTimes {
    let mut times = HealthTimes::default();
    for band in bands {
        let lasted = band.to_ms.unwrap_or(end_ms).saturating_sub(band.from_ms);
        match band.health {
            Health::Ok => times.ok += lasted,
            Health::Failing => times.failing += lasted,
            Health::Stale => times.stale += lasted,
            Health::Pending => times.pending += lasted,
            Health::Idle => {}
        }
    }
    times
}
