//! One row of text in columns. Everything that a panel writes goes through here: made displayable, and fitted by its
//! width on the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::text;

/// A row that is filled from the left.
#[derive(Debug, Clone)]
pub struct Row {
    /// Texts and the columns that they begin at.
    spans: Vec<(usize, String, Style)>,
    cols: usize,
    left: usize,
}

impl Row {
    /// An empty row, `cols` columns wide.
    #[must_use]
    pub fn new(cols: impl Into<usize>) -> Self {
        let cols = cols.into();
        Self { spans: Vec::new(), cols, left: cols }
    }

    /// How many columns are still free.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left
    }

    /// Adds text as wide as it is, cut where the row ends.
    #[must_use]
    pub fn text(self, text: &str, style: Style) -> Self {
        let cols = self.left;
        self.put(text, cols, style)
    }

    /// Adds text as wide as it is, cut at `cols`.
    #[must_use]
    pub fn upto(self, text: &str, cols: usize, style: Style) -> Self {
        let cols = cols.min(self.left);
        self.put(text, cols, style)
    }

    /// Adds text in a column of exactly `cols`, flush left.
    #[must_use]
    pub fn cell(self, text: &str, cols: usize, style: Style) -> Self {
        let cols = cols.min(self.left);
        let end = self.left - cols;
        let row = self.put(text, cols, style);
        let pad = row.left - end;
        row.gap(pad)
    }

    /// Adds text in a column of exactly `cols`, flush right.
    #[must_use]
    pub fn right(self, text: &str, cols: usize, style: Style) -> Self {
        let cols = cols.min(self.left);
        let safe = text::safe(text);
        let pad = cols.saturating_sub(text::width(&safe));
        self.gap(pad).put(&safe, cols - pad, style)
    }

    /// Leaves columns as they are.
    #[must_use]
    pub fn gap(mut self, cols: usize) -> Self {
        self.left -= cols.min(self.left);
        self
    }

    /// Adds text flush with the row's end; left out where it does not fit whole.
    #[must_use]
    pub fn end(self, text: &str, style: Style) -> Self {
        let cols = text::width(&text::safe(text));
        if cols > self.left {
            return self;
        }
        let pad = self.left - cols;
        self.gap(pad).text(text, style)
    }

    fn put(mut self, text: &str, cols: usize, style: Style) -> Self {
        let safe = text::safe(text);
        let fitted = text::fit(&safe, cols);
        let width = text::width(&fitted);
        if width > 0 {
            self.spans.push((self.cols - self.left, fitted.into_owned(), style));
            self.left -= width.min(self.left);
        }
        self
    }

    /// Draws the row into the first line of `area`, with `style` under all of it.
    pub fn render(self, area: Rect, buf: &mut Buffer, style: Style) {
        let area = Rect { height: area.height.min(1), ..area }.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        if style != Style::new() {
            buf.set_style(area, style);
        }
        for (at, text, style) in self.spans {
            let at = u16::try_from(at).unwrap_or(u16::MAX);
            if at >= area.width {
                continue;
            }
            let (x, room) = (area.x + at, usize::from(area.width - at));
            if text.is_ascii() {
                // Most text is: it needs no search for graphemes, which is most of a frame's cost.
                let first = buf.index_of(x, area.y);
                for (cell, byte) in buf.content[first..first + room].iter_mut().zip(text.bytes()) {
                    cell.set_char(char::from(byte)).set_style(style);
                }
            } else {
                buf.set_stringn(x, area.y, text, room, style);
            }
        }
    }

    /// How many columns the row has.
    #[must_use]
    pub fn cols(&self) -> usize {
        self.cols
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(row: Row) -> String {
        let area = Rect::new(0, 0, u16::try_from(row.cols()).unwrap(), 1);
        let mut buf = Buffer::empty(area);
        row.render(area, &mut buf, Style::new());
        buf.content().iter().map(ratatui::buffer::Cell::symbol).collect()
    }

    #[test]
    fn columns_keep_their_width_whatever_stands_in_them() {
        let style = Style::new();
        let row =
            |name: &str| drawn(Row::new(14usize).cell(name, 6, style).right("7", 3, style).end("OK", style));
        assert_eq!(row("web"), "web     7   OK");
        assert_eq!(row("long-name"), "long-…  7   OK");
        assert_eq!(row("\u{1b}[2J"), "^[[2J   7   OK");
        // A wide character takes two cells, of which the second is empty.
        assert_eq!(row("漢字"), "漢 字     7   OK");
    }

    #[test]
    fn a_row_never_grows_over_its_end() {
        let style = Style::new();
        for cols in 0..20usize {
            let row = Row::new(cols).text("abcdef", style).cell("漢字漢字", 5, style).right("xyz", 9, style);
            assert!(row.end("end", style).left() <= cols);
        }
    }
}
