//! The typed runbook: what the rest of gonogo works with. Inputs (`vars`) are already inserted, `when` is already
//! judged; what is only known while the cutover runs (captures, secrets, `session.*`, `uuid()`) is still a
//! [`Template`]. How a file becomes this is `runbook/load/`.

mod check;
mod dns;
mod expect;
mod metric;
mod notify;
mod rollback;
mod stage;
mod step;
mod window;

pub use check::{
    Check, FROZEN, FileExpect, HttpTarget, MaxRestarts, Probe, ProcessExpect, ProcessSelect, Sha256Expect,
    TcpExpect,
};
pub use dns::{DnsExpect, DnsQuery, DnsType};
pub use expect::{Bound, CountExpect, HttpExpect, MaxDuration, ReportExpect, Rule, RunExpect, TextExpect};
pub use metric::{
    Aggregate, Headroom, HostField, Measure, Metric, MetricExpect, MetricSource, Pick, ProcessField, Reader,
    Reading, Side, Vs,
};
pub use notify::{Notify, NotifyWay, Topic};
pub use rollback::{
    ROLLBACK_FILES, ROLLBACK_SNAPSHOTS, Rollback, RollbackGate, RollbackWindow, Trigger, TriggerThen,
    TriggerWhen,
};
pub use stage::{Drilled, Gate, Override, Stage};
pub use step::{Action, Capture, Command, LinkTarget, LogExpect, OnFailure, Retries, SignalExpect, Step};
pub use window::ChangeWindow;

use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::id::{CheckId, StageId, StepId};

/// Text that may still hold `${{ … }}` for values known only at run time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(pub String);

impl Template {
    /// The text as it stands, `${{ … }}` included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Template {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// A regular expression (multi-line mode) as written; run-time values are inserted escaped.
/// Invariant: it compiles, with any placeholder read as a word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern(pub Template);

/// The machine that the session runs on, as `when` sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    pub name: String,
    /// As `std::env::consts::OS`: `linux`, `macos`.
    pub os: String,
    /// As `std::env::consts::ARCH`: `x86_64`, `aarch64`.
    pub arch: String,
}

/// A whole runbook, ready to drive.
#[derive(Debug, Clone)]
pub struct Runbook {
    pub id: String,
    pub title: String,
    pub owner: Option<String>,
    pub ticket: Option<String>,
    pub environment: Option<String>,
    /// Sentences that are acknowledged before stage 1.
    pub policy: Vec<String>,
    /// What a `run` given as a string is handed to.
    pub shell: Vec<String>,
    pub vars: IndexMap<String, Var>,
    pub secrets: IndexMap<String, SecretSource>,
    /// For every command of the runbook.
    pub env: IndexMap<String, Template>,
    pub checks: IndexMap<CheckId, Check>,
    /// In order. Stages whose `when` is false are here with `applies == false`.
    pub stages: Vec<Stage>,
    /// The runbook's own, and after them each stage's.
    pub triggers: Vec<Trigger>,
    pub rollback: Rollback,
    /// Who may stand for a role; one that is not here is claimed by whoever says so.
    pub roles: IndexMap<String, Vec<Member>>,
    /// When the work may be done.
    pub window: Option<ChangeWindow>,
    /// Who is told of what; they are known by their number, from 1.
    pub notify: Vec<Notify>,
    /// The folder that relative paths and commands start from.
    pub dir: PathBuf,
    /// The file's text, and the SHA-256 of its bytes in hex.
    pub text: Arc<str>,
    pub sha256: String,
}

/// Somebody who may stand for a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Member {
    User(String),
    /// Every user of that group.
    Group(String),
}

/// An input of the runbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Var {
    pub help: Option<String>,
    pub pattern: Option<String>,
    pub choices: Vec<String>,
    /// What it stands for; `None` while it has neither a default nor a given value.
    pub value: Option<String>,
}

/// Where a secret's value is read; never the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    Env(String),
    File(PathBuf),
}

impl Runbook {
    /// The stage of that name.
    #[must_use]
    pub fn stage(&self, id: &StageId) -> Option<&Stage> {
        self.stages.iter().find(|s| s.id == *id)
    }

    /// The place of a stage in the order of stages, from 0.
    #[must_use]
    pub fn stage_index(&self, id: &StageId) -> Option<usize> {
        self.stages.iter().position(|s| s.id == *id)
    }

    /// Any step by its full name: forward, a stage's rollback, or the plan's own rollback and prepare steps.
    #[must_use]
    pub fn step(&self, id: &StepId) -> Option<&Step> {
        // Most are their stage's: the others need not be looked through.
        let stage = self.stages.iter().find(|stage| stage.id.as_str() == id.stage());
        let own = stage.and_then(|stage| stage.steps.iter().chain(&stage.rollback).find(|s| s.id == *id));
        own.or_else(|| self.rollback.prepare.iter().chain(&self.rollback.steps).find(|s| s.id == *id))
    }

    /// Every step of the runbook, forward ones first within each stage.
    pub fn all_steps(&self) -> impl Iterator<Item = &Step> {
        self.stages
            .iter()
            .flat_map(|s| s.steps.iter().chain(&s.rollback))
            .chain(&self.rollback.prepare)
            .chain(&self.rollback.steps)
    }

    /// The check of the files that must not change; `None` where there are none.
    #[must_use]
    pub fn frozen(&self) -> Option<&Check> {
        self.checks.get(FROZEN)
    }

    /// The check of that name.
    #[must_use]
    pub fn check(&self, id: &CheckId) -> Option<&Check> {
        self.checks.get(id)
    }
}
