//! The checks: state, streak, what was seen last or why it is not green, its age and its trend.

use std::collections::HashSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::{Look, between, last};
use crate::clock::Now;
use crate::event::Health;
use crate::runbook::CheckId;
use crate::runbook::model::{Check, Stage};
use crate::runbook::plan::expect;
use crate::session::telemetry::Series;
use crate::session::{State, Telemetry};
use crate::ui::theme::Mark;
use crate::ui::widgets::{Row, Span, bar, spark};
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
const AGE: usize = 4;
/// The fewest columns of a trend.
const TREND: usize = 5;
/// How many minutes a trend may show.
const SPANS: [u64; 4] = [1, 2, 5, 15];
/// The least time that a column of a trend stands for: with each, all trends move on, which over a slow link is most of
/// what is written.
const SLOT_MS: u64 = 5_000;

/// How wide the columns are that share what the others leave.
#[derive(Debug, Clone, Copy)]
struct Columns {
    name: usize,
    /// What was seen last, with its limit; where there is no room for latency of its own, with that too.
    seen: usize,
    latency: usize,
    trend: usize,
}

impl Widget for &Checks<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let inner = self.look.frame("Checks", self.counts(), area, buf);
        let checks = lists::checks(self.state, self.telemetry, self.look.sift);
        let selected = checks.iter().position(|id| Some(*id) == self.selected);
        let head = usize::from(inner.height > 3);
        let soak = self.soak(inner.width).filter(|_| inner.height > 5);
        let foot = soak.as_ref().map_or(0, Row::height);
        if head > 0 {
            self.head(inner.width).render(inner, buf, Style::new());
        }
        let row = |i: usize| self.check(checks[i], inner.width, selected == Some(i));
        self.look.rows(checks.len(), selected, between(inner, head, foot), buf, row);
        if let Some(soak) = soak {
            soak.render(last(inner, foot), buf, Style::new());
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

    /// The names get what they need, as far as a short trend is left.
    fn columns(&self, cols: u16) -> Columns {
        let (seen, latency) = if cols >= 84 { (24, 12) } else { (15, 0) };
        let rest = usize::from(cols).saturating_sub(STATE + 1 + STREAK + 1 + seen + latency + 1 + AGE + 1);
        let checks = self.state.runbook.iter().flat_map(|runbook| runbook.checks.values());
        let longest = checks.map(|check| label(check).len()).max().unwrap_or_default();
        let name = (longest + 2).max(rest * 3 / 5).clamp(12, 32).min(rest.saturating_sub(TREND).max(12));
        Columns { name, seen, latency, trend: rest.saturating_sub(name).min(60) }
    }

    /// The time that trends of so many columns show: as long as the session lasts, up to a quarter of an hour, and no
    /// less than the columns take.
    fn span(&self, cols: usize) -> Span {
        let least = self.state.elapsed_ms(self.now).max(SLOT_MS * cols as u64);
        let ms = SPANS.into_iter().map(|minutes| minutes * 60_000).find(|span| least <= *span);
        Span { ms: ms.unwrap_or(SPANS[SPANS.len() - 1] * 60_000), now_up_ms: self.now.up_ms }
    }

    fn head(&self, cols: u16) -> Row {
        let dim = self.look.theme.dim;
        let columns = self.columns(cols);
        let row = Row::new(cols)
            .gap(1)
            .cell("check", columns.name.saturating_sub(1), dim)
            .cell("state", STATE, dim)
            .gap(1)
            .right("streak", STREAK, dim)
            .gap(1);
        let row = match columns.latency {
            0 => row.cell("last p50/p99", columns.seen, dim),
            latency => row.cell("last and limit", columns.seen, dim).right("p50/p99", latency, dim),
        };
        row.gap(1).right("age", AGE, dim).gap(1).cell(
            &format!("{} min", self.span(columns.trend).ms / 60_000),
            columns.trend,
            dim,
        )
    }

    fn check(&self, id: &CheckId, cols: u16, selected: bool) -> Row {
        let theme = self.look.theme;
        let columns = self.columns(cols);
        let (mark, word) = status::check(self.state, id);
        let plan = self.state.runbook.as_ref().and_then(|r| r.check(id));
        let series = self.telemetry.checks.get(id);
        let doubted = mark == Mark::Ok && series.is_some_and(|series| series.streak < 0);
        let style = if doubted { theme.warn } else { theme.mark(mark) };
        let label = plan.map_or_else(|| id.to_string(), label);
        let row = self
            .look
            .row(cols)
            .cell(if selected { ">" } else { "" }, 1, theme.key)
            .cell(&label, columns.name.saturating_sub(2), theme.text)
            .gap(1)
            .cell(&format!("{} {word}", theme.glyph(mark)), STATE, theme.mark(mark))
            .gap(1)
            .right(&streak(plan, series, mark), STREAK, if doubted { theme.warn } else { theme.text })
            .gap(1);
        let age = series.and_then(Series::last);
        let age = age.map_or("-".to_owned(), |last| format::about(self.now.up_ms.saturating_sub(last.up_ms)));
        let age_style = if mark == Mark::Stale { style } else { theme.dim };
        let latency = latency(series);
        let row = match self.reason(id, mark, doubted) {
            // Why it is red is worth more than a short trend.
            Some(reason) if columns.trend < 12 => {
                let room = row.left().saturating_sub(AGE + 1);
                return row.cell(&reason, room, style).gap(1).right(&age, AGE, age_style);
            }
            Some(reason) => row.cell(&reason, columns.seen + columns.latency, style),
            None if columns.latency > 0 => {
                let row = row.cell(&self.value(id, series), columns.seen, theme.text);
                row.right(&latency, columns.latency, theme.dim)
            }
            None => {
                // What was seen goes before how long that took.
                let end = row.left().saturating_sub(columns.seen);
                let value = self.value(id, series);
                let row = row.upto(&value, columns.seen, theme.text).gap(1);
                let row = match latency.len() <= row.left().saturating_sub(end) {
                    true => row.text(&latency, theme.dim),
                    false => row,
                };
                let pad = row.left().saturating_sub(end);
                row.gap(pad)
            }
        };
        let row = row.gap(1).right(&age, AGE, age_style).gap(1);
        let Some((plan, series)) = plan.zip(series) else { return row };
        let period = format::ms(plan.period);
        row.text(&spark(series, period, self.span(columns.trend), columns.trend, theme.glyphs), style)
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

    /// Why it is not green, where it is not, or why it is doubted: it was green, and its newest samples were not good.
    fn reason(&self, id: &CheckId, mark: Mark, doubted: bool) -> Option<String> {
        let seen = self.state.check(id);
        if !doubted && !matches!(mark, Mark::Fail | Mark::Stale) {
            return None;
        }
        let newest = self.telemetry.checks.get(id).and_then(Series::last).map(|sample| &sample.reason);
        let fresh = (doubted || seen.health == Health::Failing).then_some(newest).flatten();
        let reason = fresh.filter(|reason| !reason.is_empty()).unwrap_or(&seen.reason);
        (!reason.is_empty()).then(|| reason.clone())
    }

    /// The soak of the stage in hand as a bar, with what it still takes.
    fn soak(&self, cols: u16) -> Option<Row> {
        let theme = self.look.theme;
        let id = self.state.current_stage()?;
        let stage = self.state.stage_plan(id)?;
        let (so_far, asked, running) = status::soak(self.state, stage, self.now)?;
        let soak = &self.state.stages.get(id)?.soak;
        // To the same second as what is shown of it.
        let left = format::took(asked.saturating_sub(so_far / 1000 * 1000));
        let (style, how) = match (so_far >= asked, running) {
            (true, _) => (theme.ok, "REACHED".to_owned()),
            (false, true) => (theme.running, format!("{left} left")),
            (false, false) if soak.started => (theme.warn, format!("STANDS STILL, {left} left")),
            (false, false) => (theme.warn, "not begun".to_owned()),
        };
        let row = self.look.row(cols).gap(1).text("soak ", theme.dim);
        let row = match cols {
            40.. => row.text(&bar(promille(so_far, asked), 0, 1000, 10, theme.glyphs), style).gap(1),
            _ => row,
        };
        let row = row.text(&format!("{} of {}  {how}", format::took(so_far), format::took(asked)), style);
        Some(match &soak.last_broken {
            Some(why) => row.text(&format!("  broken {}x: {why}", soak.broken), theme.warn),
            None => row,
        })
    }
}

fn promille(part: u64, of: u64) -> usize {
    let share = u128::from(part.min(of)) * 1000 / u128::from(of.max(1));
    usize::try_from(share).unwrap_or(1000)
}

/// A check's name; one that only advises in brackets.
fn label(check: &Check) -> String {
    if check.advisory { format!("({})", check.id) } else { check.id.to_string() }
}

/// Good samples in a row out of how many make it green; of a green one that is doubted, bad ones out of how many make it
/// red.
fn streak(plan: Option<&Check>, series: Option<&Series>, mark: Mark) -> String {
    let (Some(plan), Some(series)) = (plan, series) else { return "-".to_owned() };
    if mark == Mark::Stale {
        return "-".to_owned();
    }
    if mark == Mark::Ok && series.streak < 0 {
        return format!("-{}/{}", series.streak.unsigned_abs().min(99), plan.failure_threshold);
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
