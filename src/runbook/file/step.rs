//! `[[stage.step]]` and `[[stage.rollback]]`: the keys of one action.

use std::borrow::Cow;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use super::http::HttpFile;
use super::matchers::{HttpExpectFile, RunExpectFile, SignalExpectFile};
use super::metric::BaselineFile;
use super::stage::WhenFile;
use super::values::{
    CheckRef, CommandFile, EnvText, Id, Pattern, Pointer, Role, Size, Span, StepRef, Template, Text, by_kind,
};

/// One action. It has exactly one of the kind keys.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-kinds" = [
    "run", "start", "request", "await", "assert", "confirm", "wait", "baseline", "signal", "link", "snapshot",
    "restore", "collect"
]))]
pub struct StepFile {
    /// The step's id, unique in its stage.
    pub id: Id,
    /// What it does, in words. Default: the id.
    pub title: Option<Text>,
    /// More about it.
    pub description: Option<Text>,
    /// A command: a list is executed as it is, a string is given to the runbook's shell.
    pub run: Option<CommandFile>,
    /// A long-running process that belongs to the host and is never killed by the session.
    pub start: Option<StartFile>,
    /// One HTTP request, never repeated by itself.
    pub request: Option<HttpFile>,
    /// Waits until these checks are green.
    #[serde(rename = "await")]
    #[schemars(length(min = 1))]
    pub wait_for: Option<Vec<CheckRef>>,
    /// One fresh sample of each of these checks; anything but a pass fails the step.
    #[schemars(length(min = 1))]
    pub assert: Option<Vec<CheckRef>>,
    /// A question for an operator: yes or no.
    pub confirm: Option<Template>,
    /// Waits for this long.
    pub wait: Option<Span>,
    /// Polls metric checks of the old system, for later comparison.
    pub baseline: Option<BaselineFile>,
    /// Sends a signal to the process of a check.
    pub signal: Option<SignalFile>,
    /// Switches a symlink atomically.
    pub link: Option<LinkFile>,
    /// Copies the files of these globs into the session's folder, exactly: content, mode, owner, time.
    #[schemars(length(min = 1))]
    pub snapshot: Option<Vec<Template>>,
    /// Puts back what that `snapshot` step copied: `stage.step`.
    pub restore: Option<StepRef>,
    /// Takes the files of these globs into the session's evidence.
    #[schemars(length(min = 1))]
    pub collect: Option<Vec<Template>>,
    /// Of `await`: the checks must stay green for this long.
    #[serde(rename = "for")]
    pub stay: Option<Span>,
    /// Of `confirm`: `"required"` asks for a note with the answer.
    pub note: Option<NoteFile>,
    /// Of `confirm`: a checklist, each item to be passed, or failed with a note.
    #[serde(default)]
    pub items: Vec<Text>,
    /// Of `confirm`: the role that must answer.
    pub role: Option<Role>,
    /// What must be observed in this attempt.
    pub expect: Option<StepExpectFile>,
    /// How long it may take. Default: `run` 10m, `await`, `start`, `snapshot` and `restore` 5m, `request` and `signal`
    /// 30s, `assert`, `link` and `collect` 1m, none for `confirm` and `wait`.
    pub timeout: Option<Span>,
    /// How long it will take.
    pub estimate: Option<Span>,
    /// Environment variables of its command.
    #[serde(default)]
    #[schemars(extend("x-keys" = "env"))]
    pub env: IndexMap<String, EnvText>,
    /// The folder that its command runs in. Default: the runbook's own.
    pub cwd: Option<Template>,
    /// The user that its command runs as, through `sudo -n`.
    pub user: Option<super::values::User>,
    /// Where it applies at all.
    pub when: Option<WhenFile>,
    /// Files that must exist before it starts; those of rollback steps join `[rollback] ready`.
    #[serde(default)]
    pub files: Vec<Template>,
    /// The steps that must have passed before it. Default: all written before it; `[]` starts with the stage.
    pub needs: Option<Vec<StepRef>>,
    /// How often it is tried.
    pub retries: Option<RetriesFile>,
    /// What its failure does: `"hold"` (the default), `"rollback"` or `"continue"`; of rollback steps `"stuck"` (the
    /// default) or `"continue"`.
    pub on_failure: Option<OnFailureFile>,
    /// Of `on_failure = "rollback"`: the countdown in which an operator can veto. Default: 30s.
    pub grace: Option<Span>,
    /// May be run again by itself after a crash.
    #[serde(default)]
    pub idempotent: bool,
    /// An operator may run it again while its stage is active; the newest attempt counts.
    #[serde(default)]
    pub repeatable: bool,
    /// An operator may skip it.
    #[serde(default)]
    pub skippable: bool,
    /// How much of its output is kept. Default: 64MiB.
    pub output_limit: Option<Size>,
    /// Globs collected when it ends, after failures too.
    #[serde(default)]
    pub evidence: Vec<Template>,
    /// Name → what is taken from its output for later steps.
    #[serde(default)]
    #[schemars(extend("x-keys" = "name"))]
    pub capture: IndexMap<String, CaptureFile>,
    /// Of rollback steps: it runs only if one of these was started, and was not undone since. Default: always.
    #[schemars(length(min = 1))]
    pub undoes: Option<Vec<StepRef>>,
}

