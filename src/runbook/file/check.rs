//! `[check.NAME]`: the keys of one observation.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use super::dns::{DnsExpectFile, DnsFile};
use super::http::HttpFile;
use super::matchers::{FileExpectFile, HttpExpectFile, ProcessExpectFile, RunExpectFile, TcpExpectFile};
use super::metric::{MetricExpectFile, MetricFile};
use super::stage::WhenFile;
use super::values::{
    Address, CheckRef, CommandFile, OneOrMany, Pattern, Span, StepRef, Template, Text, TextOrNumber, by_kind,
};

/// One observation, polled. It has exactly one of the kind keys.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-kinds" = ["http", "tcp", "dns", "process", "file", "command", "metric", "any"]))]
pub struct CheckFile {
    /// An HTTP request: a URL, or a table with more.
    pub http: Option<HttpFile>,
    /// A TCP connect: `"host:port"`.
    pub tcp: Option<Address>,
    /// A question to a name server.
    pub dns: Option<DnsFile>,
    /// The processes that fit all the given keys.
    pub process: Option<ProcessFile>,
    /// A path or glob, or a list of them.
    pub file: Option<OneOrMany<Template>>,
    /// A command: a string for the shell, or a list.
    pub command: Option<CommandFile>,
    /// A number over time.
    pub metric: Option<MetricFile>,
    /// Other checks: green while one of them is.
    #[schemars(length(min = 1))]
    pub any: Option<Vec<CheckRef>>,
    /// What must be seen.
    pub expect: Option<CheckExpectFile>,
    /// What it shows, in words. Default: its name.
    pub title: Option<Text>,
    /// How often it is polled. Default: 10s; 2s for `process`; of a metric with a window often enough that twice
    /// `min_samples` fit into it; of a `latency` as often as the check that it follows.
    pub period: Option<Span>,
    /// How long one sample may take. Default: 3s.
    pub timeout: Option<Span>,
    /// How long after polling began the first sample is taken. Default: 0s.
    pub initial_delay: Option<Span>,
    /// So many bad samples in a row make it `failing`. Default: 3.
    #[schemars(range(min = 1, max = 1000))]
    pub failure_threshold: Option<u32>,
    /// So many good samples in a row make it `ok`. Default: 1.
    #[schemars(range(min = 1, max = 1000))]
    pub success_threshold: Option<u32>,
    /// The unit of its number, as it is shown.
    pub unit: Option<Text>,
    /// Where it counts at all.
    pub when: Option<WhenFile>,
    /// Shown and recorded, never counted.
    #[serde(default)]
    pub advisory: bool,
}

/// What must be seen; the keys are those of the check's kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct CheckExpectFile(pub serde_json::Value);

impl JsonSchema for CheckExpectFile {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "CheckExpectFile".into()
    }
    fn json_schema(g: &mut SchemaGenerator) -> Schema {
        by_kind([
            ("http", g.subschema_for::<HttpExpectFile>()),
            ("tcp", g.subschema_for::<TcpExpectFile>()),
            ("dns", g.subschema_for::<DnsExpectFile>()),
            ("process", g.subschema_for::<ProcessExpectFile>()),
            ("file", g.subschema_for::<FileExpectFile>()),
            ("command", g.subschema_for::<RunExpectFile>()),
            ("metric", g.subschema_for::<MetricExpectFile>()),
        ])
    }
}

/// Which processes are meant; all the given keys must fit.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessFile {
    /// The executable's or the thread's name.
    pub name: Option<Template>,
    /// A pattern over the whole command line.
    pub cmdline: Option<Pattern>,
    /// The executable's path.
    pub exe: Option<Template>,
    /// A file that holds its pid.
    pub pidfile: Option<Template>,
    /// A TCP port that it listens on.
    pub port: Option<TextOrNumber>,
    /// The systemd unit that it belongs to.
    pub unit: Option<Template>,
    /// The user that it runs as.
    pub user: Option<Template>,
    /// The `start` step that started it: `stage.step`.
    pub step: Option<StepRef>,
}
