//! What if: the recorded samples under other limits, soaks and triggers. It says where gates and triggers would have
//! gone another way, and what no recording can tell. Nothing is run and nothing is looked at but the record.
//!
//! The recorded runbook is taken with what another one changes of it and samples can answer; what people did and what
//! steps came to is as recorded. Where the course itself would have been another, that is said: what was recorded
//! after it was recorded on the other course. Two triggers that come due within two seconds of each other are one
//! moment: which of them the engine named is not told by the record, and may be found the other way round.

mod compare;
mod course;
mod differences;
mod limits;
mod table;

#[cfg(test)]
pub(crate) use course::{LATEST_LOOK_MS, ONE_MOMENT_MS};
pub use differences::Differences;
pub use table::table;

use std::fmt;
use std::sync::Arc;

use crate::audit::telemetry::Sampled;
use crate::event::{Event, SessionOpened};
use crate::history::{Band, Mark};
use crate::runbook::load::{self, Inputs, Loaded, Missing, Source};
use crate::runbook::model::Runbook;
use crate::runbook::{CheckId, StageId, StepId, TriggerId};
use crate::session::read_plan;

/// What would have gone another way.
#[derive(Debug, Clone, Default)]
pub struct WhatIf {
    /// What was judged again, a sentence each.
    pub judged: Vec<String>,
    /// What differs and cannot be judged from a recording, a sentence each.
    pub unjudged: Vec<String>,
    /// In the order of time.
    pub findings: Vec<Finding>,
    /// Of each check whose samples were judged again.
    pub checks: Vec<CheckJudged>,
    /// Gates, soaks and the checks that were judged again, as they would have been.
    pub bands: Vec<Band>,
    /// One for each finding, and one where the course ends.
    pub marks: Vec<Mark>,
    /// From where on the recording is of another course; `None` where it would have been the same.
    pub beyond: Option<Beyond>,
}

/// One thing that would have gone another way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Session time.
    pub t_ms: u64,
    /// The last recorded event at that time.
    pub seq: u64,
    pub subject: Subject,
    /// What happened, in a few words.
    pub recorded: String,
    /// What would have, in a few words.
    pub what_if: String,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The gate of a stage, or under the name `rollback` that of the way back.
    Gate(StageId),
    Soak(StageId),
    Trigger(TriggerId),
    Step(StepId),
}

/// A check's samples under other limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckJudged {
    pub check: CheckId,
    pub samples: u64,
    /// Good as recorded, and bad now.
    pub now_bad: u64,
    pub now_good: u64,
}

/// Where the course would have been another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beyond {
    pub t_ms: u64,
    /// What would have been otherwise.
    pub why: String,
    /// Nothing was judged after it: a rollback changes everything. Otherwise what follows holds as far as people would
    /// have done the same.
    pub ends: bool,
}

/// Why nothing can be judged.
#[derive(Debug, thiserror::Error)]
pub enum CannotJudge {
    #[error("the log does not begin with its session: there is no runbook to compare with")]
    NoSession,
    #[error("this build cannot read the runbook that was recorded: replay it with the version that ran it")]
    Runbook,
}

impl Finding {
    /// The finding as a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("{}: {} as recorded; {} under the other runbook", self.subject, self.recorded, self.what_if)
    }
}

impl Beyond {
    /// What it means for what follows.
    #[must_use]
    pub fn sentence(&self) -> String {
        let then = if self.ends {
            "the recording tells nothing beyond"
        } else {
            "what is said after it holds as far as everybody would have done the same"
        };
        format!("{}: {then}", self.why)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gate(stage) => write!(f, "gate of {stage}"),
            Self::Soak(stage) => write!(f, "soak of {stage}"),
            Self::Trigger(trigger) => write!(f, "trigger {trigger}"),
            Self::Step(step) => write!(f, "step {step}"),
        }
    }
}

/// Reads another runbook as the session would have: with its vars, its folder and its machine. `text` is the file's,
/// `file` its name in messages. Pure: the diagnostics are those of `gonogo check`.
#[must_use]
pub fn load(opened: &SessionOpened, text: String, file: String) -> Loaded {
    let source = Source { text, file, dir: opened.dir.clone().into() };
    let inputs = Inputs { set: opened.vars.clone(), host: opened.host.clone(), missing: Missing::Open };
    load::load(&source, &inputs)
}

/// Judges a recorded session again as `asked` would have. `samples` are those of its `telemetry.jsonl`; what is not
/// there is no data, and never green.
///
/// # Errors
/// [`CannotJudge`], a sentence.
pub fn judge(
    events: &[Arc<Event>],
    samples: impl Iterator<Item = Sampled>,
    asked: &Runbook,
) -> Result<WhatIf, CannotJudge> {
    let opened = events.iter().find_map(|event| match &event.event {
        crate::event::EventKind::SessionOpened(opened) => Some(opened),
        _ => None,
    });
    let recorded = read_plan(opened.ok_or(CannotJudge::NoSession)?).ok_or(CannotJudge::Runbook)?;
    let differences = Differences::between(&recorded, asked);
    Ok(judge_differences(events, samples, &recorded, differences))
}

/// As [`judge`], with the differences told.
pub(crate) fn judge_differences(
    events: &[Arc<Event>],
    samples: impl Iterator<Item = Sampled>,
    recorded: &Runbook,
    differences: Differences,
) -> WhatIf {
    let course = course::walk(events, samples, recorded, &differences);
    compare::findings(events, course, differences)
}
