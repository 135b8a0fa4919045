//! What each key does to a form.

use crossterm::event::KeyCode;

use super::{Does, Focus, Form, Seen};
use crate::ui::keymap::Key;
use crate::ui::popups::field::{Answer, Kind};

/// What a key led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressed {
    Nothing,
    Close,
    Act(&'static str),
    /// Another choice was made.
    Chose,
    /// There is no button for this yes; there may be one as things stand now.
    NoButton,
}

/// What a key is told that came before that.
const IN_A_MOMENT: &str =
    "a moment: letters in a row are no answer; press it again after half a second without any";

/// What `?` answers.
const KEYS: &str = "tab moves, enter presses, arrows choose, PgDn reads on, esc leaves";

impl Form {
    /// Takes a key.
    pub fn key(&mut self, key: Key, watched_ms: u64) -> Pressed {
        self.notice = None;
        let is_letter = matches!(key.code, KeyCode::Char(_)) && !self.is_in_text();
        let pressed = self.heard(key, watched_ms);
        if is_letter {
            self.letter_ms = Some(watched_ms);
        }
        pressed
    }

    /// Whether a line of text has the focus.
    fn is_in_text(&self) -> bool {
        match self.focus() {
            Focus::Field(n) => !matches!(self.page.fields[n].kind, Kind::Choice(_)),
            Focus::Button(_) => false,
        }
    }

    fn heard(&mut self, key: Key, watched_ms: u64) -> Pressed {
        if key.ctrl || key.alt {
            // In a line of text some of them edit it, as in a shell.
            if let Focus::Field(n) = self.focus()
                && self.is_in_text()
            {
                self.answer_mut(n).line.key(key);
            }
            return Pressed::Nothing;
        }
        if key.code == KeyCode::Esc {
            return Pressed::Close;
        }
        let handled = match key.code {
            KeyCode::Tab => self.move_focus(false),
            KeyCode::BackTab => self.move_focus(true),
            KeyCode::PageDown => self.scroll_by(self.page_height()),
            KeyCode::PageUp => self.scroll_by(-self.page_height()),
            KeyCode::F(1) => self.tell_keys(),
            _ => false,
        };
        if handled {
            return Pressed::Nothing;
        }
        match self.focus() {
            Focus::Field(n) => self.key_in_field(n, key, watched_ms),
            Focus::Button(n) => self.key_on_button(n, key, watched_ms),
        }
    }

    /// Takes a turn of the wheel: the text moves, and nothing else.
    pub fn wheel(&mut self, by: isize) {
        self.scroll_by(by);
    }

    /// Takes pasted text: into the line in focus, or nowhere.
    pub fn paste(&mut self, text: &str) {
        let Focus::Field(n) = self.focus() else {
            self.notice = Some("a paste is never a key: go to a field first (Tab)".to_owned());
            return;
        };
        match &self.page.fields[n].kind {
            Kind::Text { .. } => {
                self.notice = None;
                self.answer_mut(n).line.insert(text);
            }
            Kind::Typed(_) => {
                self.notice = Some("a paste is refused here: the name has to be typed".to_owned())
            }
            Kind::Choice(_) => self.notice = Some("a paste is never a key".to_owned()),
        }
    }

    fn key_in_field(&mut self, n: usize, key: Key, watched_ms: u64) -> Pressed {
        if let Kind::Choice(options) = &self.page.fields[n].kind {
            let last = options.len().saturating_sub(1);
            let now = self.answer_mut(n).choice;
            let then = match key.code {
                KeyCode::Right | KeyCode::Char('l' | ' ') => (now + 1).min(last),
                KeyCode::Left | KeyCode::Char('h') => now.saturating_sub(1),
                _ => return self.key_between(key, watched_ms),
            };
            if then == now {
                return Pressed::Nothing;
            }
            self.answer_mut(n).choice = then;
            return Pressed::Chose;
        }
        match key.code {
            KeyCode::Enter if self.page.quick => self.activate(self.page.buttons.len() - 1, watched_ms),
            KeyCode::Up => {
                self.move_focus(true);
                Pressed::Nothing
            }
            KeyCode::Down => {
                self.move_focus(false);
                Pressed::Nothing
            }
            KeyCode::Enter => {
                self.notice = Some("Enter is for the button in focus: Tab goes on".to_owned());
                Pressed::Nothing
            }
            _ => {
                self.answer_mut(n).line.key(key);
                Pressed::Nothing
            }
        }
    }

