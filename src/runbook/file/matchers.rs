//! The keys of `expect`: one vocabulary for everything that can be observed.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::values::{Hex, Literal, OneOrMany, Pattern, Pointer, Span, StepRef, Template};

/// What a text must say.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TextFile {
    /// Patterns that must all match.
    #[serde(default)]
    pub matches: Vec<Pattern>,
    /// Patterns of which none may match.
    #[serde(default)]
    pub not_matches: Vec<Pattern>,
    /// How often a pattern must match.
    pub count: Option<CountFile>,
    /// JSON pointer → what the value there must be.
    #[serde(default)]
    #[schemars(extend("x-keys" = "pointer"))]
    pub json: IndexMap<String, RuleFile>,
    /// No secret of the runbook may show up in it, in whatever form a program prints one.
    pub secrets_absent: Option<bool>,
}

/// How often a pattern must match.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CountFile {
    /// The pattern.
    pub pattern: Pattern,
    /// At least so often.
    pub min: Option<u64>,
    /// At most so often.
    pub max: Option<u64>,
}

/// What a command must have done.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RunExpectFile {
    /// The exit codes that count as success. Default: `[0]`.
    #[schemars(length(min = 1))]
    pub exit: Option<Vec<i32>>,
    /// The text keys.
    #[serde(flatten)]
    pub text: TextFile,
    /// What standard output alone must say.
    pub stdout: Option<TextFile>,
    /// What standard error alone must say.
    pub stderr: Option<TextFile>,
    /// Files that this attempt must have created or rewritten, and what they must say.
    pub report: Option<OneOrMany<ReportFile>>,
    /// How long it may take to count as good: a time, or what another step took.
    pub max_duration: Option<MaxDurationFile>,
}

/// How long something may take: a time, or what another step took, scaled.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum MaxDurationFile {
    Time(Span),
    OfStep(OfStepFile),
}

/// What another step took when it passed last in this session.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfStepFile {
    /// That step: `stage.step`.
    pub step: StepRef,
    /// What its time is multiplied by. Default: 1.
    pub times: Option<f64>,
    /// What is added then. Default: none.
    pub plus: Option<Span>,
}

/// A file that the attempt must have written.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ReportFile {
    /// The file.
    pub path: Template,
    /// Where in its JSON the time stands (RFC 3339) at which it was made; that must lie in this attempt, too.
    pub dated: Option<Pointer>,
    /// The text keys.
    #[serde(flatten)]
    pub text: TextFile,
}

/// What an HTTP answer must be.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct HttpExpectFile {
    /// The status codes that count as success. Default: 200 to 299.
    #[schemars(length(min = 1), inner(range(min = 100, max = 599)))]
    pub status: Option<Vec<u16>>,
    /// Header → a pattern that its value must match.
    #[serde(default)]
    #[schemars(extend("x-keys" = "header"))]
    pub header: IndexMap<String, Pattern>,
    /// The longest time until the whole answer is there.
    pub max_latency: Option<Span>,
    /// The text keys.
    #[serde(flatten)]
    pub text: TextFile,
}

/// What a TCP connect must find.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TcpExpectFile {
    /// Whether something must accept (`true`, the default) or refuse.
    pub open: Option<bool>,
    /// The longest time to connect.
    pub max_latency: Option<Span>,
    /// The text keys.
    #[serde(flatten)]
    pub text: TextFile,
}

/// What the processes must be.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessExpectFile {
    /// Whether there must be one (`true`, the default) or none.
    pub running: Option<bool>,
    /// Exactly so many.
    pub count: Option<u32>,
    /// The most memory that each may hold.
    pub max_rss: Option<super::values::Size>,
    /// The most CPU that each may use, in per cent of one core.
    #[schemars(range(min = 0.0))]
    pub max_cpu: Option<f64>,
    /// How often it may have been started anew: another pid, or another start time.
    pub max_restarts: Option<MaxRestartsFile>,
    /// What the environment that it runs in must hold: variable → what its value must be.
    #[serde(default)]
    #[schemars(extend("x-keys" = "env"))]
    pub env: IndexMap<String, RuleFile>,
}

/// How often something may be started anew within a time.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaxRestartsFile {
    /// At most so often.
    pub count: u32,
    /// In the last so long.
    pub within: Span,
}

/// What the files must be.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct FileExpectFile {
    /// Whether it must be there (`true`, the default) or not.
    pub exists: Option<bool>,
    /// Whether it must be executable.
    pub executable: Option<bool>,
    /// The digest that it must have: hex, or where a JSON file says it.
    pub sha256: Option<Sha256File>,
    /// A checksum file in which each must be listed, by its base name.
    pub sha256sums: Option<Template>,
    /// How long ago it may have been changed at most.
    pub max_age: Option<Span>,
    /// The text keys.
    #[serde(flatten)]
    pub text: TextFile,
}

/// The digest that a file must have.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum Sha256File {
    Hex(Hex),
    InJson(Sha256InJson),
}

/// Where a JSON file says the digest.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sha256InJson {
    /// The JSON file.
    pub file: Template,
    /// The pointer in it.
    pub json: Pointer,
}

/// What a signal must lead to.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalExpectFile {
    /// What must appear in a log file after the signal.
    pub log: Option<LogFile>,
    /// How soon the process must be gone.
    pub gone_within: Option<Span>,
    /// The exit codes that count as success, of a process that a `start` step started. Default: how it ends is not
    /// asked.
    #[schemars(length(min = 1))]
    pub exit: Option<Vec<i32>>,
}

/// What must appear in a log file.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogFile {
    /// The file.
    pub path: Template,
    /// Patterns that must all match in what came after the signal.
    #[schemars(length(min = 1))]
    pub matches: Vec<Pattern>,
}

/// What one JSON value must be: a value that it equals, or a table of limits.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RuleFile {
    Limits(Box<RuleTable>),
    Equals(Literal),
}

/// Limits of one JSON value. `null` or missing is no data, never 0.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleTable {
    /// The value that it equals.
    pub equals: Option<Literal>,
    /// A pattern that its text must match.
    pub matches: Option<Pattern>,
    /// The least that it may be.
    pub min: Option<BoundFile>,
    /// The most that it may be.
    pub max: Option<BoundFile>,
    /// Whether it must be there at all.
    pub exists: Option<bool>,
    /// What its length must be: of an array, an object or a string.
    pub len: Option<RuleFile>,
}

/// A limit: a number, or another value of the same document.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum BoundFile {
    Constant(f64),
    At(AtFile),
}

/// Another value of the same document, scaled.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AtFile {
    /// Where it stands.
    pub at: Pointer,
    /// What it is multiplied by. Default: 1.
    pub times: Option<f64>,
    /// What is added then. Default: 0.
    pub plus: Option<f64>,
}
