//! What another runbook changes of the recorded one: what can be judged again from samples, and what cannot.

use std::collections::BTreeSet;

use crate::runbook::CheckId;
use crate::runbook::model::{Check, Gate, Probe, Runbook, Stage, Step, Trigger, TriggerThen, TriggerWhen};

use super::limits;

/// The recorded runbook with what can be judged again as the other has it.
#[derive(Debug)]
pub struct Differences {
    pub runbook: Runbook,
    /// What is judged again, a sentence each: `check readyz: max_latency 1 s → 300 ms`.
    pub judged: Vec<String>,
    /// What differs and cannot be judged from a recording, a sentence each.
    pub unjudged: Vec<String>,
    /// The checks of which something is judged again.
    pub checks: BTreeSet<CheckId>,
}

impl Differences {
    /// Between the recorded runbook and the one that is asked about.
    #[must_use]
    pub fn between(old: &Runbook, new: &Runbook) -> Self {
        let mut found =
            Self { runbook: old.clone(), judged: Vec::new(), unjudged: Vec::new(), checks: BTreeSet::new() };
        found.checks(old, new);
        found.stages(old, new);
        found.triggers(old, new);
        found.the_rest(old, new);
        found
    }

    fn cannot(&mut self, why: impl Into<String>) {
        self.unjudged.push(why.into());
    }

    fn change(&mut self, of: &str, what: &str, old: impl ToString, new: impl ToString) -> bool {
        let (old, new) = (old.to_string(), new.to_string());
        let differs = old != new;
        if differs {
            self.judged.push(format!("{of}: {what} {old} → {new}"));
        }
        differs
    }

    fn checks(&mut self, old: &Runbook, new: &Runbook) {
        for id in new.checks.keys().filter(|id| !old.checks.contains_key(*id)) {
            self.cannot(format!("check {id} is new: nobody sampled it"));
        }
        for (id, was) in &old.checks {
            match new.checks.get(id) {
                None => self.cannot(format!("check {id} is not there any more; it is judged as recorded")),
                Some(is) => self.check(was, is),
            }
        }
    }

    fn check(&mut self, was: &Check, is: &Check) {
        let id = &was.id;
        let of = format!("check {id}");
        if was.applies != is.applies {
            return self.cannot(format!("{of}: its `when` says otherwise; it is judged as recorded"));
        }
        if shape(&limits::without(&was.probe)) != shape(&limits::without(&is.probe)) {
            let why = match (&was.probe, &is.probe) {
                (Probe::Any(_), Probe::Any(_)) => "is made of other checks",
                (a, b) if a.kind() != b.kind() => "looks at something of another kind",
                _ => "looks at, or expects, what its samples do not tell",
            };
            return self.cannot(format!("{of} {why}; it is judged as recorded"));
        }
        let mut anew = false;
        for (old, new) in limits::of(&was.probe).iter().zip(&limits::of(&is.probe)) {
            let (old, new) = (old.shown(), new.shown());
            let name = old.split(' ').next().unwrap_or_default();
            let value = |shown: &str| shown.split_once(' ').map(|(_, v)| v.to_owned()).unwrap_or_default();
            anew |= self.change(&of, name, value(&old), value(&new));
        }
        anew |= self.change(&of, "failure_threshold", was.failure_threshold, is.failure_threshold);
        anew |= self.change(&of, "success_threshold", was.success_threshold, is.success_threshold);
        anew |= self.change(&of, "initial_delay", span(was.initial_delay), span(is.initial_delay));
        if self.change(&of, "period", span(was.period), span(is.period)) {
            anew = true;
            self.cannot(format!(
                "{of}: it was sampled every {}; a period of {} changes only when it is stale",
                span(was.period),
                span(is.period)
            ));
        }
        if self.change(&of, "timeout", span(was.timeout), span(is.timeout)) {
            anew = true;
            if is.timeout > was.timeout {
                self.cannot(format!(
                    "{of}: what gave no answer within {} may have given one within {}; it stays an error",
                    span(was.timeout),
                    span(is.timeout)
                ));
            }
        }
        if self.change(&of, "advisory", was.advisory, is.advisory) {
            anew = true;
        }
        if anew {
            self.checks.insert(id.clone());
            let (title, unit) = (was.title.clone(), was.unit.clone());
            self.runbook.checks.insert(id.clone(), Check { title, unit, ..is.clone() });
        }
    }