    fn key_on_button(&mut self, n: usize, key: Key, watched_ms: u64) -> Pressed {
        match key.code {
            KeyCode::Enter => self.activate(n, watched_ms),
            KeyCode::Left | KeyCode::Char('h') => {
                self.focus = Some(Focus::Button(n.saturating_sub(1)));
                Pressed::Nothing
            }
            KeyCode::Right | KeyCode::Char('l') => {
                self.focus = Some(Focus::Button((n + 1).min(self.page.buttons.len() - 1)));
                Pressed::Nothing
            }
            _ => self.key_between(key, watched_ms),
        }
    }

    /// Keys that mean the same wherever no text is typed.
    fn key_between(&mut self, key: Key, watched_ms: u64) -> Pressed {
        if let KeyCode::Char(c) = key.code
            && let Some(n) = self.page.buttons.iter().position(|b| b.key == Some(c))
        {
            return self.activate(n, watched_ms);
        }
        match key.code {
            KeyCode::Up | KeyCode::Char('k') => self.scroll_by(-1),
            KeyCode::Down | KeyCode::Char('j') => self.scroll_by(1),
            KeyCode::Home | KeyCode::Char('g') => self.scroll_by(isize::MIN),
            KeyCode::End | KeyCode::Char('G') => self.scroll_by(isize::MAX),
            KeyCode::Char('?') => self.tell_keys(),
            KeyCode::Char('y') if watched_ms < self.settles_ms() => {
                self.notice = Some(IN_A_MOMENT.to_owned());
                true
            }
            KeyCode::Char('y') => {
                let acts = self.page.buttons.iter().any(|button| button.does != Does::Close);
                let why = if acts {
                    "y is not enough here: fill in, go to the button, press Enter"
                } else {
                    "there is nothing to say yes to, as things stand"
                };
                self.notice = Some(why.to_owned());
                return Pressed::NoButton;
            }
            KeyCode::Char(_) => self.tell_where_text_goes(),
            _ => false,
        };
        Pressed::Nothing
    }

    fn tell_where_text_goes(&mut self) -> bool {
        let text = self.page.fields.iter().find(|field| !matches!(field.kind, Kind::Choice(_)));
        self.notice =
            text.map(|field| format!("this is not written anywhere: Tab goes to \"{}\"", field.label));
        true
    }

    fn activate(&mut self, n: usize, watched_ms: u64) -> Pressed {
        let Some(button) = self.page.buttons.get(n) else { return Pressed::Nothing };
        let Does::Act(word) = button.does else { return Pressed::Close };
        let in_a_moment = || (watched_ms < self.settles_ms()).then(|| IN_A_MOMENT.to_owned());
        match self.unarmed(button).or_else(in_a_moment) {
            Some(why) => {
                self.notice = Some(why);
                Pressed::Nothing
            }
            None => Pressed::Act(word),
        }
    }

    fn answer_mut(&mut self, n: usize) -> &mut Answer {
        let name = self.page.fields[n].name;
        let at = self.answers.iter().position(|(other, _)| *other == name);
        let at = at.expect("`turn` makes an answer for every field");
        &mut self.answers[at].1
    }

    fn tell_keys(&mut self) -> bool {
        self.notice = Some(KEYS.to_owned());
        true
    }

    /// The order of Tab: the buttons up to the one that has the focus at the start, the fields, the buttons behind it.
    fn move_focus(&mut self, back: bool) -> bool {
        let (fields, buttons) = (self.page.fields.len(), self.page.buttons.len());
        let front = (self.page.first + 1).min(buttons);
        let (before, behind) = ((0..front).map(Focus::Button), (front..buttons).map(Focus::Button));
        let order: Vec<Focus> = before.chain((0..fields).map(Focus::Field)).chain(behind).collect();
        let now = order.iter().position(|focus| *focus == self.focus()).unwrap_or(0);
        let by = if back { order.len().saturating_sub(1) } else { 1 };
        self.focus = order.get((now + by) % order.len().max(1)).copied();
        true
    }

    fn page_height(&self) -> isize {
        isize::try_from(self.seen.get().height.saturating_sub(1)).unwrap_or(1).max(1)
    }

    fn scroll_by(&mut self, by: isize) -> bool {
        let Seen { lines, height, .. } = self.seen.get();
        let last = lines.saturating_sub(height);
        self.scroll.set(self.scroll.get().saturating_add_signed(by).min(last));
        true
    }
}
