//! The box round a panel: its number and title on the left, what counts on the right; thick where the focus is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Block, Widget};

use super::Row;
use crate::text;
use crate::ui::theme::Theme;

/// A box with a title.
#[derive(Debug)]
pub struct Frame<'a> {
    pub title: &'a str,
    /// Words with their styles, on the right; the last ones are left out where there is no room.
    pub right: Vec<(String, Style)>,
    pub focused: bool,
    pub theme: &'a Theme,
}

impl Frame<'_> {
    /// Draws it and returns what is inside.
    pub fn render(&self, area: Rect, buf: &mut Buffer) -> Rect {
        let glyphs = self.theme.glyphs;
        let (set, style) =
            if self.focused { (glyphs.thick, self.theme.focus) } else { (glyphs.plain, self.theme.border) };
        let block = Block::bordered().border_set(set).border_style(style);
        let inner = block.inner(area);
        block.render(area, buf);
        let room = usize::from(area.width.saturating_sub(6));
        if area.height == 0 || room == 0 {
            return inner;
        }
        let title_style = if self.focused { self.theme.focus } else { self.theme.title };
        let title = text::safe(self.title);
        // What is told first, a filter before all, goes before the end of a long title.
        let first = self.right.first().map_or(0, |(word, _)| text::width(&text::safe(word)) + 3);
        let width = text::width(&title).min(room.saturating_sub(first).max(room / 2));
        let at = Rect { x: area.x + 2, width: area.width.saturating_sub(4), height: 1, ..area };
        let row = Row::new(width + 2)
            .text(" ", title_style)
            .upto(&title, width, title_style)
            .text(" ", title_style);
        row.render(Rect { width: cols(width + 2), ..at }, buf, Style::new());
        self.render_right(at, room - width, buf);
        inner
    }

    fn render_right(&self, at: Rect, room: usize, buf: &mut Buffer) {
        let mut used = 0;
        let fitting: Vec<_> = self
            .right
            .iter()
            .take_while(|(word, _)| {
                used += text::width(&text::safe(word)) + 2;
                used < room
            })
            .collect();
        let width = fitting.iter().map(|(w, _)| text::width(&text::safe(w)) + 2).sum::<usize>();
        if width == 0 {
            return;
        }
        let mut row = Row::new(width);
        for (word, style) in fitting {
            row = row.text(" ", *style).text(word, *style).text(" ", *style);
        }
        row.render(Rect { x: at.right() - cols(width), width: cols(width), ..at }, buf, Style::new());
    }
}

fn cols(width: usize) -> u16 {
    u16::try_from(width).unwrap_or(u16::MAX)
}