/// What must be observed; the keys are those of the step's kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct StepExpectFile(pub serde_json::Value);

impl JsonSchema for StepExpectFile {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "StepExpectFile".into()
    }
    fn json_schema(g: &mut SchemaGenerator) -> Schema {
        by_kind([
            ("run", g.subschema_for::<RunExpectFile>()),
            ("request", g.subschema_for::<HttpExpectFile>()),
            ("signal", g.subschema_for::<SignalExpectFile>()),
        ])
    }
}

/// A long-running process.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartFile {
    /// The command line, executed as it is.
    #[schemars(length(min = 1))]
    pub argv: Vec<Template>,
    /// The file that its output goes to.
    pub log: Template,
    /// The checks that must be green before the step passes.
    #[serde(default)]
    pub ready: Vec<CheckRef>,
    /// How long it must have been up before the step passes. Default: 5s.
    pub min_uptime: Option<Span>,
}

/// A signal.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalFile {
    /// The `process` check that finds it; there must be exactly one.
    pub process: CheckRef,
    /// `TERM`, `HUP`, `USR1`, …
    pub signal: SignalName,
}

/// The signals by name.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
pub enum SignalName {
    #[default]
    Term,
    Hup,
    Int,
    Quit,
    Kill,
    Usr1,
    Usr2,
    Winch,
    Stop,
    Cont,
    Alrm,
}

/// A symlink.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkFile {
    /// The symlink.
    pub path: Template,
    /// What it points to afterwards.
    pub to: Option<Template>,
    /// The `link` step before which it was as it will be again: `stage.step`.
    pub back_to: Option<StepRef>,
}

/// Whether a note goes with the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum NoteFile {
    Optional,
    Required,
}

/// How often a step is tried.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetriesFile {
    /// All tries, the first one too.
    #[schemars(range(min = 1, max = 1000))]
    pub attempts: u32,
    /// The time between two tries. Default: 1s.
    pub delay: Option<Span>,
    /// What the delay is multiplied by after each try. Default: 1.
    #[schemars(range(min = 1.0, max = 100.0))]
    pub backoff: Option<f64>,
}

/// What a step's failure does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum OnFailureFile {
    Hold,
    Rollback,
    Continue,
    Stuck,
}

/// What is taken from the output: group 1 of a pattern, or what a JSON pointer finds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum CaptureFile {
    Regex(Pattern),
    Json(CaptureJson),
}

/// What a JSON pointer finds in the output.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaptureJson {
    /// The pointer.
    pub json: Pointer,
}
