//! Old beside new: what a `baseline` step measured of the old system, what is measured of the new one now, and how far
//! that is from its limits.

use super::telemetry::{Series, Verdict};
use super::{State, Telemetry};
use crate::event::Measured;
use crate::runbook::StepId;
use crate::runbook::model::{Action, Check, Headroom, Probe, Vs};
use crate::runbook::number::Unit;

/// A check that is held against a baseline.
#[derive(Debug, Clone)]
pub struct Versus<'a> {
    pub check: &'a Check,
    pub rule: &'a Vs,
    pub unit: Unit,
    /// `None`: the baseline was not taken.
    pub old: Option<&'a Measured>,
    /// What the newest numbers make; `None`: there is none. Whether they are enough, the check's health says.
    pub new: Option<f64>,
    /// Where there are both.
    pub headroom: Option<Headroom>,
}

/// Every check of the runbook that applies here and is held against a baseline, in the runbook's order.
#[must_use]
pub fn all<'a>(state: &'a State, telemetry: &Telemetry) -> Vec<Versus<'a>> {
    let checks = state.runbook.iter().flat_map(|runbook| runbook.checks.values());
    let rules = checks.filter(|check| check.applies).filter_map(|check| Some((check, rule(check)?)));
    rules.map(|(check, rule)| versus(state, check, rule, telemetry.checks.get(&check.id))).collect()
}

/// The comparison that a check makes with a baseline.
#[must_use]
pub fn rule(check: &Check) -> Option<&Vs> {
    match &check.probe {
        Probe::Metric(metric) => metric.expect.vs.as_ref(),
        _ => None,
    }
}

fn versus<'a>(state: &'a State, check: &'a Check, rule: &'a Vs, series: Option<&Series>) -> Versus<'a> {
    let old = state.baselines.get(&rule.baseline).and_then(|checks| checks.get(&rule.check));
    let newest = series.and_then(Series::last).filter(|sample| sample.verdict != Verdict::Error);
    let new = newest.and_then(|sample| sample.judged).filter(|number| number.is_finite());
    let headroom = old.zip(new).and_then(|(old, new)| rule.headroom(old.value, new));
    Versus { check, rule, unit: Unit::of(check), old, new, headroom }
}

/// The step that takes a baseline.
#[must_use]
pub fn step_of<'a>(state: &'a State, baseline: &str) -> Option<&'a StepId> {
    let mut steps = state.runbook.iter().flat_map(|runbook| runbook.all_steps());
    let takes = |action: &Action| matches!(action, Action::Baseline { name, .. } if name == baseline);
    steps.find(|step| step.applies && takes(&step.action)).map(|step| &step.id)
}
