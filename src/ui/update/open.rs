//! What an action opens, or why there is nothing to open.

use crate::runbook::StepId;
use crate::runbook::model::Action as StepAction;
use crate::session::{Refusal, StageStatus, State, StepStatus, TriggerState, second};
use crate::ui::action::Action;
use crate::ui::crew;
use crate::ui::lists;
use crate::ui::popups::{self, Context, Opened, Subject};
use crate::ui::selection::{Selection, stage_in_hand};
use crate::ui::view::{Pane, StepRow, View};

/// Opens what an action opens, or says why there is nothing to open.
///
/// # Errors
/// The refusal, in words that an operator reads.
pub fn open(view: &View, action: Action, cx: &Context) -> Opened {
    let selection = Selection::of(view, cx.state, cx.telemetry);
    let on_step = |opens: fn(&Context, &StepId) -> Opened| match selection.step_id() {
        Some(step) => opens(cx, step),
        None => {
            Err(Refusal::new(format!("no step is selected: choose one in panel {}", Pane::Steps.number())))
        }
    };
    match action {
        Action::Advance if cx.state.needs_acknowledgement() => popups::acknowledge(cx),
        Action::Advance => popups::advance(cx),
        Action::Resume => popups::resume(cx),
        Action::RollBack => popups::rollback(cx),
        Action::Retry => on_step(popups::retry),
        Action::Skip => on_step(popups::skip),
        Action::Kill => on_step(popups::kill),
        Action::Veto => match armed(cx.state) {
            Some(trigger) => popups::veto(cx, trigger),
            None => Err(Refusal::new("no trigger is counting down")),
        },
        Action::Vote => popups::vote(cx),
        Action::Wheel => popups::wheel(cx),
        Action::Note => popups::note(cx),
        Action::Help => popups::help(cx),
        Action::Palette => popups::palette(cx),
        Action::Quit => popups::quit(cx, view.tied),
        Action::Open => open_selected(view, &selection, cx),
        other => Err(Refusal::new(format!("{other} opens nothing"))),
    }
}

fn armed(state: &State) -> Option<&crate::runbook::TriggerId> {
    let armed = state.triggers.iter().filter_map(|(id, trigger)| match trigger {
        TriggerState::Armed { fires_at, .. } => Some((fires_at, id)),
        _ => None,
    });
    armed.min().map(|(_, id)| id)
}

fn open_selected(view: &View, selection: &Selection, cx: &Context) -> Opened {
    let nothing = || Err(Refusal::new("nothing is selected"));
    match view.focus {
        Pane::Stages => open_stage(selection, cx),
        Pane::Steps => match &selection.step {
            Some(StepRow::Step(step)) => open_step(step, cx),
            Some(StepRow::Item(stage, _) | StepRow::Votes(stage)) if cx.replay.is_some() => {
                popups::detail(cx, &Subject::Stage(stage.clone()))
            }
            Some(StepRow::Item(stage, item)) => popups::tick(cx, stage, item),
            Some(StepRow::Votes(_)) => popups::vote(cx),
            None => nothing(),
        },
        Pane::Checks => match &selection.check {
            Some(check) => popups::detail(cx, &Subject::Check(check.clone())),
            None => nothing(),
        },
        Pane::Processes => match &selection.process {
            Some((check, _)) => popups::detail(cx, &Subject::Check(check.clone())),
            None => nothing(),
        },
        Pane::Output => match selection.output(cx.state) {
            Some(source) => open_step(&source.step, cx),
            None => nothing(),
        },
        Pane::Audit => match selection.event.or_else(|| newest_listed(view, cx)) {
            Some(seq) => popups::detail(cx, &Subject::Event(seq)),
            None => nothing(),
        },
        Pane::WayBack => match &selection.back {
            Some(step) => popups::detail(cx, &Subject::Step(step.clone())),
            None => Err(Refusal::new("there is no step of the way back to show")),
        },
        Pane::Versus => match &selection.versus {
            Some(check) => popups::detail(cx, &Subject::Check(check.clone())),
            None => Err(Refusal::new("no check of this runbook is held against a baseline")),
        },
        Pane::Timeline | Pane::Events | Pane::Detail => match cx.replay {
            Some(replay) if replay.seq > 0 => popups::detail(cx, &Subject::Event(replay.seq)),
            _ => nothing(),
        },
        Pane::Crew => match &selection.person {
            Some(person) => popups::detail(cx, &Subject::Person(person.clone())),
            None => nothing(),
        },
    }
}

/// The last event that the log's panel lists.
fn newest_listed(view: &View, cx: &Context) -> Option<u64> {
    lists::events(cx.state, view.sift(Pane::Audit)).last().map(|event| event.seq)
}

/// What the stage in hand asks of people, the most pressing first; else the stage's detail.
fn open_stage(selection: &Selection, cx: &Context) -> Opened {
    let Some(stage) = &selection.stage else { return Err(Refusal::new("there is no stage yet")) };
    if cx.replay.is_some() {
        return popups::detail(cx, &Subject::Stage(stage.clone()));
    }
    if cx.state.needs_acknowledgement() {
        return popups::acknowledge(cx);
    }
    if view_is_on_hand(stage, cx.state) {
        if second::standing(cx.state).is_some() {
            return popups::vote(cx);
        }
        if let Some(step) = cx.state.questions().first() {
            return open_step(step, cx);
        }
        let seen = cx.state.stages.get(stage);
        let items = cx.state.stage_plan(stage).map(|plan| plan.gate.accept.as_slice()).unwrap_or_default();
        let left = |item: &&String| seen.is_some_and(|seen| !seen.ticks.contains_key(*item));
        let at_gate = seen.is_some_and(|seen| seen.status == StageStatus::AtGate);
        if let Some(item) = items.iter().find(left).filter(|_| at_gate) {
            return popups::tick(cx, stage, item);
        }
        if at_gate && cx.operator.is_some_and(|me| crew::wants_vote(cx.state, stage, me)) {
            return popups::vote(cx);
        }
    }
    popups::detail(cx, &Subject::Stage(stage.clone()))
}

fn view_is_on_hand(stage: &crate::runbook::StageId, state: &State) -> bool {
    state.active_rollback().is_some() || stage_in_hand(state).as_ref() == Some(stage)
}

fn open_step(step: &StepId, cx: &Context) -> Opened {
    let asks = cx.state.step_plan(step).is_some_and(|plan| matches!(plan.action, StepAction::Confirm { .. }));
    match cx.state.step(step).status {
        _ if cx.replay.is_some() => popups::detail(cx, &Subject::Step(step.clone())),
        StepStatus::Unknown => popups::resolve(cx, step),
        StepStatus::Waiting if asks => popups::confirm(cx, step),
        _ => popups::detail(cx, &Subject::Step(step.clone())),
    }
}
