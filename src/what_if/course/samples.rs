//! Recorded samples on their way to be judged: each as it was, or as it would have been under other limits.

use super::{Walk, ms};
use crate::audit::telemetry::Sampled;
use crate::check::{Change, Sample};
use crate::runbook::CheckId;
use crate::runbook::model::Runbook;
use crate::session::telemetry::{Measure, Verdict};
use crate::what_if::limits::{self, Limit};

/// So much longer than its timeout a look may seem to have taken that ended in time.
const MEASURED_LATE_MS: u64 = 200;

/// One recorded sample on its way to be judged.
pub(super) struct Arrival {
    pub(super) up_ms: u64,
    /// In which boot, counted from 0.
    pub(super) boot: usize,
    pub(super) sample: Sample,
}

/// A check that is judged again: its limits and its timeout in milliseconds, as recorded and as asked.
pub(super) struct JudgedAgain {
    pub(super) check: CheckId,
    pub(super) limits: [Vec<Limit>; 2],
    pub(super) timeout: [u64; 2],
}

impl JudgedAgain {
    pub(super) fn of(check: &CheckId, recorded: &Runbook, asked: &Runbook) -> Option<Self> {
        let both = [recorded.check(check)?, asked.check(check)?];
        let limits = both.map(|check| limits::of(&check.probe));
        Some(Self { check: check.clone(), limits, timeout: both.map(|check| ms(check.timeout)) })
    }
}

impl Walk<'_> {
    /// The samples that are looked at, in the order in which they came.
    pub(super) fn arrivals<S: Iterator<Item = Sampled>>(
        &self,
        samples: S,
    ) -> impl Iterator<Item = Arrival> + use<S> {
        let (tracked, boots) = (self.tracked.clone(), self.boots.clone());
        samples
            .flat_map(|line| line.samples.into_iter().map(move |measure| (line.after, measure)))
            .filter_map(move |(after, measure)| match measure {
                Measure::Sample { check, point, processes } if tracked.contains(&check) => {
                    let up_ms = point.up_ms + u64::from(point.took_ms);
                    let boot = boots.partition_point(|began| *began <= after);
                    Some(Arrival { up_ms, boot, sample: Sample { check, point, processes } })
                }
                _ => None,
            })
    }

    /// A sample arrives; `waits` where what it leads to happens only with the next turn.
    pub(super) fn arrive(&mut self, arrival: Arrival, waits: bool) {
        let Arrival { up_ms, mut sample, .. } = arrival;
        if let Some(again) = self.again.iter().find(|again| again.check == sample.check) {
            let ([old, new], was) = (&again.limits, sample.point.verdict);
            sample.point = limits::judge(old, new, &sample.point, &sample.processes);
            if old != new && old.iter().any(|limit| matches!(limit, Limit::Number(..))) {
                self.tracker.judge(&mut sample);
            }
            // What took longer than the recorded timeout and was no error for that took its time elsewhere: the machine
            // slept, or the engine did not come to read it.
            let [recorded, timeout] = again.timeout.map(|timeout| timeout.saturating_add(MEASURED_LATE_MS));
            let took = u64::from(sample.point.took_ms);
            if took > timeout && took <= recorded && sample.point.verdict != Verdict::Error {
                sample.point.verdict = Verdict::Error;
                sample.point.reason = format!("no result within {} ms", again.timeout[1]);
            }
            let is = sample.point.verdict;
            if let Some(judged) = self.course.checks.iter_mut().find(|judged| judged.check == again.check) {
                judged.samples += 1;
                judged.now_bad += u64::from(was == Verdict::Pass && is != Verdict::Pass);
                judged.now_good += u64::from(was != Verdict::Pass && is == Verdict::Pass);
            }
        }
        let bad = sample.point.verdict != Verdict::Pass;
        let changes = self.tracker.sample(&sample, up_ms);
        self.note(changes);
        if !waits && (!self.queue.is_empty() || (bad && self.counts_failures)) {
            self.follow(self.at(up_ms));
        }
    }

    /// Keeps what the tracker says of the checks that are judged again.
    pub(super) fn note(&mut self, changes: Vec<Change>) {
        self.queue.extend(changes.into_iter().filter(|change| self.anew.contains(&change.check)));
    }
}
