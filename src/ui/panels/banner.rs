//! The one thing that blocks now, in one line that does not scroll.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::text;
use crate::ui::blocker::Blocker;
use crate::ui::theme::{Mark, Theme};
use crate::ui::widgets::Row;

/// The banner.
#[derive(Debug)]
pub struct Banner<'a> {
    pub blocker: &'a Blocker,
    pub theme: &'a Theme,
}

impl Widget for &Banner<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let Blocker { mark, text: reason, release, is_key } = self.blocker;
        let style = match mark {
            Mark::Fail => self.theme.blocked,
            mark => self.theme.mark(*mark),
        };
        let release_cols = text::width(&text::safe(release)) + 3;
        let row = Row::new(area.width).gap(1).text(self.theme.glyph(*mark), style).gap(1);
        let room = row.left();
        // A key to press goes before the end of the reason, which the panels tell too; what is waited for does not.
        let share = if *is_key { 2 } else { 5 };
        let whole = text::width(&text::safe(reason)) + release_cols <= room;
        let (row, released) = if whole || release_cols * share <= room {
            (row.upto(reason, room - release_cols, style), true)
        } else {
            (row.upto(reason, room, style), false)
        };
        let row = if released { row.end(&format!("{release} "), self.theme.key) } else { row };
        row.render(area, buf, ratatui::style::Style::new());
    }
}
