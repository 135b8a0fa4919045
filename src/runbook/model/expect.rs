//! What texts, commands, reports and answers must say.

use std::time::Duration;

use indexmap::IndexMap;

use super::{Pattern, Template};
use crate::runbook::id::StepId;

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
    /// A pointer to the time at which it says that it was made.
    pub dated: Option<String>,
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
