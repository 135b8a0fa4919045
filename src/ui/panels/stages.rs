//! The stages in order, with the point of no return as a line between them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::Look;
use crate::clock::Now;
use crate::runbook::StageId;
use crate::runbook::model::{Runbook, Stage};
use crate::session::{StageStatus, State};
use crate::ui::widgets::{Row, bar, window};
use crate::ui::{format, lists, status};

/// The stage list.
#[derive(Debug)]
pub struct Stages<'a> {
    pub state: &'a State,
    pub selected: Option<&'a StageId>,
    pub now: Now,
    pub look: Look<'a>,
}

enum Item<'a> {
    Stage(usize, &'a Stage),
    PointOfNoReturn,
}

impl Widget for &Stages<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let Some(runbook) = &self.state.runbook else {
            self.look.frame("Stages", vec![], area, buf);
            return;
        };
        let (done, begun, of) = self.progress();
        let right = vec![(format!("{done}/{of} done"), self.look.theme.text)];
        let inner = self.look.frame("Stages", right, area, buf);
        let kept = lists::stages(self.state, self.look.sift);
        let mut items: Vec<Item> = items(runbook);
        items.retain(|item| !matches!(item, Item::Stage(_, stage) if !kept.contains(&&stage.id)));
        let selected = items
            .iter()
            .position(|item| matches!(item, Item::Stage(_, stage) if Some(&stage.id) == self.selected));
        let lines: Vec<Rect> = inner.rows().collect();
        // The head needs a line of its own, the bar one at the bottom with an empty one above it.
        let head = usize::from(lines.len() > items.len());
        let foot = lines.len() > items.len() + head + 1;
        let room = lines.len() - head - usize::from(foot) * 2;
        if head > 0 {
            self.head(inner.width).render(lines[0], buf, Style::new());
        }
        for (line, i) in lines.iter().skip(head).zip(window(items.len(), selected, room)) {
            match &items[i] {
                Item::Stage(number, stage) => self.stage(*number, stage, *line, buf),
                Item::PointOfNoReturn => self.point_of_no_return(*line, buf),
            }
        }
        if foot && let Some(line) = lines.last() {
            let eta = self.eta(runbook).map_or(String::new(), |eta| format!("  ETA {eta}"));
            let text = format!("{done}/{of} done{eta} ");
            let cols = usize::from(inner.width).saturating_sub(text.len() + 4).min(40);
            let bar = bar(done, begun, of, cols, self.look.theme.glyphs);
            let row = Row::new(inner.width).gap(1).text(&bar, self.look.theme.dim).gap(2);
            row.text(&text, self.look.theme.text).render(*line, buf, Style::new());
        }
    }
}

fn items(runbook: &Runbook) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    for (i, stage) in runbook.stages.iter().enumerate() {
        if stage.point_of_no_return {
            items.push(Item::PointOfNoReturn);
        }
        items.push(Item::Stage(i + 1, stage));
    }
    items
}

/// How many columns the estimate, the time taken and the state's word get; the title gets what is left.
fn columns(cols: u16) -> (usize, usize, usize) {
    match cols {
        56.. => (6, 8, 20),
        44.. => (0, 8, 16),
        _ => (0, 0, 14),
    }
}

impl Stages<'_> {
    fn head(&self, cols: u16) -> Row {
        let dim = self.look.theme.dim;
        let row = Row::new(cols).cell("", 2, dim).right("#", 2, dim).gap(1);
        let (plan, took, status) = columns(cols);
        let title = row.left().saturating_sub(plan + took + 1 + status);
        row.cell("stage", title, dim)
            .right("plan", plan, dim)
            .right("took", took, dim)
            .gap(1)
            .text("status", dim)
    }

    fn stage(&self, number: usize, stage: &Stage, area: Rect, buf: &mut Buffer) {
        let theme = self.look.theme;
        let selected = self.selected == Some(&stage.id);
        let (mark, word) = status::stage(self.state, stage, self.now);
        let plan = stage.estimate.map_or("-".to_owned(), |d| format::about(format::ms(d)));
        let title = if stage.title.is_empty() { stage.id.as_str() } else { &stage.title };
        let row = Row::new(area.width).cell(if selected { ">" } else { "" }, 2, theme.key);
        let row = row.right(&number.to_string(), 2, theme.dim).gap(1);
        let (plan_cols, took_cols, status_cols) = columns(area.width);
        let cols = row.left().saturating_sub(plan_cols + took_cols + 1 + status_cols);
        let name = if self.state.current_stage() == Some(&stage.id) { theme.title } else { theme.text };
        row.cell(title, cols, name)
            .right(&plan, plan_cols, theme.dim)
            .right(&self.took(stage), took_cols, theme.text)
            .gap(1)
            .text(theme.glyph(mark), theme.mark(mark))
            .gap(1)
            .text(&word, theme.mark(mark))
            .render(area, buf, self.look.selected(selected));
    }

    fn took(&self, stage: &Stage) -> String {
        let Some(seen) = self.state.stages.get(&stage.id) else { return "-".to_owned() };
        let Some(entered) = seen.entered else { return "-".to_owned() };
        let end = seen.ended.unwrap_or(self.now);
        format::took(end.up_ms.saturating_sub(entered.up_ms))
    }

    fn point_of_no_return(&self, area: Rect, buf: &mut Buffer) {
        let theme = self.look.theme;
        let line = theme.glyphs.line;
        let text = " POINT OF NO RETURN ";
        let tail = " after it: restore, not rollback";
        let style = theme.point_of_no_return;
        let row =
            Row::new(area.width).text(&line.repeat(2), style).text(text, style).text(&line.repeat(2), style);
        let row = if row.left() > tail.len() { row.text(tail, theme.dim) } else { row };
        row.render(area, buf, Style::new());
    }

    /// Stages that are done, that are under way, and all that apply.
    fn progress(&self) -> (usize, usize, usize) {
        let count = |wanted: &[StageStatus]| {
            self.state.stages.values().filter(|stage| wanted.contains(&stage.status)).count()
        };
        let begun = count(&[StageStatus::Active, StageStatus::AtGate]);
        (count(&[StageStatus::Passed]), begun, self.state.stages.len() - count(&[StageStatus::Skipped]))
    }

    /// When it is done by the estimates of what is left, while every stage left has one.
    fn eta(&self, runbook: &Runbook) -> Option<String> {
        if self.state.is_closed() || self.state.active_rollback().is_some() {
            return None;
        }
        let mut left = 0u64;
        for stage in runbook.stages.iter().filter(|stage| stage.applies) {
            let seen = self.state.stages.get(&stage.id)?;
            let estimate = format::ms(stage.estimate?);
            left += match (seen.status, seen.entered) {
                (StageStatus::Passed | StageStatus::Skipped, _) => 0,
                (StageStatus::Active | StageStatus::AtGate, Some(entered)) => {
                    estimate.saturating_sub(self.now.up_ms.saturating_sub(entered.up_ms))
                }
                _ => estimate,
            };
        }
        let left = chrono::TimeDelta::try_milliseconds(i64::try_from(left).ok()?)?;
        Some(format::minute(self.now.at.checked_add_signed(left)?))
    }
}
