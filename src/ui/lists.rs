//! The rows of the panels that are lists, as far as a panel's filter keeps them, and the words that each is found by:
//! all that is known of it in one line, whatever the screen has room for.

use std::collections::HashMap;

use super::crew;
use super::panels::{back_rows, check_order, process_rows, step_rows, versus_rows};
use super::selection::Selection;
use super::sift::{Sift, Tally};
use super::status;
use super::view::{Pane, StepRow, View};
use super::{format, sift};
use crate::event::{Event, author, describe};
use crate::runbook::model::Step;
use crate::runbook::{CheckId, StageId, StepId};
use crate::session::telemetry::Series;
use crate::session::{Operator, State, Telemetry};

/// The stages.
#[must_use]
pub fn stages<'a>(state: &'a State, sift: &Sift) -> Vec<&'a StageId> {
    sift.keep(state.stages.keys().collect(), |id| stage(state, id))
}

/// The checks, in the order of their panel.
#[must_use]
pub fn checks<'a>(state: &'a State, telemetry: &Telemetry, sift: &Sift) -> Vec<&'a CheckId> {
    sift.keep(check_order(state), |id| check(state, telemetry, id))
}

/// The rows of the panel of a stage's steps.
#[must_use]
pub fn steps(state: &State, stage: Option<&StageId>, sift: &Sift) -> Vec<StepRow> {
    let rows = step_rows(state, stage);
    if sift.filter.is_none() {
        return rows;
    }
    let plans = plans(state);
    sift.keep(rows, |row| step_row(state, &plans, row))
}

/// The processes, by check and pid.
#[must_use]
pub fn processes(state: &State, telemetry: &Telemetry, sift: &Sift) -> Vec<(CheckId, Option<u32>)> {
    sift.keep(process_rows(state, telemetry), |row| process(state, telemetry, row))
}

/// The last events.
#[must_use]
pub fn events<'a>(state: &'a State, sift: &Sift) -> Vec<&'a Event> {
    sift.keep(state.recent.iter().map(AsRef::as_ref).collect(), |one| event(one))
}

/// The crew.
#[must_use]
pub fn people<'a>(state: &'a State, sift: &Sift) -> Vec<&'a Operator> {
    sift.keep(crew::order(state), |one| person(state, one))
}

/// The steps of the way back.
#[must_use]
pub fn back(state: &State, sift: &Sift) -> Vec<StepId> {
    let rows = back_rows(state);
    if sift.filter.is_none() {
        return rows;
    }
    let plans = plans(state);
    sift.keep(rows, |id| step(state, &plans, id))
}

/// The checks that are held against a baseline.
#[must_use]
pub fn versus(state: &State, telemetry: &Telemetry, sift: &Sift) -> Vec<CheckId> {
    sift.keep(versus_rows(state), |id| check(state, telemetry, id))
}

/// A list as it is shown: each row's words, and which of them is selected.
#[derive(Debug, Default)]
pub struct Shown {
    pub words: Vec<String>,
    pub at: Option<usize>,
}

/// The rows of a panel that is a list; `None` where it is none.
#[must_use]
pub fn shown(pane: Pane, view: &View, state: &State, telemetry: &Telemetry) -> Option<Shown> {
    let selection = Selection::of(view, state, telemetry);
    listed(pane, &selection, state, telemetry, view.sift(pane))
}

/// Counts what a panel's search and filter leave; `None` where the panel is no list.
#[must_use]
pub fn tally(pane: Pane, view: &View, state: &State, telemetry: &Telemetry) -> Option<Tally> {
    let all = listed(pane, view.selection(), state, telemetry, sift::NONE)?;
    Some(view.sift(pane).tally(all.words.into_iter()))
}

fn listed(
    pane: Pane,
    selection: &Selection,
    state: &State,
    telemetry: &Telemetry,
    sift: &Sift,
) -> Option<Shown> {
    let shown = match pane {
        Pane::Stages => {
            let rows = stages(state, sift);
            of(&rows, |id| Some(*id) == selection.stage.as_ref(), |id| stage(state, id))
        }
        Pane::Checks => {
            let rows = checks(state, telemetry, sift);
            of(&rows, |id| Some(*id) == selection.check.as_ref(), |id| check(state, telemetry, id))
        }
        Pane::Steps => {
            let (rows, plans) = (steps(state, selection.stage.as_ref(), sift), plans(state));
            of(&rows, |row| Some(row) == selection.step.as_ref(), |row| step_row(state, &plans, row))
        }
        Pane::Processes => {
            let rows = processes(state, telemetry, sift);
            of(&rows, |row| Some(row) == selection.process.as_ref(), |row| process(state, telemetry, row))
        }
        Pane::Audit => {
            let rows = events(state, sift);
            let selected = selection.event.or(rows.last().map(|event| event.seq));
            of(&rows, |event| Some(event.seq) == selected, |one| event(one))
        }
        Pane::Crew => {
            let rows = people(state, sift);
            let selected = selection.person.as_deref();
            of(&rows, |one| Some(one.person.person.as_str()) == selected, |one| person(state, one))
        }
        Pane::WayBack => {
            let (rows, plans) = (back(state, sift), plans(state));
            of(&rows, |id| Some(id) == selection.back.as_ref(), |id| step(state, &plans, id))
        }
        Pane::Versus => {
            let rows = versus(state, telemetry, sift);
            of(&rows, |id| Some(id) == selection.versus.as_ref(), |id| check(state, telemetry, id))
        }
        Pane::Output | Pane::Timeline | Pane::Events | Pane::Detail => return None,
    };
    Some(shown)
}

