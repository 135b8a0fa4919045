//! What gates and triggers lead to by themselves, told and not done where the course would go on.

use std::sync::Arc;

use super::{MOST_ROUNDS, ONE_MOMENT_MS, Walk, is_turn};
use crate::check::Change;
use crate::clock::Now;
use crate::event::{By, Event, EventKind, Health};
use crate::runbook::TriggerId;
use crate::session::settle::verdicts;
use crate::session::watch;

impl Walk<'_> {
    /// Folds in what gates and triggers lead to until nothing does.
    pub(super) fn follow(&mut self, now: Now) {
        let mut at_rest = true;
        for _ in 0..MOST_ROUNDS {
            self.tracker.enter_stage(self.state.current_stage());
            self.tracker.compare_with(&self.state.baselines);
            let changes = self.tracker.tick(now.up_ms);
            self.note(changes);
            if at_rest {
                self.record_changes(now);
            }
            let facts = self.tracker.facts(&self.state, now.up_ms);
            let settled = verdicts(&self.state, &facts, now);
            let (course, turns): (Vec<_>, Vec<_>) = settled.events.into_iter().partition(|(_, event)| {
                matches!(
                    event,
                    EventKind::Promoted { .. }
                        | EventKind::StageEntered { .. }
                        | EventKind::SessionClosed { .. }
                        | EventKind::RollbackStarted { .. }
                )
            });
            self.next = settled.next_up_ms.filter(|at| *at > now.up_ms);
            course.into_iter().for_each(|(by, event)| self.would(&by, &event, now));
            at_rest = turns.is_empty();
            if self.over || (at_rest && self.queue.is_empty()) {
                return;
            }
            for (by, event) in turns {
                self.happen(by, event.clone(), now);
                let comes_to_gate = matches!(event, EventKind::GateChanged { .. });
                if comes_to_gate {
                    for check in watch::fenced(&self.state, &event, now) {
                        let changes = self.tracker.fence(&check, now.up_ms);
                        self.note(changes);
                    }
                }
            }
        }
        tracing::error!("the rules did not come to rest after {MOST_ROUNDS} rounds");
    }

    /// As the engine records them: as far as the first that fails, then the rules are asked.
    fn record_changes(&mut self, now: Now) {
        while let Some(change) = self.queue.pop_front() {
            let from = self.state.check(&change.check).health;
            if from == change.to {
                continue;
            }
            let fails = change.to == Health::Failing;
            self.happen(By::ENGINE, Change { from, ..change }.into(), now);
            if fails {
                return;
            }
        }
    }

    pub(super) fn happen(&mut self, by: By, event: EventKind, now: Now) {
        let t_ms = self.t_ms(now);
        let turn = is_turn(&event).then(|| event.clone());
        let event = Arc::new(Event { seq: self.state.seq + 1, at: now.at, up_ms: now.up_ms, by, event });
        self.state.apply(&event);
        self.course.timeline.push(&event, t_ms, &self.state);
        self.course.turns.extend(turn.map(|turn| (t_ms, turn)));
    }

    /// The course would go on by itself: it is told, not done.
    fn would(&mut self, by: &By, event: &EventKind, now: Now) {
        let t_ms = self.t_ms(now);
        match (by, event) {
            (_, EventKind::Promoted { stage, .. })
                if self.ready.as_ref().is_none_or(|(ready, _)| ready != stage) =>
            {
                self.ready = Some((stage.clone(), t_ms));
            }
            (By::Trigger { trigger }, EventKind::RollbackStarted { to, full, .. })
                if !self.is_recorded_soon(trigger, t_ms) =>
            {
                let scope = if *full { "back everything".to_owned() } else { format!("back to {to}") };
                self.end(t_ms, format!("trigger {trigger} would have rolled {scope}"));
            }
            _ => {}
        }
    }

    /// Whether the recording rolls back by that trigger at this moment too.
    fn is_recorded_soon(&self, trigger: &TriggerId, t_ms: u64) -> bool {
        let from = self.last.map_or(0, |(at, ..)| at);
        let mut axis = self.axis.clone();
        for event in &self.events[from..] {
            if axis.push(event) > t_ms + ONE_MOMENT_MS {
                return false;
            }
            let rolls = matches!(event.event, EventKind::RollbackStarted { .. });
            if rolls && matches!(&event.by, By::Trigger { trigger: by } if by == trigger) {
                return true;
            }
        }
        false
    }
}
