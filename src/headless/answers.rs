//! `--answers FILE`: what a headless run answers where a person would.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::event::Mode;
use crate::runbook::model::{Action, Runbook};
use crate::runbook::{StageId, StepId};

/// The answers of one file.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    pub acknowledge: bool,
    pub advance: bool,
    /// A gate that is not GO by then is a hold; `None` waits.
    pub gate_within: Option<Duration>,
    /// The points of no return that may be crossed.
    pub point_of_no_return: Vec<StageId>,
    /// The stage at whose gate everything is rolled back instead of promoted: a rehearsal of the way back.
    pub roll_back_at: Option<StageId>,
    /// The stage from which a drill rolls everything back once its gate is GO.
    pub turn_at: Option<StageId>,
    pub confirm: HashMap<StepId, Answer>,
    pub tick: HashMap<StageId, Items>,
    /// Who votes GO at a gate, in the place of people who are not there; empty in a live session.
    pub vote: HashMap<StageId, Vec<Voter>>,
    /// The roles of the questions that are answered: in a rehearsal the file stands in for whoever has them.
    pub stands_for: Vec<String>,
    pub on_hold: OnHold,
}

/// Somebody who votes GO by the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voter {
    pub person: String,
    pub role: Option<String>,
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub yes: bool,
    pub note: Option<String>,
    pub items: Items,
}

/// Which items are ticked as passed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Items {
    #[default]
    None,
    All,
    Named(Vec<String>),
}

impl Items {
    /// Whether `item` is ticked.
    #[must_use]
    pub fn has(&self, item: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Named(names) => names.iter().any(|name| name == item),
        }
    }

    /// The first that is named and is none of `known`.
    fn stranger(&self, known: &[String]) -> Option<&str> {
        let Self::Named(names) = self else { return None };
        names.iter().find(|name| !known.contains(name)).map(String::as_str)
    }
}

/// What a hold leads to, by step, and else.
#[derive(Debug, Clone, Default)]
pub struct OnHold {
    pub default: HoldAnswer,
    pub steps: HashMap<StepId, HoldAnswer>,
}

/// What a hold leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HoldAnswer {
    /// The run ends; the session can be taken up again.
    #[default]
    Stop,
    Rollback,
    /// Once a step, then stop.
    Retry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    acknowledge: bool,
    #[serde(default)]
    advance: bool,
    gate_within: Option<toml::Spanned<String>>,
    #[serde(default)]
    point_of_no_return: Vec<toml::Spanned<String>>,
    roll_back_at: Option<toml::Spanned<String>>,
    #[serde(default)]
    confirm: HashMap<toml::Spanned<String>, toml::Spanned<FileAnswer>>,
    #[serde(default)]
    tick: HashMap<toml::Spanned<String>, FileItems>,
    #[serde(default)]
    vote: HashMap<toml::Spanned<String>, Vec<FileVoter>>,
    #[serde(default)]
    on_hold: HashMap<toml::Spanned<String>, HoldAnswer>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "an answer is \"yes\", \"no\" or { answer, note, items }")]
enum FileAnswer {
    Word(String),
    Whole(WholeAnswer),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WholeAnswer {
    answer: String,
    note: Option<String>,
    items: Option<FileItems>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "who votes is a name or { person, role }")]
enum FileVoter {
    Name(String),
    ForRole(RoleVoter),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleVoter {
    person: String,
    role: String,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "items are \"all\" or a list")]
enum FileItems {
    Word(String),
    Named(Vec<String>),
}

/// Reads a file for a session of `mode`, and holds its names against the runbook.
///
/// # Errors
/// A sentence with `file:line:col` for each thing that is wrong, a line each.
pub fn read(path: &Path, runbook: &Runbook, mode: Mode) -> Result<Answers, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    parse(&path.display().to_string(), &text, runbook, mode)
}

