//! Samples and output progress: what the screen shows beside the state, bounded, and read by no decision.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::event::Identity;
use crate::runbook::{CheckId, StepId};

/// How many samples of a check are kept.
pub const SERIES: usize = 300;

/// What was sampled lately.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Telemetry {
    pub checks: HashMap<CheckId, Series>,
    /// Seen by process checks, newest look of each.
    pub processes: HashMap<CheckId, Vec<ProcessSeen>>,
    pub output: HashMap<StepId, OutputProgress>,
    pub log: LogHealth,
    /// What the log's file and its disk were like when something was written last; `None` where nobody told.
    pub log_file: Option<LogFile>,
    /// The log's head, `seq:hash8`: what whoever keeps it can hold the log against later.
    pub head: Option<String>,
    /// Who is attached, and when they last pressed a key.
    pub presence: Vec<Presence>,
}

/// A check's last samples.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    /// Oldest first, at most [`SERIES`].
    pub samples: VecDeque<SamplePoint>,
    /// How many of the newest were good (positive) or bad (negative) in a row.
    pub streak: i64,
}

/// One sample as the screen needs it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplePoint {
    /// Boot-clock time at which it began.
    pub up_ms: u64,
    pub took_ms: u32,
    pub verdict: Verdict,
    /// As it is shown: `200`, `pid 2114`, `7.2s`.
    pub value: Option<String>,
    pub number: Option<f64>,
    /// Of a metric: what the numbers make that it is judged by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged: Option<f64>,
    /// Why it is not good; empty where it is.
    pub reason: String,
}

/// What one sample said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Pass,
    /// The expectation was not met.
    Failed,
    /// It could not be observed.
    Error,
    /// It was observed, and too little was seen yet to judge it.
    Pending,
}

/// One process as a process check saw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessSeen {
    pub identity: Identity,
    pub name: String,
    /// Per cent of one core; `None` before the second look.
    pub cpu: Option<f64>,
    /// Bytes.
    pub rss: u64,
    /// Milliseconds since it was started.
    pub up_ms: u64,
}

/// A running step's output, as far as its shim has written it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputProgress {
    pub attempt: u32,
    pub bytes: u64,
    /// The command's process, as soon as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

/// Somebody who is attached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presence {
    pub person: String,
    /// Boot-clock time at which they last pressed a key, or came.
    pub active_up_ms: u64,
    /// Over how many cockpits.
    pub connections: u32,
}

/// Whether the log can be written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogHealth {
    #[default]
    Ok,
    /// The disk is full; the sentence names the path and the free bytes.
    Full(String),
    /// Writing failed otherwise.
    Failed(String),
}

/// The log's file and its disk, at the last write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogFile {
    /// Bytes that are durable.
    pub bytes: u64,
    /// Milliseconds until the last record was durable.
    pub sync_ms: u64,
    /// Bytes that are free on its disk.
    pub free: u64,
}

impl LogHealth {
    /// What it means for whoever wants something recorded.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Ok => "the log is written".to_owned(),
            Self::Full(why) => format!("the log cannot be written, the disk is full: {why}"),
            Self::Failed(why) => format!("the log cannot be written: {why}"),
        }
    }
}

/// What the engine measures and hands on, to be folded into [`Telemetry`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Measure {
    Sample {
        check: CheckId,
        point: SamplePoint,
        processes: Vec<ProcessSeen>,
    },
    Output {
        step: StepId,
        progress: OutputProgress,
    },
    Log(LogHealth),
    LogFile(LogFile),
    /// The log's new head, `seq:hash8`.
    Head(String),
    /// Everybody who is attached now.
    Presence(Vec<Presence>),
    /// How many samples of a check in a row were good or bad, where that is more than are kept.
    Streak {
        check: CheckId,
        streak: i64,
    },
}

