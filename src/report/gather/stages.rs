//! Every passage through every stage.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::steps::{Steps, tick};
use crate::event::{Event, EventKind, Health, ItemOf, author};
use crate::report::model::{
    Break, Ended, EndedHow, Entry, GatePlan, GateVerdict, Soak, Stage, StageStatus, Tick, Vote, When,
};
use crate::runbook::{StageId, StepId};
use crate::session::State;

/// The passages so far.
#[derive(Debug, Default)]
pub(super) struct Stages {
    by_id: IndexMap<StageId, Vec<Entry>>,
    /// The stage whose gate has a red check, and since when.
    red: Option<(StageId, u64)>,
    /// The steps that were started in the last passage of their stage.
    started: BTreeSet<StepId>,
}

impl Stages {
    /// Takes the next event; `after` is the state with it.
    pub fn push(&mut self, event: &Event, when: When, after: &State) {
        self.redden(event, when, after);
        let by = || author(&event.by);
        match &event.event {
            EventKind::StageEntered { stage } => {
                self.started.retain(|step| step.stage() != stage.as_str());
                self.by_id.entry(stage.clone()).or_default().push(Entry {
                    entered: when,
                    at_gate: None,
                    ended: None,
                    undone: None,
                    took_ms: 0,
                    red_ms: 0,
                    retries: 0,
                    soak: Soak::default(),
                    verdicts: Vec::new(),
                    votes: Vec::new(),
                    ticks: Vec::new(),
                });
            }
            EventKind::StepStarted { step, .. } => {
                let stage = StageId::from(step.stage());
                let plan = after.stage_plan(&stage);
                let forward = plan.is_none_or(|plan| plan.steps.iter().any(|planned| planned.id == *step));
                if forward && !self.started.insert(step.clone()) {
                    self.at(&stage, |entry| entry.retries += 1);
                }
            }
            EventKind::GateChanged { stage, go, missing } => self.at(stage, |entry| {
                entry.at_gate.get_or_insert(when);
                entry.verdicts.push(GateVerdict { when, go: *go, missing: missing.clone() });
            }),
            EventKind::SoakStarted { stage } => {
                self.at(stage, |entry| {
                    entry.soak.started.get_or_insert(when);
                });
            }
            EventKind::SoakBroken { stage, why } => self.at(stage, |entry| {
                entry.soak.breaks.push(Break { when, why: why.clone() });
                entry.soak.reached = None;
            }),
            EventKind::SoakReached { stage } => self.at(stage, |entry| entry.soak.reached = Some(when)),
            EventKind::Voted { stage, role, go, note } => self.at(stage, |entry| {
                let (role, note) = (role.clone(), note.clone());
                entry.votes.push(Vote { when, by: by(), role, go: *go, note });
            }),
            EventKind::ItemTicked { on: ItemOf::Gate(stage), item, pass, note } => self.at(stage, |entry| {
                let (item, note) = (item.clone(), note.clone());
                tick(&mut entry.ticks, Tick { item, pass: *pass, by: by(), at: event.at, note });
            }),
            EventKind::Promoted { stage, overridden, .. } => self.at(stage, |entry| {
                let how = if overridden.is_empty() { EndedHow::Promoted } else { EndedHow::Overridden };
                entry.ended.get_or_insert(Ended { when, by: by(), how });
            }),
            EventKind::StageRolledBack { stage } => self.at(stage, |entry| {
                entry.ended.get_or_insert(Ended { when, by: by(), how: EndedHow::RolledBack });
                entry.undone = Some(when);
            }),
            _ => {}
        }
    }

    /// Changes the passage in hand, or the last one.
    fn at(&mut self, stage: &StageId, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.by_id.get_mut(stage).and_then(|entries| entries.last_mut()) {
            change(entry);
        }
    }

    /// Counts the time for which a check of the gate is red. What nobody observed was not seen red.
    fn redden(&mut self, event: &Event, when: When, after: &State) {
        let until = match &event.event {
            EventKind::EngineStarted { .. } => None,
            EventKind::Unobserved { from, .. } => {
                Some(when.t_ms.saturating_sub(event.up_ms.saturating_sub(*from)))
            }
            _ => Some(when.t_ms),
        };
        if let (Some((stage, since)), Some(until)) = (self.red.take(), until) {
            self.at(&stage, |entry| entry.red_ms += until.saturating_sub(since));
        }
        let red = after.current_stage().filter(|stage| {
            let in_hand = after
                .stages
                .get(*stage)
                .is_some_and(|s| matches!(s.status, StageStatus::Active | StageStatus::AtGate));
            let is_red = |check| {
                after.blocks(check) && matches!(after.check(check).health, Health::Failing | Health::Stale)
            };
            in_hand && after.stage_plan(stage).is_some_and(|plan| plan.gate.checks.iter().any(is_red))
        });
        self.red = red.map(|stage| (stage.clone(), when.t_ms));
    }

    /// The passages through a stage, with how long each took.
    fn take(&mut self, id: &StageId, end_ms: u64) -> Vec<Entry> {
        let mut entries = self.by_id.swap_remove(id).unwrap_or_default();
        for entry in &mut entries {
            let ended = entry.ended.as_ref().map_or(end_ms, |ended| ended.when.t_ms);
            entry.took_ms = ended.saturating_sub(entry.entered.t_ms);
        }
        entries
    }

    /// The stages in the plan's order, and without a plan in the order in which they were entered.
    pub fn finish(mut self, state: &State, end_ms: u64, steps: &mut Steps) -> Vec<Stage> {
        if let Some(runbook) = &state.runbook {
            let planned = runbook.stages.iter().map(|plan| Stage {
                id: plan.id.to_string(),
                title: plan.title.clone(),
                description: plan.description.clone(),
                applies: plan.applies,
                point_of_no_return: plan.point_of_no_return,
                status: state.stages.get(&plan.id).map(|stage| stage.status).unwrap_or_default(),
                estimate_ms: plan.estimate.map(super::plan::ms),
                gate: super::plan::gate(&plan.gate),
                entries: self.take(&plan.id, end_ms),
                steps: plan.steps.iter().map(|step| steps.take(step, state)).collect(),
                rollback: plan.rollback.iter().map(|step| steps.take(step, state)).collect(),
            });
            return planned.collect();
        }
        let entered: Vec<StageId> = self.by_id.keys().cloned().collect();
        let told = entered.iter().map(|id| {
            let entries = self.take(id, end_ms);
            let status = match entries.last().map(|entry| entry.ended.as_ref().map(|ended| ended.how)) {
                Some(None) => StageStatus::Active,
                Some(Some(EndedHow::RolledBack)) => StageStatus::RolledBack,
                Some(Some(_)) => StageStatus::Passed,
                None => StageStatus::Pending,
            };
            Stage {
                id: id.to_string(),
                title: id.to_string(),
                description: None,
                applies: true,
                point_of_no_return: false,
                status,
                estimate_ms: None,
                gate: GatePlan::default(),
                entries,
                steps: steps.take_unplanned(id.as_str(), state),
                rollback: Vec::new(),
            }
        });
        told.collect()
    }
}
