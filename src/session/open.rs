//! The plan out of the first event: a log needs no other file.

use std::time::Duration;

use super::past;
use crate::event::{DrillPart, SessionOpened};
use crate::runbook::load::{Inputs, Missing, Source, load};
use crate::runbook::model::Runbook;

/// The runbook as recorded, read by this build; `None` where it cannot read it.
#[must_use]
pub fn read_plan(opened: &SessionOpened) -> Option<Runbook> {
    let source =
        Source { text: opened.runbook.clone(), file: opened.file.clone(), dir: opened.dir.clone().into() };
    let inputs = Inputs { set: opened.vars.clone(), host: opened.host.clone(), missing: Missing::Open };
    let mut runbook = load(&source, &inputs).runbook?;
    if let Some(part) = &opened.drill {
        drill(&mut runbook, part);
    }
    Some(runbook)
}

/// What a drill changes of its runbook: no soak is longer than it says, and where it turns back nothing goes on by
/// itself.
fn drill(runbook: &mut Runbook, part: &DrillPart) {
    let most = part.soak_ms.map(Duration::from_millis);
    for stage in &mut runbook.stages {
        stage.gate.soak = stage.gate.soak.map(|soak| most.map_or(soak, |most| soak.min(most)));
    }
    let turns = past::turning_point(runbook).map(|stage| stage.id.clone()).filter(|_| part.after.is_none());
    for stage in runbook.stages.iter_mut().filter(|stage| Some(&stage.id) == turns.as_ref()) {
        stage.gate.auto = false;
    }
}
