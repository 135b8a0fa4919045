//! Old beside new: each check that is held against a baseline, with the limit that the old number gives it and how much
//! of the way there is left.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::{Look, between, last};
use crate::event::Health;
use crate::runbook::CheckId;
use crate::runbook::model::{Headroom, Side, Vs};
use crate::runbook::number::short;
use crate::session::versus::{self, Versus};
use crate::session::{State, Telemetry};
use crate::ui::theme::Mark;
use crate::ui::widgets::{Row, bar};
use crate::ui::{format, lists, status};

/// The comparison with the old system.
#[derive(Debug)]
pub struct VersusPanel<'a> {
    pub state: &'a State,
    pub telemetry: &'a Telemetry,
    pub selected: Option<&'a CheckId>,
    pub look: Look<'a>,
}

/// The checks of the panel.
#[must_use]
pub fn rows(state: &State) -> Vec<CheckId> {
    let checks = state.runbook.iter().flat_map(|runbook| runbook.checks.values());
    checks
        .filter(|check| check.applies && versus::rule(check).is_some())
        .map(|check| check.id.clone())
        .collect()
}

/// From how little is left of the headroom on it is a warning.
const LITTLE: f64 = 0.2;
/// `100%`, and what stands before it.
const LEFT: usize = 5;

/// How wide the columns are.
#[derive(Debug, Clone, Copy)]
struct Columns {
    name: usize,
    number: usize,
    limit: usize,
    bar: usize,
    /// Of the headroom as a figure; 0 where there is no room for it.
    room: usize,
}

impl Columns {
    fn of(cols: u16) -> Self {
        let cols = usize::from(cols).saturating_sub(3 + LEFT);
        let wide = cols >= 76;
        let (number, limit, room) = if wide { (13, 17, 13) } else { (10, 13, 0) };
        let rest = cols.saturating_sub(2 * number + limit + room + 1);
        let bar = if wide { (rest / 3).clamp(6, 24) } else { rest.saturating_sub(12).clamp(3, 6) };
        Self { name: rest.saturating_sub(bar), number, limit, bar, room }
    }
}

impl Widget for &VersusPanel<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let all = versus::all(self.state, self.telemetry);
        let inner = self.look.frame("Old | new", self.counts(&all), area, buf);
        let kept = lists::versus(self.state, self.telemetry, self.look.sift);
        let all: Vec<Versus> = all.into_iter().filter(|one| kept.contains(&one.check.id)).collect();
        let selected = all.iter().position(|one| Some(&one.check.id) == self.selected);
        let columns = Columns::of(inner.width);
        let room = usize::from(inner.height);
        let told = self.look.row(inner.width).gap(1).text(&self.foot(&all, selected), self.look.theme.dim);
        let head = usize::from(room > 2 && !all.is_empty());
        let foot = usize::from(room > 3 || all.is_empty()).min(room - head) * told.height();
        if head > 0 {
            self.head(inner.width, columns).render(inner, buf, Style::new());
        }
        let row = |i: usize| self.row(&all[i], inner.width, columns, selected == Some(i));
        self.look.rows(all.len(), selected, between(inner, head, foot), buf, row);
        if foot > 0 {
            told.render(last(inner, foot), buf, Style::new());
        }
    }
}

