//! A dialog's form: text to read, fields to fill in, buttons, and what they lack; `keys.rs` has what each key does to it.
//! It knows nothing of cutovers.
//!
//! Tab goes from the button that has the focus at the start over the fields to the buttons behind it. Enter activates the
//! button in focus and nothing else; a button that is not armed says why. All of the text must have been on the screen
//! for a moment before a button acts, and no letter may have come for as long that was typed into nothing: a word that was
//! meant for another place answers nothing here. A quick page, as a note, begins in its text, and Enter writes it at once.

mod keys;

pub use keys::Pressed;

use std::cell::Cell;

use super::field::{Answer, Field, Kind};
use super::row::Text;

/// How much is at stake; it shows in the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tier {
    #[default]
    Safe,
    Risky,
    Grave,
}

/// What a dialog shows and asks, as of one moment.
#[derive(Debug, Clone, Default)]
pub struct Page {
    pub title: String,
    pub tier: Tier,
    pub body: Vec<Text>,
    pub fields: Vec<Field>,
    /// Invariant: the first closes.
    pub buttons: Vec<Button>,
    /// The button that has the focus at the start.
    pub first: usize,
    /// The first field has the focus at the start, and Enter in it is the last button: for what needs no second look.
    pub quick: bool,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    pub label: String,
    pub does: Does,
    /// A letter that is this button wherever no text is typed.
    pub key: Option<char>,
    /// The fields that it needs, by name.
    pub needs: Vec<&'static str>,
    /// It moves nothing forward: nothing has to be read before.
    pub at_once: bool,
}

/// What a button does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    Close,
    /// Acts; the dialog knows the word.
    Act(&'static str),
}

impl Button {
    /// The button that leaves everything as it is, with `n` as its letter.
    pub fn close(label: impl Into<String>) -> Self {
        Self { label: label.into(), does: Does::Close, key: Some('n'), needs: Vec::new(), at_once: true }
    }

    /// A button that acts.
    pub fn act(word: &'static str, label: impl Into<String>) -> Self {
        Self { label: label.into(), does: Does::Act(word), key: None, needs: Vec::new(), at_once: false }
    }

    /// The button that may act before everything is read: a no, or leaving.
    #[must_use]
    pub fn at_once(mut self) -> Self {
        self.at_once = true;
        self
    }

    /// The button with a letter; `None` takes it away.
    #[must_use]
    pub fn key(mut self, key: impl Into<Option<char>>) -> Self {
        self.key = key.into();
        self
    }

    /// The button that also needs a field.
    #[must_use]
    pub fn needs(mut self, field: &'static str) -> Self {
        self.needs.push(field);
        self
    }
}

/// What has the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    Field(usize),
    Button(usize),
}

/// How much of the text the last frame showed: only the drawing knows how long it is once wrapped.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    pub lines: usize,
    pub height: usize,
    /// When the end of the text was first on the screen.
    pub end_ms: Option<u64>,
}

/// How long the text has been on the screen, and how long no stray letter has come, before a button acts: enough to see
/// what is asked, and more than lies between the letters of most words.
const MOMENT_MS: u64 = 500;

/// A page with what was filled in.
#[derive(Debug, Clone, Default)]
pub struct Form {
    pub page: Page,
    answers: Vec<(&'static str, Answer)>,
    focus: Option<Focus>,
    scroll: Cell<usize>,
    seen: Cell<Seen>,
    /// When the last letter came that was not typed into a line of text.
    letter_ms: Option<u64>,
    /// One line that answers the last key.
    pub notice: Option<String>,
}

impl Form {
    /// A form for `page`.
    pub fn new(page: Page) -> Self {
        let mut form = Self::default();
        form.turn(page);
        form
    }

