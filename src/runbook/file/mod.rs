//! The keys of a runbook file: the one source for what may be written, for the JSON Schema and for the reference.
//!
//! These types are the file's shape and no more; what it means is the model's, and `load` is the way there.

pub mod check;
pub mod dns;
pub mod http;
pub mod matchers;
pub mod metric;
pub mod notify;
pub mod rollback;
pub mod stage;
pub mod step;
pub mod values;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use check::CheckFile;
use http::HttpSharedFile;
use notify::NotifyFile;
use rollback::RollbackFile;
use stage::{StageFile, TriggerFile};
use values::{Dir, EnvText, Id, Member, Text};

/// A runbook: the stages of a cutover in order, what proves them, and the way back.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunbookFile {
    /// The runbook's id. Default: the file's name without `.toml`.
    pub id: Option<Id>,
    /// What is being done, in words. Default: the id.
    pub title: Option<Text>,
    /// Who answers for it.
    pub owner: Option<Text>,
    /// The change's number; shown and put in the report.
    pub ticket: Option<Text>,
    /// Shown as a badge: `production`, `staging`, `rehearsal`.
    pub environment: Option<Text>,
    /// Sentences that are acknowledged before stage 1.
    #[serde(default)]
    pub policy: Vec<Text>,
    /// What a `run` given as a string is handed to. Default: `["bash", "-euo", "pipefail", "-c"]`.
    #[schemars(length(min = 1))]
    pub shell: Option<Vec<Text>>,
    /// Inputs: given by `--set name=value` or `--vars FILE`, inserted with `${{ name }}`.
    #[serde(default)]
    #[schemars(extend("x-keys" = "name"))]
    pub vars: IndexMap<String, VarFile>,
    /// Secrets, by reference only; inserted with `${{ secret.NAME }}` in `env`, headers, bodies and URLs.
    #[serde(default)]
    #[schemars(extend("x-keys" = "name"))]
    pub secret: IndexMap<String, SecretFile>,
    /// Environment variables for every command of the runbook.
    #[serde(default)]
    #[schemars(extend("x-keys" = "env"))]
    pub env: IndexMap<String, EnvText>,
    /// Observations that are polled in the background, by name.
    #[serde(default)]
    #[schemars(extend("x-keys" = "name"))]
    pub check: IndexMap<String, CheckFile>,
    /// The stages, in order.
    #[serde(default)]
    pub stage: Vec<StageFile>,
    /// Triggers that are armed from stage 1 to the close.
    #[serde(default)]
    pub trigger: Vec<TriggerFile>,
    /// The way back as a whole.
    pub rollback: Option<RollbackFile>,
    /// Files that must not change while the session runs.
    pub freeze: Option<FreezeFile>,
    /// What several HTTP checks and requests share, by name: they say `via = "NAME"`.
    #[serde(default)]
    #[schemars(extend("x-keys" = "name"))]
    pub http: IndexMap<String, HttpSharedFile>,
    /// Who may stand for a role: users, and groups as `"%group"`. A role that is not here is claimed.
    #[serde(default)]
    #[schemars(extend("x-keys" = "name"))]
    pub roles: IndexMap<String, Vec<Member>>,
    /// The change window: shown, warned about, never a lock.
    pub window: Option<ChangeWindowFile>,
    /// Who is told of what happens, and how.
    #[serde(default)]
    pub notify: Vec<NotifyFile>,
}

/// The change window: at least one end of it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeWindowFile {
    /// Before it nothing should be touched.
    pub opens: Option<values::Moment>,
    /// By then everything should be done, or undone.
    pub closes: Option<values::Moment>,
}

/// The drift guard.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FreezeFile {
    /// Files, folders for all below them, and globs. Each must be there when the session starts; a change, a new file or
    /// one that is gone holds the session.
    #[schemars(length(min = 1))]
    pub paths: Vec<Dir>,
}

/// An input of the runbook.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VarFile {
    /// The value where none is given; may use other vars. None: a value is required.
    pub default: Option<Text>,
    /// What it is for.
    pub help: Option<Text>,
    /// A regular expression that the whole value must match.
    pub pattern: Option<values::PlainPattern>,
    /// The values that it may have.
    #[serde(default)]
    pub choices: Vec<Text>,
}

/// Where a secret's value is read when the session starts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-kinds" = ["env", "file"]))]
pub struct SecretFile {
    /// The environment variable that holds it.
    pub env: Option<values::Variable>,
    /// The file that holds it, relative to the runbook's folder; a last newline is dropped.
    pub file: Option<Dir>,
}
