//! `[[notify]]`: who is told of what, and how.

use schemars::JsonSchema;
use serde::Deserialize;

use super::values::{CommandFile, Url};
use crate::runbook::model::Topic;

/// Somebody who is told of what happens. It has exactly one of `webhook` and `run`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-kinds" = ["webhook", "run"]))]
pub struct NotifyFile {
    /// Of what.
    #[schemars(length(min = 1))]
    pub on: Vec<Topic>,
    /// A URL to which JSON is posted, with a `text` that chat services show.
    pub webhook: Option<Url>,
    /// A command that gets the same JSON on its standard input.
    pub run: Option<CommandFile>,
}
