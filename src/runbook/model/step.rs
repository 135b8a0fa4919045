//! Steps: what each does, what it must lead to, and what its failure does.

use std::time::Duration;

use indexmap::IndexMap;

use super::{HttpExpect, HttpTarget, Pattern, RunExpect, Template};
use crate::runbook::id::{CheckId, StepId};

/// One step, or one rollback step.
#[derive(Debug, Clone)]
pub struct Step {
    pub id: StepId,
    pub title: String,
    pub description: Option<String>,
    pub applies: bool,
    pub action: Action,
    /// `None`: may take as long as it takes.
    pub timeout: Option<Duration>,
    pub estimate: Option<Duration>,
    pub env: IndexMap<String, Template>,
    pub cwd: Option<Template>,
    pub user: Option<String>,
    /// Files that must exist before it starts.
    pub files: Vec<Template>,
    /// Full names; empty in rollback steps, which run in the order written.
    pub needs: Vec<StepId>,
    pub retries: Retries,
    pub on_failure: OnFailure,
    pub idempotent: bool,
    pub repeatable: bool,
    pub skippable: bool,
    /// Bytes of output kept.
    pub output_limit: u64,
    /// Globs collected when it ends, after failures too.
    pub evidence: Vec<Template>,
    pub capture: IndexMap<String, Capture>,
    /// Rollback steps: run only if one of these was started. Empty: always.
    pub undoes: Vec<StepId>,
}

/// How often a step is tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retries {
    /// All tries, the first one too.
    pub attempts: u32,
    pub delay: Duration,
    /// What the delay is multiplied by after each try.
    pub backoff: f64,
}

/// What a step's failure does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// Forward steps: the session holds.
    Hold,
    /// Forward steps: the session rolls back after the grace.
    Rollback { grace: Duration },
    /// Later steps run; a forward step keeps its gate NO-GO.
    Continue,
    /// Rollback steps: the rollback stops here.
    Stuck,
}

/// What is taken from a step's output for later steps.
#[derive(Debug, Clone, PartialEq)]
pub enum Capture {
    /// Group 1.
    Regex(Pattern),
    /// A JSON pointer.
    Json(String),
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum Action {
    Run {
        command: Command,
        expect: RunExpect,
    },
    Start {
        argv: Vec<Template>,
        log: Template,
        ready: Vec<CheckId>,
        min_uptime: Duration,
    },
    Request {
        target: HttpTarget,
        expect: HttpExpect,
    },
    Await {
        checks: Vec<CheckId>,
        hold: Duration,
    },
    Assert {
        checks: Vec<CheckId>,
    },
    Confirm {
        question: Template,
        note_required: bool,
        role: Option<String>,
        items: Vec<String>,
    },
    Wait {
        duration: Duration,
    },
    Baseline {
        name: String,
        checks: Vec<CheckId>,
        window: Duration,
    },
    Signal {
        process: CheckId,
        signal: String,
        expect: SignalExpect,
    },
    Link {
        path: Template,
        target: LinkTarget,
    },
    /// Exact copies into the session's folder, for a `restore`.
    Snapshot {
        globs: Vec<Template>,
    },
    /// Puts back what that `snapshot` step copied.
    Restore {
        of: StepId,
    },
    Collect {
        globs: Vec<Template>,
    },
}

impl Action {
    /// The key that the runbook writes for it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Run { .. } => "run",
            Self::Start { .. } => "start",
            Self::Request { .. } => "request",
            Self::Await { .. } => "await",
            Self::Assert { .. } => "assert",
            Self::Confirm { .. } => "confirm",
            Self::Wait { .. } => "wait",
            Self::Baseline { .. } => "baseline",
            Self::Signal { .. } => "signal",
            Self::Link { .. } => "link",
            Self::Snapshot { .. } => "snapshot",
            Self::Restore { .. } => "restore",
            Self::Collect { .. } => "collect",
        }
    }

    /// The step whose work it takes back from what that step kept of before.
    #[must_use]
    pub fn puts_back(&self) -> Option<&StepId> {
        match self {
            Self::Restore { of } | Self::Link { target: LinkTarget::BackTo(of), .. } => Some(of),
            _ => None,
        }
    }

    /// The checks whose fresh samples it waits for; the fence sends them back to `pending` when it starts.
    #[must_use]
    pub fn fenced_checks(&self) -> &[CheckId] {
        match self {
            Self::Await { checks, .. } | Self::Assert { checks } | Self::Baseline { checks, .. } => checks,
            Self::Start { ready, .. } => ready,
            _ => &[],
        }
    }
}

/// A command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Executed as it is.
    Argv(Vec<Template>),
    /// Given to the runbook's shell; inserted values are limited to harmless characters.
    Shell(Template),
}

/// Where a `link` points afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkTarget {
    To(Template),
    /// What it was before that step.
    BackTo(StepId),
}

/// What a `signal` must lead to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SignalExpect {
    pub log: Option<LogExpect>,
    pub gone_within: Option<Duration>,
    /// How it may end; empty where that is not asked.
    pub exit: Vec<i32>,
}

/// Text that must appear in a log file after the signal.
#[derive(Debug, Clone, PartialEq)]
pub struct LogExpect {
    pub path: Template,
    pub matches: Vec<Pattern>,
}
