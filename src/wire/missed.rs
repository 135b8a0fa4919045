//! Measures for which there was no room: folded together, so that they take no more than what a screen keeps, and told
//! in one piece later.

use crate::session::Telemetry;
use crate::session::telemetry::{LogHealth, Measure, Presence};

/// What was missed by one reader.
#[derive(Debug)]
pub(super) struct Missed {
    folded: Option<Telemetry>,
    /// What holds until something else is measured, and so is told again with the rest.
    log: LogHealth,
    presence: Vec<Presence>,
}

impl Missed {
    /// For a reader who knows, or is about to be told, this telemetry.
    pub(super) fn after(known: &Telemetry) -> Self {
        Self { folded: None, log: known.log.clone(), presence: known.presence.clone() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.folded.is_none()
    }

    /// A measure that the reader is told.
    pub(super) fn told(&mut self, measure: &Measure) {
        match measure {
            Measure::Log(health) => self.log = health.clone(),
            Measure::Presence(presence) => self.presence.clone_from(presence),
            _ => {}
        }
    }

    /// A measure that the reader is not told now.
    pub(super) fn fold(&mut self, measure: Measure) {
        self.told(&measure);
        let folded = self.folded.get_or_insert_with(|| Telemetry {
            log: self.log.clone(),
            presence: self.presence.clone(),
            ..Telemetry::default()
        });
        folded.record(measure);
    }

    /// Everything that was missed, to be told now.
    pub(super) fn take(&mut self) -> Vec<Measure> {
        let measures = self.folded.take().map(Telemetry::into_measures).unwrap_or_default();
        // A streak that began before is longer than what was missed knows.
        measures.into_iter().filter(|measure| !matches!(measure, Measure::Streak { .. })).collect()
    }
}
