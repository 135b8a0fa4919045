//! Telemetry as of the playhead: onwards sample by sample, backwards and far ahead by the index, and the same either way.

use std::path::PathBuf;
use std::sync::Arc;

use super::samples::Refill;
use super::survey::Shared;
use crate::audit::telemetry::Samples;
use crate::history::Axis;
use crate::session::Telemetry;
use crate::session::telemetry::Measure;

/// So many lines are gone along; what lies farther is looked up.
const NEAR: usize = 512;

/// What was sampled up to a moment.
#[derive(Debug)]
pub(super) struct SampledAt {
    shared: Arc<Shared>,
    path: PathBuf,
    /// `None` while there is no file.
    file: Option<Samples>,
    telemetry: Telemetry,
    t_ms: u64,
    /// The event with which the engine was started that sampled it.
    since: u64,
    /// Lines that are folded wholly.
    written: usize,
    /// The line behind them, with the moment at which each sample was known, and how many of these are folded.
    next: Option<Vec<(u64, Measure)>>,
    told: usize,
}

impl SampledAt {
    /// Before the first sample of the file at `path`.
    pub fn new(shared: Arc<Shared>, path: PathBuf) -> Self {
        let telemetry = Telemetry::default();
        Self { shared, path, file: None, telemetry, t_ms: 0, since: 0, written: 0, next: None, told: 0 }
    }

    /// What was known then.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// The same, for what no sample tells.
    pub fn telemetry_mut(&mut self) -> &mut Telemetry {
        &mut self.telemetry
    }

    /// Goes to a moment of session time. A sample counts from when it ended, in the order in which they came.
    pub fn go_to(&mut self, t_ms: u64) {
        let shared = Arc::clone(&self.shared);
        let (written, axis, (since, until), refill) = {
            let found = shared.found();
            let written = found.samples.written_at(t_ms);
            let engine = found.engine_at(t_ms);
            let back = t_ms < self.t_ms && (written < self.written || self.told > 0);
            let far = back || engine.0 != self.since || written > self.written + NEAR;
            (written, found.axis.clone(), engine, far.then(|| found.samples.refill(written, engine.0)))
        };
        self.since = since;
        self.t_ms = t_ms;
        if let Some(refill) = refill {
            self.refill(&refill, written, &axis);
        }
        while self.written < written {
            let rest = self.next.take().unwrap_or_else(|| self.read(self.written, &axis));
            let told = std::mem::take(&mut self.told);
            rest.into_iter().skip(told).for_each(|(_, sample)| self.telemetry.record(sample));
            self.written += 1;
        }
        self.begin_next(t_ms, until, &axis);
    }

    /// Folds what of the line that was being gathered was known already; one that was written after event `until` is
    /// another engine's.
    fn begin_next(&mut self, t_ms: u64, until: u64, axis: &Axis) {
        let line = self.shared.found().samples.line(self.written);
        if line.is_none_or(|line| line.after >= until) {
            return;
        }
        if self.next.is_none() {
            self.next = Some(self.read(self.written, axis));
        }
        let known = self.next.iter().flatten().skip(self.told).take_while(|(ended, _)| *ended <= t_ms);
        let known: Vec<Measure> = known.map(|(_, sample)| sample.clone()).collect();
        self.told += known.len();
        known.into_iter().for_each(|sample| self.telemetry.record(sample));
    }

    /// Forgets everything and reads what is needed of the first `written` lines.
    fn refill(&mut self, refill: &Refill, written: usize, axis: &Axis) {
        let old = std::mem::take(&mut self.telemetry);
        self.telemetry =
            Telemetry { output: old.output, log: old.log, head: old.head, ..Telemetry::default() };
        (self.written, self.next, self.told) = (written, None, 0);
        for (check, kept) in &refill.checks {
            if kept.saw_processes {
                self.telemetry.processes.insert(check.clone(), Vec::new());
            }
        }
        for (line, byte) in &refill.lines {
            for (_, sample) in self.read_at(*byte, u64::MAX, axis) {
                let Measure::Sample { check, .. } = &sample else { continue };
                if refill.checks.get(check).is_some_and(|kept| kept.from <= *line) {
                    self.telemetry.record(sample);
                }
            }
        }
        for (check, kept) in &refill.checks {
            let streak = Measure::Streak { check: check.clone(), streak: kept.streak };
            self.telemetry.record(streak);
        }
    }

    fn read(&mut self, line: usize, axis: &Axis) -> Vec<(u64, Measure)> {
        let at = self.shared.found().samples.line(line);
        at.map(|at| self.read_at(at.byte, at.t_ms, axis)).unwrap_or_default()
    }

    /// The samples of a line that was written at `written_ms`, each with the moment at which it was known. What cannot be
    /// read any more is not shown any more.
    fn read_at(&mut self, byte: u64, written_ms: u64, axis: &Axis) -> Vec<(u64, Measure)> {
        if self.file.is_none() {
            self.file = Samples::open(&self.path).ok();
        }
        let Some(file) = &mut self.file else { return Vec::new() };
        let Ok(Some(line)) = file.go_to(byte).and_then(|()| file.next()) else { return Vec::new() };
        let boot = axis.of_up_ms(line.up_ms, line.after).1.unwrap_or_default();
        let mut known_ms = 0;
        let mut samples = Vec::with_capacity(line.samples.len());
        for mut sample in line.samples {
            if let Measure::Sample { point, processes, .. } = &mut sample {
                let ended = point.up_ms.saturating_add(u64::from(point.took_ms));
                known_ms = axis.of_up_ms(ended, line.after).0.max(known_ms);
                processes.iter_mut().for_each(|seen| boot.clone_into(&mut seen.identity.boot_id));
            }
            samples.push((known_ms.min(written_ms), sample));
        }
        samples
    }
}
