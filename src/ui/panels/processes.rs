//! Processes: what is wanted against what is seen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::Look;
use crate::event::Health;
use crate::runbook::CheckId;
use crate::runbook::model::{Check, Probe, ProcessExpect};
use crate::session::telemetry::ProcessSeen;
use crate::session::{State, Telemetry};
use crate::ui::theme::Mark;
use crate::ui::widgets::{Row, window};
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
        let lines: Vec<Rect> = inner.rows().collect();
        let head = usize::from(lines.len() > 3);
        let foot = usize::from(lines.len() > rows.len() + head);
        if head > 0 {
            self.head(inner.width).render(lines[0], buf, Style::new());
        }
        for (line, i) in lines.iter().skip(head).zip(window(rows.len(), selected, lines.len() - head - foot))
        {
            let here = selected == Some(i);
            self.row(&rows[i], inner.width, here).render(*line, buf, self.look.selected(here));
        }
        if foot > 0
            && let Some(line) = lines.last()
        {
            let text = if rows.is_empty() && self.look.sift.filter.is_some() {
                "no row is so; esc shows all"
            } else if rows.is_empty() {
                "no check of this runbook watches a process"
            } else {
                "this host only; pid and start time, a reused pid is another process"
            };
            Row::new(inner.width).gap(1).text(text, self.look.theme.dim).render(*line, buf, Style::new());
        }
    }
}

impl Processes<'_> {
    fn counts(&self, rows: &[(CheckId, Option<u32>)]) -> Vec<(String, Style)> {
        let of = |mark| rows.iter().filter(|(id, _)| status::check(self.state, id).0 == mark).count();
        let fail = of(Mark::Fail);
        let word = (format!("{fail} {}", Mark::Fail.word()), self.look.theme.fail);
        if fail > 0 { vec![word] } else { vec![] }
    }

    fn head(&self, cols: u16) -> Row {
        let dim = self.look.theme.dim;
        let row = Row::new(cols).gap(1);
        let name = name_cols(&row);
        row.cell("check", name, dim)
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
        let check = self.state.runbook.as_ref().and_then(|r| r.check(id));
        let wants_run = check.and_then(wanted).map(|expect| expect.running);
        let want = wants_run.map_or("-", |run| if run { "run" } else { "gone" });
        let looked_at = self.state.check(id).health != Health::Idle;
        let seen = self.telemetry.processes.get(id).into_iter().flatten().filter(|_| looked_at);
        let seen = seen.into_iter().find(|process| Some(process.identity.pid) == *pid);
        let word = match (seen, self.telemetry.checks.contains_key(id)) {
            _ if !looked_at => "idle",
            (Some(_), _) => "run",
            (None, true) => "gone",
            (None, false) => "not seen",
        };
        // One look that differs from what is wanted is no failure yet, but it is not fine either.
        let (mark, _) = match status::check(self.state, id) {
            (Mark::Ok, word) if wants_run.is_some_and(|run| run != seen.is_some()) => (Mark::Warn, word),
            other => other,
        };
        let pid = pid.filter(|_| looked_at);
        let row = Row::new(cols).cell(if selected { ">" } else { "" }, 1, theme.key);
        let name = name_cols(&row);
        let row = row
            .cell(&label(id, seen), name.saturating_sub(1), theme.text)
            .gap(1)
            .right(&pid.map_or("-".to_owned(), |pid| pid.to_string()), PID, theme.text)
            .gap(1)
            .cell(&format!("{} {word}", theme.glyph(mark)), STATE, theme.mark(mark));
        let dash = || "-".to_owned();
        row.right(&seen.and_then(|p| p.cpu).map_or_else(dash, |cpu| format!("{cpu:.1}%")), CPU, theme.text)
            .right(&seen.map_or_else(dash, |p| format::bytes(p.rss)), RSS, theme.text)
            .right(&seen.map_or_else(dash, |p| format::about(p.up_ms)), UP, theme.text)
            .right(want, WANT, theme.text)
    }
}

fn label(id: &CheckId, seen: Option<&ProcessSeen>) -> String {
    match seen {
        Some(process) if process.name != id.as_str() => format!("{id} {}", process.name),
        _ => id.to_string(),
    }
}

fn name_cols(row: &Row) -> usize {
    row.left().saturating_sub(PID + 1 + STATE + CPU + RSS + UP + WANT)
}
