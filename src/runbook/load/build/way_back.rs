//! `[rollback]` into the model, and the check of the files that the way back needs.

use std::time::Duration;

use super::names::Counts;
use super::step::List;
use super::{Build, duration, duration_or};
use crate::runbook::file::rollback::RollbackFile;
use crate::runbook::id::{CheckId, ROLLBACK};
use crate::runbook::interpolate::{Part, parts};
use crate::runbook::load::tree::Node;
use crate::runbook::model::{
    Check, FileExpect, Probe, ROLLBACK_FILES, Rollback, RollbackGate, RollbackWindow, Runbook, Step,
    Template, TextExpect,
};

impl Build<'_> {
    /// The way back as a whole.
    pub fn rollback(&mut self, file: RollbackFile, node: &Node) -> Rollback {
        let window = file.window.and_then(|window| {
            let from = self.stage_ref(&window.from.0, node.at("window").at("from"))?;
            Some(RollbackWindow { from, lasts: duration(&window.lasts) })
        });
        Rollback {
            window,
            ready: self.checks(file.ready, node.at("ready"), Counts::Must),
            prepare: self.steps(file.prepare, node.at("prepare"), ROLLBACK, List::Prepare),
            steps: self.steps(file.step, node.at("step"), ROLLBACK, List::AllTheWay),
            gate: file.gate.map(|gate| RollbackGate {
                checks: self.checks(gate.checks, node.at("gate").at("checks"), Counts::Must),
                timeout: duration_or(gate.timeout.as_ref(), 300),
            }),
        }
    }
}

/// Every rollback step that applies here.
pub fn steps_back(runbook: &Runbook) -> impl Iterator<Item = &Step> {
    let of_stages = runbook.stages.iter().filter(|stage| stage.applies).flat_map(|stage| &stage.rollback);
    of_stages.chain(&runbook.rollback.prepare).chain(&runbook.rollback.steps).filter(|step| step.applies)
}

/// Makes one check of the files that rollback steps name, and puts it into the escape hatch. What a later capture
/// names is not known before the cutover and is left to the step itself.
pub fn watch_files(runbook: &mut Runbook) {
    let mut paths: Vec<Template> = Vec::new();
    for file in steps_back(runbook).flat_map(|step| &step.files) {
        if !paths.contains(file) && known_before(file) {
            paths.push(file.clone());
        }
    }
    if paths.is_empty() {
        return;
    }
    let id = CheckId::from(ROLLBACK_FILES);
    let expect = FileExpect {
        exists: true,
        executable: None,
        sha256: None,
        sha256sums: None,
        max_age: None,
        text: TextExpect::default(),
    };
    let check = Check {
        id: id.clone(),
        title: "Files that the way back needs".to_owned(),
        applies: true,
        probe: Probe::File { paths, expect },
        period: Duration::from_secs(10),
        timeout: Duration::from_secs(3),
        initial_delay: Duration::ZERO,
        failure_threshold: 3,
        success_threshold: 1,
        unit: None,
        advisory: false,
    };
    runbook.checks.insert(id.clone(), check);
    runbook.rollback.ready.push(id);
}

fn known_before(file: &Template) -> bool {
    parts(&file.0).into_iter().all(|(_, part)| match part {
        Part::Text(_) => true,
        Part::Name(name) => matches!(name, "session.id" | "session.dir" | "runbook.dir"),
        Part::Unclosed(_) => false,
    })
}
