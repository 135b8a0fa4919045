//! The checks: state, streak, what was seen last or why it is not green, its age and its trend.

use std::collections::HashSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::Look;
use crate::clock::Now;
use crate::event::Health;
use crate::runbook::CheckId;
use crate::runbook::model::{Check, Stage};
use crate::runbook::plan::expect;
use crate::session::telemetry::Series;
use crate::session::{State, Telemetry};
use crate::ui::theme::Mark;
use crate::ui::widgets::{Row, spark, window};
use crate::ui::{format, lists, status};

/// The check list.
#[derive(Debug)]
pub struct Checks<'a> {
    pub state: &'a State,
    pub telemetry: &'a Telemetry,
    pub selected: Option<&'a CheckId>,
    pub now: Now,
    pub look: Look<'a>,
}

/// The checks in the order of the panel: those of the stage in hand first, the others as the runbook has them.
#[must_use]
pub fn order(state: &State) -> Vec<&CheckId> {
    let Some(runbook) = &state.runbook else { return Vec::new() };
    let stage = state.current_stage().and_then(|id| runbook.stage(id));
    let concerned: HashSet<&CheckId> = stage.into_iter().flat_map(concerns).collect();
    let (mut first, rest): (Vec<_>, Vec<_>) = runbook.checks.keys().partition(|id| concerned.contains(id));
    first.extend(rest);
    first
}

fn concerns(stage: &Stage) -> impl Iterator<Item = &CheckId> {
    let fenced = stage.steps.iter().flat_map(|step| step.action.fenced_checks());
    stage.watch.iter().chain(&stage.gate.checks).chain(fenced)
}

const STATE: usize = 9;
const STREAK: usize = 6;
const SEEN: usize = 15;
const AGE: usize = 4;

impl Widget for &Checks<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let inner = self.look.frame("Checks", self.counts(), area, buf);
        let checks = lists::checks(self.state, self.telemetry, self.look.sift);
        let selected = checks.iter().position(|id| Some(*id) == self.selected);
        let lines: Vec<Rect> = inner.rows().collect();
        let head = usize::from(lines.len() > 3);
        let soak = self.soak().filter(|_| lines.len() > 5);
        let room = lines.len() - head - usize::from(soak.is_some());
        if head > 0 {
            self.head(inner.width).render(lines[0], buf, Style::new());
        }
        for (line, i) in lines.iter().skip(head).zip(window(checks.len(), selected, room)) {
            let row = self.check(checks[i], inner.width, selected == Some(i));
            row.render(*line, buf, self.look.selected(selected == Some(i)));
        }
        if let (Some(line), Some((text, style))) = (lines.last(), soak) {
            Row::new(inner.width).gap(1).text(&text, style).render(*line, buf, Style::new());
        }
    }
}