    fn stages(&mut self, old: &Runbook, new: &Runbook) {
        for stage in new.stages.iter().filter(|stage| old.stage(&stage.id).is_none()) {
            self.cannot(format!("stage {} is new: nobody entered it", stage.id));
        }
        for (at, was) in old.stages.iter().enumerate() {
            match new.stage(&was.id) {
                None => self.cannot(format!("stage {} is not there any more; it is kept", was.id)),
                Some(is) => self.stage(at, was, is),
            }
        }
        let known = |of: &Runbook, other: &Runbook| -> Vec<_> {
            of.stages.iter().map(|s| s.id.clone()).filter(|id| other.stage(id).is_some()).collect()
        };
        if known(old, new) != known(new, old) {
            self.cannot("the stages stand in another order; the recorded one is kept");
        }
    }

    fn stage(&mut self, at: usize, was: &Stage, is: &Stage) {
        let of = format!("stage {}", was.id);
        if was.applies != is.applies {
            self.cannot(format!("{of}: its `when` says otherwise; it is kept as recorded"));
        }
        if was.point_of_no_return != is.point_of_no_return {
            self.cannot(format!("{of}: whether it is a point of no return changes what people had to type"));
        }
        let mut steps = |was: &[Step], is: &[Step], what: &str| {
            let (was, is): (Vec<_>, Vec<_>) =
                (was.iter().map(meaning).collect(), is.iter().map(meaning).collect());
            if was != is {
                self.unjudged.push(format!("{of}: its {what} are others; they are kept as they went"));
            }
        };
        steps(&was.steps, &is.steps, "steps");
        steps(&was.rollback, &is.rollback, "rollback steps");
        if was.watch != is.watch {
            self.cannot(format!("{of}: it watches other checks; they were sampled as recorded"));
        }
        let gate = self.gate(&format!("gate of {}", was.id), was, is);
        self.runbook.stages[at].gate = gate;
    }

    /// The gate as far as it can be judged.
    fn gate(&mut self, of: &str, was: &Stage, is: &Stage) -> Gate {
        let mut gate = was.gate.clone();
        let soak = |gate: &Gate| gate.soak.map_or("none".to_owned(), span);
        if self.change(of, "soak", soak(&was.gate), soak(&is.gate)) {
            gate.soak = is.gate.soak;
        }
        if self.change(of, "auto", was.gate.auto, is.gate.auto) {
            gate.auto = is.gate.auto;
        }
        let over = |gate: &Gate| format!("{:?}", gate.over).to_lowercase();
        if self.change(of, "override", over(&was.gate), over(&is.gate)) {
            gate.over = is.gate.over;
        }
        if was.gate.checks != is.gate.checks {
            // While the stage was in hand these were sampled, and no others for sure.
            let sampled = |id: &&CheckId| was.gate.checks.contains(id) || was.watch.contains(id);
            for id in is.gate.checks.iter().filter(|id| !sampled(id)) {
                self.cannot(format!("{of}: it asks for {id}, which was not sampled then"));
            }
            let checks: Vec<CheckId> = is.gate.checks.iter().filter(sampled).cloned().collect();
            self.change(of, "checks", list(&was.gate.checks), list(&checks));
            gate.checks = checks;
        }
        if was.gate.accept != is.gate.accept {
            self.cannot(format!("{of}: it asks people to accept other items; nobody was asked that"));
        }
        if was.gate.approvals != is.gate.approvals || was.gate.roles != is.gate.roles {
            self.cannot(format!("{of}: it asks other people to vote; they were not asked"));
        }
        gate
    }

