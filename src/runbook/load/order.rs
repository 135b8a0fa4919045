//! Captures in order: what a step uses must surely have been captured before it starts.

use std::collections::HashSet;

use super::tree::Node;
use super::walk::{Seg, Use};
use crate::runbook::codes::Code;
use crate::runbook::diagnostic::{Diagnostic, Findings};
use crate::runbook::id::StepId;
use crate::runbook::model::{Runbook, Step};

/// Judges every use of a capture in a forward step. Elsewhere the way there is not one order: a value that is still
/// missing is an error of that sample or step.
pub fn captures(runbook: &Runbook, root: &Node, uses: &[Use], findings: &mut Findings) {
    for used in uses {
        let [Seg::Key(stage), Seg::Index(s), Seg::Key(list), Seg::Index(i), rest @ ..] =
            used.trail.as_slice()
        else {
            continue;
        };
        if stage != "stage" || list != "step" {
            continue;
        }
        let givers: Vec<&Step> =
            runbook.all_steps().filter(|step| step.capture.contains_key(&used.name)).collect();
        let stage_node = root.at("stage").item(*s);
        let own = |key: &str| stage_node.at("step").item(*i).get(key).and_then(Node::as_str);
        let Some(id) =
            stage_node.get("id").and_then(Node::as_str).zip(own("id")).map(|(s, i)| StepId::new(s, i))
        else {
            continue;
        };
        let evidence = rest.first() == Some(&Seg::Key("evidence".into()));
        if givers.is_empty() || givers.iter().any(|giver| comes_before(runbook, *s, &id, &giver.id, evidence))
        {
            continue;
        }
        let message = format!("`{}` has no value yet when this step starts", used.name);
        let help =
            format!("`{}` captures it: let that step come before, or name it in `needs`", givers[0].id);
        findings.about(Diagnostic::new(Code::NotKnownYet, used.span.clone(), message).help(help));
    }
}

/// Whether `giver` has surely ended before `step`, of the stage of that number, needs its value.
fn comes_before(runbook: &Runbook, stage: usize, step: &StepId, giver: &StepId, itself_too: bool) -> bool {
    if itself_too && giver == step {
        return true;
    }
    let earlier = runbook.stages.iter().take(stage).flat_map(|stage| &stage.steps);
    if earlier.map(|step| &step.id).any(|id| id == giver) {
        return true;
    }
    let Some(stage) = runbook.stages.get(stage) else { return false };
    let mut seen = HashSet::new();
    let mut open = vec![step];
    while let Some(id) = open.pop() {
        for need in stage.steps.iter().find(|s| s.id == *id).map_or(&[][..], |s| &s.needs) {
            if need == giver {
                return true;
            }
            if seen.insert(need) {
                open.push(need);
            }
        }
    }
    false
}
