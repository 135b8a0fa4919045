//! What is selected, once what the operator chose is held against what there is: a choice that is gone gives way to
//! what is in hand.

use super::lists;
use super::output;
use super::status;
use super::theme::Mark;
use super::view::{Pane, StepRow, View};
use crate::runbook::{CheckId, StageId, StepId};
use crate::session::{State, StepStatus, Telemetry};

/// What is selected in each panel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    pub stage: Option<StageId>,
    pub step: Option<StepRow>,
    pub check: Option<CheckId>,
    pub process: Option<(CheckId, Option<u32>)>,
    pub event: Option<u64>,
    pub person: Option<String>,
    pub back: Option<StepId>,
    pub versus: Option<CheckId>,
}

impl Selection {
    /// Resolves the view's choices.
    #[must_use]
    pub fn of(view: &View, state: &State, telemetry: &Telemetry) -> Self {
        let stages = lists::stages(state, view.sift(Pane::Stages));
        let listed = |id: &StageId| stages.contains(&id);
        let chosen = view.stage.clone().filter(listed).or_else(|| stage_in_hand(state).filter(listed));
        let stage =
            chosen.or_else(|| stages.first().map(|id| (*id).clone())).or_else(|| stage_in_hand(state));
        let rows = lists::steps(state, stage.as_ref(), view.sift(Pane::Steps));
        let step = view.step.clone().filter(|row| rows.contains(row)).or_else(|| row_in_hand(state, &rows));
        let checks = lists::checks(state, telemetry, view.sift(Pane::Checks));
        let check = view.check.clone().filter(|id| checks.contains(&id));
        let check = check.or_else(|| checks.first().map(|id| (*id).clone()));
        let processes = lists::processes(state, telemetry, view.sift(Pane::Processes));
        let process = view.process.clone().filter(|row| processes.contains(row));
        let process = process.or_else(|| processes.first().cloned());
        let oldest = state.recent.front().map_or(0, |event| event.seq);
        let listed = lists::events(state, view.sift(Pane::Audit));
        let event = view.event.map(|seq| seq.max(oldest));
        let event = event.filter(|seq| listed.iter().any(|one| one.seq == *seq));
        let people = lists::people(state, view.sift(Pane::Crew));
        let people: Vec<&String> = people.iter().map(|one| &one.person.person).collect();
        let person = view.person.clone().filter(|name| people.contains(&name));
        let person = person.or_else(|| people.first().map(|name| (*name).clone()));
        let steps = lists::back(state, view.sift(Pane::WayBack));
        let back = view.back.clone().filter(|id| steps.contains(id)).or_else(|| steps.first().cloned());
        let rules = lists::versus(state, telemetry, view.sift(Pane::Versus));
        let versus = view.versus.clone().filter(|id| rules.contains(id)).or_else(|| rules.first().cloned());
        Self { stage, step, check, process, event, person, back, versus }
    }

    /// The selected step, where a step is selected.
    #[must_use]
    pub fn step_id(&self) -> Option<&StepId> {
        match &self.step {
            Some(StepRow::Step(id)) => Some(id),
            _ => None,
        }
    }

    /// The attempt whose output belongs on the screen: of the selected step if it ever ran, else of the one in hand.
    #[must_use]
    pub fn output(&self, state: &State) -> Option<output::Source> {
        let ran = self.step_id().filter(|step| state.step(step).attempt > 0).cloned();
        let step = ran.or_else(|| output::step_in_hand(state))?;
        let attempt = state.step(&step).attempt;
        Some(output::Source { step, attempt })
    }
}

/// The stage that the eye belongs on: the one in hand, else the next, else the last.
#[must_use]
pub fn stage_in_hand(state: &State) -> Option<StageId> {
    state.current_stage().or_else(|| state.next_stage()).or_else(|| state.stages.keys().last()).cloned()
}

/// The row that the eye belongs on: what waits for a person, else what is red, else what runs, else the next.
#[must_use]
pub fn row_in_hand(state: &State, rows: &[StepRow]) -> Option<StepRow> {
    // Nothing goes on before what a rollback is stuck at.
    let stuck = state.active_rollback().and_then(|rollback| rollback.stuck.as_ref()?.step.clone());
    if let Some(stuck) = stuck.map(StepRow::Step).filter(|row| rows.contains(row)) {
        return Some(stuck);
    }
    let mark = |row: &StepRow| match row {
        StepRow::Step(id) if state.step(id).status == StepStatus::Skipped => None,
        StepRow::Step(id) => Some(status::step(state, id).0),
        StepRow::Item(stage, item) => Some(status::item(state, stage, item).0),
        StepRow::Votes(stage) => Some(status::votes(state, stage).0),
    };
    let wanted = [Mark::Ask, Mark::Fail, Mark::Running, Mark::Warn, Mark::Pending];
    let rank = |row: &StepRow| {
        let mark = mark(row)?;
        wanted.iter().position(|wanted| mark == *wanted)
    };
    let first = rows.iter().filter_map(|row| Some((rank(row)?, row))).min_by_key(|(rank, _)| *rank);
    first.map(|(_, row)| row).or(rows.last()).cloned()
}
