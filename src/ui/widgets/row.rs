//! One row of text in columns. Everything that a panel writes goes through here: made displayable, and fitted by its
//! width on the screen. What does not fit is cut, or where the row may be tall goes on below itself in its column.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::text;

/// A row that is filled from the left.
#[derive(Debug, Clone)]
pub struct Row {
    spans: Vec<Span>,
    /// Lines below the others, over the whole width.
    below: Vec<(String, Style)>,
    cols: usize,
    left: usize,
    tall: bool,
}

/// A text at its place.
#[derive(Debug, Clone)]
struct Span {
    line: usize,
    column: usize,
    text: String,
    style: Style,
}

/// In fewer columns nothing is wrapped: it would be read letter by letter.
const NARROW: usize = 6;
/// What would be higher than so many lines in a narrow column gets lines of its own.
const HIGH: usize = 3;
/// How far what found no room beside the rest is moved in on a line of its own.
const BELOW: usize = 4;

impl Row {
    /// An empty row, `cols` columns wide.
    #[must_use]
    pub fn new(cols: impl Into<usize>) -> Self {
        let cols = cols.into();
        Self { spans: Vec::new(), below: Vec::new(), cols, left: cols, tall: false }
    }

    /// Whether what comes next may take several lines.
    #[must_use]
    pub fn tall(mut self, tall: bool) -> Self {
        self.tall = tall;
        self
    }

    /// How many lines it takes.
    #[must_use]
    pub fn height(&self) -> usize {
        self.beside() + self.below.len()
    }

    /// How many lines its columns take.
    fn beside(&self) -> usize {
        self.spans.iter().map(|span| span.line + 1).max().unwrap_or(1)
    }

    /// How many columns are still free.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left
    }

    /// Adds text as wide as it is, to where the row ends.
    #[must_use]
    pub fn text(self, text: &str, style: Style) -> Self {
        let cols = self.left;
        if self.tall && cols < self.cols / 4 && cols < text::width(&text::safe(text)) {
            return self.below(text, style);
        }
        self.put(text, cols, style)
    }

    /// Adds text on lines of its own.
    fn below(mut self, text: &str, style: Style) -> Self {
        let lines = wrapped(&text::safe(text), self.cols.saturating_sub(BELOW).max(1));
        self.below.extend(lines.into_iter().map(|line| (line, style)));
        self
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

    /// The same for what the row is called: it stays beside the rest, however high that is.
    #[must_use]
    pub fn name(self, text: &str, cols: usize, style: Style) -> Self {
        let cols = cols.min(self.left);
        let end = self.left - cols;
        let lines = self.lines(&text::safe(text), cols);
        let row = self.lay(lines, style);
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

    fn put(self, text: &str, cols: usize, style: Style) -> Self {
        let lines = self.lines(&text::safe(text), cols);
        if lines.len() > HIGH && cols < self.cols / 2 {
            return self.below(text, style);
        }
        self.lay(lines, style)
    }

    /// The text in so many columns: cut, or on several lines.
    fn lines(&self, safe: &str, cols: usize) -> Vec<String> {
        match self.tall && cols >= NARROW {
            true => wrapped(safe, cols),
            false => vec![text::fit(safe, cols).into_owned()],
        }
    }

    /// Adds lines under each other.
    fn lay(mut self, lines: Vec<String>, style: Style) -> Self {
        let width = lines.iter().map(|line| text::width(line)).max().unwrap_or(0);
        if width > 0 {
            let column = self.cols - self.left;
            let span = |(line, text)| Span { line, column, text, style };
            self.spans.extend(lines.into_iter().enumerate().map(span));
            self.left -= width.min(self.left);
        }
        self
    }

    /// Draws the row into the first lines of `area`, with `style` under all of it.
    pub fn render(self, area: Rect, buf: &mut Buffer, style: Style) {
        let height = u16::try_from(self.height()).unwrap_or(u16::MAX);
        let area = Rect { height: area.height.min(height), ..area }.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        if style != Style::new() {
            buf.set_style(area, style);
        }
        let reversed = style.add_modifier.contains(Modifier::REVERSED);
        let first = self.beside();
        let below = self.below.into_iter().enumerate();
        let below = below.map(|(n, (text, style))| Span { line: first + n, column: BELOW, text, style });
        for Span { line, column, text, style } in self.spans.into_iter().chain(below) {
            let [line, column] = [line, column].map(|at| u16::try_from(at).unwrap_or(u16::MAX));
            if column >= area.width || line >= area.height {
                continue;
            }
            let (x, y, room) = (area.x + column, area.y + line, usize::from(area.width - column));
            // What is dim would be a hole in the bar of the selected row.
            let style = if reversed { style.remove_modifier(Modifier::DIM) } else { style };
            if text.is_ascii() {
                // Most text is: it needs no search for graphemes, which is most of a frame's cost.
                let first = buf.index_of(x, y);
                for (cell, byte) in buf.content[first..first + room].iter_mut().zip(text.bytes()) {
                    cell.set_char(char::from(byte)).set_style(style);
                }
            } else {
                buf.set_stringn(x, y, text, room, style);
            }
        }
    }

    /// How many columns the row has.
    #[must_use]
    pub fn cols(&self) -> usize {
        self.cols
    }
}

/// The text on lines of at most `cols`, between words where that can be.
fn wrapped(text: &str, cols: usize) -> Vec<String> {
    if text.len() <= cols {
        return vec![text.to_owned()];
    }
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0);
    for word in text.split_inclusive(' ') {
        if used > 0 && used + text::width(word.trim_end_matches(' ')) > cols {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        for grapheme in word.graphemes(true) {
            let wide = text::width(grapheme);
            if used > 0 && used + wide > cols {
                if grapheme == " " {
                    continue;
                }
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push_str(grapheme);
            used += wide;
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(row: Row) -> String {
        drawn_on(row, 1).concat()
    }

    fn drawn_on(row: Row, lines: u16) -> Vec<String> {
        let cols = u16::try_from(row.cols()).unwrap();
        let area = Rect::new(0, 0, cols, lines);
        let mut buf = Buffer::empty(area);
        row.render(area, &mut buf, Style::new());
        let lines = buf.content().chunks(cols.into());
        lines.map(|line| line.iter().map(ratatui::buffer::Cell::symbol).collect()).collect()
    }

    #[test]
    fn a_tall_row_shows_each_text_whole_in_its_column() {
        let style = Style::new();
        let row = Row::new(24usize)
            .tall(true)
            .cell("a name of words", 10, style)
            .text("unbreakablelongwords here", style);
        assert_eq!(row.height(), 2);
        assert_eq!(drawn_on(row.clone(), 2), ["a name of unbreakablelon", "words     gwords here   "]);
        // What has no room beside the rest goes below it, and where there are fewer lines the others are not drawn.
        let row = row.text(" and some more", style);
        assert_eq!((row.height(), drawn_on(row.clone(), 1).len()), (3, 1));
        assert_eq!(drawn_on(row, 3)[2], "     and some more      ");
        assert_eq!(
            drawn_on(Row::new(8usize).tall(true).cell("漢字漢字", 7, style), 2),
            ["漢 字 漢   ", "字       "]
        );
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