    fn triggers(&mut self, old: &Runbook, new: &Runbook) {
        let known = |of: &Runbook, id| of.triggers.iter().find(|t| t.id == id).cloned();
        let mut triggers: Vec<Trigger> = Vec::new();
        for was in &old.triggers {
            match known(new, was.id.clone()) {
                None => self.judged.push(format!("trigger {}: it is not there any more", was.id)),
                Some(is) => triggers.push(self.trigger(was, is)),
            }
        }
        for is in new.triggers.iter().filter(|is| known(old, is.id.clone()).is_none()) {
            if is.stage.as_ref().is_some_and(|stage| old.stage(stage).is_none()) {
                self.cannot(format!("trigger {} belongs to a stage that nobody entered", is.id));
            } else if sampled_for(old, is) {
                self.judged.push(format!("trigger {}: it is new", is.id));
                triggers.push(is.clone());
            } else {
                self.cannot(format!("trigger {} is new, and {} was not sampled for it", is.id, is.check));
            }
        }
        self.runbook.triggers = triggers;
    }

    fn trigger(&mut self, was: &Trigger, is: Trigger) -> Trigger {
        let of = format!("trigger {}", was.id);
        self.change(&of, "when", condition(&was.condition), condition(&is.condition));
        self.change(&of, "then", then(&was.then), then(&is.then));
        let from = |t: &Trigger| if t.armed_from_entry { "from entry" } else { "after its last step" };
        self.change(&of, "armed", from(was), from(&is));
        is
    }

    fn the_rest(&mut self, old: &Runbook, new: &Runbook) {
        if old.policy != new.policy {
            self.cannot("the policy is another; nobody acknowledged that one");
        }
        if shape(&old.roles) != shape(&new.roles) {
            self.cannot("`[roles]` names other people; they are as they came");
        }
        if old.rollback.ready != new.rollback.ready {
            self.cannot("the way back needs other checks; it is judged with those that were sampled");
        }
        let back = |r: &Runbook| {
            let steps = r.rollback.prepare.iter().chain(&r.rollback.steps).map(meaning).collect::<Vec<_>>();
            (steps, shape(&r.rollback.gate), shape(&r.rollback.window))
        };
        if back(old) != back(new) {
            self.cannot("the way back is another; a rollback is kept as it went");
        }
        if shape(&old.env) != shape(&new.env)
            || old.shell != new.shell
            || shape(&old.secrets) != shape(&new.secrets)
        {
            self.cannot("commands run with another `env`, `shell` or `secrets`; they are kept as they went");
        }
    }
}

/// Whether a trigger's check was sampled whenever the trigger would have been live.
fn sampled_for(old: &Runbook, trigger: &Trigger) -> bool {
    let of_all = old.rollback.ready.contains(&trigger.check)
        || old.triggers.iter().any(|t| t.stage.is_none() && t.check == trigger.check);
    let of_stage = |stage: &Stage| {
        stage.watch.contains(&trigger.check)
            || stage.gate.checks.contains(&trigger.check)
            || old.triggers.iter().any(|t| {
                t.stage.as_ref() == Some(&stage.id) && t.check == trigger.check && t.armed_from_entry
            })
    };
    of_all || trigger.stage.as_ref().and_then(|id| old.stage(id)).is_some_and(of_stage)
}

/// What a step does, without what only a screen shows.
fn meaning(step: &Step) -> String {
    shape(&Step { title: String::new(), description: None, estimate: None, ..step.clone() })
}

/// Two of the same meaning have the same; the model has no other way to be compared.
fn shape(what: &impl std::fmt::Debug) -> String {
    format!("{what:?}")
}

fn list(checks: &[CheckId]) -> String {
    if checks.is_empty() {
        return "none".to_owned();
    }
    checks.iter().map(CheckId::as_str).collect::<Vec<_>>().join(", ")
}

fn condition(when: &TriggerWhen) -> String {
    match when {
        TriggerWhen::FailingFor(duration) => format!("failing for {}", span(*duration)),
        TriggerWhen::StaleFor(duration) => format!("stale for {}", span(*duration)),
        TriggerWhen::Failures { count, within } => format!("{count} failures within {}", span(*within)),
    }
}

fn then(then: &TriggerThen) -> String {
    match then {
        TriggerThen::Alert => "alert".to_owned(),
        TriggerThen::Hold => "hold".to_owned(),
        TriggerThen::Rollback { to, grace } => {
            let to = to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
            format!("rollback{to} after {}", span(*grace))
        }
    }
}

fn span(duration: std::time::Duration) -> String {
    humantime::format_duration(duration).to_string()
}
