//! Checks: what each looks at, and what it must see.

use std::path::PathBuf;
use std::time::Duration;

use indexmap::IndexMap;

use super::{
    Command, DnsExpect, DnsQuery, HttpExpect, Metric, MetricSource, Pattern, Rule, RunExpect, Template,
    TextExpect,
};
use crate::runbook::id::{CheckId, StepId};

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
    pub proxy: Option<Template>,
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

/// The check that the loader makes of `[freeze]`.
pub const FROZEN: &str = "frozen-files";

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
    Dns {
        query: DnsQuery,
        expect: DnsExpect,
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
    /// The copies of these `snapshot` steps, as far as they were taken, are as they were taken.
    Snapshots(Vec<StepId>),
    /// What these paths, folders and globs stand for is what it was when the session started.
    Frozen(Vec<String>),
}

impl Probe {
    /// The key that the runbook writes for it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Http { .. } => "http",
            Self::Tcp { .. } => "tcp",
            Self::Dns { .. } => "dns",
            Self::Process { .. } => "process",
            Self::File { .. } => "file",
            Self::Command { .. } => "command",
            Self::Metric(_) => "metric",
            Self::Any(_) => "any",
            Self::Snapshots(_) => "snapshots",
            Self::Frozen(_) => "freeze",
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
