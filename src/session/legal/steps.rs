//! What may become of a step, attempt by attempt.

use super::{Legal, Place, must};
use crate::event::{By, StepFinished};
use crate::runbook::CheckId;
use crate::runbook::model::{Action, Step};
use crate::session::settle;
use crate::session::state::{StageStatus, StepState, StepStatus};

impl<'a> Place<'a> {
    fn seen(&self, step: &Step) -> &'a StepState {
        self.state.step(&step.id)
    }

    /// `attempt` is the one under way.
    pub(super) fn is_open(&self, step: &Step, attempt: u32) -> Legal {
        let seen = self.seen(step);
        must(seen.status.is_open(), || format!("{} was not under way", step.id))?;
        self.is_newest(step, attempt)
    }

    fn is_newest(&self, step: &Step, attempt: u32) -> Legal {
        let newest = self.seen(step).attempt;
        must(attempt == newest, || {
            format!("the attempt of {} in hand was number {newest}, not {attempt}", step.id)
        })
    }

    /// The step is part of the rollback under way, or else of the stage in hand.
    fn has_its_turn(&self, step: &Step) -> Legal {
        let its = match self.state.active_rollback() {
            Some(rollback) => rollback.steps.contains(&step.id),
            None => self.state.current_stage().and_then(|id| self.runbook.stage(id)).is_some_and(|stage| {
                let status = self.state.stages.get(&stage.id).map(|s| s.status);
                matches!(status, Some(StageStatus::Active | StageStatus::AtGate))
                    && stage.steps.iter().any(|known| known.id == step.id)
            }),
        };
        must(its, || format!("{} was not in hand", step.id))
    }

    pub(super) fn starts(&self, step: &Step, attempt: u32) -> Legal {
        let (id, seen) = (&step.id, self.seen(step));
        self.has_its_turn(step)?;
        must(attempt == seen.attempt + 1, || {
            format!("attempt {attempt} of {id} does not follow attempt {}", seen.attempt)
        })?;
        must(!seen.status.is_open(), || format!("{id} was under way"))?;
        must(self.state.paused.is_none(), || "the session was paused".to_owned())?;
        if seen.status == StepStatus::Unknown {
            // What may be run twice is run again by itself.
            return must(step.idempotent && matches!(self.event.by, By::Engine(_)), || {
                format!("nobody had said what became of {id}")
            });
        }
        if matches!(self.event.by, By::Person(_)) {
            let may = matches!(seen.status, StepStatus::Pending | StepStatus::Failed) || step.repeatable;
            return must(may, || format!("{id} is not repeatable"));
        }
        let due = match seen.status {
            StepStatus::Pending => true,
            _ => self.state.will_retry(step),
        };
        must(due, || format!("{id} had been run"))?;
        if let Some(rollback) = self.state.active_rollback() {
            let stuck = rollback.stuck.as_ref().and_then(|stuck| stuck.step.as_ref());
            return stuck.map_or(Ok(()), |on| Err(format!("the rollback was stuck on {on}")));
        }
        must(self.state.holds().is_empty(), || "the session was on hold".to_owned())?;
        let waits_for = step.needs.iter().find(|need| !settle::is_met(self.state, need));
        waits_for.map_or(Ok(()), |need| Err(format!("{id} needs {need}")))
    }

    pub(super) fn launches(&self, step: &Step, attempt: u32) -> Legal {
        must(matches!(step.action, Action::Start { .. }), || format!("{} launches nothing", step.id))?;
        self.is_open(step, attempt)
    }

    pub(super) fn finishes(&self, step: &Step, finish: &StepFinished) -> Legal {
        self.is_open(step, finish.attempt)?;
        if !finish.passed {
            return Ok(());
        }
        let (id, seen) = (&step.id, self.seen(step));
        must(seen.killed.is_none(), || format!("{id} was being ended, and is said to have passed"))?;
        let unmet = finish.proofs.iter().find(|proof| !proof.met);
        must(unmet.is_none(), || format!("{id} is said to have passed without its proof"))?;
        let checks = match &step.action {
            Action::Await { checks, .. } => checks,
            Action::Start { ready, .. } if seen.process.is_some() => ready,
            Action::Baseline { name, .. } => {
                let taken = self.state.baselines.contains_key(name);
                return must(taken, || format!("{id} is said to have passed without its baseline"));
            }
            Action::Snapshot { .. } => {
                let taken = self.state.snapshots.get(id).is_some_and(|taken| taken.attempt == finish.attempt);
                return must(taken, || format!("{id} is said to have passed without its copies"));
            }
            _ => return Ok(()),
        };
        let missing = checks.iter().find(|check| !self.state.is_green(check));
        missing.map_or(Ok(()), |check| Err(format!("{id} is said to have passed, and {check} was not green")))
    }

    pub(super) fn measures<'c>(
        &self,
        step: &Step,
        attempt: u32,
        measured: &str,
        mut of: impl Iterator<Item = &'c CheckId>,
    ) -> Legal {
        let Action::Baseline { name, checks, .. } = &step.action else {
            return Err(format!("{} measures nothing", step.id));
        };
        must(measured == name.as_str(), || format!("{} takes the baseline {name}", step.id))?;
        let stranger = of.find(|check| !checks.contains(check));
        stranger.map_or(Ok(()), |check| Err(format!("{} does not measure {check}", step.id)))?;
        self.is_open(step, attempt)
    }

    pub(super) fn resolves(&self, step: &Step, attempt: u32) -> Legal {
        self.person()?;
        must(self.seen(step).status == StepStatus::Unknown, || {
            format!("what became of {} was known", step.id)
        })?;
        self.is_newest(step, attempt)
    }

    pub(super) fn skips(&self, step: &Step) -> Legal {
        self.person()?;
        self.has_its_turn(step)?;
        let may =
            matches!(self.seen(step).status, StepStatus::Pending | StepStatus::Failed | StepStatus::Waiting);
        must(may, || format!("{} was not to be skipped any more", step.id))?;
        let skippable = step.skippable || self.state.active_rollback().is_some();
        must(skippable, || format!("{} may not be skipped", step.id))
    }

    pub(super) fn kills(&self, step: &Step, attempt: u32) -> Legal {
        self.is_open(step, attempt)?;
        must(self.seen(step).killed.is_none(), || format!("{} was being ended already", step.id))
    }

    pub(super) fn refuses_end(&self, step: &Step, attempt: u32) -> Legal {
        self.is_open(step, attempt)?;
        must(self.seen(step).killed.is_some(), || format!("nobody had ended {}", step.id))
    }

    /// The items of a question that waits for its answer.
    pub(super) fn items(&self, step: &'a Step) -> Result<&'a [String], String> {
        let Action::Confirm { items, .. } = &step.action else {
            return Err(format!("{} asks nothing", step.id));
        };
        must(self.seen(step).status == StepStatus::Waiting, || format!("{} waited for no answer", step.id))?;
        Ok(items)
    }

    pub(super) fn answers(&self, step: &'a Step, attempt: u32, yes: bool) -> Legal {
        self.person()?;
        self.is_newest(step, attempt)?;
        let seen = self.seen(step);
        let open = self.items(step)?.iter().find(|item| !seen.ticks.get(*item).is_some_and(|tick| tick.pass));
        match open.filter(|_| yes) {
            Some(item) => Err(format!("\"{item}\" was not ticked as passed")),
            None => Ok(()),
        }
    }
}
