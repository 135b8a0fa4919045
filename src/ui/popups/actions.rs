//! A list of actions as popups show it: each with its keys, what it does, and why it would not now; one is selected and
//! stays in sight.

use std::cell::Cell;

use crossterm::event::KeyCode;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};

use super::draw::Place;
use super::field::LineEditor;
use super::row::{Row, Tone};
use super::{Context, available};
use crate::text;
use crate::ui::Theme;
use crate::ui::action::Action;
use crate::ui::theme::Mark;

/// The fewest columns for words beside what stands before them.
const ROOM: usize = 20;

/// Which action is selected, and which part of the list is in sight.
#[derive(Debug, Default)]
pub struct Actions {
    /// By name, so that it stays where it is while the list changes; `None` is the first.
    pub selected: Option<Action>,
    top: Cell<usize>,
    height: Cell<usize>,
}

impl Actions {
    /// The selected one of these.
    pub fn of(&self, actions: &[Action]) -> Option<Action> {
        actions.get(self.place(actions)).copied()
    }

    fn place(&self, actions: &[Action]) -> usize {
        self.selected.and_then(|selected| actions.iter().position(|a| *a == selected)).unwrap_or(0)
    }

    /// Selects the one `by` places further on, or the last one that way.
    pub fn select(&mut self, by: isize, actions: &[Action]) {
        let last = actions.len().saturating_sub(1);
        let place = self.place(actions).saturating_add_signed(by).min(last);
        self.selected = actions.get(place).copied();
    }

    /// Takes a key that moves through these; false where it is none.
    pub fn moves(&mut self, key: KeyCode, actions: &[Action]) -> bool {
        let page = isize::try_from(self.height.get().max(2) - 1).unwrap_or(1);
        match key {
            KeyCode::Up => self.select(-1, actions),
            KeyCode::Down => self.select(1, actions),
            KeyCode::PageUp => self.select(-page, actions),
            KeyCode::PageDown => self.select(page, actions),
            _ => return false,
        }
        true
    }

    /// Draws these lines into `area`, each with the action that it stands for, one or several; a heading stands for none.
    pub fn render(
        &self,
        lines: Vec<(Option<Action>, Line)>,
        actions: &[Action],
        area: Rect,
        buf: &mut Buffer,
        theme: &Theme,
    ) {
        let height = usize::from(area.height);
        self.height.set(height);
        let selected = self.of(actions);
        let is_selected = |(action, _): &(Option<Action>, Line)| action.is_some() && *action == selected;
        let at = lines.iter().position(is_selected).unwrap_or(0);
        let end = lines.iter().rposition(is_selected).map_or(1, |last| last + 1);
        // The heading above the first entry is shown with it.
        let first = if at == 1 { 0 } else { at };
        let top = self.top.get().max(end.saturating_sub(height.max(1))).min(first);
        self.top.set(top);
        for (row, (action, line)) in area.rows().zip(lines.into_iter().skip(top)) {
            line.render(row, buf);
            if action.is_some() && action == selected {
                buf.set_style(row, theme.selected);
            }
        }
    }
}

/// Draws the frame for `wanted` lines over the middle of `area`, and returns what is inside.
pub fn frame(title: &str, wanted: usize, area: Rect, buf: &mut Buffer, theme: &Theme) -> Rect {
    let Place { outer, inner, framed } = Place::of(area, wanted);
    Clear.render(outer, buf);
    if framed {
        let block = Block::bordered()
            .border_set(theme.glyphs.thick)
            .border_style(theme.focus)
            .title(Line::styled(title.to_owned(), theme.focus));
        block.render(outer, buf);
    }
    inner
}

/// An action with its keys, what it does, and why it would do nothing now: as many lines as that takes, which hang under
/// each other behind `front`.
pub fn lines(
    front: Span<'static>,
    action: Action,
    columns: usize,
    cx: &Context,
    theme: &Theme,
) -> Vec<(Option<Action>, Line<'static>)> {
    let mut keys = cx.keymap.keys(action).join(", ");
    if action == Action::Tenth(0) && !keys.is_empty() {
        keys = format!("{keys} to {}", cx.keymap.key(Action::Tenth(9)));
    }
    let keys = Span::styled(format!("{keys:<12} "), theme.key);
    // Where there is too little room beside the keys, the words go below them.
    let beside = columns >= front.width() + keys.width() + ROOM;
    let hang = if beside { front.width() + keys.width() } else { 4 };
    let why = available::why_not(action, cx);
    let row = Row::toned(if why.is_some() { Tone::Dim } else { Tone::Plain }, action.help());
    let row = match why {
        Some(why) => row.and(Tone::Marked(Mark::Warn), format!("  not now: {why}")),
        None => row,
    };
    let mut lines = row.lines(columns.saturating_sub(hang), theme);
    for line in lines.iter_mut().skip(usize::from(beside)) {
        line.spans.insert(0, Span::raw(" ".repeat(hang)));
    }
    match lines.first_mut().filter(|_| beside) {
        Some(first) => drop(first.spans.splice(0..0, [front, keys])),
        None => lines.insert(0, fitted(vec![front, keys], columns)),
    }
    lines.into_iter().map(|line| (Some(action), line)).collect()
}

/// What is being typed, behind the key that began it; the cursor shows where typing goes on.
pub fn typed(
    key: &'static str,
    editor: &LineEditor,
    typing: bool,
    columns: usize,
    theme: &Theme,
) -> Line<'static> {
    let (before, under, behind) = editor.window(columns.saturating_sub(2));
    let cursor = if typing { theme.button_focused } else { theme.text };
    Line::from(vec![
        Span::styled(key, theme.key),
        Span::styled(before, theme.text),
        Span::styled(under, cursor),
        Span::styled(behind, theme.text),
    ])
}

/// The spans cut at `columns`.
pub fn fitted(spans: Vec<Span<'static>>, columns: usize) -> Line<'static> {
    let mut left = columns;
    let mut fitting = Vec::new();
    for span in spans {
        let cut = text::fit(&span.content, left).into_owned();
        left -= text::width(&cut).min(left);
        fitting.push(Span::styled(cut, span.style));
    }
    Line::from(fitting)
}
