//! The typed runbook: what the rest of gonogo works with. Inputs (`vars`) are already inserted, `when` is already
//! judged; what is only known while the cutover runs (captures, secrets, `session.*`, `uuid()`) is still a
//! [`Template`]. How a file becomes this is `runbook/load/`.

mod metric;

pub use metric::{
    Aggregate, HostField, Measure, Metric, MetricExpect, MetricSource, Pick, ProcessField, Reader, Reading,
    Vs,
};

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::id::{CheckId, StageId, StepId, TriggerId};

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

/// One stage.
#[derive(Debug, Clone)]
pub struct Stage {
    pub id: StageId,
    pub title: String,
    pub description: Option<String>,
    /// False where `when` rules it out: it counts as skipped.
    pub applies: bool,
    pub watch: Vec<CheckId>,
    pub estimate: Option<Duration>,
    pub point_of_no_return: bool,
    pub steps: Vec<Step>,
    pub rollback: Vec<Step>,
    pub gate: Gate,
}

/// When a stage is GO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    pub checks: Vec<CheckId>,
    pub soak: Option<Duration>,
    /// Items that an operator ticks.
    pub accept: Vec<String>,
    /// So many people must vote GO.
    pub approvals: u32,
    /// For each of these somebody must vote GO who stands for it.
    pub roles: Vec<String>,
    /// Promote by itself when GO.
    pub auto: bool,
    pub over: Override,
}

/// Whether a NO-GO may be overridden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Override {
    /// By the driver, with a typed reason.
    Reason,
    /// As `Reason`, and a second person must say so too.
    Two,
    /// Not at all.
    Never,
}

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
    Run { command: Command, expect: RunExpect },
    Start { argv: Vec<Template>, log: Template, ready: Vec<CheckId>, min_uptime: Duration },
    Request { target: HttpTarget, expect: HttpExpect },
    Await { checks: Vec<CheckId>, hold: Duration },
    Assert { checks: Vec<CheckId> },
    Confirm { question: Template, note_required: bool, role: Option<String>, items: Vec<String> },
    Wait { duration: Duration },
    Baseline { name: String, checks: Vec<CheckId>, window: Duration },
    Signal { process: CheckId, signal: String, expect: SignalExpect },
    Link { path: Template, target: LinkTarget },
    Collect { globs: Vec<Template> },
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
            Self::Collect { .. } => "collect",
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
}

/// Text that must appear in a log file after the signal.
#[derive(Debug, Clone, PartialEq)]
pub struct LogExpect {
    pub path: Template,
    pub matches: Vec<Pattern>,
}

/// What any text must say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TextExpect {
    pub matches: Vec<Pattern>,
    pub not_matches: Vec<Pattern>,
    pub count: Option<CountExpect>,
    /// JSON pointer → rule; `*` is every element, and at least one.
    pub json: IndexMap<String, Rule>,
    /// No secret of the runbook may show up in it, in whatever form.
    pub secrets_absent: bool,
}

/// How often a pattern must match.
#[derive(Debug, Clone, PartialEq)]
pub struct CountExpect {
    pub pattern: Pattern,
    pub min: Option<u64>,
    pub max: Option<u64>,
}

/// What a command must have done.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunExpect {
    pub exit: Vec<i32>,
    /// Over both streams together.
    pub text: TextExpect,
    pub stdout: TextExpect,
    pub stderr: TextExpect,
    pub report: Vec<ReportExpect>,
    pub max_duration: Option<MaxDuration>,
}

/// How long a command may take to count as good.
#[derive(Debug, Clone, PartialEq)]
pub enum MaxDuration {
    Time(Duration),
    /// What a step took when it passed last in this session, times `times`, plus `plus`.
    OfStep {
        step: StepId,
        times: f64,
        plus: Duration,
    },
}

/// A file that the attempt must have written, and what it must say.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportExpect {
    pub path: Template,
    pub text: TextExpect,
}

/// What an HTTP answer must be.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HttpExpect {
    /// Empty: 200 to 299.
    pub status: Vec<u16>,
    pub header: IndexMap<String, Pattern>,
    pub max_latency: Option<Duration>,
    pub text: TextExpect,
}

/// What one JSON value must be. `null` or missing is no data, never 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rule {
    pub equals: Option<serde_json::Value>,
    pub matches: Option<Pattern>,
    pub min: Option<Bound>,
    pub max: Option<Bound>,
    pub exists: Option<bool>,
    /// A rule for the length of the array, object or string.
    pub len: Option<Box<Rule>>,
}

/// A limit: a constant, or another value of the same document scaled.
#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    Constant(f64),
    At { pointer: String, times: f64, plus: f64 },
}

/// An HTTP request.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpTarget {
    pub url: Template,
    pub method: String,
    pub headers: IndexMap<String, Template>,
    pub body: Option<Template>,
    /// Sent as JSON; every string in it is a template.
    pub json: Option<serde_json::Value>,
    pub follow_redirects: u32,
    pub insecure: bool,
    pub ca: Option<PathBuf>,
    pub proxy: Option<String>,
}

/// One observation, polled.
#[derive(Debug, Clone)]
pub struct Check {
    pub id: CheckId,
    pub title: String,
    pub applies: bool,
    pub probe: Probe,
    pub period: Duration,
    pub timeout: Duration,
    pub initial_delay: Duration,
    pub failure_threshold: u32,
    pub success_threshold: u32,
    pub unit: Option<String>,
    /// Shown and recorded, never counted.
    pub advisory: bool,
}

