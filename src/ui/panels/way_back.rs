//! The way back: is it ready, what would run now and how long each of it takes, until when it can start, and where the
//! point of no return lies.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::{Look, between, going_back};
use crate::clock::Now;
use crate::runbook::StepId;
use crate::session::forecast::back_left;
use crate::session::way_back::{Deadline, NoReturn, Ready, RollbackWindow, StepTime, time_of};
use crate::session::{State, StepStatus, rollback};
use crate::ui::hatch::Hatch;
use crate::ui::theme::Mark;
use crate::ui::widgets::Row;
use crate::ui::{format, lists, status};

/// The escape hatch as a panel.
#[derive(Debug)]
pub struct WayBackPanel<'a> {
    pub state: &'a State,
    pub hatch: &'a Hatch,
    pub selected: Option<&'a StepId>,
    pub now: Now,
    pub look: Look<'a>,
}

/// The rows of the panel: what a rollback still has to run, or would run; while there is nothing to undo, what would
/// undo the next stage.
#[must_use]
pub fn rows(state: &State) -> Vec<StepId> {
    if let Some(rollback) = state.active_rollback() {
        return rollback.steps.clone();
    }
    if state.is_closed() {
        return Vec::new();
    }
    if let Some(plan) = rollback::plan(state, None).filter(|plan| !plan.steps.is_empty()) {
        return plan.steps;
    }
    let next = state.next_stage().and_then(|id| state.stage_plan(id));
    next.into_iter().flat_map(|stage| &stage.rollback).filter(|s| s.applies).map(|s| s.id.clone()).collect()
}

/// The width of what a fact is called.
const NAME: usize = 11;
const TIME: usize = 7;
const KNOWN: usize = 14;
/// So many steps are in sight, where there is any room for them.
const STEPS: usize = 2;

impl Widget for &WayBackPanel<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let inner = self.look.frame("Way back", self.counts(), area, buf);
        let steps = lists::back(self.state, self.look.sift);
        let (first, more) = (self.facts(inner.width), self.more(inner.width));
        let room = usize::from(inner.height);
        let head = first.len().min(room.saturating_sub(STEPS.min(steps.len())).max(room.min(2)));
        let below = more.len().min((room - head).saturating_sub(steps.len()));
        let mut used = 0;
        for row in first.into_iter().take(head).chain(more.into_iter().take(below)) {
            let height = row.height();
            row.render(between(inner, used, 0), buf, Style::new());
            used += height;
        }
        let selected = steps.iter().position(|id| Some(id) == self.selected);
        let row = |i: usize| self.step(&steps[i], inner.width, selected == Some(i));
        self.look.rows(steps.len(), selected, between(inner, used, 0), buf, row);
    }
}

