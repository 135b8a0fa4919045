//! What lasted, along the time: stages, gates, and for who zooms in each check and each step.

use std::collections::HashMap;

use super::{Strip, TimelinePanel};
use crate::event::Health;
use crate::history::{Band, BandKind};
use crate::runbook::{CheckId, StageId, StepId};
use crate::session::{StageStatus, StepStatus};

impl TimelinePanel<'_> {
    fn bands<'b, T: 'b>(
        &'b self,
        of: impl Fn(&'b BandKind) -> Option<T> + 'b,
    ) -> impl Iterator<Item = (&'b Band, T)> {
        self.timeline.bands.iter().filter_map(move |band| Some((band, of(&band.kind)?)))
    }

    pub(super) fn stages(&self, cols: usize) -> Strip {
        let theme = self.look.theme;
        let mut strip = Strip::new(cols);
        let mut before: Option<(&StageId, Option<u64>)> = None;
        let of = |kind: &BandKind| match kind {
            BandKind::Stage { status, .. } => Some(*status),
            _ => None,
        };
        for (band, status) in self.bands(of) {
            let BandKind::Stage { stage, .. } = &band.kind else { continue };
            let (fill, style) = match status {
                StageStatus::AtGate => ('-', theme.warn),
                StageStatus::RollingBack => ('<', theme.unreal),
                _ => ('=', theme.running),
            };
            let columns = self.columns(band, cols);
            let (first, last) = (*columns.start(), *columns.end());
            columns.for_each(|at| strip.set(at, fill, style));
            // What goes on is not begun again.
            if before != Some((stage, Some(band.from_ms))) {
                let head = format!("[{}", self.number(stage));
                let head = if last - first + 1 > head.len() { head } else { self.number(stage) };
                strip.write(first, &head, style);
            }
            if band.to_ms.is_some() && last > first + 2 {
                strip.set(last, ']', style);
            }
            before = Some((stage, band.to_ms));
        }
        self.unobserved(strip)
    }

    /// A stage's number in the runbook.
    fn number(&self, stage: &StageId) -> String {
        let place = self.runbook.and_then(|runbook| runbook.stage_index(stage));
        place.map_or_else(|| "?".to_owned(), |place| (place + 1).to_string())
    }

    pub(super) fn gates(&self, cols: usize) -> Strip {
        let theme = self.look.theme;
        let mut strip = Strip::new(cols);
        let mut reds: HashMap<&StageId, Vec<bool>> = HashMap::new();
        let of = |kind: &BandKind| match kind {
            BandKind::Gate { go, .. } => Some(*go),
            _ => None,
        };
        for (band, go) in self.bands(of) {
            let (fill, style) = if go { ('=', theme.ok) } else { ('-', theme.warn) };
            self.columns(band, cols).for_each(|at| strip.set(at, fill, style));
            let BandKind::Gate { stage, .. } = &band.kind else { continue };
            if !go {
                let red = reds.entry(stage).or_insert_with(|| self.reds(stage, cols));
                for at in self.columns(band, cols).filter(|at| red[*at]) {
                    strip.set(at, 'x', theme.fail);
                }
            }
        }
        self.unobserved(strip)
    }

    /// The columns in which a check of a stage was red.
    fn reds(&self, stage: &StageId, cols: usize) -> Vec<bool> {
        let asked = self.runbook.and_then(|runbook| runbook.stage(stage));
        let counts = |check: &CheckId| {
            asked.is_none_or(|stage| stage.gate.checks.contains(check) || stage.watch.contains(check))
        };
        let of = |kind: &BandKind| match kind {
            BandKind::Check { check, health: Health::Failing | Health::Stale } if counts(check) => Some(()),
            _ => None,
        };
        let mut red = vec![false; cols];
        for (band, ()) in self.bands(of) {
            self.columns(band, cols).for_each(|at| red[at] = true);
        }
        red
    }

    pub(super) fn checks(&self) -> Vec<&CheckId> {
        let mut all = Vec::new();
        for band in &self.timeline.bands {
            if let BandKind::Check { check, .. } = &band.kind
                && !all.contains(&check)
            {
                all.push(check);
            }
        }
        all
    }

    pub(super) fn check(&self, cols: usize, id: &CheckId) -> Strip {
        let theme = self.look.theme;
        let mut strip = Strip::new(cols);
        let of = |kind: &BandKind| match kind {
            BandKind::Check { check, health } if check == id => Some(*health),
            _ => None,
        };
        for (band, health) in self.bands(of) {
            let (fill, style) = match health {
                Health::Ok => ('=', theme.ok),
                Health::Failing => ('x', theme.fail),
                Health::Stale => ('~', theme.stale),
                Health::Pending | Health::Idle => ('.', theme.pending),
            };
            self.columns(band, cols).for_each(|at| strip.set(at, fill, style));
        }
        self.unobserved(strip)
    }

    pub(super) fn steps(&self) -> Vec<&StepId> {
        let mut all = Vec::new();
        for band in &self.timeline.bands {
            if let BandKind::Step { step, .. } = &band.kind
                && !all.contains(&step)
            {
                all.push(step);
            }
        }
        all
    }

    pub(super) fn step(&self, cols: usize, id: &StepId) -> Strip {
        let theme = self.look.theme;
        let mut strip = Strip::new(cols);
        let of = |kind: &BandKind| match kind {
            BandKind::Step { step, status, .. } if step == id => Some(*status),
            _ => None,
        };
        for (band, status) in self.bands(of) {
            let (fill, style) = match status {
                StepStatus::Passed => ('=', theme.ok),
                StepStatus::Failed => ('x', theme.fail),
                StepStatus::Unknown => ('?', theme.ask),
                StepStatus::Skipped => ('s', theme.warn),
                StepStatus::Running | StepStatus::Waiting | StepStatus::Pending => ('-', theme.running),
            };
            self.columns(band, cols).for_each(|at| strip.set(at, fill, style));
        }
        self.unobserved(strip)
    }

    /// The strip with question marks where nobody observed anything.
    fn unobserved(&self, mut strip: Strip) -> Strip {
        let cols = strip.0.len();
        let of = |kind: &BandKind| matches!(kind, BandKind::Unobserved).then_some(());
        let there: Vec<bool> = strip.0.iter().map(|(glyph, _)| *glyph != ' ').collect();
        for (band, ()) in self.bands(of) {
            // Where there was nothing to observe nothing is missing.
            for at in self.columns(band, cols).filter(|at| there[*at]) {
                strip.set(at, '?', self.look.theme.stale);
            }
        }
        strip
    }
}
