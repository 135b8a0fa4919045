//! `[rollback]` into the model, and the checks of the files and copies that the way back needs.

use std::time::Duration;

use super::names::Counts;
use super::step::List;
use super::{Build, duration, duration_or};
use crate::runbook::file::rollback::RollbackFile;
use crate::runbook::id::{CheckId, ROLLBACK, StepId};
use crate::runbook::interpolate::{Part, parts};
use crate::runbook::load::tree::Node;
use crate::runbook::model::{
    Action, Check, FileExpect, Probe, ROLLBACK_FILES, ROLLBACK_SNAPSHOTS, Rollback, RollbackGate,
    RollbackWindow, Runbook, Step, Template, TextExpect,
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
    let expect = FileExpect {
        exists: true,
        executable: None,
        sha256: None,
        sha256sums: None,
        max_age: None,
        text: TextExpect::default(),
    };
    let title = "Files that the way back needs";
    ready(
        runbook,
        Check { failure_threshold: 3, ..made(ROLLBACK_FILES, title, Probe::File { paths, expect }) },
    );
}

/// Makes one check of the copies that rollback steps put back, and puts it into the escape hatch: one that has changed
/// puts nothing back.
pub fn watch_snapshots(runbook: &mut Runbook) {
    let mut steps: Vec<StepId> = Vec::new();
    for step in steps_back(runbook) {
        if let Action::Restore { of } = &step.action
            && !steps.contains(of)
        {
            steps.push(of.clone());
        }
    }
    if !steps.is_empty() {
        let copies = made(ROLLBACK_SNAPSHOTS, "Copies that the way back needs", Probe::Snapshots(steps));
        // Large copies take their time once, and again now and then.
        ready(runbook, Check { timeout: copies.period, ..copies });
    }
}

/// A check that no runbook writes. What it looks at does not flicker: one bad look is enough.
pub fn made(id: &str, title: &str, probe: Probe) -> Check {
    Check {
        id: CheckId::from(id),
        title: title.to_owned(),
        applies: true,
        probe,
        period: Duration::from_secs(10),
        timeout: Duration::from_secs(3),
        initial_delay: Duration::ZERO,
        failure_threshold: 1,
        success_threshold: 1,
        unit: None,
        advisory: false,
    }
}

fn ready(runbook: &mut Runbook, check: Check) {
    runbook.rollback.ready.push(check.id.clone());
    runbook.checks.insert(check.id.clone(), check);
}

fn known_before(file: &Template) -> bool {
    parts(&file.0).into_iter().all(|(_, part)| match part {
        Part::Text(_) => true,
        Part::Name(name) => matches!(name, "session.id" | "session.dir" | "runbook.dir"),
        Part::Unclosed(_) => false,
    })
}
