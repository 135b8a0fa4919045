//! What a step printed: stderr lines are marked by a character, never only by colour.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;
use unicode_segmentation::UnicodeSegmentation;

use super::Look;
use crate::text;
use crate::ui::format;
use crate::ui::output::{Line, Output};
use crate::ui::widgets::Row;

/// How much of one line is looked at, in bytes: more than any screen shows.
const LINE: usize = 16 * 1024;

/// The output panel.
#[derive(Debug)]
pub struct OutputPanel<'a> {
    pub output: &'a Output,
    /// Columns to the left of the window.
    pub left: usize,
    pub look: Look<'a>,
}

impl Widget for &OutputPanel<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let theme = self.look.theme;
        let Some(source) = &self.output.source else {
            let inner = self.look.frame("Output", vec![], area, buf);
            Row::new(inner.width).gap(1).text("no step has run yet", theme.dim).render(
                inner,
                buf,
                Style::new(),
            );
            return;
        };
        let try_word = if source.attempt > 1 { format!(", try {}", source.attempt) } else { String::new() };
        let title = format!("Output {}{try_word}", source.step);
        let inner = self.look.frame(&title, self.right(), area, buf);
        let rows = usize::from(inner.height);
        for (line, area) in self.output.shown(rows).zip(inner.rows()) {
            self.line(line, inner.width).render(area, buf, Style::new());
        }
        if self.output.total == 0 {
            Row::new(inner.width).gap(1).text("no output yet", theme.dim).render(inner, buf, Style::new());
        }
    }
}

impl OutputPanel<'_> {
    fn right(&self) -> Vec<(String, Style)> {
        let theme = self.look.theme;
        let size = match self.output.line_count() {
            Some(1) => "1 line".to_owned(),
            Some(lines) => format!("{lines} lines"),
            None => format::bytes(self.output.total),
        };
        match self.output.unseen() {
            None => vec![("FOLLOW".to_owned(), theme.ok), (size, theme.dim)],
            Some(0) => vec![("PAUSED".to_owned(), theme.warn), (size, theme.dim)],
            Some(new) => {
                let new = format!("PAUSED {} new", format::bytes(new));
                vec![(new, theme.warn), (size, theme.dim)]
            }
        }
    }

    fn line(&self, line: Line<'_>, cols: u16) -> Row {
        let theme = self.look.theme;
        let (mark, style) = if line.stderr { ("!", theme.stderr) } else { ("|", theme.text) };
        let bytes = &line.bytes[..line.bytes.len().min(LINE)];
        let decoded = String::from_utf8_lossy(bytes);
        let safe = text::safe_line(&decoded);
        let shown = skip_columns(&safe, self.left);
        let row = Row::new(cols).text(mark, if line.stderr { theme.stderr } else { theme.dim }).gap(1);
        row.text(shown, style)
    }
}

fn skip_columns(line: &str, cols: usize) -> &str {
    let mut skipped = 0;
    for (at, grapheme) in line.grapheme_indices(true) {
        if skipped >= cols {
            return &line[at..];
        }
        skipped += text::width(grapheme);
    }
    if skipped >= cols && cols == 0 { line } else { "" }
}
