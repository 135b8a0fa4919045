//! What is copied: the selected row of the panel in focus, or all of it. Nothing leaves but what `text.rs` lets through.

use ratatui::buffer::Buffer;

use super::lists;
use super::popups::Context;
use super::screen::Screen;
use super::view::{Pane, View};
use crate::text;

/// How much a terminal is asked to put on its clipboard, in bytes: many drop a sequence of more than 100 000.
pub const CLIPBOARD: usize = 74_994;

/// How much of what is in focus is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    Row,
    Panel,
}

/// The text to copy, lines with ends; `None` where there is nothing.
#[must_use]
pub fn text(screen: &Screen, extent: Extent) -> Option<String> {
    let Screen { cx, view, .. } = screen;
    let lines = match extent {
        Extent::Row => row(view, cx).into_iter().collect(),
        Extent::Panel => panel(screen),
    };
    let text = joined(&lines);
    (!text.trim().is_empty()).then_some(text)
}

/// Lines as a text that is safe to show.
#[must_use]
pub fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{}\n", text::safe(line))).collect()
}

/// What stands over the rows of the panel in focus: which it is, of which session, when, and which rows are left out.
#[must_use]
pub fn heading(cx: &Context, view: &View) -> String {
    let session = cx.state.opened.as_ref().map_or("", |opened| opened.session.as_str());
    let at = cx.now.at.format("%Y-%m-%dT%H:%M:%SZ");
    let mut heading = format!("{}  {session}  {at}", view.focus.title());
    let words = match view.focus {
        Pane::Events => Some(&view.filter.text).filter(|words| !words.is_empty()),
        pane => view.sift(pane).filter.as_ref().map(|filter| &filter.words),
    };
    if let Some(words) = words {
        heading += &format!("  only rows with \"{words}\"");
    }
    if view.focus == Pane::Events && view.filter.errors_only {
        heading += "  only errors";
    }
    heading
}

/// The row by the words that it is found by: whole, whatever the screen has room for.
fn row(view: &View, cx: &Context) -> Option<String> {
    match view.focus {
        Pane::Timeline | Pane::Events | Pane::Detail => {
            cx.replay?.moment.as_deref().map(|moment| lists::event(&moment.event))
        }
        Pane::Output => {
            // The newest line while the end is followed, else the one on top, to which a search leads.
            let mut lines = view.output.shown(view.rows(Pane::Output));
            let line = if view.output.unseen().is_none() { lines.last() } else { lines.next() };
            line.map(|line| line.text())
        }
        pane => {
            let shown = lists::shown(pane, view, cx.state, cx.telemetry)?;
            shown.at.and_then(|at| shown.words.into_iter().nth(at))
        }
    }
}

/// A heading, the panel as it would be drawn with room for all of it, and, where that cut something short all the same,
/// each row by its words.
fn panel(screen: &Screen) -> Vec<String> {
    let Screen { cx, view, .. } = screen;
    let pane = view.focus;
    let mut lines = vec![heading(cx, view)];
    if pane == Pane::Output {
        let source = view.output.source.as_ref();
        lines[0] +=
            &source.map_or(String::new(), |source| format!("  {} try {}", source.step, source.attempt));
        let mark = |stderr| if stderr { '!' } else { '|' };
        let shown = view.output.shown(view.rows(Pane::Output));
        lines.extend(shown.map(|line| format!("{} {}", mark(line.stderr), line.text())));
        return lines;
    }
    let (drawn, cut) = screen.whole(pane);
    lines.extend(squeezed(&drawn, screen.theme.glyphs.line));
    if let Some(shown) = lists::shown(pane, view, cx.state, cx.telemetry).filter(|_| cut) {
        lines.push(String::new());
        lines.extend(shown.words);
    }
    lines
}

/// The lines of a drawing without the empty ones, and without the columns that are empty in all of them, or where only
/// a line made of `rule` goes on.
fn squeezed(buf: &Buffer, rule: &str) -> Vec<String> {
    let width = usize::from(buf.area.width).max(1);
    let rows: Vec<Vec<&str>> = buf
        .content()
        .chunks(width)
        .map(|row| {
            let mut skip = 0;
            let symbols = row.iter().map(|cell| {
                // The cell after a wide character holds nothing of its own.
                let symbol = if skip > 0 { "" } else { cell.symbol() };
                skip = if skip > 0 { skip - 1 } else { text::width(symbol).saturating_sub(1) };
                symbol
            });
            symbols.collect()
        })
        .collect();
    let goes_on = |row: &[&str], column: usize| row[column] == rule && column > 0 && row[column - 1] == rule;
    let is_blank = |column: usize| rows.iter().all(|row| row[column] == " " || goes_on(row, column));
    let mut blank = 0;
    let columns: Vec<usize> = (0..width)
        .filter(|column| {
            blank = if is_blank(*column) { blank + 1 } else { 0 };
            blank <= 2
        })
        .collect();
    let lines = rows.iter().map(|row| columns.iter().map(|column| row[*column]).collect::<String>());
    lines.map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn a_wide_drawing_loses_its_empty_columns_and_keeps_its_alignment() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 40, 4));
        for (y, (name, state)) in [("web", "OK"), ("漢字-1", "FAIL")].into_iter().enumerate() {
            let y = u16::try_from(y * 2).unwrap_or(0);
            buf.set_string(1, y, name, Style::new());
            buf.set_string(30, y, state, Style::new());
        }
        buf.set_string(0, 3, "=".repeat(40), Style::new());
        assert_eq!(squeezed(&buf, "="), [" web     OK", " 漢字-1  FAIL", "==============="]);
    }
}
