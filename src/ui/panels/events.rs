//! The events of a recording round its playhead: all of them, or those that a filter leaves.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::audit;
use super::{Entry, Look};
use crate::clock::Now;
use crate::event::{Event, author, describe, is_failure};
use crate::ui::replay::{Filter, List};
use crate::ui::widgets::{Row, window};

/// The events panel.
#[derive(Debug)]
pub struct Events<'a> {
    pub list: &'a List,
    /// The event at the playhead.
    pub seq: u64,
    pub filter: &'a Filter,
    pub now: Now,
    pub look: Look<'a>,
}

impl Widget for &Events<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let theme = self.look.theme;
        let inner = self.look.frame("Events", self.right(), area, buf);
        let events = &self.list.events;
        if events.is_empty() {
            let word = match self.list.count {
                None => "looking...",
                Some(_) if self.filter.is_all() => "nothing was recorded",
                Some(_) => "no event is so; esc lists all again",
            };
            Row::new(inner.width).gap(1).text(word, theme.dim).render(inner, buf, Style::new());
        }
        // The last one that the playhead has passed.
        let at = events.partition_point(|event| event.seq <= self.seq).checked_sub(1);
        let shown = window(events.len(), at, usize::from(inner.height));
        let near = at.unwrap_or(0).saturating_sub(shown.start);
        let entry = |i: usize| {
            let here = at == Some(i) && events[i].seq == self.seq;
            let style = if here { theme.selected } else { Style::new() };
            Entry { row: self.row(&events[i], here, inner.width), style, place: Some(i) }
        };
        self.look.list(shown.map(entry).collect(), near, inner, buf);
    }
}

impl Events<'_> {
    fn right(&self) -> Vec<(String, Style)> {
        let theme = self.look.theme;
        let mut words = Vec::new();
        if !self.filter.is_all() {
            let count = self.list.count;
            let count = count.map_or_else(|| "looking".to_owned(), |count| format!("{count} listed"));
            words.push((count, theme.warn));
        }
        if self.filter.errors_only {
            words.push(("e errors only".to_owned(), theme.key));
        }
        if !self.filter.text.is_empty() {
            words.push((format!("f {}", self.filter.text), theme.key));
        }
        words
    }

    fn row(&self, event: &Event, here: bool, cols: u16) -> Row {
        let theme = self.look.theme;
        let glyph = if here { theme.glyphs.running } else { " " };
        let fails = is_failure(&event.event);
        let style = if fails { theme.fail } else { audit::style(event, theme) };
        let at = self.now.second(event.at);
        self.look
            .row(cols)
            .cell(glyph, 1, theme.focus)
            .cell(if fails { theme.glyphs.fail } else { " " }, 1, theme.fail)
            .cell(&format!("#{:04}", event.seq), 6, theme.dim)
            .cell(&at, at.len().max(9) + 1, theme.dim)
            .cell(&author(&event.by), self.look.who(9, cols), theme.text)
            .gap(1)
            .text(&describe(event), style)
    }
}