fn of<T>(rows: &[T], is_selected: impl Fn(&T) -> bool, words: impl Fn(&T) -> String) -> Shown {
    Shown { words: rows.iter().map(words).collect(), at: rows.iter().position(is_selected) }
}

/// Every step's plan: finding one by one takes a look at every step each.
fn plans(state: &State) -> HashMap<&StepId, &Step> {
    let steps = state.runbook.iter().flat_map(|runbook| runbook.all_steps());
    steps.map(|step| (&step.id, step)).collect()
}

/// Its words with two spaces between them; none for those that are empty.
fn join<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join("  ")
}

fn stage(state: &State, id: &StageId) -> String {
    let Some((plan, last)) = state.stage_plan(id).zip(state.last) else { return id.to_string() };
    let number = state.runbook.as_ref().and_then(|r| r.stage_index(id)).map_or(0, |at| at + 1).to_string();
    join([number.as_str(), id.as_str(), &plan.title, &status::stage(state, plan, last).1])
}

fn check(state: &State, telemetry: &Telemetry, id: &CheckId) -> String {
    let (_, word) = status::check(state, id);
    let plan = state.runbook.as_ref().and_then(|runbook| runbook.check(id));
    let kind = plan.map_or("", |plan| plan.probe.kind());
    let last = telemetry.checks.get(id).and_then(Series::last);
    let seen = state.check(id);
    let value = last.and_then(|sample| sample.value.as_deref()).or(seen.value.as_deref());
    let reason = last.map(|sample| sample.reason.as_str()).filter(|reason| !reason.is_empty());
    join([id.as_str(), kind, word, value.unwrap_or_default(), reason.unwrap_or(&seen.reason)])
}

fn step_row(state: &State, plans: &HashMap<&StepId, &Step>, row: &StepRow) -> String {
    match row {
        StepRow::Step(id) => step(state, plans, id),
        StepRow::Item(stage, item) => join([stage.as_str(), item, status::item(state, stage, item).1]),
        StepRow::Votes(stage) => {
            let (_, word, votes) = status::votes(state, stage);
            join([stage.as_str(), "votes", word, &votes])
        }
    }
}

fn step(state: &State, plans: &HashMap<&StepId, &Step>, id: &StepId) -> String {
    let plan = plans.get(id).copied();
    let (_, word) = status::planned_step(state, id, plan);
    let (kind, title) = plan.map_or(("", ""), |plan| (plan.action.kind(), plan.title.as_str()));
    let seen = state.step(id);
    let finish = seen.finish.as_ref().filter(|_| !seen.status.is_open());
    let exit = finish.and_then(|finish| finish.exit).map_or(String::new(), |exit| format!("exit {exit}"));
    join([id.as_str(), title, kind, word, &exit, seen.why.as_deref().unwrap_or_default()])
}

fn process(state: &State, telemetry: &Telemetry, (id, pid): &(CheckId, Option<u32>)) -> String {
    let seen = telemetry.processes.get(id).into_iter().flatten();
    let seen = seen.into_iter().find(|process| Some(process.identity.pid) == *pid);
    let name = seen.map_or("", |process| process.name.as_str());
    let pid = pid.map_or("no process".to_owned(), |pid| format!("pid {pid}"));
    join([name, &pid, &check(state, telemetry, id)])
}

/// An event in one line: number, time, author and what it says.
#[must_use]
pub fn event(event: &Event) -> String {
    let number = format!("#{:04}", event.seq);
    join([number.as_str(), &format::time(event.at), &author(&event.by), &describe(event)])
}

fn person(state: &State, operator: &Operator) -> String {
    let (person, here) = (&operator.person, if operator.left.is_some() { "AWAY" } else { "here" });
    join([person.person.as_str(), state.seat_of(person).word(), here, &operator.roles.join(",")])
}