impl WayBackPanel<'_> {
    fn counts(&self) -> Vec<(String, Style)> {
        let theme = self.look.theme;
        let style = theme.mark(self.hatch.mark);
        vec![(format!("{} {}", theme.glyph(self.hatch.mark), self.hatch.word), style)]
    }

    fn fact(&self, cols: u16, name: &str, what: &str, style: Style) -> Row {
        self.look.row(cols).gap(1).cell(name, NAME, self.look.theme.dim).gap(1).text(what, style)
    }

    /// What has to be known first.
    fn facts(&self, cols: u16) -> Vec<Row> {
        let theme = self.look.theme;
        let mut facts = Vec::new();
        let mark = self.hatch.mark;
        let ready = format!("{} {}", theme.glyph(mark), self.ready());
        facts.push(self.fact(cols, "ready", &ready, theme.mark(mark)));
        if let Ready::NotReady(missing) = &self.hatch.back.ready {
            facts.extend(missing.iter().skip(1).map(|what| self.fact(cols, "", what, theme.fail)));
        }
        match back_left(self.state, self.now) {
            Some(left) => facts.push(going_back::row(&left, self.now, cols, theme)),
            None => {
                facts.push(self.takes(cols));
                facts.extend(self.deadline(cols));
            }
        }
        facts.extend(self.no_return(cols));
        facts
    }

    /// The checks behind READY, or what is missing.
    fn ready(&self) -> String {
        if self.hatch.back.ready != Ready::Ready {
            return self.hatch.ready();
        }
        let checks = self.state.runbook.iter().flat_map(|runbook| &runbook.rollback.ready);
        let green: Vec<&str> = checks.filter(|id| self.state.is_green(id)).map(|id| id.as_str()).collect();
        format!("READY: {} ok", green.join(", "))
    }

    fn takes(&self, cols: u16) -> Row {
        let theme = self.look.theme;
        let takes = &self.hatch.back.takes;
        if takes.steps == 0 {
            return self.fact(cols, "would run", "nothing: there is nothing to undo yet", theme.dim);
        }
        let steps = if takes.steps == 1 { "step" } else { "steps" };
        let style = if takes.unknown > 0 { theme.warn } else { theme.text };
        let measured = takes.oldest.as_ref().map(|oldest| format!(" ({})", oldest.in_words()));
        let what = format!("{} {steps}, {}{}", takes.steps, takes.in_words(), measured.unwrap_or_default());
        self.fact(cols, "would run", &what, style)
    }

    fn deadline(&self, cols: u16) -> Option<Row> {
        let theme = self.look.theme;
        if let Some(deadline) = self.hatch.deadline() {
            let Deadline { left_ms, .. } = deadline;
            let left = left_ms.map(|left| format!("in {}, ", format::about(left))).unwrap_or_default();
            let words = deadline.in_words(self.now);
            let words = words.strip_prefix("last safe start ").unwrap_or(&words);
            let style = if left_ms.is_some() { theme.warn } else { theme.fail };
            return Some(self.fact(cols, "last start", &format!("{left}{words}"), style));
        }
        let what = match &self.hatch.back.window {
            Some(RollbackWindow::From(stage)) => format!("rollback window opens with {stage}"),
            Some(RollbackWindow::Over) => "rollback window over: it needs a reason".to_owned(),
            _ if self.hatch.back.deadline.is_some() || self.state.is_closed() => return None,
            _ => "no window limits it".to_owned(),
        };
        let style = if self.hatch.window_is_over() { theme.fail } else { theme.dim };
        Some(self.fact(cols, "last start", &what, style))
    }

    fn no_return(&self, cols: u16) -> Option<Row> {
        let theme = self.look.theme;
        let (what, style) = match &self.hatch.back.no_return {
            NoReturn { passed: Some(passed), .. } => {
                (format!("PASSED: nothing before {passed} can be rolled back"), theme.point_of_no_return)
            }
            NoReturn { ahead: Some((stage, 0)), .. } => {
                (format!("{stage}: its FIRST STEP is it"), theme.point_of_no_return)
            }
            NoReturn { ahead: Some((stage, 1)), .. } => (format!("{stage}: the NEXT stage"), theme.warn),
            NoReturn { ahead: Some((stage, away)), .. } => {
                (format!("{stage}, {away} stages ahead"), theme.text)
            }
            NoReturn { .. } => return None,
        };
        Some(self.fact(cols, "no return", &what, style))
    }

    /// What there is room for on a larger screen.
    fn more(&self, cols: u16) -> Vec<Row> {
        let theme = self.look.theme;
        let mut more = Vec::new();
        if let Some(last) = self.state.past.as_ref().and_then(|past| past.rollback.as_ref()) {
            let drill = if last.drill { " (drill)" } else { "" };
            let (took, at) = (format::took(last.took_ms), last.at.format("%Y-%m-%d"));
            let what = format!("{took} all the way from {}, {at} by {}{drill}", last.from, last.by);
            more.push(self.fact(cols, "last time", &what, theme.text));
        }
        let back = &self.hatch.back;
        if let Some(plan) = back.plan.as_ref().filter(|plan| !plan.cancels.is_empty()) {
            let names: Vec<&str> = plan.cancels.iter().map(StepId::as_str).collect();
            more.push(self.fact(cols, "ends first", &names.join(", "), theme.warn));
        }
        let full = back.plan.as_ref().is_some_and(|plan| plan.full);
        let gate = self.state.runbook.as_ref().and_then(|runbook| runbook.rollback.gate.as_ref());
        if let Some(gate) = gate.filter(|_| full) {
            let names: Vec<String> = gate.checks.iter().map(ToString::to_string).collect();
            let within = format::about(format::ms(gate.timeout));
            more.push(self.fact(
                cols,
                "proven by",
                &format!("{} within {within}", names.join(", ")),
                theme.text,
            ));
        }
        more
    }

    fn step(&self, id: &StepId, cols: u16, selected: bool) -> Row {
        let theme = self.look.theme;
        let plan = self.state.step_plan(id);
        let (mark, word) = status::planned_step(self.state, id, plan);
        let rolling = self.state.active_rollback().is_some();
        let row = self.look.row(cols).cell(if selected { ">" } else { "" }, 1, theme.key);
        let row = if rolling {
            row.cell(&format!("{} {word}", theme.glyph(mark)), 10, theme.mark(mark))
        } else {
            row.cell(theme.glyph(Mark::Pending), 2, theme.dim)
        };
        let name = row.left().saturating_sub(TIME + 1 + KNOWN + 1).min(id.as_str().len().max(24));
        let row = row.name(id.as_str(), name, theme.text);
        let (time, known) = match time_of(self.state, id) {
            Some(StepTime { ms, measured }) => (
                format::took(ms),
                measured.map_or("written".to_owned(), |measured| {
                    if measured.session.is_empty() {
                        "took here".to_owned()
                    } else {
                        format!("meas. {}", measured.at.format("%m-%d"))
                    }
                }),
            ),
            None => ("?".to_owned(), "no time".to_owned()),
        };
        let open = rolling && self.state.step(id).status == StepStatus::Running;
        let time = match self.state.step(id).started.filter(|_| open) {
            Some(started) => format::took(self.state.since(started, self.now)),
            None => time,
        };
        let row = row.right(&time, TIME, theme.text).gap(1).cell(&known, KNOWN, theme.dim);
        let title = plan.map(|plan| plan.title.as_str()).filter(|title| *title != id.step());
        match title.filter(|_| row.left() > 8) {
            Some(title) => row.gap(1).text(title, theme.text),
            None => row,
        }
    }
}
