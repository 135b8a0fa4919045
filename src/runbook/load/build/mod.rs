//! The model out of the file's shape: defaults are filled in, names are resolved, and what could not work is refused.

mod check;
mod expect;
mod freeze;
mod gate;
mod metric;
mod names;
mod notify;
mod request;
mod stage;
mod step;
mod way_back;
mod when;
mod window;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use sha2::{Digest, Sha256};

use super::Source;
use super::format::{parse_duration, parse_size};
use super::tree::Node;
use super::vars::Vars;
use crate::runbook::codes::Code;
use crate::runbook::diagnostic::{Diagnostic, Findings};
use crate::runbook::file::http::HttpSharedFile;
use crate::runbook::file::values::{
    BodyText, EnvText, Member as MemberText, Pattern as PatternText, Size, Span, Template as TemplateText,
    Text,
};
use crate::runbook::file::{RunbookFile, SecretFile, VarFile};
use crate::runbook::id::CheckId;
use crate::runbook::model::{Host, Member, Pattern, Runbook, SecretSource, Template, Var};
use names::Names;
pub use way_back::steps_back;

/// Builds the model; see the module.
pub struct Build<'a> {
    root: &'a Node,
    vars: &'a Vars,
    host: &'a Host,
    findings: &'a mut Findings,
    names: Names,
    /// What requests share, by name.
    http: IndexMap<String, HttpSharedFile>,
}

impl<'a> Build<'a> {
    /// A builder that knows every name of the file.
    pub fn new(
        file: &RunbookFile,
        root: &'a Node,
        vars: &'a Vars,
        host: &'a Host,
        findings: &'a mut Findings,
    ) -> Self {
        Self { root, vars, host, findings, names: Names::of(file), http: file.http.clone() }
    }

    /// The whole runbook.
    pub fn runbook(&mut self, file: RunbookFile, source: &Source) -> Runbook {
        let id = file.id.map_or_else(|| stem(&source.file), |id| id.0);
        self.taken_names();
        self.shared_urls();
        let checks: IndexMap<_, _> = file
            .check
            .into_iter()
            .filter_map(|(name, check)| {
                let node = self.root.at("check").at(&name);
                Some((CheckId::from(name.as_str()), self.check(&name, check, node)?))
            })
            .collect();
        let stage_nodes = self.root.at("stage");
        if file.stage.is_empty() {
            self.error(
                Code::Empty,
                stage_nodes.span.clone(),
                "the runbook has no stage",
                "add a `[[stage]]`",
            );
        }
        let mut triggers = self.triggers(file.trigger, self.root.at("trigger"), None);
        let mut stages = Vec::new();
        for (index, stage) in file.stage.into_iter().enumerate() {
            let (stage, own) = self.stage(stage, stage_nodes.item(index));
            stages.push(stage);
            triggers.extend(own);
        }
        gate::number(&mut triggers);
        gate::never_before_no_return(&mut stages, stage_nodes);
        let rollback = self.rollback(file.rollback.unwrap_or_default(), self.root.at("rollback"));
        let mut runbook = Runbook {
            title: file.title.map_or_else(|| id.clone(), |title| title.0),
            id,
            owner: text(file.owner),
            ticket: text(file.ticket),
            environment: text(file.environment),
            policy: file.policy.into_iter().map(|p| p.0).collect(),
            shell: file.shell.map_or_else(default_shell, |shell| shell.into_iter().map(|s| s.0).collect()),
            vars: self.inputs(file.vars),
            secrets: file.secret.into_iter().map(|(name, secret)| (name, secret_source(secret))).collect(),
            env: env(file.env),
            checks,
            stages,
            triggers,
            rollback,
            roles: self.roles(file.roles),
            window: file.window.map(|window| self.change_window(&window)),
            notify: self.notify(file.notify, self.root.at("notify")),
            dir: source.dir.clone(),
            text: Arc::from(source.text.as_str()),
            sha256: base16ct::lower::encode_string(&Sha256::digest(source.text.as_bytes())),
        };
        self.any_circles(&runbook);
        metric::follow(&mut runbook);
        way_back::watch_files(&mut runbook);
        way_back::watch_snapshots(&mut runbook);
        self.freeze(&mut runbook, file.freeze);
        runbook
    }

    fn error(&mut self, code: Code, span: Range<usize>, message: impl AsRef<str>, help: impl AsRef<str>) {
        self.findings.about(Diagnostic::new(code, span, message).help(help));
    }

    fn roles(&mut self, roles: IndexMap<String, Vec<MemberText>>) -> IndexMap<String, Vec<Member>> {
        let node = self.root.at("roles");
        for (role, _) in roles.iter().filter(|(_, members)| members.is_empty()) {
            let message = format!("nobody could stand for `{role}`");
            let help =
                "name users and `%groups`, or take the line away, so that whoever says so stands for it";
            self.error(Code::Empty, node.at(role).span.clone(), message, help);
        }
        let member = |text: MemberText| match text.0.strip_prefix('%') {
            Some(group) => Member::Group(group.to_owned()),
            None => Member::User(text.0),
        };
        roles.into_iter().map(|(role, all)| (role, all.into_iter().map(member).collect())).collect()
    }

    fn inputs(&self, vars: IndexMap<String, VarFile>) -> IndexMap<String, Var> {
        let read = |(name, var): (String, VarFile)| {
            let value = self.vars.get(&name).cloned().flatten();
            let model = Var {
                help: text(var.help),
                pattern: var.pattern.map(|p| p.0),
                choices: var.choices.into_iter().map(|c| c.0).collect(),
                value,
            };
            (name, model)
        };
        vars.into_iter().map(read).collect()
    }
}

fn secret_source(secret: SecretFile) -> SecretSource {
    match (secret.env, secret.file) {
        (Some(env), _) => SecretSource::Env(env.0),
        (None, file) => SecretSource::File(file.unwrap_or_default().0.into()),
    }
}

fn default_shell() -> Vec<String> {
    ["bash", "-euo", "pipefail", "-c"].map(str::to_owned).to_vec()
}

/// The file's name without `.toml`, as an id.
pub fn stem(file: &str) -> String {
    let stem = Path::new(file).file_stem().map(|s| s.to_string_lossy().to_lowercase()).unwrap_or_default();
    let id: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    if id.is_empty() { "runbook".to_owned() } else { id }
}

fn text(text: Option<Text>) -> Option<String> {
    text.map(|text| text.0)
}

fn env(env: IndexMap<String, EnvText>) -> IndexMap<String, Template> {
    env.into_iter().map(|(name, value)| (name, Template(value.0))).collect()
}

fn template(text: TemplateText) -> Template {
    Template(text.0)
}

fn templates(texts: Vec<TemplateText>) -> Vec<Template> {
    texts.into_iter().map(template).collect()
}

fn pattern(text: PatternText) -> Pattern {
    Pattern(Template(text.0))
}

/// The format was judged before; what was wrong there is reported and a stand-in is here.
fn duration(span: &Span) -> Duration {
    parse_duration(&span.0).unwrap_or_default()
}

fn duration_or(span: Option<&Span>, seconds: u64) -> Duration {
    span.map_or(Duration::from_secs(seconds), duration)
}

fn size(size: &Size) -> u64 {
    parse_size(&size.0).unwrap_or_default()
}

fn headers(headers: IndexMap<String, BodyText>) -> IndexMap<String, Template> {
    headers.into_iter().map(|(name, value)| (name, Template(value.0))).collect()
}
