//! The last line: what may be pressed now, or the answer to the last key. And the tabs of a narrow screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::session::{Hold, StageStatus, State, StepStatus};
use crate::text;
use crate::ui::action::{Action, Group};
use crate::ui::keymap::Keymap;
use crate::ui::theme::Theme;
use crate::ui::view::{Board, Pane, Toast, Typed, Typing};
use crate::ui::widgets::Row;

/// What comes first when there is little room comes first here.
const HINTS: &[Action] = &[
    Action::Advance,
    Action::Resume,
    Action::Retry,
    Action::Skip,
    Action::Pause,
    Action::RollBack,
    Action::Help,
    Action::Detach,
    Action::Open,
    Action::Palette,
    Action::Vote,
    Action::Wheel,
    Action::Note,
    Action::Kill,
    Action::Quit,
    Action::Search,
    Action::Filter,
    Action::Copy,
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
    Action::Palette,
    Action::NextStage,
    Action::NextMark,
    Action::Tenth(0),
    Action::Faster,
    Action::Search,
    Action::Filter,
    Action::ErrorsOnly,
    Action::SkipIdle,
    Action::Copy,
    Action::WhatIf,
    Action::NextPane,
    Action::Zoom,
];

/// How much of the cutover is in reach of whoever sits here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The driver's seat.
    Everything,
    /// Any other seat: to pause, to say something, to ask for the wheel.
    Word,
    /// The session is over, or its engine gone.
    Nothing,
}

impl Reach {
    fn has(self, action: Action, state: &State) -> bool {
        let word = matches!(action, Action::Pause | Action::Vote | Action::Wheel | Action::Note);
        match self {
            _ if action.group() != Group::Cutover || action == Action::Open => true,
            Self::Everything => fits(action, state),
            Self::Word => word && fits(action, state),
            Self::Nothing => false,
        }
    }
}

/// Whether an action goes with how the session stands. One that does not is refused, and the palette says why; to ask it
/// of each in every frame would take too long.
fn fits(action: Action, state: &State) -> bool {
    let back = state.active_rollback();
    let is = |status| state.steps.values().any(|step| step.status == status);
    match action {
        Action::Advance | Action::RollBack => back.is_none(),
        Action::Pause => state.paused.is_none(),
        Action::Resume => state.paused.is_some() || state.holds().iter().any(Hold::is_resumable),
        Action::Retry | Action::Skip => match back {
            Some(back) => back.stuck.as_ref().is_some_and(|stuck| stuck.step.is_some()),
            None => state.holds().iter().any(|hold| matches!(hold, Hold::StepFailed { .. })),
        },
        Action::Kill => is(StepStatus::Running),
        Action::Vote => {
            let stage = state.current_stage().and_then(|id| state.stages.get(id));
            stage.is_some_and(|stage| stage.status == StageStatus::AtGate)
        }
        _ => true,
    }
}

/// The line of hints.
#[derive(Debug)]
pub struct Hints<'a> {
    pub keymap: &'a Keymap,
    /// The open popup's own keys.
    pub popup: Option<Vec<(&'static str, String)>>,
    /// Over a recording other keys count.
    pub recorded: bool,
    /// What of the cutover may be done from here.
    pub reach: Reach,
    pub state: &'a State,
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
                Typed::Filter(pane) if pane != Pane::Events => {
                    ("f ", "enter keeps only rows with it, esc shows all")
                }
                Typed::Filter(_) => {
                    ("f ", "enter lists only these, esc lists all; by: kind: on: say where a word is")
                }
            };
            row.text(key, theme.key)
                .text(&typing.text, theme.text)
                .text(" ", theme.selected)
                .gap(2)
                .text(hint, theme.dim)
        } else if let Some(popup) = &self.popup {
            hints(row, popup.iter().map(|(key, word)| ((*key).to_owned(), word.as_str())), theme)
        } else {
            self::hints(row, self.actions().map(|(key, action)| (key, action.word())), theme)
        };
        row.render(area, buf, Style::new());
    }
}

