//! What is red and green in panels that are not on the screen, in one line.

use ratatui::style::Style;

use crate::session::{State, Telemetry};
use crate::ui::status;
use crate::ui::theme::{Mark, Theme};
use crate::ui::widgets::Row;

/// The word of what is not looked at now.
const IDLE: &str = "IDLE";

/// Checks and processes, counted by their states.
#[derive(Debug, Clone, Copy)]
pub struct Tally<'a> {
    pub state: &'a State,
    pub telemetry: &'a Telemetry,
}

/// The states that are counted, worst first.
const COUNTED: [Mark; 5] = [Mark::Fail, Mark::Stale, Mark::Warn, Mark::Ok, Mark::Pending];

impl Tally<'_> {
    /// `checks 1 FAIL 4 OK   processes 1 WARN 2 OK   questions 1 ASK`.
    #[must_use]
    pub fn row(&self, theme: &Theme, cols: u16) -> Row {
        let runbook = self.state.runbook.iter();
        let applying = runbook.flat_map(|runbook| &runbook.checks).filter(|(_, check)| check.applies);
        let checks = applying.map(|(id, _)| status::check(self.state, id));
        let row = counted(Row::new(cols).gap(1), "checks", checks, theme);
        let processes = super::process_rows(self.state, self.telemetry);
        let processes =
            processes.iter().map(|(id, pid)| status::process(self.state, self.telemetry, id, *pid));
        let row = counted(row, "processes", processes, theme);
        let questions = self.state.questions().len();
        counted(row, "questions", (0..questions).map(|_| (Mark::Ask, Mark::Ask.word())), theme)
    }
}

fn counted<'a>(row: Row, what: &str, states: impl Iterator<Item = (Mark, &'a str)>, theme: &Theme) -> Row {
    let states: Vec<(Mark, &str)> = states.collect();
    if states.is_empty() {
        return row;
    }
    let mut row = row.text(what, theme.dim);
    for mark in COUNTED.into_iter().chain([Mark::Ask]) {
        // What nobody looks at now is another thing than what is not known yet.
        let is_idle = |word: &str| mark == Mark::Pending && word.eq_ignore_ascii_case(IDLE);
        let of = |idle| states.iter().filter(|(one, word)| *one == mark && is_idle(word) == idle).count();
        for (count, word) in [(of(false), mark.word()), (of(true), IDLE)] {
            if count > 0 {
                let style = if mark == Mark::Ok { Style::new() } else { theme.mark(mark) };
                row = row.gap(1).text(&format!("{count} {word}"), style);
            }
        }
    }
    row.gap(3)
}
