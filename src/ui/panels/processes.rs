//! Processes: what is wanted against what is seen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::{Look, between, last};
use crate::event::Health;
use crate::runbook::CheckId;
use crate::runbook::model::{Check, Probe, ProcessExpect};
use crate::session::telemetry::ProcessSeen;
use crate::session::{State, Telemetry};
use crate::ui::theme::Mark;
use crate::ui::widgets::Row;
use crate::ui::{format, lists, status};

/// The process list.
#[derive(Debug)]
pub struct Processes<'a> {
    pub state: &'a State,
    pub telemetry: &'a Telemetry,
    pub selected: Option<&'a (CheckId, Option<u32>)>,
    pub look: Look<'a>,
}

/// The rows of the panel: every process that a check has seen, and one for each check that has seen none.
#[must_use]
pub fn rows(state: &State, telemetry: &Telemetry) -> Vec<(CheckId, Option<u32>)> {
    let Some(runbook) = &state.runbook else { return Vec::new() };
    let mut rows = Vec::new();
    for (id, _) in runbook.checks.iter().filter(|(_, check)| wanted(check).is_some()) {
        match telemetry.processes.get(id).map(Vec::as_slice).unwrap_or_default() {
            [] => rows.push((id.clone(), None)),
            seen => rows.extend(seen.iter().map(|process| (id.clone(), Some(process.identity.pid)))),
        }
    }
    rows
}

fn wanted(check: &Check) -> Option<&ProcessExpect> {
    match &check.probe {
        Probe::Process { expect, .. } if check.applies => Some(expect),
        _ => None,
    }
}

const PID: usize = 7;
const STATE: usize = 10;
const CPU: usize = 6;
const RSS: usize = 7;
const UP: usize = 5;
const WANT: usize = 5;

impl Widget for &Processes<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let counts = self.counts(&rows(self.state, self.telemetry));
        let inner = self.look.frame("Processes", counts, area, buf);
        let rows = lists::processes(self.state, self.telemetry, self.look.sift);
        let selected = rows.iter().position(|row| Some(row) == self.selected);
        let room = usize::from(inner.height);
        let head = usize::from(room > 3);
        let foot = usize::from(room > rows.len() + head);
        if head > 0 {
            self.head(inner.width).render(inner, buf, Style::new());
        }
        let row = |i: usize| self.row(&rows[i], inner.width, selected == Some(i));
        self.look.rows(rows.len(), selected, between(inner, head, foot), buf, row);
        if foot > 0 {
            let text = if rows.is_empty() && self.look.sift.filter.is_some() {
                "no row is so; esc shows all"
            } else if rows.is_empty() {
                "no check of this runbook watches a process"
            } else {
                "this host only; pid and start time, a reused pid is another process"
            };
            let row = Row::new(inner.width).gap(1).text(text, self.look.theme.dim);
            row.render(last(inner, foot), buf, Style::new());
        }
    }
}

impl Processes<'_> {
    fn counts(&self, rows: &[(CheckId, Option<u32>)]) -> Vec<(String, Style)> {
        let marks: Vec<Mark> =
            rows.iter().map(|(id, pid)| status::process(self.state, self.telemetry, id, *pid).0).collect();
        let counted = [Mark::Fail, Mark::Stale, Mark::Warn].into_iter().map(|mark| {
            let count = marks.iter().filter(|one| **one == mark).count();
            (count, format!("{count} {}", mark.word()), self.look.theme.mark(mark))
        });
        counted.filter(|(count, ..)| *count > 0).map(|(_, words, style)| (words, style)).collect()
    }

    fn head(&self, cols: u16) -> Row {
        let dim = self.look.theme.dim;
        let row = Row::new(cols).gap(1);
        let by = by_cols(cols);
        let name = name_cols(&row, by);
        row.cell("check", name, dim)
            .cell(if by > 0 { "known by" } else { "" }, by, dim)
            .right("pid", PID, dim)
            .gap(1)
            .cell("state", STATE, dim)
            .right("cpu", CPU, dim)
            .right("rss", RSS, dim)
            .right("up", UP, dim)
            .right("want", WANT, dim)
    }

    fn row(&self, (id, pid): &(CheckId, Option<u32>), cols: u16, selected: bool) -> Row {
        let theme = self.look.theme;
        let (mark, word) = status::process(self.state, self.telemetry, id, *pid);
        let want = status::wants_run(self.state, id).map_or("-", |run| if run { "run" } else { "gone" });
        let looked_at = self.state.check(id).health != Health::Idle;
        let seen = self.telemetry.processes.get(id).into_iter().flatten().filter(|_| looked_at);
        let seen = seen.into_iter().find(|process| Some(process.identity.pid) == *pid);
        let pid = pid.filter(|_| looked_at);
        let row = self.look.row(cols).cell(if selected { ">" } else { "" }, 1, theme.key);
        let by = by_cols(cols);
        let name = name_cols(&row, by);
        let row = row
            .cell(&label(id, seen), name.saturating_sub(1), theme.text)
            .gap(1)
            .cell(self.pinned_by(id), by, theme.dim)
            .right(&pid.map_or("-".to_owned(), |pid| pid.to_string()), PID, theme.text)
            .gap(1)
            .cell(&format!("{} {word}", theme.glyph(mark)), STATE, theme.mark(mark));
        let dash = || "-".to_owned();
        row.right(&seen.and_then(|p| p.cpu).map_or_else(dash, |cpu| format!("{cpu:.1}%")), CPU, theme.text)
            .right(&seen.map_or_else(dash, |p| format::bytes(p.rss)), RSS, theme.text)
            .right(&seen.map_or_else(dash, |p| format::about(p.up_ms)), UP, theme.text)
            .right(want, WANT, if mark == Mark::Ok { theme.text } else { theme.mark(mark) })
    }

    /// By what a process is known.
    fn pinned_by(&self, id: &CheckId) -> &'static str {
        let probe =
            self.state.runbook.as_ref().and_then(|runbook| runbook.check(id)).map(|check| &check.probe);
        let Some(Probe::Process { select, .. }) = probe else { return "-" };
        let ways = [
            (select.step.is_some(), "step"),
            (select.pidfile.is_some(), "pidfile"),
            (select.unit.is_some(), "unit"),
            (select.port.is_some(), "port"),
            (select.exe.is_some(), "exe"),
            (select.cmdline.is_some(), "cmdline"),
            (select.name.is_some(), "name"),
            (select.user.is_some(), "user"),
        ];
        ways.into_iter().find(|(is, _)| *is).map_or("-", |(_, way)| way)
    }
}

fn label(id: &CheckId, seen: Option<&ProcessSeen>) -> String {
    match seen {
        Some(process) if process.name != id.as_str() => format!("{id} {}", process.name),
        _ => id.to_string(),
    }
}

/// Where there is room for it, by what the process is known.
fn by_cols(cols: u16) -> usize {
    if cols >= 64 { 9 } else { 0 }
}

fn name_cols(row: &Row, by: usize) -> usize {
    row.left().saturating_sub(by + PID + 1 + STATE + CPU + RSS + UP + WANT)
}
