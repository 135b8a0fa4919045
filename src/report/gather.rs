//! Makes a report of a record, in one pass over its log and one over its samples. What it holds meanwhile grows with what
//! happened, not with how often something was looked at.

mod bits;
mod checks;
mod crew;
mod happened;
mod limits;
mod plan;
mod series;
mod stages;
mod steps;
mod versus;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::model::{FORMAT, Record, Report, Unobserved, When};
use crate::audit::dir;
use crate::audit::follow::{End, Follow};
use crate::audit::progress::Progress;
use crate::audit::telemetry::{Sampled, Samples};
use crate::audit::verify::{self, Anchor};
use crate::event::{Event, EventKind};
use crate::history::{self, Axis, BandKind};
use crate::session::State;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    #[error("cannot read {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path} holds no session: {why}")]
    NoSession { path: PathBuf, why: String },
}

/// Makes a report of the log at `path` and what lies beside it; `anchors` is what somebody kept of it. `progress`
/// tells how far it is.
///
/// A log that ends anywhere gives a report so far, one that is broken a report up to there; the record's verdict says
/// so.
///
/// # Errors
/// It cannot be read, or not even its first event is good.
pub fn gather(path: &Path, anchors: &[Anchor], progress: &Progress) -> Result<Report, GatherError> {
    let at = |source| GatherError::Io { path: path.to_owned(), source };
    let verified = verify::watched(path, anchors, progress).map_err(at)?;
    let mut gathering = Gathering::default();
    let file = File::open(path).map_err(at)?;
    let end = file.metadata().map_err(at)?.len();
    progress.begin("reading the log", end);
    let end = Follow::default().read_on(
        &file,
        end,
        || false,
        |event, to| {
            gathering.push(&event);
            progress.set(to);
        },
    );
    let why = match end.map_err(at)? {
        End::Broken { why, .. } => why,
        End::Whole { .. } => "it is empty".to_owned(),
    };
    let telemetry = path.with_file_name(dir::TELEMETRY);
    gathering.missing.extend(beside(path));
    progress.begin("reading the samples", telemetry.metadata().map_or(0, |meta| meta.len()));
    match Samples::open(&telemetry) {
        Ok(mut samples) => loop {
            match samples.next() {
                Ok(Some(sampled)) => {
                    gathering.sampled(&sampled);
                    progress.set(samples.at());
                }
                Ok(None) => break,
                Err(e) => {
                    gathering.missing.push(format!("samples could be read only in part: {e}"));
                    break;
                }
            }
        },
        Err(e) => {
            let why = format!("there are no samples: {} cannot be read: {e}", dir::TELEMETRY);
            gathering.missing.push(why);
        }
    }
    let record = bits::record(&verified);
    gathering.finish(record).ok_or_else(|| GatherError::NoSession { path: path.to_owned(), why })
}

/// What of a session's folder is not there.
fn beside(log: &Path) -> Option<String> {
    let alone = ["steps", dir::RUNBOOK, dir::TELEMETRY].iter().all(|name| !log.with_file_name(name).exists());
    alone.then(|| "outputs and evidence are not here: only the log is".to_owned())
}

/// A report in the making.
#[derive(Debug, Default)]
struct Gathering {
    axis: Axis,
    state: State,
    timeline: history::Timeline,
    first: Option<When>,
    last: Option<When>,
    crew: crew::Crew,
    stages: stages::Stages,
    steps: steps::Steps,
    happened: happened::Happened,
    checks: checks::Checks,
    compared: versus::Compared,
    missing: Vec<String>,
}

impl Gathering {
    /// Takes the next event.
    fn push(&mut self, event: &Arc<Event>) {
        let t_ms = self.axis.push(event);
        let when = When { seq: event.seq, at: event.at, t_ms };
        self.crew.decide(event, when, &self.state);
        self.state.apply(event);
        self.timeline.push(event, t_ms, &self.state);
        self.crew.push(event, when, self.last, &self.state);
        self.stages.push(event, when, &self.state);
        self.steps.push(event, when, &self.state);
        self.happened.push(event, when);
        self.checks.push(event, when);
        if matches!(event.event, EventKind::Unknown) {
            self.missing.push(format!("event {} is of a kind that this build does not know", event.seq));
        }
        self.first.get_or_insert(when);
        self.last = Some(when);
    }

    /// Takes the next line of samples.
    fn sampled(&mut self, sampled: &Sampled) {
        let axis = &self.axis;
        self.compared.sampled(sampled, &self.state);
        self.checks
            .sampled(sampled, &self.state, axis.end_ms(), |up_ms| axis.of_up_ms(up_ms, sampled.after).0);
    }

    /// The report; `None` where there was no event that opens a session.
    fn finish(self, record: Record) -> Option<Report> {
        let Self { state, timeline, mut missing, .. } = self;
        let (opened, first, last) = (state.opened.clone()?, self.first?, self.last?);
        let end_ms = last.t_ms;
        if state.runbook.is_none() {
            missing.push("the runbook is not one that this build can read: the plan is left out".to_owned());
        }
        let unobserved = timeline.bands.iter().filter(|band| band.kind == BandKind::Unobserved);
        let unobserved =
            unobserved.map(|band| Unobserved { from_ms: band.from_ms, to_ms: band.to_ms.unwrap_or(end_ms) });
        let unobserved = unobserved.collect();
        let checks = self.checks.finish(&state, &timeline);
        let mut steps = self.steps;
        let way_back = plan::way_back(&state, &mut steps);
        let stages = self.stages.finish(&state, end_ms, &mut steps);
        let (crew, decisions) = self.crew.finish();
        let happened = self.happened;
        Some(Report {
            format: FORMAT,
            session: bits::session(&opened, &state, first, last, &happened),
            record,
            missing,
            runbook: plan::runbook(&opened, &state),
            policy: happened.policy(&state),
            crew,
            decisions,
            stages,
            way_back,
            rollbacks: happened.rollbacks(end_ms),
            triggers: plan::triggers(&state, happened.triggers),
            checks,
            versus: self.compared.finish(&state),
            overrides: happened.overrides,
            refusals: happened.refusals,
            notes: happened.notes,
            evidence: happened.evidence,
            unobserved,
            timeline: bits::timeline(&timeline),
        })
    }
}

/// The report of what is in memory.
#[cfg(test)]
pub(super) fn of_events(events: &[Arc<Event>], samples: &[Sampled], record: Record) -> Option<Report> {
    let mut gathering = Gathering::default();
    events.iter().for_each(|event| gathering.push(event));
    samples.iter().for_each(|sampled| gathering.sampled(sampled));
    gathering.finish(record)
}

#[cfg(test)]
mod tests;