impl VersusPanel<'_> {
    fn counts(&self, all: &[Versus]) -> Vec<(String, Style)> {
        let theme = self.look.theme;
        let count =
            |mark| all.iter().filter(|one| status::check(self.state, &one.check.id).0 == mark).count();
        let marks = [Mark::Fail, Mark::Stale, Mark::Ok].into_iter();
        let words = marks.map(|mark| (mark, count(mark))).filter(|(_, count)| *count > 0);
        words.map(|(mark, count)| (format!("{count} {}", mark.word()), theme.mark(mark))).collect()
    }

    fn head(&self, cols: u16, columns: Columns) -> Row {
        let dim = self.look.theme.dim;
        let Columns { name, number, limit, bar, room } = columns;
        Row::new(cols)
            .gap(3)
            .cell("check", name, dim)
            .right("old", number, dim)
            .right("new", number, dim)
            .right("limit", limit, dim)
            .gap(1)
            .cell("headroom", bar + LEFT, dim)
            .right(if room > 0 { "left" } else { "" }, room, dim)
    }

    fn row(&self, one: &Versus, cols: u16, columns: Columns, selected: bool) -> Row {
        let theme = self.look.theme;
        let (mark, word) = status::check(self.state, &one.check.id);
        let style = theme.mark(mark);
        let row = self
            .look
            .row(cols)
            .cell(if selected { ">" } else { "" }, 1, theme.key)
            .cell(theme.glyph(mark), 2, style)
            .cell(one.check.id.as_str(), columns.name, theme.text);
        let Some(old) = one.old else {
            let what = format!("{word}  no baseline: {}", self.not_taken(one.rule));
            return row.gap(1).text(&what, style);
        };
        let row = row.right(&one.unit.show(old.value), columns.number, theme.text);
        let health = self.state.check(&one.check.id).health;
        let (Some(new), Some(headroom)) = (one.new, one.headroom) else {
            return row.gap(2).text(&format!("{word}  {}", self.why(one)), style);
        };
        let row = row.right(&one.unit.show(new), columns.number, style);
        if !matches!(health, Health::Ok | Health::Failing) {
            return row.gap(2).text(&format!("{word}  {}", self.why(one)), style);
        }
        let Headroom { side, limit, room, left } = headroom;
        let limit = format!("{} {}", side.word(), one.unit.show(limit));
        let row = row.right(&limit, columns.limit, theme.text).gap(1);
        if room < 0.0 {
            let word = if side == Side::Most { "OVER" } else { "SHORT" };
            // Where there is little room the limit beside it has the unit.
            let by = if columns.room > 0 { one.unit.show(-room) } else { short(-room) };
            return row.text(&format!("{word} {by}"), theme.fail);
        }
        let style = if left < LITTLE { theme.warn } else { theme.ok };
        let percent = format!("{}%", whole_percent(left));
        let filled = bar(usize::from(whole_percent(left)), 0, 100, columns.bar, theme.glyphs);
        let row = row.text(&filled, style).right(&percent, LEFT, style);
        row.right(&if columns.room > 0 { one.unit.show(room) } else { String::new() }, columns.room, style)
    }

    /// What is told of the selected one, else why there is none.
    fn foot(&self, all: &[Versus], selected: Option<usize>) -> String {
        match selected.and_then(|i| all.get(i)) {
            Some(one) => self.told(one),
            None if self.look.sift.filter.is_some() => "no row is so; esc shows all".to_owned(),
            None => "no check of this runbook is held against a baseline".to_owned(),
        }
    }

    /// Why there is nothing to compare.
    fn why(&self, one: &Versus) -> String {
        let newest = self.telemetry.checks.get(&one.check.id).and_then(|series| series.last());
        let reason = newest.map(|sample| sample.reason.as_str()).filter(|reason| !reason.is_empty());
        reason.unwrap_or(&self.state.check(&one.check.id).reason).to_owned()
    }

    fn not_taken(&self, rule: &Vs) -> String {
        match versus::step_of(self.state, &rule.baseline) {
            Some(step) => format!("{step} takes it"),
            None => format!("nothing takes {}", rule.baseline),
        }
    }

    /// The rule of the selected one, and where its old number is from.
    fn told(&self, one: &Versus) -> String {
        let mut told = said(one.rule);
        if let Some(old) = one.old {
            let step = versus::step_of(self.state, &one.rule.baseline);
            let taken = step.and_then(|step| self.state.step(step).ended);
            let at = taken.map_or(String::new(), |at| format!(", taken {}", format::time(at.at)));
            told += &format!("; {}: {} samples{at}", one.rule.baseline, old.samples);
        }
        told
    }
}

/// `at most 1.2 x old + 5`.
fn said(rule: &Vs) -> String {
    let times = |times: f64| if times == 1.0 { "old".to_owned() } else { format!("{} x old", short(times)) };
    let and = |sign: &str, by: f64| if by == 0.0 { String::new() } else { format!(" {sign} {}", short(by)) };
    let upper = rule.upper.map(|(by, plus)| format!("at most {}{}", times(by), and("+", plus)));
    let lower = rule.lower.map(|(by, minus)| format!("at least {}{}", times(by), and("-", minus)));
    upper.into_iter().chain(lower).collect::<Vec<_>>().join(", ")
}

/// Rounded down, so that nothing looks larger than it is.
fn whole_percent(part: f64) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 100")]
    let percent = (part.clamp(0.0, 1.0) * 100.0 + 1e-9).floor() as u8;
    percent
}