/// Reads answers from `text`; `name` is the file's name in errors.
///
/// # Errors
/// As [`read`].
pub fn parse(name: &str, text: &str, runbook: &Runbook, mode: Mode) -> Result<Answers, String> {
    let place = |at: usize| {
        let before = &text[..at.min(text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
        format!("{name}:{line}:{column}")
    };
    let file: File = toml::from_str(text).map_err(|e| {
        let at = e.span().map_or_else(|| name.to_owned(), |span| place(span.start));
        format!("{at}: error: {}", e.message())
    })?;
    let mut wrong = Vec::new();
    let mut answers = Answers { acknowledge: file.acknowledge, advance: file.advance, ..Answers::default() };
    if let Some(within) = file.gate_within {
        match humantime::parse_duration(within.as_ref()) {
            Ok(duration) => answers.gate_within = Some(duration),
            Err(e) => wrong.push((within.span().start, format!("`gate_within` is no duration: {e}"))),
        }
    }
    for (stage, voters) in file.vote {
        let id = StageId::from(stage.as_ref().as_str());
        match votes(runbook, &id, voters, mode) {
            Ok(voters) => drop(answers.vote.insert(id, voters)),
            Err(why) => wrong.push((stage.span().start, why)),
        }
    }
    for stage in file.point_of_no_return {
        let id = StageId::from(stage.as_ref().as_str());
        if runbook.stage(&id).is_some_and(|s| s.point_of_no_return) {
            answers.point_of_no_return.push(id);
        } else {
            wrong.push((stage.span().start, format!("the runbook has no point of no return `{id}`")));
        }
    }
    if let Some(stage) = file.roll_back_at {
        let id = StageId::from(stage.as_ref().as_str());
        match (runbook.stage(&id), mode) {
            (_, Mode::Live) => wrong.push((
                stage.span().start,
                "`roll_back_at` is for rehearsals: in a live session people roll back, or triggers"
                    .to_owned(),
            )),
            (None, _) => wrong.push((stage.span().start, format!("the runbook has no stage `{id}`"))),
            (Some(_), _) => answers.roll_back_at = Some(id),
        }
    }
    for (step, answer) in file.confirm {
        let id = StepId::from(step.as_ref().as_str());
        let Some(Action::Confirm { note_required, items, role, .. }) = runbook.step(&id).map(|s| &s.action)
        else {
            wrong.push((step.span().start, format!("the runbook has no question `{id}`")));
            continue;
        };
        match confirm(answer.as_ref()) {
            Ok(given) if *note_required && given.note.as_ref().is_none_or(|n| n.trim().is_empty()) => {
                wrong.push((answer.span().start, format!("the answer to `{id}` needs a `note`")));
            }
            Ok(given) => match given.items.stranger(items) {
                Some(item) => wrong.push((answer.span().start, format!("`{id}` has no item \"{item}\""))),
                None => {
                    answers.stands_for.extend(role.iter().filter(|_| mode != Mode::Live).cloned());
                    answers.confirm.insert(id, given);
                }
            },
            Err(why) => wrong.push((answer.span().start, why)),
        }
    }
    for (stage, ticked) in file.tick {
        let id = StageId::from(stage.as_ref().as_str());
        match (runbook.stage(&id), items(&ticked)) {
            (Some(plan), Ok(items)) => match items.stranger(&plan.gate.accept) {
                Some(item) => wrong.push((stage.span().start, format!("`{id}` has no item \"{item}\""))),
                None => {
                    answers.tick.insert(id, items);
                }
            },
            (None, _) => wrong.push((stage.span().start, format!("the runbook has no stage `{id}`"))),
            (_, Err(why)) => wrong.push((stage.span().start, why)),
        }
    }
    for (step, hold) in file.on_hold {
        let id = StepId::from(step.as_ref().as_str());
        if id.as_str() == "default" {
            answers.on_hold.default = hold;
        } else if runbook.step(&id).is_some() {
            answers.on_hold.steps.insert(id, hold);
        } else {
            wrong.push((step.span().start, format!("the runbook has no step `{id}`")));
        }
    }
    if wrong.is_empty() {
        return Ok(answers);
    }
    wrong.sort();
    let lines: Vec<String> =
        wrong.into_iter().map(|(at, why)| format!("{}: error: {why}", place(at))).collect();
    Err(lines.join("\n"))
}

fn votes(runbook: &Runbook, id: &StageId, voters: Vec<FileVoter>, mode: Mode) -> Result<Vec<Voter>, String> {
    if mode == Mode::Live {
        return Err("in a live session people vote: `gonogo attach` or `gonogo ctl … vote`".to_owned());
    }
    let stage = runbook.stage(id).ok_or_else(|| format!("the runbook has no stage `{id}`"))?;
    let voters = voters.into_iter().map(|voter| match voter {
        FileVoter::Name(person) => Voter { person, role: None },
        FileVoter::ForRole(RoleVoter { person, role }) => Voter { person, role: Some(role) },
    });
    let voters: Vec<Voter> = voters.collect();
    match voters.iter().filter_map(|v| v.role.as_ref()).find(|role| !stage.gate.roles.contains(role)) {
        Some(role) => Err(format!("the gate of `{id}` asks for no role `{role}`")),
        None => Ok(voters),
    }
}

fn confirm(answer: &FileAnswer) -> Result<Answer, String> {
    let (word, note, ticked) = match answer {
        FileAnswer::Word(word) => (word, None, Items::None),
        FileAnswer::Whole(WholeAnswer { answer, note, items: ticked }) => {
            (answer, note.clone(), ticked.as_ref().map(items).transpose()?.unwrap_or_default())
        }
    };
    let yes = match word.as_str() {
        "yes" => true,
        "no" => false,
        other => return Err(format!("an answer is \"yes\" or \"no\", not \"{other}\"")),
    };
    Ok(Answer { yes, note, items: ticked })
}

fn items(items: &FileItems) -> Result<Items, String> {
    match items {
        FileItems::Word(word) if word == "all" => Ok(Items::All),
        FileItems::Word(word) => Err(format!("items are \"all\" or a list, not \"{word}\"")),
        FileItems::Named(names) => Ok(Items::Named(names.clone())),
    }
}

#[cfg(test)]
mod tests;
