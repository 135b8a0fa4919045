//! What time does to the state: absences, a boot clock that began anew, and soaks that run on green time only.

use crate::clock::Now;
use crate::session::state::{Soak, StageStatus, State, TriggerState};

impl State {
    pub(super) fn unobserved(&mut self, from: u64, to: u64) {
        let gap = to.saturating_sub(from);
        let mut gate = self.current_stage().and_then(|id| self.stage_plan(id)).into_iter();
        let blind = gate.any(|stage| stage.gate.checks.iter().any(|check| self.blocks(check)));
        for stage in self.stages.values_mut() {
            if let Some(since) = stage.soak.running_since {
                stage.soak.banked_ms += from.saturating_sub(since);
                stage.soak.running_since = Some(to.max(since));
            }
            if stage.soak.started {
                // Where nothing was green again since the gap before, it is the same gap that goes on.
                let before = if blind { stage.soak.unobserved_ms } else { 0 };
                stage.soak.unobserved_ms = before.saturating_add(gap);
            }
        }
        for step in self.steps.values_mut().filter(|step| step.status.is_open()) {
            step.unobserved_ms += gap;
        }
        // What nobody looked for was not missed.
        if let Some(at_gate) = self.rollback.as_mut().and_then(|rollback| rollback.at_gate.as_mut()) {
            at_gate.up_ms += gap;
        }
        // A veto needs somebody who sees the countdown.
        for trigger in self.triggers.values_mut() {
            if let TriggerState::Armed { fires_at, .. } = trigger {
                *fires_at += to.saturating_sub(from);
            }
        }
    }

    /// An engine that took over knows of no sample yet, and who was here is to come again.
    pub(super) fn look_anew(&mut self) {
        self.checks.clear();
        self.steps.values_mut().for_each(|step| step.unobserved_ms = 0);
        for operator in self.crew.values_mut() {
            operator.left = operator.left.or(self.last);
        }
        self.wheel_asked.clear();
        self.wheel_offer = None;
    }

    /// The boot clock began anew: times of the boot before compare with nothing. What waits for a time waits from now
    /// on; what counts down is to come about again. How long ago something was, [`State::since`] says.
    pub(super) fn rebase(&mut self, now: Now) {
        self.rebooted = true;
        let rebased = |seen: &mut Option<Now>| {
            if let Some(seen) = seen {
                seen.up_ms = now.up_ms;
            }
        };
        rebased(&mut self.started);
        for step in self.steps.values_mut() {
            rebased(&mut step.started);
            rebased(&mut step.ended);
            rebased(&mut step.end_refused);
            if let Some(ending) = &mut step.killed {
                ending.since.up_ms = now.up_ms;
            }
        }
        for stage in self.stages.values_mut() {
            rebased(&mut stage.at_gate);
            if let Some(gate) = &mut stage.gate {
                gate.since.up_ms = now.up_ms;
            }
        }
        if let Some(rollback) = &mut self.rollback {
            rebased(&mut rollback.at_gate);
        }
        for trigger in self.triggers.values_mut() {
            if let TriggerState::Armed { .. } | TriggerState::Quiet { .. } = trigger {
                *trigger = TriggerState::Quiet { since: now.up_ms };
            }
        }
    }

    pub(super) fn break_soaks(&mut self, why: &str) {
        for stage in self.stages.values_mut().filter(|s| s.status == StageStatus::AtGate && s.soak.started) {
            break_soak(&mut stage.soak, why);
        }
    }

    /// Lets the soak of the stage at its gate run or stand still, as its checks and the pause now say.
    pub(super) fn run_soak(&mut self, now: Now) {
        let Some(runbook) = self.runbook.clone() else { return };
        let Some(stage) =
            self.current_stage().and_then(|id| runbook.stage(id)).filter(|s| s.gate.soak.is_some())
        else {
            return;
        };
        let green = self.paused.is_none() && !stage.gate.checks.iter().any(|check| self.blocks(check));
        let Some(state) = self.stages.get_mut(&stage.id) else { return };
        let runs = green && state.soak.started && state.status == StageStatus::AtGate;
        match (runs, state.soak.running_since) {
            (true, None) => {
                state.soak.running_since = Some(now.up_ms);
                state.soak.unobserved_ms = 0;
            }
            (false, Some(_)) => stop_soak(&mut state.soak, now),
            _ => {}
        }
    }
}

pub(super) fn break_soak(soak: &mut Soak, why: &str) {
    *soak = Soak { broken: soak.broken + 1, last_broken: Some(why.to_owned()), ..Soak::default() };
}

/// What ran so far is kept; from here on nothing is added.
pub(super) fn stop_soak(soak: &mut Soak, now: Now) {
    if let Some(since) = soak.running_since.take() {
        soak.banked_ms += now.up_ms.saturating_sub(since);
    }
}
