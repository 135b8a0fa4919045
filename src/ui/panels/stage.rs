//! The stage in hand: its steps with their time against their budget, what is known of the selected one, the items that
//! people tick, and the way back.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::facts::Facts;
use super::{Look, between, going_back, last};
use crate::clock::Now;
use crate::runbook::StageId;
use crate::runbook::model::Step;
use crate::runbook::plan::estimate_of;
use crate::session::forecast::back_left;
use crate::session::{State, StepState, Telemetry};
use crate::ui::hatch::Hatch;
use crate::ui::theme::Mark;
use crate::ui::view::StepRow;
use crate::ui::widgets::{Row, window};
use crate::ui::{format, lists, status};

/// The steps in hand.
#[derive(Debug)]
pub struct StagePanel<'a> {
    pub state: &'a State,
    pub telemetry: &'a Telemetry,
    /// The stage that is shown.
    pub stage: Option<&'a StageId>,
    pub selected: Option<&'a StepRow>,
    pub hatch: &'a Hatch,
    pub now: Now,
    pub look: Look<'a>,
}

/// The rows of the panel: while a rollback runs its steps, else those of the stage, the items and the votes of its gate.
#[must_use]
pub fn rows(state: &State, stage: Option<&StageId>) -> Vec<StepRow> {
    if let Some(rollback) = state.active_rollback() {
        return rollback.steps.iter().cloned().map(StepRow::Step).collect();
    }
    let Some(stage) = stage.and_then(|id| state.stage_plan(id)) else { return Vec::new() };
    let steps = stage.steps.iter().map(|step| StepRow::Step(step.id.clone()));
    let items = stage.gate.accept.iter().map(|item| StepRow::Item(stage.id.clone(), item.clone()));
    let votes = status::asks_for_votes(stage).then(|| StepRow::Votes(stage.id.clone()));
    steps.chain(items).chain(votes).collect()
}

const STATE: usize = 11;
const TRY: usize = 4;
const EXIT: usize = 5;
const TOOK: usize = 7;
const BUDGET: usize = 7;

impl Widget for &StagePanel<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let rows = lists::steps(self.state, self.stage, self.look.sift);
        let selected = rows.iter().position(|row| Some(row) == self.selected);
        let border = if self.look.boxed { 2 } else { 0 };
        let (cols, all) =
            (area.width.saturating_sub(border), usize::from(area.height.saturating_sub(border)));
        let head = usize::from(all > 5);
        let foot = usize::from(all > 2);
        let left = all - head - foot;
        let row = |i: usize| self.row(&rows[i], cols, selected == Some(i));
        // Where nothing is cut a row takes as many lines as its words do.
        let wanted = match self.look.zoomed {
            true => (0..rows.len()).map(|i| row(i).height()).sum(),
            false => rows.len(),
        };
        let facts = self.facts(left.saturating_sub(wanted));
        // The list keeps half of the room, the facts on the selected step get what it leaves.
        let room = wanted.min(left.saturating_sub(facts.len()).max(left.div_ceil(2)));
        let shown = window(rows.len(), selected, room);
        let part = format!("{} to {} of {}", shown.start + 1, shown.end, rows.len());
        let part = (shown.len() < rows.len()).then_some((part, self.look.theme.dim));
        let inner = self.look.frame(&self.title(), part.into_iter().collect(), area, buf);
        if head > 0 {
            self.head(inner.width).render(inner, buf, Style::new());
        }
        self.look.rows(rows.len(), selected, between(inner, head, all - head - room), buf, row);
        let mut used = head + room;
        for (text, style) in facts {
            let row = self.look.row(inner.width).gap(2).text(&text, style);
            let height = row.height();
            row.render(between(inner, used, foot), buf, Style::new());
            used += height;
        }
        if foot > 0 {
            self.way_back(inner.width).render(last(inner, foot), buf, Style::new());
        }
    }
}

