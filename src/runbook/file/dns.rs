//! `dns = { … }`: the keys of a question to a name server, and what may be expected of its answer.

use schemars::JsonSchema;
use serde::Deserialize;

use super::values::{Server, Span, Template};
use crate::runbook::model::DnsType;

/// A question to a name server.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsFile {
    /// The name that is asked for, whole.
    pub name: Template,
    /// The type of its records. Default: A.
    #[serde(rename = "type")]
    pub record: Option<DnsType>,
    /// The server that is asked. Default: the first of this host that answers.
    pub server: Option<Server>,
}

/// What the answer must be. Without any key, one record must be there.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsExpectFile {
    /// Exactly these, in any order.
    #[schemars(length(min = 1))]
    pub values: Option<Vec<Template>>,
    /// These, and perhaps others.
    #[schemars(length(min = 1))]
    pub includes: Option<Vec<Template>>,
    /// How long the answer may be kept by whoever asks.
    pub max_ttl: Option<Span>,
}
