//! What a step printed: stderr lines are marked by a character, never only by colour.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;
use unicode_segmentation::UnicodeSegmentation as _;

use super::Look;
use crate::text;
use crate::ui::format;
use crate::ui::output::{Count, Line, Output, wrapped};
use crate::ui::widgets::Row;

/// The output panel.
#[derive(Debug)]
pub struct OutputPanel<'a> {
    pub output: &'a Output,
    /// Columns to the left of the window.
    pub left: usize,
    /// Lines go on below themselves.
    pub wrap: bool,
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
        let lines: Vec<Row> = self.output.shown(rows).flat_map(|line| self.rows(line, inner.width)).collect();
        // Of what does not fit the end is shown where the end is followed.
        let over = lines.len().saturating_sub(rows);
        let over = if self.output.unseen().is_none() { over } else { 0 };
        for (row, area) in lines.into_iter().skip(over).zip(inner.rows()) {
            row.render(area, buf, Style::new());
        }
        let word = match self.output.kept_count() {
            _ if self.output.total == 0 && self.output.over => "it printed nothing",
            _ if self.output.total == 0 => "no output yet",
            Some(Count { lines: 0, counted: None }) => "no line has it; esc shows all",
            _ => return,
        };
        Row::new(inner.width).gap(1).text(word, theme.dim).render(inner, buf, Style::new());
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
        let mut words = match self.output.unseen() {
            None => vec![("FOLLOW".to_owned(), theme.ok)],
            // Never the bare word: that is the session's.
            Some(0) => vec![("PAUSED 0 new".to_owned(), theme.warn)],
            Some(new) => vec![(format!("PAUSED {} new", format::bytes(new)), theme.warn)],
        };
        let part = self.output.part().map_or(String::new(), |part| format!("{part}% of "));
        words.push((part + &size, theme.dim));
        if self.wrap {
            words.push(("W wrapped".to_owned(), theme.dim));
        }
        words
    }

    /// A line, in as many rows as it takes.
    fn rows(&self, line: Line<'_>, cols: u16) -> Vec<Row> {
        let theme = self.look.theme;
        let (mark, style) = if line.stderr { ("!", theme.stderr) } else { ("|", theme.text) };
        let marked = if line.stderr { theme.stderr } else { theme.dim };
        let row = |mark: &str, text: &str| Row::new(cols).text(mark, marked).gap(1).text(text, style);
        let text = line.text();
        if !self.wrap {
            return vec![row(mark, skip_columns(&text, self.left))];
        }
        let parts = wrapped(&text, usize::from(cols.saturating_sub(2)));
        parts.enumerate().map(|(i, part)| row(if i == 0 { mark } else { " " }, part)).collect()
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
