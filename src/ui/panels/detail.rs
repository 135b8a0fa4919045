//! The event at the playhead opened up, and under it what happened next.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::Look;
use crate::ui::popups::row;
use crate::ui::replay::Moment;
use crate::ui::theme::Theme;
use crate::ui::widgets::Row;

/// The detail panel.
#[derive(Debug)]
pub struct Detail<'a> {
    pub moment: Option<&'a Moment>,
    /// Lines of it above the window.
    pub top: usize,
    pub look: Look<'a>,
}

impl Widget for &Detail<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let theme = self.look.theme;
        let Some(moment) = self.moment else {
            let inner = self.look.frame("Detail", vec![], area, buf);
            let nothing = Row::new(inner.width).gap(1).text("nothing was recorded yet", theme.dim);
            nothing.render(inner, buf, Style::new());
            return;
        };
        let inner = self.look.frame(
            &moment.title(),
            vec![("and what happened next".to_owned(), theme.dim)],
            area,
            buf,
        );
        let text = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
        if text.is_empty() {
            return;
        }
        let lines = |rows: Vec<row::Row>| -> Vec<Line<'static>> {
            rows.iter().flat_map(|row| row.lines(text.width.into(), theme)).collect()
        };
        let height = usize::from(text.height);
        let about = lines(moment.rows());
        // Of what came next a line each is enough where there is little room: the playhead goes there to read the rest.
        let then: Vec<_> = match self.look.zoomed {
            true => lines(moment.then()),
            false => moment.then().iter().filter_map(|row| one_line(row, text.width.into(), theme)).collect(),
        };
        // What came next keeps a third, and gets what the event leaves.
        let below = (height / 3).max(height.saturating_sub(about.len())).min(then.len());
        let above = height - below;
        let top = self.top.min(about.len().saturating_sub(above));
        let shown = about.into_iter().skip(top).take(above);
        for (line, area) in shown.zip(text.rows()) {
            line.render(area, buf);
        }
        for (line, area) in then.into_iter().take(below).zip(text.rows().skip(above)) {
            line.render(area, buf);
        }
    }
}

/// The first line of a row, with a sign that there is more of it.
fn one_line(row: &row::Row, width: usize, theme: &Theme) -> Option<Line<'static>> {
    let mut lines = row.lines(width.saturating_sub(1), theme).into_iter();
    let mut line = lines.next()?;
    if lines.next().is_some() {
        line.push_span(Span::styled(theme.glyphs.ellipsis, theme.dim));
    }
    Some(line)
}