    /// Shows another page; what was filled in stays, what was read has to be read again. A choice stays with what was
    /// chosen, wherever it stands now, and the focus with its field, where there still is one.
    pub fn turn(&mut self, page: Page) {
        let before = std::mem::take(&mut self.page.fields);
        for field in &page.fields {
            if self.answer(field.name).is_none() {
                self.answers.push((field.name, Answer::default()));
            }
            if let (Kind::Choice(options), Some((_, answer))) =
                (&field.kind, self.answers.iter_mut().find(|(name, _)| *name == field.name))
            {
                let before = before.iter().find(|one| one.name == field.name).map(|one| &one.kind);
                answer.choice = match before {
                    Some(Kind::Choice(before)) => {
                        let chosen = before.get(answer.choice);
                        options.iter().position(|option| Some(option) == chosen).unwrap_or(0)
                    }
                    _ => Some(answer.choice).filter(|at| *at < options.len()).unwrap_or(0),
                };
            }
        }
        let place = |name| page.fields.iter().position(|field| field.name == name);
        let focus = match self.focus {
            Some(Focus::Field(n)) => before.get(n).and_then(|field| place(field.name)).map(Focus::Field),
            None if page.quick && !page.fields.is_empty() => Some(Focus::Field(0)),
            _ => None,
        };
        self.focus = Some(focus.unwrap_or(Focus::Button(page.first)));
        self.page = page;
        self.scroll.set(0);
        self.seen.set(Seen::default());
    }

    /// What has the focus.
    pub fn focus(&self) -> Focus {
        self.focus.unwrap_or(Focus::Button(self.page.first))
    }

    /// Puts the focus back to where it started.
    pub fn back_off(&mut self) {
        self.focus = Some(Focus::Button(self.page.first));
    }

    /// What was filled in under `name`.
    pub fn answer(&self, name: &str) -> Option<&Answer> {
        self.answers.iter().find(|(n, _)| *n == name).map(|(_, answer)| answer)
    }

    /// The text under `name`, without blanks around it; `None` where it is empty.
    pub fn text(&self, name: &str) -> Option<String> {
        let text = self.answer(name)?.line.text();
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// Types into the line under `name`.
    pub fn fill(&mut self, name: &str, text: &str) {
        if let Some((_, answer)) = self.answers.iter_mut().find(|(other, _)| *other == name) {
            answer.line.insert(text);
        }
    }

    /// Makes the choice under `name`, by its place.
    pub fn choose(&mut self, name: &str, place: usize) {
        if let Some((_, answer)) = self.answers.iter_mut().find(|(other, _)| *other == name) {
            answer.choice = place;
        }
    }

    /// The place of the choice under `name`; 0 where there is none.
    pub fn choice(&self, name: &str) -> usize {
        self.answer(name).map_or(0, |answer| answer.choice)
    }

    /// All that a button still lacks; `None` where it is armed, or will be in a moment.
    pub fn unarmed(&self, button: &Button) -> Option<String> {
        if button.does == Does::Close {
            return None;
        }
        let fields = self.page.fields.iter().filter(|field| button.needs.contains(&field.name));
        let mut lacks: Vec<String> =
            fields.filter_map(|field| field.lacks(self.answer(field.name)?)).collect();
        if !self.page.quick && !button.at_once && self.seen.get().end_ms.is_none() {
            lacks.push("read to the end first: PgDn, or End".to_owned());
        }
        (!lacks.is_empty()).then(|| lacks.join("; "))
    }

    /// From when on what was shown and typed so far keeps no button from acting.
    pub fn settles_ms(&self) -> u64 {
        let read = self.seen.get().end_ms.filter(|_| !self.page.quick);
        read.max(self.letter_ms).map_or(0, |at| at + MOMENT_MS)
    }

    /// The first line of the text that is shown, once the text has `lines` lines of which `height` fit; remembers what
    /// has been seen.
    pub fn shown(&self, lines: usize, height: usize, watched_ms: u64) -> usize {
        let scroll = self.scroll.get().min(lines.saturating_sub(height));
        self.scroll.set(scroll);
        let end = lines == 0 || (height > 0 && scroll + height >= lines);
        let end_ms = self.seen.get().end_ms.or(end.then_some(watched_ms));
        self.seen.set(Seen { lines, height, end_ms });
        scroll
    }
}
