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
        let row = Row::new(area.width).gap(1).text(self.theme.glyph(*mark), style).gap(1);
        let room = row.left();
        // A key to press goes before the end of the reason, which the panels tell too; what is waited for does not.
        let share = if *is_key { 2 } else { 5 };
        let reason_cols = text::width(&text::safe(reason));
        let fits = |release: &&str| {
            let cols = text::width(&text::safe(release)) + AROUND;
            reason_cols + cols <= room || (cols * share <= room && room - cols >= LEAST)
        };
        let row = match shorter(release).find(fits) {
            Some(release) => {
                let cols = text::width(&text::safe(release)) + AROUND;
                row.upto(reason, room - cols, style).end(&format!("{release} "), self.theme.key)
            }
            None => row.upto(reason, room, style),
        };
        row.render(area, buf, ratatui::style::Style::new());
    }
}

/// So many columns of a reason name the step and what became of it.
const LEAST: usize = 28;

/// The least columns between the reason and what releases it, and behind it.
const AROUND: usize = 3;

/// What releases it, and the same with fewer and fewer of its keys: the first is the most likely one.
fn shorter(release: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(release), |all| all.rsplit_once("  ").map(|(fewer, _)| fewer))
}