impl Hints<'_> {
    /// The actions that are hinted at, each with its key.
    fn actions(&self) -> impl Iterator<Item = (String, Action)> {
        let actions = if self.recorded { REPLAY } else { HINTS };
        let hints = actions.iter().map(|action| (self.keymap.key(*action), *action));
        // What has no key here is no hint, nor what nobody here could do.
        hints.filter(|(key, action)| !key.is_empty() && self.reach.has(*action, self.state))
    }

    /// The action whose hint lies at this column of a line of `cols`, while actions are hinted at.
    #[must_use]
    pub fn at(&self, column: u16, cols: u16) -> Option<Action> {
        if self.toast.is_some() || self.typing.is_some() || self.popup.is_some() {
            return None;
        }
        let mut left = usize::from(cols).saturating_sub(1);
        for (key, action) in self.actions() {
            let from = usize::from(cols) - left;
            let width = hint_width(&key, action.word());
            if width > left {
                return None;
            }
            if (from..from + width).contains(&usize::from(column)) {
                return Some(action);
            }
            left = left.saturating_sub(width + BETWEEN);
        }
        None
    }
}

/// Columns between two hints.
const BETWEEN: usize = 2;

fn hint_width(key: &str, word: &str) -> usize {
    key.len() + 1 + word.len()
}

fn hints<'a>(mut row: Row, hints: impl Iterator<Item = (String, &'a str)>, theme: &Theme) -> Row {
    for (key, word) in hints {
        // A hint that does not fit whole is left out.
        if row.left() < hint_width(&key, word) {
            break;
        }
        row = row.text(&key, theme.key).gap(1).text(word, theme.text).gap(BETWEEN);
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
        let (row, _) = self.fitting(area.width);
        row.render(area, buf, Style::new());
    }
}

/// How much of the tabs is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Full,
    Tight,
    /// Of those that are not in focus only what leads to them, or how they begin.
    Numbers,
}

impl Tabs<'_> {
    /// The panel whose tab lies at this column of a line of `cols`.
    #[must_use]
    pub fn at(&self, column: u16, cols: u16) -> Option<Pane> {
        let (_, ends) = self.fitting(cols);
        ends.into_iter().find(|(_, end)| usize::from(column) < *end).map(|(pane, _)| pane)
    }

    /// The tabs as long as they fit, and where each ends.
    fn fitting(&self, cols: u16) -> (Row, Vec<(Pane, usize)>) {
        let mut ways = [Length::Full, Length::Tight].into_iter().map(|length| self.row(length, cols));
        let fitting = ways.find(|(_, _, fits)| *fits);
        let (row, ends, _) = fitting.unwrap_or_else(|| self.row(Length::Numbers, cols));
        (row, ends)
    }

    /// The tabs in some length, where each ends, and whether they fit so.
    fn row(&self, length: Length, cols: u16) -> (Row, Vec<(Pane, usize)>, bool) {
        let mut ends = Vec::new();
        let mut row = Row::new(cols).gap(usize::from(length == Length::Full));
        let mut fits = true;
        for pane in self.board.panes().iter().copied() {
            let focused = pane == self.focus;
            let name = match (self.board, length) {
                (Board::Cockpit, Length::Numbers) if !focused => pane.number().to_string(),
                (Board::Cockpit, _) => format!("{} {}", pane.number(), pane.title()),
                (Board::Replay, Length::Numbers) if !focused => pane.title().chars().take(3).collect(),
                (Board::Replay, _) => pane.title().to_owned(),
            };
            let (name, style) = match (focused, length) {
                (true, _) => (format!("[{name}]"), self.theme.focus),
                (false, Length::Full) => (format!(" {name} "), self.theme.text),
                (false, _) => (format!(" {name}"), self.theme.text),
            };
            let wrong = self.wrong[pane as usize];
            let wrong = if wrong > 0 { format!("{}{wrong}", self.theme.glyphs.fail) } else { String::new() };
            fits &= text::width(&name) + text::width(&wrong) <= row.left();
            row = row.text(&name, style).text(&wrong, self.theme.fail);
            ends.push((pane, usize::from(cols) - row.left()));
        }
        (row, ends, fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::TriggerState;
    use crate::ui::testing::Story;

    #[test]
    fn resume_is_hinted_at_where_it_lifts_a_hold() {
        let mut state = Story::running().state;
        assert!(!fits(Action::Resume, &state));
        let fired = TriggerState::Fired { why: "new is failing".to_owned(), holding: true };
        state.triggers.insert("observe.new.hold".into(), fired);
        assert!(fits(Action::Resume, &state));
    }
}
