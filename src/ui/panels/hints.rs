//! The last line: what may be pressed now, or the answer to the last key. And the tabs of a narrow screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::ui::action::Action;
use crate::ui::keymap::Keymap;
use crate::ui::theme::Theme;
use crate::ui::view::{Board, Pane, Toast, Typed, Typing};
use crate::ui::widgets::Row;

/// What comes first when there is little room comes first here.
const HINTS: &[Action] = &[
    Action::Advance,
    Action::Pause,
    Action::RollBack,
    Action::Help,
    Action::Detach,
    Action::Open,
    Action::Vote,
    Action::Wheel,
    Action::Note,
    Action::Resume,
    Action::Retry,
    Action::Skip,
    Action::Kill,
    Action::Quit,
    Action::Search,
    Action::Zoom,
    Action::NextPane,
];

/// Over a recording.
const REPLAY: &[Action] = &[
    Action::Play,
    Action::NextEvent,
    Action::NextFailure,
    Action::AsItWas,
    Action::Help,
    Action::Detach,
    Action::NextStage,
    Action::NextMark,
    Action::Tenth(0),
    Action::Faster,
    Action::Search,
    Action::Filter,
    Action::ErrorsOnly,
    Action::SkipIdle,
    Action::WhatIf,
    Action::NextPane,
    Action::Zoom,
];

/// The line of hints.
#[derive(Debug)]
pub struct Hints<'a> {
    pub keymap: &'a Keymap,
    /// The open popup's own keys.
    pub popup: Option<&'a [(&'a str, &'a str)]>,
    /// Over a recording other keys count.
    pub recorded: bool,
    pub typing: Option<&'a Typing>,
    pub toast: Option<&'a Toast>,
    pub theme: &'a Theme,
}

impl Widget for &Hints<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let theme = self.theme;
        let row = Row::new(area.width).gap(1);
        let row = if let Some(toast) = self.toast {
            let style = theme.mark(toast.mark);
            row.text(theme.glyph(toast.mark), style).gap(1).text(&toast.text, style)
        } else if let Some(typing) = self.typing {
            let (key, hint) = match typing.what {
                Typed::Search(_) => ("/", "enter finds, esc leaves it"),
                Typed::Filter => {
                    ("f ", "enter lists only these, esc lists all; by: kind: on: say where a word is")
                }
            };
            row.text(key, theme.key)
                .text(&typing.text, theme.text)
                .text(" ", theme.selected)
                .gap(2)
                .text(hint, theme.dim)
        } else if let Some(popup) = self.popup {
            hints(row, popup.iter().map(|(key, word)| ((*key).to_owned(), *word)), theme)
        } else {
            let actions = if self.recorded { REPLAY } else { HINTS };
            // What has no key here is no hint.
            let hints = actions.iter().map(|action| (self.keymap.key(*action), action.word()));
            self::hints(row, hints.filter(|(key, _)| !key.is_empty()), theme)
        };
        row.render(area, buf, Style::new());
    }
}

fn hints<'a>(mut row: Row, hints: impl Iterator<Item = (String, &'a str)>, theme: &Theme) -> Row {
    for (key, word) in hints {
        // A hint that does not fit whole is left out.
        if row.left() < key.len() + word.len() + 1 {
            break;
        }
        row = row.text(&key, theme.key).gap(1).text(word, theme.text).gap(2);
    }
    row
}

/// The tabs of a narrow screen, with what is wrong behind each.
#[derive(Debug)]
pub struct Tabs<'a> {
    pub focus: Pane,
    /// How many things are red, by pane.
    pub wrong: [usize; Pane::ALL.len()],
    pub board: Board,
    pub theme: &'a Theme,
}

impl Widget for &Tabs<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut row = Row::new(area.width).gap(1);
        for pane in self.board.panes().iter().copied() {
            let name = match self.board {
                Board::Cockpit => format!("{} {}", pane.number(), pane.title()),
                Board::Replay => pane.title().to_owned(),
            };
            row = if pane == self.focus {
                row.text(&format!("[{name}]"), self.theme.focus)
            } else {
                row.text(&format!(" {name} "), self.theme.text)
            };
            let wrong = self.wrong[pane as usize];
            if wrong > 0 {
                row = row.text(&format!("{}{wrong}", self.theme.glyphs.fail), self.theme.fail);
            }
        }
        row.render(area, buf, Style::new());
    }
}
