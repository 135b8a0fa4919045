//! `[stage.gate]` and the triggers into the model.

use std::collections::HashMap;

use super::names::Counts;
use super::{Build, duration, duration_or};
use crate::runbook::codes::Code;
use crate::runbook::file::stage::{GateFile, OverrideFile, ThenFile, TriggerFile};
use crate::runbook::id::{CheckId, StageId, TriggerId};
use crate::runbook::load::tree::Node;
use crate::runbook::model::{Drilled, Gate, Override, Stage, Trigger, TriggerThen, TriggerWhen};

impl Build<'_> {
    /// The gate of the stage at `stage`, which watches `watch`.
    pub fn gate(&mut self, file: GateFile, stage: &Node, watch: &[CheckId]) -> Gate {
        let node = stage.at("gate");
        let checks = match file.checks {
            Some(checks) => self.checks(checks, node.at("checks"), Counts::Must),
            None => watch.iter().filter(|check| !self.is_advisory(check)).cloned().collect(),
        };
        if file.soak.is_some() && checks.is_empty() {
            let message = "nothing is watched here, so nothing could be green for so long";
            let help = "name checks in the stage's `watch` or in the gate's `checks`";
            self.error(Code::Impossible, node.key_span("soak"), message, help);
        }
        let mut roles: Vec<String> = Vec::new();
        for (index, role) in file.roles.into_iter().enumerate() {
            if roles.contains(&role.0) {
                let message = format!("role `{}` stands here twice, and votes once", role.0);
                self.error(
                    Code::NameTaken,
                    node.at("roles").item(index).span.clone(),
                    message,
                    "name it once",
                );
            }
            roles.push(role.0);
        }
        Gate {
            checks,
            soak: file.soak.as_ref().map(duration),
            accept: file.accept.into_iter().map(|item| item.0).collect(),
            approvals: file.approvals,
            consecutive_sessions: file.consecutive_sessions.unwrap_or(1),
            drilled: file.drilled.map(|drilled| Drilled {
                within: duration(&drilled.within),
                environment: drilled.environment.map(|place| place.0),
            }),
            auto: file.auto,
            over: match file.over {
                Some(OverrideFile::Never) => Override::Never,
                Some(OverrideFile::Two) => Override::Two,
                None if file.approvals >= 2 || !roles.is_empty() => Override::Two,
                Some(OverrideFile::Reason) | None => Override::Reason,
            },
            roles,
        }
    }

    /// Triggers, of a stage or of the runbook.
    pub fn triggers(
        &mut self,
        files: Vec<TriggerFile>,
        node: &Node,
        stage: Option<&StageId>,
    ) -> Vec<Trigger> {
        let files = files.into_iter().enumerate();
        files.filter_map(|(index, file)| self.trigger(file, node.item(index), stage)).collect()
    }

    fn trigger(&mut self, file: TriggerFile, node: &Node, stage: Option<&StageId>) -> Option<Trigger> {
        let applies = self.applies(file.when.clone(), node);
        let check = self.check_ref(&file.check, node.at("check"), Counts::Must);
        let condition = self.condition(&file, node);
        let then = self.then(&file, node, stage);
        if stage.is_none() && file.armed.is_some() {
            let message = "`armed` is for a stage's trigger; the runbook's own are armed from stage 1 on";
            self.error(Code::WrongKind, node.key_span("armed"), message, "take it away");
        }
        let (check, condition) = (check?, condition?);
        let name = match &then {
            TriggerThen::Alert => "alert",
            TriggerThen::Hold => "hold",
            TriggerThen::Rollback { .. } => "rollback",
        };
        let id = match stage {
            Some(stage) => format!("{stage}.{check}.{name}"),
            None => format!("{check}.{name}"),
        };
        Some(Trigger {
            id: TriggerId::from(id),
            stage: stage.cloned(),
            applies,
            check,
            condition,
            then,
            armed_from_entry: file.armed.is_some(),
        })
    }

    fn condition(&mut self, file: &TriggerFile, node: &Node) -> Option<TriggerWhen> {
        let failing = file.failing_for.as_ref().map(|time| TriggerWhen::FailingFor(duration(time)));
        let stale = file.stale_for.as_ref().map(|time| TriggerWhen::StaleFor(duration(time)));
        let failures = file.failures.as_ref().map(|failures| TriggerWhen::Failures {
            count: failures.count,
            within: duration(&failures.within),
        });
        let mut given = [failing, stale, failures].into_iter().flatten();
        let help = "keep one of `failing_for`, `stale_for`, `failures`";
        let Some(condition) = given.next() else {
            let help = "give it one of `failing_for`, `stale_for`, `failures`";
            self.error(Code::BadTrigger, node.span.clone(), "nothing says what sets the trigger off", help);
            return None;
        };
        if given.next().is_some() {
            self.error(
                Code::BadTrigger,
                node.span.clone(),
                "a trigger has one condition, and this one has several",
                help,
            );
            return None;
        }
        self.reachable(&condition, file, node);
        Some(condition)
    }

    /// So many bad samples must fit into the time that they are counted in.
    fn reachable(&mut self, condition: &TriggerWhen, file: &TriggerFile, node: &Node) {
        let TriggerWhen::Failures { count, within } = condition else { return };
        let Some(period) = self.period_of(&file.check.0) else { return };
        let most = within.as_millis() / period.as_millis().max(1) + 1;
        if u128::from(*count) > most {
            let message =
                format!("in that time the check takes {most} samples at most, so {count} can never be bad");
            let help = "make `within` longer, `count` smaller, or the check's `period` shorter";
            self.error(Code::Impossible, node.at("failures").span.clone(), message, help);
        }
    }

    fn then(&mut self, file: &TriggerFile, node: &Node, stage: Option<&StageId>) -> TriggerThen {
        let then = file.then.unwrap_or(ThenFile::Alert);
        for key in ["to", "grace"] {
            if then != ThenFile::Rollback && node.get(key).is_some() {
                let message = format!("`{key}` goes with `then = \"rollback\"` only");
                self.error(Code::WrongKind, node.key_span(key), message, format!("take `{key}` away"));
            }
        }
        let to = file.to.as_ref().and_then(|to| self.stage_ref(&to.0, node.at("to")));
        if let (Some(to), Some(stage)) = (&to, stage) {
            let place = |id: &StageId| self.names.stages.iter().position(|name| name == id.as_str());
            if place(to) > place(stage) {
                let message =
                    format!("stage `{to}` comes after `{stage}`, so there is no way back to it from here");
                self.error(
                    Code::Impossible,
                    node.at("to").span.clone(),
                    message,
                    "name this stage or an earlier one",
                );
            }
        }
        match then {
            ThenFile::Alert => TriggerThen::Alert,
            ThenFile::Hold => TriggerThen::Hold,
            ThenFile::Rollback => TriggerThen::Rollback { to, grace: duration_or(file.grace.as_ref(), 30) },
        }
    }
}

/// Numbers the triggers whose names repeat: `.2`, `.3`.
pub fn number(triggers: &mut [Trigger]) {
    let mut seen: HashMap<TriggerId, usize> = HashMap::new();
    for trigger in triggers {
        let count = seen.entry(trigger.id.clone()).or_default();
        *count += 1;
        if *count > 1 {
            trigger.id = TriggerId::from(format!("{}.{count}", trigger.id));
        }
    }
}

/// Nobody overrides the last gate before a point of no return, unless the runbook says so.
pub fn never_before_no_return(stages: &mut [Stage], nodes: &Node) {
    for index in 1..stages.len() {
        let said = nodes.item(index - 1).get("gate").is_some_and(|gate| gate.get("override").is_some());
        if stages[index].point_of_no_return && !said {
            stages[index - 1].gate.over = Override::Never;
        }
    }
}