impl Telemetry {
    /// Folds one measure in.
    pub fn record(&mut self, measure: Measure) {
        match measure {
            Measure::Sample { check, point, processes } => {
                if !processes.is_empty() || self.processes.contains_key(&check) {
                    self.processes.insert(check.clone(), processes);
                }
                self.checks.entry(check).or_default().push(point);
            }
            Measure::Output { step, progress } => {
                self.output.insert(step, progress);
            }
            Measure::Log(health) => self.log = health,
            Measure::LogFile(file) => self.log_file = Some(file),
            Measure::Head(head) => self.head = Some(head),
            Measure::Presence(presence) => self.presence = presence,
            Measure::Streak { check, streak } => self.checks.entry(check).or_default().streak = streak,
        }
    }

    /// What makes an empty telemetry into this one, when it is recorded in this order.
    #[must_use]
    pub fn into_measures(mut self) -> Vec<Measure> {
        let mut measures = vec![Measure::Log(self.log), Measure::Presence(self.presence)];
        measures.extend(self.head.map(Measure::Head));
        measures.extend(self.log_file.map(Measure::LogFile));
        let outputs = self.output.into_iter();
        measures.extend(outputs.map(|(step, progress)| Measure::Output { step, progress }));
        for (check, series) in self.checks {
            let (kept, streak) = (series.samples.len(), series.streak);
            for (number, point) in series.samples.into_iter().enumerate() {
                let newest = number + 1 == kept;
                let processes = newest.then(|| self.processes.remove(&check)).flatten().unwrap_or_default();
                measures.push(Measure::Sample { check: check.clone(), point, processes });
            }
            if streak.unsigned_abs() > kept as u64 {
                measures.push(Measure::Streak { check, streak });
            }
        }
        measures
    }
}

impl Series {
    /// Adds the newest sample and drops the oldest beyond [`SERIES`].
    pub fn push(&mut self, point: SamplePoint) {
        self.streak = match (point.verdict, self.streak > 0) {
            (Verdict::Pass, true) => self.streak + 1,
            (Verdict::Pass, false) => 1,
            (Verdict::Pending, _) => 0,
            (Verdict::Failed | Verdict::Error, true) => -1,
            (Verdict::Failed | Verdict::Error, false) => self.streak - 1,
        };
        if self.samples.len() == SERIES {
            self.samples.pop_front();
        }
        self.samples.push_back(point);
    }

    /// The newest sample.
    #[must_use]
    pub fn last(&self) -> Option<&SamplePoint> {
        self.samples.back()
    }

    /// The latency in milliseconds that `percent` of the kept samples did not exceed.
    #[must_use]
    pub fn latency_ms(&self, percent: usize) -> Option<u32> {
        let mut took: Vec<u32> = self.samples.iter().map(|s| s.took_ms).collect();
        took.sort_unstable();
        let rank = (took.len() * percent).div_ceil(100).max(1) - 1;
        took.get(rank).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(up_ms: u64, verdict: Verdict) -> SamplePoint {
        SamplePoint {
            up_ms,
            took_ms: 3,
            verdict,
            value: None,
            number: None,
            judged: None,
            reason: String::new(),
        }
    }

    #[test]
    fn a_telemetry_that_is_told_again_is_the_same() {
        let mut telemetry = Telemetry::default();
        let identity = Identity { pid: 7, start_time: 1, boot_id: "boot".to_owned() };
        let seen = ProcessSeen { identity, name: "web".to_owned(), cpu: Some(0.5), rss: 9, up_ms: 4 };
        for up_ms in 0..500 {
            let processes = vec![seen.clone()];
            let point = point(up_ms, if up_ms < 20 { Verdict::Failed } else { Verdict::Pass });
            telemetry.record(Measure::Sample { check: "web".into(), point, processes });
        }
        let point = point(1, Verdict::Error);
        telemetry.record(Measure::Sample { check: "page".into(), point, processes: Vec::new() });
        telemetry.record(Measure::Head("7:abcdef01".to_owned()));
        let progress = OutputProgress { attempt: 2, bytes: 70, pid: Some(7) };
        let file = LogFile { bytes: 9, sync_ms: 4, free: 1 << 40 };
        telemetry.record(Measure::LogFile(file));
        telemetry.record(Measure::Output { step: "a.b".into(), progress });

        let mut again = Telemetry::default();
        telemetry.clone().into_measures().into_iter().for_each(|measure| again.record(measure));
        assert_eq!(again, telemetry);
        assert_eq!(again.checks["web"].streak, 480);
    }
}
