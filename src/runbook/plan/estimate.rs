//! How long a plan takes by the estimates that it gives, and what gives none.

use std::collections::HashMap;
use std::time::Duration;

use crate::runbook::model::{Action, Stage, Step};

/// A sum of estimates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Estimate {
    /// What is known to be needed.
    pub known: Duration,
    /// How many steps say nothing: then `known` is only a lower limit.
    pub unknown: usize,
}

impl Estimate {
    /// This and then that.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self { known: self.known + next.known, unknown: self.unknown + next.unknown }
    }
}

impl std::fmt::Display for Estimate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.known.is_zero(), self.unknown) {
            (_, 0) => write!(f, "about {}", humantime::format_duration(self.known)),
            (true, _) => write!(f, "no estimate"),
            (false, n) => {
                write!(f, "at least {} ({n} without an estimate)", humantime::format_duration(self.known))
            }
        }
    }
}

/// What one step says of itself. A wait is its own estimate; so is the time that an `await` holds.
#[must_use]
pub fn of_step(step: &Step) -> Option<Duration> {
    step.estimate.or(match &step.action {
        Action::Wait { duration } | Action::Baseline { window: duration, .. } => Some(*duration),
        Action::Await { hold, .. } if !hold.is_zero() => Some(*hold),
        _ => None,
    })
}

/// How long a list of steps takes: along the longest chain of `needs`, as steps without them run side by side.
#[must_use]
pub fn steps_estimate(steps: &[Step]) -> Estimate {
    along_needs(steps, |step| match of_step(step) {
        _ if !step.applies => Estimate::default(),
        Some(known) => Estimate { known, unknown: 0 },
        None => Estimate { known: Duration::ZERO, unknown: 1 },
    })
}

/// How long a list of steps takes along the longest chain of `needs`, each as long as `takes` says.
#[must_use]
pub fn along_needs(steps: &[Step], takes: impl Fn(&Step) -> Estimate) -> Estimate {
    if (0..steps.len()).all(|place| needs_all_before(steps, place)) {
        // One after the other: the chain is the list.
        return steps.iter().map(takes).fold(Estimate::default(), Estimate::then);
    }
    let mut ends = HashMap::with_capacity(steps.len());
    let mut whole = Estimate::default();
    for (place, step) in steps.iter().enumerate() {
        // What a step needs stands before it or after it; a later one is counted where it stands.
        let starts = match needs_all_before(steps, place) {
            true => whole.known,
            false => step.needs.iter().filter_map(|need| ends.get(need)).max().copied().unwrap_or_default(),
        };
        let Estimate { known, unknown } = takes(step);
        ends.insert(&step.id, starts + known);
        whole = Estimate { known: whole.known.max(starts + known), unknown: whole.unknown + unknown };
    }
    whole
}

/// Whether a step waits for all that are written before it, as it does where its `needs` are not written: then nobody
/// has to look for each of them.
fn needs_all_before(steps: &[Step], place: usize) -> bool {
    let needs = &steps[place].needs;
    let before = &steps[..place];
    needs.len() == place
        && needs.first() == before.first().map(|step| &step.id)
        && needs.last() == before.last().map(|step| &step.id)
}

/// How long rollback steps take: one after the other.
#[must_use]
pub fn in_order<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Estimate {
    steps.into_iter().filter(|s| s.applies).map(of_step).fold(Estimate::default(), |sum, takes| {
        sum.then(Estimate { known: takes.unwrap_or_default(), unknown: usize::from(takes.is_none()) })
    })
}

/// How long a stage takes: what it says of itself, or else its steps; and its soak.
#[must_use]
pub fn stage_estimate(stage: &Stage) -> Estimate {
    if !stage.applies {
        return Estimate::default();
    }
    let steps = match stage.estimate {
        Some(known) => Estimate { known, unknown: 0 },
        None => steps_estimate(&stage.steps),
    };
    steps.then(Estimate { known: stage.gate.soak.unwrap_or_default(), unknown: 0 })
}
