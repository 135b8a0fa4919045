//! `metric = { … }`: the keys of a number over time, and what it may be expected to be.

use schemars::JsonSchema;
use serde::Deserialize;

use super::http::HttpFile;
use super::values::{
    CheckRef, CommandFile, Divisor, Id, Limit, Pattern, Pointer, SeriesText, Span, Template, Text, Url,
};

/// A number over time: one source, and for a text one reader.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-kinds" = ["http", "command", "file", "prometheus", "latency", "process", "host"]))]
pub struct MetricFile {
    /// The body of an HTTP answer: a URL, or a table with more.
    pub http: Option<HttpFile>,
    /// What a command writes to its standard output.
    pub command: Option<CommandFile>,
    /// What a file holds.
    pub file: Option<Template>,
    /// An instant query of a Prometheus server.
    pub prometheus: Option<PrometheusFile>,
    /// How long the looks of another check take, in milliseconds.
    pub latency: Option<CheckRef>,
    /// A figure of the processes that a `process` check finds; of several, their sum.
    pub process: Option<ProcessMetricFile>,
    /// A figure of this machine: the load of the last minute, the memory available, the space free where the runbook
    /// lies.
    pub host: Option<HostFile>,
    /// The number is group 1 of the pattern's one match.
    pub regex: Option<Pattern>,
    /// The number is what this JSON pointer finds.
    pub json: Option<Pointer>,
    /// The number is that of this series, in Prometheus text: `name{label="value"}`.
    pub series: Option<SeriesText>,
    /// The number is how often this pattern matches.
    pub count: Option<Pattern>,
    /// What it is divided by, found in the same way.
    pub of: Option<Divisor>,
    /// What is made of the numbers: as they are (`"value"`, the default), how fast they rise in a second (`"rate"`), or
    /// how far they have risen since the first look in this stage (`"delta"`).
    #[serde(rename = "as")]
    pub reading: Option<ReadingFile>,
}

/// An instant query of a Prometheus server.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrometheusFile {
    /// The server, as in `http://127.0.0.1:9090`.
    pub url: Url,
    /// The query; it must give one number.
    pub query: Template,
}

/// A figure of processes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessMetricFile {
    /// The `process` check that finds them.
    pub check: CheckRef,
    /// Which figure.
    pub field: ProcessFieldFile,
}

/// The figures of a process: bytes of memory, per cent of one core, threads, open files.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ProcessFieldFile {
    Rss,
    Cpu,
    Threads,
    OpenFiles,
}

/// The figures of a machine.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum HostFile {
    Load,
    MemoryAvailable,
    DiskFree,
}

/// What is made of numbers as they are read.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum ReadingFile {
    Value,
    Rate,
    Delta,
}

/// What a metric must be. Without any limit, a number must be there.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricExpectFile {
    /// The most that it may be.
    pub max: Option<LimitFile>,
    /// The least that it may be.
    pub min: Option<LimitFile>,
    /// How far back is looked. Default: only the newest number counts.
    pub window: Option<Span>,
    /// What is made of the numbers in the window. Default: `mean` where there is a window, `last` where there is none.
    pub aggregate: Option<AggregateFile>,
    /// Of `aggregate = "slope"`: the time in which it may rise so far.
    pub per: Option<Span>,
    /// So many numbers there must be. Default: 3 in a window, 1 without one.
    #[schemars(range(min = 1, max = 10000))]
    pub min_samples: Option<u32>,
    /// A comparison with what a `baseline` step measured.
    pub vs: Option<VsFile>,
}

/// A limit: a number, a size of bytes, or a duration of milliseconds or seconds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum LimitFile {
    Number(f64),
    Text(Limit),
}

/// One number made of those in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum AggregateFile {
    Last,
    Mean,
    Min,
    Max,
    P50,
    P95,
    P99,
    Slope,
}

/// Limits that follow from what the old system did: at most `max_times` × old + `plus`, and at least
/// `min_times` × old − `minus`.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VsFile {
    /// The baseline's name; `NAME.CHECK` where it measured several checks and none is this one.
    pub baseline: Text,
    /// What the old number is multiplied by for the most that the new one may be. Default: 1, where `plus` is there.
    #[schemars(range(min = 0.0))]
    pub max_times: Option<f64>,
    /// What is added for the most that it may be. Default: 0.
    pub plus: Option<LimitFile>,
    /// What the old number is multiplied by for the least that the new one may be. Default: 1, where `minus` is there.
    #[schemars(range(min = 0.0))]
    pub min_times: Option<f64>,
    /// What is taken off for the least that it may be. Default: 0.
    pub minus: Option<LimitFile>,
}

/// Measures the old system.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineFile {
    /// What it is called in `vs`.
    pub name: Id,
    /// The `metric` checks that are measured.
    #[schemars(length(min = 1))]
    pub checks: Vec<CheckRef>,
    /// For how long.
    pub window: Span,
}