impl Checks<'_> {
    fn counts(&self) -> Vec<(String, Style)> {
        [Mark::Fail, Mark::Stale, Mark::Ok]
            .into_iter()
            .filter_map(|mark| {
                let of_mark = |id: &&CheckId| status::check(self.state, id).0 == mark;
                let count = self.state.runbook.as_ref()?.checks.keys().filter(of_mark).count();
                (count > 0).then(|| (format!("{count} {}", mark.word()), self.look.theme.mark(mark)))
            })
            .collect()
    }

    /// How many columns the name and the trend get.
    fn columns(cols: usize) -> (usize, usize) {
        let rest = cols.saturating_sub(STATE + 1 + STREAK + 1 + SEEN + 1 + AGE + 1);
        let name = (rest * 2 / 3).clamp(12, 30);
        (name, rest.saturating_sub(name))
    }

    fn head(&self, cols: u16) -> Row {
        let dim = self.look.theme.dim;
        let (name, trend) = Self::columns(cols.into());
        Row::new(cols)
            .gap(1)
            .cell("check", name.saturating_sub(1), dim)
            .cell("state", STATE, dim)
            .gap(1)
            .right("streak", STREAK, dim)
            .gap(1)
            .cell("last p50/p99", SEEN, dim)
            .gap(1)
            .right("age", AGE, dim)
            .gap(1)
            .cell("trend", trend, dim)
    }

    fn check(&self, id: &CheckId, cols: u16, selected: bool) -> Row {
        let theme = self.look.theme;
        let (name, trend) = Self::columns(cols.into());
        let (mark, word) = status::check(self.state, id);
        let plan = self.state.runbook.as_ref().and_then(|r| r.check(id));
        let series = self.telemetry.checks.get(id);
        let style = theme.mark(mark);
        let label = if plan.is_some_and(|c| c.advisory) { format!("({id})") } else { id.to_string() };
        let row = Row::new(cols)
            .cell(if selected { ">" } else { "" }, 1, theme.key)
            .cell(&label, name.saturating_sub(2), theme.text)
            .gap(1)
            .cell(&format!("{} {word}", theme.glyph(mark)), STATE, style)
            .gap(1)
            .right(&streak(plan, series, mark), STREAK, theme.text)
            .gap(1);
        let age = series.and_then(Series::last);
        let age = age.map_or("-".to_owned(), |last| format::about(self.now.up_ms.saturating_sub(last.up_ms)));
        let age_style = if mark == Mark::Stale { style } else { theme.dim };
        let row = match self.reason(id, mark) {
            // Why it is red is worth more than a short trend.
            Some(reason) if trend < 16 => {
                let room = row.left().saturating_sub(AGE + 1);
                return row.cell(&reason, room, style).gap(1).right(&age, AGE, age_style);
            }
            Some(reason) => row.cell(&reason, SEEN, style),
            None => {
                let latency = latency(series);
                let end = row.left().saturating_sub(SEEN);
                let room = SEEN.saturating_sub(latency.len() + 1);
                let row = row.upto(&self.value(id, series), room, theme.text).gap(1);
                let row = row.text(&latency, theme.dim);
                let pad = row.left().saturating_sub(end);
                row.gap(pad)
            }
        };
        let row = row.gap(1).right(&age, AGE, age_style).gap(1);
        let Some((plan, series)) = plan.zip(series) else { return row };
        row.text(&spark(series, format::ms(plan.period), self.now.up_ms, trend, theme.glyphs), style)
    }

    fn value(&self, id: &CheckId, series: Option<&Series>) -> String {
        let last = series.and_then(Series::last).and_then(|sample| sample.value.clone());
        let value = last.or_else(|| self.state.check(id).value.clone()).unwrap_or_else(|| "-".to_owned());
        let limits = self.state.runbook.as_ref().and_then(|runbook| runbook.check(id)).map(expect::limits);
        match limits.filter(|limits| !limits.is_empty()) {
            Some(limits) => format!("{value} {limits}"),
            None => value,
        }
    }

    /// Why it is not green, where it is not.
    fn reason(&self, id: &CheckId, mark: Mark) -> Option<String> {
        let seen = self.state.check(id);
        if !matches!(mark, Mark::Fail | Mark::Stale) {
            return None;
        }
        let newest = self.telemetry.checks.get(id).and_then(Series::last).map(|sample| &sample.reason);
        let fresh = newest.filter(|reason| seen.health == Health::Failing && !reason.is_empty());
        let reason = fresh.unwrap_or(&seen.reason);
        (!reason.is_empty()).then(|| reason.clone())
    }

    fn soak(&self) -> Option<(String, Style)> {
        let theme = self.look.theme;
        let id = self.state.current_stage()?;
        let stage = self.state.stage_plan(id)?;
        let (so_far, asked, running) = status::soak(self.state, stage, self.now)?;
        let soak = &self.state.stages.get(id)?.soak;
        let mut text = format!("soak {} of {}", format::took(so_far), format::took(asked));
        let style = match (so_far >= asked, running) {
            (true, _) => theme.ok,
            (false, true) => theme.running,
            (false, false) => {
                text += if soak.started { "  STANDS STILL" } else { "  not begun" };
                theme.warn
            }
        };
        if let Some(why) = &soak.last_broken {
            text += &format!("  broken {}x: {why}", soak.broken);
        }
        Some((text, style))
    }
}

/// Good samples in a row out of how many make it green.
fn streak(plan: Option<&Check>, series: Option<&Series>, mark: Mark) -> String {
    let (Some(plan), Some(series)) = (plan, series) else { return "-".to_owned() };
    if mark == Mark::Stale {
        return "-".to_owned();
    }
    format!("{}/{}", series.streak.clamp(0, 999), plan.success_threshold)
}

fn latency(series: Option<&Series>) -> String {
    let both = series.and_then(|s| s.latency_ms(50).zip(s.latency_ms(99)));
    both.map_or(String::new(), |(p50, p99)| {
        if p99 < 1000 {
            format!("{p50}/{p99}ms")
        } else {
            format!("{}/{}", format::latency(p50), format::latency(p99))
        }
    })
}