/// What a check looks at, and what it must see.
#[derive(Debug, Clone)]
pub enum Probe {
    Http {
        target: HttpTarget,
        expect: HttpExpect,
    },
    Tcp {
        address: Template,
        expect: TcpExpect,
    },
    Process {
        select: ProcessSelect,
        expect: ProcessExpect,
    },
    File {
        paths: Vec<Template>,
        expect: FileExpect,
    },
    Command {
        command: Command,
        expect: RunExpect,
    },
    Metric(Box<Metric>),
    /// Green while one of them is.
    Any(Vec<CheckId>),
}

impl Probe {
    /// The key that the runbook writes for it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Http { .. } => "http",
            Self::Tcp { .. } => "tcp",
            Self::Process { .. } => "process",
            Self::File { .. } => "file",
            Self::Command { .. } => "command",
            Self::Metric(_) => "metric",
            Self::Any(_) => "any",
        }
    }

    /// The checks whose samples it lives on, having none of its own.
    #[must_use]
    pub fn lives_on(&self) -> &[CheckId] {
        match self {
            Self::Any(members) => members,
            Self::Metric(metric) => match &metric.source {
                MetricSource::Latency(of) => std::slice::from_ref(of),
                _ => &[],
            },
            _ => &[],
        }
    }
}

/// What a TCP connect must find.
#[derive(Debug, Clone, PartialEq)]
pub struct TcpExpect {
    pub open: bool,
    pub max_latency: Option<Duration>,
    /// Over the banner.
    pub text: TextExpect,
}

/// Which processes are meant; all given keys must fit.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProcessSelect {
    pub name: Option<Template>,
    pub cmdline: Option<Pattern>,
    pub exe: Option<Template>,
    pub pidfile: Option<Template>,
    pub port: Option<Template>,
    pub unit: Option<Template>,
    pub user: Option<Template>,
    /// What this `start` step started.
    pub step: Option<StepId>,
}

/// What the processes must be.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessExpect {
    pub running: bool,
    pub count: Option<u32>,
    /// Bytes.
    pub max_rss: Option<u64>,
    /// Per cent of one core.
    pub max_cpu: Option<f64>,
    pub max_restarts: Option<MaxRestarts>,
    /// Of the processes that run, by the variable's name.
    pub env: IndexMap<String, Rule>,
}

/// How often something may be started anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxRestarts {
    pub count: u32,
    pub within: Duration,
}

/// What the files must be.
#[derive(Debug, Clone, PartialEq)]
pub struct FileExpect {
    pub exists: bool,
    pub executable: Option<bool>,
    pub sha256: Option<Sha256Expect>,
    /// A checksum file, read by basename.
    pub sha256sums: Option<Template>,
    pub max_age: Option<Duration>,
    pub text: TextExpect,
}

/// The digest that a file must have.
#[derive(Debug, Clone, PartialEq)]
pub enum Sha256Expect {
    Hex(Template),
    /// At this pointer of this JSON file.
    InJson {
        file: Template,
        pointer: String,
    },
}

/// What a check leads to when it stays red.
#[derive(Debug, Clone)]
pub struct Trigger {
    pub id: TriggerId,
    /// The stage that it belongs to; `None`: from stage 1 to the close.
    pub stage: Option<StageId>,
    pub applies: bool,
    pub check: CheckId,
    pub condition: TriggerWhen,
    pub then: TriggerThen,
    /// Armed from the stage's entry, not only once its last step has passed.
    pub armed_from_entry: bool,
}

/// What sets a trigger off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TriggerWhen {
    /// Counted from the first bad sample of the streak.
    FailingFor(Duration),
    StaleFor(Duration),
    /// Bad samples, in a row or not.
    Failures {
        count: u32,
        within: Duration,
    },
}

/// What a trigger does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TriggerThen {
    /// Proposes the rollback to the operator.
    Alert,
    Hold,
    Rollback {
        to: Option<StageId>,
        grace: Duration,
    },
}

/// The check that the loader makes of the `files` of all rollback steps.
pub const ROLLBACK_FILES: &str = "rollback-files";

/// The way back as a whole.
#[derive(Debug, Clone, Default)]
pub struct Rollback {
    pub window: Option<RollbackWindow>,
    /// The escape hatch: checks that must be green before stage 1 and at every gate. Files that rollback steps
    /// name with `files` are here as one check, [`ROLLBACK_FILES`].
    pub ready: Vec<CheckId>,
    /// Forensics, run before any undoing; failures are passed over.
    pub prepare: Vec<Step>,
    /// After the stages' own, when the roll back goes all the way.
    pub steps: Vec<Step>,
    pub gate: Option<RollbackGate>,
}

/// Until when rolling back needs no reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackWindow {
    pub from: StageId,
    pub lasts: Duration,
}

/// What proves that the old system is back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackGate {
    pub checks: Vec<CheckId>,
    pub timeout: Duration,
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
        self.all_steps().find(|s| s.id == *id)
    }

    /// Every step of the runbook, forward ones first within each stage.
    pub fn all_steps(&self) -> impl Iterator<Item = &Step> {
        self.stages
            .iter()
            .flat_map(|s| s.steps.iter().chain(&s.rollback))
            .chain(&self.rollback.prepare)
            .chain(&self.rollback.steps)
    }

    /// The check of that name.
    #[must_use]
    pub fn check(&self, id: &CheckId) -> Option<&Check> {
        self.checks.get(id)
    }
}