impl StagePanel<'_> {
    fn title(&self) -> String {
        if let Some(rollback) = self.state.active_rollback() {
            return format!("Rolling back to before {}", rollback.to);
        }
        let Some(stage) = self.stage.and_then(|id| self.state.stage_plan(id)) else {
            return "Steps".to_owned();
        };
        let number = self.state.runbook.as_ref().and_then(|r| r.stage_index(&stage.id)).unwrap_or(0) + 1;
        format!("Stage {number} {} - {}", stage.id, stage.title)
    }

    fn head(&self, cols: u16) -> Row {
        let dim = self.look.theme.dim;
        let row = Row::new(cols).gap(2).cell("state", STATE, dim).gap(1);
        let name = name_cols(&row);
        row.cell("step", name, dim)
            .right("try", TRY, dim)
            .right("exit", EXIT, dim)
            .right("took", TOOK, dim)
            .right("budget", BUDGET, dim)
    }

    fn row(&self, row: &StepRow, cols: u16, selected: bool) -> Row {
        match row {
            StepRow::Step(id) => match self.state.step_plan(id) {
                Some(plan) => self.step(plan, cols, selected),
                None => Row::new(cols).gap(2).text(id.as_str(), self.look.theme.text),
            },
            StepRow::Item(stage, item) => self.item(stage, item, cols, selected),
            StepRow::Votes(stage) => {
                let (mark, word, votes) = status::votes(self.state, stage);
                self.begin(cols, selected, mark, word)
                    .text("votes: ", self.look.theme.title)
                    .text(&votes, self.look.theme.text)
            }
        }
    }

    fn step(&self, plan: &Step, cols: u16, selected: bool) -> Row {
        let theme = self.look.theme;
        let step = self.state.step(&plan.id);
        let (mark, word) = status::step(self.state, &plan.id);
        let row = self.begin(cols, selected, mark, word);
        let name = name_cols(&row);
        let title = match (self.state.active_rollback().is_some(), plan.title.is_empty()) {
            (true, _) => plan.id.as_str(),
            (false, true) => plan.id.step(),
            (false, false) => &plan.title,
        };
        let tries = if (1..=plan.retries.attempts).contains(&step.tries) && plan.retries.attempts > 1 {
            format!("{}/{}", step.tries, plan.retries.attempts)
        } else if step.attempt > 1 {
            step.attempt.to_string()
        } else {
            String::new()
        };
        let exit = step.finish.as_ref().filter(|_| !step.status.is_open()).and_then(|finish| finish.exit);
        let over = self.over(plan, step);
        let budget = estimate_of(plan).or(plan.timeout);
        let budget = budget.map_or("-".to_owned(), |budget| format::took(format::ms(budget)));
        let exit =
            if over { "OVER".to_owned() } else { exit.map_or("-".to_owned(), |exit| exit.to_string()) };
        let style = if over { theme.warn } else { theme.text };
        row.name(title, name, theme.text)
            .right(&tries, TRY, theme.text)
            .right(&exit, EXIT, style)
            .right(&self.took(step), TOOK, style)
            .right(&budget, BUDGET, theme.dim)
    }

    fn begin(&self, cols: u16, selected: bool, mark: Mark, word: &str) -> Row {
        let theme = self.look.theme;
        self.look
            .row(cols)
            .cell(if selected { ">" } else { "" }, 2, theme.key)
            .cell(&format!("{} {word}", theme.glyph(mark)), STATE, theme.mark(mark))
            .gap(1)
    }

    fn item(&self, stage: &StageId, item: &str, cols: u16, selected: bool) -> Row {
        let theme = self.look.theme;
        let (mark, word) = status::item(self.state, stage, item);
        let row = self.begin(cols, selected, mark, word);
        let tick = self.state.stages.get(stage).and_then(|seen| seen.ticks.get(item));
        let by = tick.map_or(String::new(), |tick| format!("{} {} ", tick.by, self.now.second(tick.at)));
        let room = row.left().saturating_sub(by.len() + 1);
        row.upto(item, room, theme.text).end(&by, theme.dim)
    }

    fn took(&self, step: &StepState) -> String {
        let Some(started) = step.started else { return "-".to_owned() };
        let end = step.ended.filter(|_| !step.status.is_open()).unwrap_or(self.now);
        format::took(self.state.since(started, end))
    }

    fn over(&self, plan: &Step, step: &StepState) -> bool {
        let elapsed = step.started.map_or(0, |at| self.state.since(at, self.now));
        step.status.is_open() && estimate_of(plan).is_some_and(|estimate| elapsed > format::ms(estimate))
    }

    /// What is known of the selected step.
    fn facts(&self, rows: usize) -> Vec<(String, Style)> {
        let Some(StepRow::Step(step)) = self.selected else { return Vec::new() };
        let StagePanel { state, telemetry, now, look, .. } = *self;
        Facts { state, telemetry, step, now, theme: look.theme }.lines(rows)
    }

    fn way_back(&self, cols: u16) -> Row {
        let theme = self.look.theme;
        if let Some(left) = back_left(self.state, self.now) {
            return going_back::row(&left, self.now, cols, theme);
        }
        let (mark, plan) = (&self.hatch.mark, self.hatch.plan());
        let plan = plan.as_deref().unwrap_or("nothing to undo");
        Row::new(cols)
            .gap(1)
            .text("way back: ", theme.title)
            .text(theme.glyph(*mark), theme.mark(*mark))
            .gap(1)
            .text(&self.hatch.ready(), theme.mark(*mark))
            .gap(2)
            .text(plan, theme.text)
    }
}

fn name_cols(row: &Row) -> usize {
    row.left().saturating_sub(TRY + EXIT + TOOK + BUDGET)
}
