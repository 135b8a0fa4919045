//! The palette: every action by its name, with its keys and why it would do nothing now. What is typed is matched
//! loosely, the best first; Enter does what is selected.

use crossterm::event::{KeyCode, KeyEvent};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Span;
use ratatui::widgets::Widget;

use super::actions::{self, Actions};
use super::draw::Place;
use super::field::LineEditor;
use super::{Context, Opened, Outcome, Popup, words};
use crate::ui::Theme;
use crate::ui::action::Action;
use crate::ui::keymap::Key;

/// Opens the palette.
pub fn open(_cx: &Context) -> Opened {
    Ok(Box::new(Palette::default()))
}

#[derive(Debug, Default)]
struct Palette {
    wanted: LineEditor,
    list: Actions,
}

impl Palette {
    /// What fits by its name, loosely and the best first; behind it what says in its help what is typed.
    fn matching(&self, cx: &Context) -> Vec<Action> {
        let wanted = self.wanted.text();
        let pattern = Pattern::parse(&wanted, CaseMatching::Ignore, Normalization::Smart);
        let mut actions: Vec<Action> = Action::ALL.to_vec();
        actions.retain(|action| *action != Action::Palette);
        // What is for a recording alone stands last where there is none.
        actions.sort_by_key(|action| action.needs_recording() && cx.replay.is_none());
        let names = actions.iter().map(|action| action.name());
        let found = pattern.match_list(names, &mut Matcher::new(Config::DEFAULT));
        let mut found: Vec<Action> = found.into_iter().filter_map(|(name, _)| Action::named(name)).collect();
        let wanted = wanted.trim().to_lowercase();
        for action in actions {
            if !found.contains(&action) && action.help().to_lowercase().contains(&wanted) {
                found.push(action);
            }
        }
        found
    }
}

impl Popup for Palette {
    fn key(&mut self, key: KeyEvent, cx: &Context) -> Outcome {
        let key = Key::from(key);
        let here = self.matching(cx);
        match key.code {
            KeyCode::Esc => return Outcome::Close,
            KeyCode::Enter => return self.list.of(&here).map_or(Outcome::Stay, Outcome::Run),
            KeyCode::BackTab => self.list.select(-1, &here),
            KeyCode::Tab => self.list.select(1, &here),
            code if self.list.moves(code, &here) => {}
            _ => {
                let before = self.wanted.text();
                self.wanted.key(key);
                if self.wanted.text() != before {
                    // The best match is what is meant.
                    self.list.selected = None;
                }
            }
        }
        Outcome::Stay
    }

    fn paste(&mut self, text: &str) {
        self.wanted.insert(text);
        self.list.selected = None;
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
        let lines = here.iter().flat_map(|action| {
            let name = Span::styled(format!("{:<19}", action.name()), theme.text);
            actions::lines(name, *action, columns, cx, theme)
        });
        // As tall whatever matches, so that nothing moves while it is typed into.
        let inner = actions::frame(" actions ", Action::ALL.len() + 2, area, buf, theme);
        let rows = [Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)];
        let [first, list, last] = inner.layout(&Layout::vertical(rows));
        actions::typed(": ", &self.wanted, true, columns, theme).render(first, buf);
        self.list.render(lines.collect(), &here, list, buf, theme);
        let selected = self.list.of(&here);
        let text = match selected {
            Some(_) => "type what you want; up and down select, enter does it, esc closes",
            None => "no action is called so: backspace takes a letter back",
        };
        actions::fitted(vec![Span::styled(text, theme.dim)], columns).render(last, buf);
    }

    fn hints(&self) -> Vec<(&'static str, String)> {
        words(&[("type", "find"), ("up down", "select"), ("enter", "do it"), ("esc", "close")])
    }
}
