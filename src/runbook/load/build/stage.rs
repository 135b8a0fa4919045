//! `[[stage]]` into the model.

use std::collections::HashMap;

use super::names::Counts;
use super::step::List;
use super::{Build, duration, text};
use crate::runbook::codes::Code;
use crate::runbook::file::stage::StageFile;
use crate::runbook::file::step::StepFile;
use crate::runbook::id::{StageId, StepId};
use crate::runbook::load::circles::circles;
use crate::runbook::load::tree::Node;
use crate::runbook::model::{Stage, Step, Trigger};

impl Build<'_> {
    /// One stage, and its triggers.
    pub fn stage(&mut self, file: StageFile, node: &Node) -> (Stage, Vec<Trigger>) {
        let name = file.id.0;
        let id = StageId::from(name.as_str());
        if file.step.is_empty() && file.watch.is_empty() && file.gate.is_none() {
            let help = "give it a step, something to `watch`, or a gate";
            self.error(Code::Empty, node.span.clone(), format!("stage `{name}` is empty"), help);
        }
        let applies = self.applies(file.when, node);
        let watch = self.checks(file.watch, node.at("watch"), Counts::May);
        let steps = self.steps(file.step, node.at("step"), &name, List::Forward);
        self.need_circles(&steps, node.at("step"));
        let rollback = self.steps(file.rollback, node.at("rollback"), &name, List::Back);
        let gate = self.gate(file.gate.unwrap_or_default(), node, &watch);
        let triggers = self.triggers(file.trigger, node.at("trigger"), Some(&id));
        let stage = Stage {
            title: text(file.title).unwrap_or_else(|| name.clone()),
            description: text(file.description),
            applies,
            watch,
            estimate: file.estimate.as_ref().map(duration),
            point_of_no_return: file.point_of_no_return,
            steps,
            rollback,
            gate,
            id,
        };
        (stage, triggers)
    }

    /// A list of steps.
    pub fn steps(&mut self, files: Vec<StepFile>, node: &Node, stage: &str, list: List) -> Vec<Step> {
        let mut before: Vec<StepId> = Vec::new();
        let mut steps = Vec::new();
        for (index, file) in files.into_iter().enumerate() {
            let id = StepId::new(stage, &file.id.0);
            before.retain(|earlier| *earlier != id);
            steps.extend(self.step(file, node.item(index), stage, list, &before));
            // An id that stands twice was reported; a step that waits for itself would only follow from it.
            if !before.contains(&id) {
                before.push(id);
            }
        }
        steps
    }

    fn need_circles(&mut self, steps: &[Step], node: &Node) {
        let place: HashMap<&StepId, usize> =
            steps.iter().enumerate().map(|(i, step)| (&step.id, i)).collect();
        let needs = |step: &Step| step.needs.iter().filter_map(|need| place.get(need).copied()).collect();
        let edges: Vec<Vec<usize>> = steps.iter().map(needs).collect();
        for (waits, through) in circles(&edges) {
            let (step, through) = (steps[waits].id.step(), steps[through].id.step());
            let Some(index) = super::names::list_index(node, step) else { continue };
            let span = node.item(index).at("needs").span.clone();
            let message = format!("`{step}` would wait for itself, through `{through}`");
            self.error(Code::Cycle, span, message, "take one of the names out of `needs`");
        }
    }
}
