//! The help: every action that has a key, made from the keymap, and why it would do nothing now. `/` filters, Enter does
//! what the selected line says.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::actions::{self, Actions};
use super::draw::Place;
use super::field::LineEditor;
use super::{Context, Opened, Outcome, Popup, words};
use crate::ui::Theme;
use crate::ui::action::Action;
use crate::ui::keymap::Key;

/// Opens the help.
pub fn open(_cx: &Context) -> Opened {
    Ok(Box::new(Help::default()))
}

#[derive(Debug, Default)]
struct Help {
    filter: LineEditor,
    filtering: bool,
    list: Actions,
}

impl Help {
    fn matching(&self, cx: &Context) -> Vec<Action> {
        let wanted = self.filter.text().to_lowercase();
        let matches = |action: &&Action| {
            let keys = cx.keymap.keys(**action).join(" ");
            let text = format!("{} {} {keys}", action.name(), action.help()).to_lowercase();
            text.contains(wanted.trim())
        };
        // What has no key here is not to be had here.
        let here = Action::ALL.iter().filter(|action| !cx.keymap.keys(**action).is_empty());
        // The first tenth stands for all of them.
        let here = here.filter(|action| !matches!(action, Action::Tenth(1..)));
        here.filter(matches).copied().collect()
    }

    /// The lines with the action that each stands for; headings have none.
    fn lines(
        actions: &[Action],
        columns: usize,
        cx: &Context,
        theme: &Theme,
    ) -> Vec<(Option<Action>, Line<'static>)> {
        let mut lines = Vec::new();
        let mut group = None;
        for action in actions.iter().copied() {
            if group != Some(action.group()) {
                group = Some(action.group());
                lines.push((None, Line::styled(action.group().title(), theme.title)));
            }
            lines.extend(actions::lines(Span::raw("  "), action, columns, cx, theme));
        }
        lines
    }

    /// The last line: what is typed, else what may be pressed.
    fn prompt(&self, columns: usize, theme: &Theme) -> Line<'static> {
        if self.filtering || self.filter.len() > 0 {
            return actions::typed("/ ", &self.filter, self.filtering, columns, theme);
        }
        let text = "/ filters, enter does it, esc closes; nothing that acts is on ctrl";
        actions::fitted(vec![Span::styled(text, theme.dim)], columns)
    }
}

impl Popup for Help {
    fn key(&mut self, key: KeyEvent, cx: &Context) -> Outcome {
        let key = Key::from(key);
        let here = self.matching(cx);
        match key.code {
            KeyCode::Esc if self.filtering || self.filter.len() > 0 => {
                (self.filter, self.filtering) = (LineEditor::default(), false);
            }
            KeyCode::Esc => return Outcome::Close,
            KeyCode::Enter if self.filtering => self.filtering = false,
            KeyCode::Enter => return self.list.of(&here).map_or(Outcome::Stay, Outcome::Run),
            code if self.list.moves(code, &here) => {}
            _ if self.filtering => {
                self.filter.key(key);
            }
            KeyCode::Char('/') => self.filtering = true,
            KeyCode::Char('k') => self.list.select(-1, &here),
            KeyCode::Char('j') => self.list.select(1, &here),
            KeyCode::Char('g') | KeyCode::Home => self.list.select(isize::MIN, &here),
            KeyCode::Char('G') | KeyCode::End => self.list.select(isize::MAX, &here),
            KeyCode::Char('q' | '?' | 'n') => return Outcome::Close,
            _ => {}
        }
        Outcome::Stay
    }

    fn paste(&mut self, text: &str) {
        if self.filtering {
            self.filter.insert(text);
        }
    }

    fn wheel(&mut self, by: isize, cx: &Context) {
        self.list.select(by, &self.matching(cx));
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context, theme: &Theme) {
        if area.is_empty() {
            return;
        }
        let here = self.matching(cx);
        let columns = usize::from(Place::of(area, 0).inner.width);
        let lines = Self::lines(&here, columns, cx, theme);
        let inner = actions::frame(" keys ", lines.len() + 1, area, buf, theme);
        let [list, last] = inner.layout(&Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]));
        self.list.render(lines, &here, list, buf, theme);
        self.prompt(columns, theme).render(last, buf);
    }

    fn hints(&self) -> Vec<(&'static str, String)> {
        words(&[("/", "filter"), ("j k", "select"), ("enter", "do it"), ("esc", "close")])
    }
}
