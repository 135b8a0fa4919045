//! The last facts of the log, and whether it can be written.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::Look;
use crate::clock::Now;
use crate::event::{By, Event, EventKind, describe};
use crate::session::State;
use crate::session::telemetry::{LogFile, LogHealth};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, window};
use crate::ui::{format, lists};

/// The audit panel.
#[derive(Debug)]
pub struct Audit<'a> {
    pub state: &'a State,
    pub log: &'a LogHealth,
    /// The log's file and disk at the last write.
    pub file: Option<LogFile>,
    /// The log's head, `seq:hash8`.
    pub head: Option<&'a str>,
    /// The selected event; `None` follows the newest.
    pub selected: Option<u64>,
    pub now: Now,
    pub look: Look<'a>,
}

impl Widget for &Audit<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let inner = self.look.frame("Audit", self.right(), area, buf);
        let recent = lists::events(self.state, self.look.sift);
        let selected = self.selected.and_then(|seq| recent.iter().position(|event| event.seq == seq));
        let rows = usize::from(inner.height);
        let shown = match selected {
            Some(selected) => window(recent.len(), Some(selected), rows),
            None => recent.len().saturating_sub(rows)..recent.len(),
        };
        let near = selected.map_or(rows, |selected| selected - shown.start);
        let entry = |i| self.look.entry(self.row(recent[i], inner.width), i, selected);
        self.look.list(shown.map(entry).collect(), near, inner, buf);
    }
}

impl Audit<'_> {
    /// The newest event in one line, for screens without the panel.
    #[must_use]
    pub fn news(&self, cols: u16) -> Row {
        let row = Row::new(cols);
        let Some(event) = self.state.recent.back() else { return row };
        let (word, style) = self.health();
        let sync = self.file.map(|file| format!("  {}", sync(&file))).unwrap_or_default();
        let end = format!("{word}{sync} ");
        let room = row.left().saturating_sub(end.len() + 1);
        let line = format!(
            "{} {} {} {}",
            number(event),
            self.now.second(event.at),
            actor(&event.by),
            describe(event)
        );
        row.gap(1).upto(&line, room.saturating_sub(1), self.look.theme.text).end(&end, style)
    }

    fn right(&self) -> Vec<(String, Style)> {
        let theme = self.look.theme;
        let seq = format!("#{}", self.state.seq);
        let head = self.head.map_or(seq, |head| format!("head {head}"));
        let mut words = vec![self.health()];
        words.extend(self.file.iter().flat_map(|file| self.file(file)));
        words.push((head, theme.dim));
        if let Some(opened) = &self.state.opened {
            words.push((opened.session.clone(), theme.dim));
        }
        words
    }

    /// How long the disk took for the last record, and how much it still holds.
    fn file(&self, file: &LogFile) -> [(String, Style); 2] {
        let theme = self.look.theme;
        let slow = if file.sync_ms >= SLOW_MS { theme.warn } else { theme.dim };
        let low = if file.free < LOW_BYTES { theme.warn } else { theme.dim };
        [
            (sync(file), slow),
            (
                format!(
                    "{} free{}",
                    format::bytes(file.free),
                    if file.free < LOW_BYTES { " LOW" } else { "" }
                ),
                low,
            ),
        ]
    }

    fn health(&self) -> (String, Style) {
        let theme = self.look.theme;
        let word = match self.log {
            LogHealth::Full(_) => "LOG FULL",
            LogHealth::Failed(_) => "LOG FAILED",
            LogHealth::Ok if !self.state.gaps.is_empty() => "GAPS IN THE LOG",
            LogHealth::Ok => return ("log ok".to_owned(), theme.ok),
        };
        (word.to_owned(), theme.fail)
    }

    fn row(&self, event: &Event, cols: u16) -> Row {
        let theme = self.look.theme;
        let at = self.now.second(event.at);
        self.look
            .row(cols)
            .gap(1)
            .cell(&number(event), 6, theme.dim)
            .cell(&at, at.len().max(9) + 1, theme.dim)
            .cell(&actor(&event.by), self.look.who(10, cols), theme.text)
            .gap(1)
            .text(&describe(event), style(event, theme))
    }
}

/// A disk that takes longer for a record is worth a look, in milliseconds; and one with fewer bytes free.
const SLOW_MS: u64 = 250;
const LOW_BYTES: u64 = 256 << 20;

fn sync(file: &LogFile) -> String {
    let slow = if file.sync_ms >= SLOW_MS { " SLOW" } else { "" };
    format!("fsync {}ms{slow}", file.sync_ms)
}

/// What an event's line looks like: what went against somebody's will stands out, and what somebody wrote.
pub(super) fn style(event: &Event, theme: &Theme) -> Style {
    match &event.event {
        EventKind::CommandRefused { .. }
        | EventKind::RollbackStuck { .. }
        | EventKind::StepUnknown { .. }
        | EventKind::EndRefused { .. } => theme.fail,
        EventKind::StepFinished(finish) if !finish.passed => theme.fail,
        EventKind::NoteAdded { .. } => theme.title,
        _ => theme.text,
    }
}

fn number(event: &Event) -> String {
    format!("#{:04}", event.seq)
}

fn actor(by: &By) -> String {
    match by {
        By::Engine(_) => "engine".to_owned(),
        By::Trigger { trigger } => format!("trigger {trigger}"),
        By::Person(person) => person.person.clone(),
    }
}
