//! What an operator fills in: a line of text, a name typed to arm something, a choice.

use crossterm::event::KeyCode;
use unicode_segmentation::UnicodeSegmentation;

use crate::text;
use crate::ui::keymap::Key;

/// How many graphemes a line may hold.
const LONGEST: usize = 2_000;

/// One thing to fill in. The name is what its answer is known by; it keeps its answer when the dialog is made anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub label: String,
    pub kind: Kind,
}

/// What may be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Text {
        /// The dialog will not do without it, and says so beside the field.
        required: bool,
    },
    /// A name that has to be typed letter by letter; a paste is refused.
    Typed(String),
    Choice(Vec<String>),
}

impl Field {
    /// A line of text.
    pub fn text(name: &'static str, label: impl Into<String>, required: bool) -> Self {
        Self { name, label: label.into(), kind: Kind::Text { required } }
    }

    /// A name to type.
    pub fn typed(name: &'static str, label: impl Into<String>, wanted: impl Into<String>) -> Self {
        Self { name, label: label.into(), kind: Kind::Typed(wanted.into()) }
    }

    /// One of several.
    pub fn choice(name: &'static str, label: impl Into<String>, options: Vec<String>) -> Self {
        Self { name, label: label.into(), kind: Kind::Choice(options) }
    }

    /// Why what is filled in is not enough for a button that needs it; `None` where it is.
    pub fn lacks(&self, answer: &Answer) -> Option<String> {
        match &self.kind {
            Kind::Text { .. } if answer.line.text().trim().is_empty() => {
                Some(format!("fill in \"{}\" first", self.label))
            }
            Kind::Typed(wanted) if answer.line.text() != *wanted => {
                Some(format!("type {} to arm it", text::safe(wanted)))
            }
            _ => None,
        }
    }
}

/// What was filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    pub line: LineEditor,
    pub choice: usize,
}

/// A line of text with a cursor, by graphemes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineEditor {
    graphemes: Vec<String>,
    /// Invariant: at most `graphemes.len()`.
    cursor: usize,
}

impl LineEditor {
    /// What was typed.
    #[must_use]
    pub fn text(&self) -> String {
        self.graphemes.concat()
    }

    /// How many characters were typed, as a reader counts them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.graphemes.len()
    }

    /// Takes a key; `false` where it means nothing here.
    pub fn key(&mut self, key: Key) -> bool {
        match key.code {
            KeyCode::Char('u') if key.ctrl => {
                self.graphemes.drain(..self.cursor);
                self.cursor = 0;
            }
            KeyCode::Char('w') if key.ctrl => {
                let blank = |g: &String| g.trim().is_empty();
                let before = &self.graphemes[..self.cursor];
                let word = before.iter().rposition(|g| !blank(g)).unwrap_or(0);
                let from = before[..word].iter().rposition(blank).map_or(0, |at| at + 1);
                self.graphemes.drain(from..self.cursor);
                self.cursor = from;
            }
            _ if key.ctrl || key.alt => return false,
            KeyCode::Char(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.graphemes.remove(self.cursor);
            }
            KeyCode::Delete if self.cursor < self.graphemes.len() => {
                self.graphemes.remove(self.cursor);
            }
            KeyCode::Left => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Right => self.cursor = (self.cursor + 1).min(self.graphemes.len()),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.graphemes.len(),
            KeyCode::Backspace | KeyCode::Delete => {}
            _ => return false,
        }
        true
    }

    /// Puts text in at the cursor; ends of lines become blanks.
    pub fn insert(&mut self, text: &str) {
        let (before, after) = self.graphemes.split_at(self.cursor);
        let head = before.concat() + &text.replace("\r\n", " ").replace(['\n', '\r', '\t'], " ");
        let whole = head.clone() + &after.concat();
        self.graphemes = whole.graphemes(true).take(LONGEST).map(str::to_owned).collect();
        // a combining mark joins the grapheme before it, so places are found by bytes
        let mut bytes = 0;
        self.cursor = self
            .graphemes
            .iter()
            .take_while(|g| {
                bytes += g.len();
                bytes <= head.len()
            })
            .count();
    }

    /// The part that fits into `columns` with the cursor in it, as text before, under and behind the cursor.
    #[must_use]
    pub fn window(&self, columns: usize) -> (String, String, String) {
        let shown: Vec<String> = self.graphemes.iter().map(|g| text::safe(g).into_owned()).collect();
        let under = shown.get(self.cursor).cloned().unwrap_or_else(|| " ".to_owned());
        let mut left = columns.saturating_sub(text::width(&under));
        let mut start = self.cursor;
        while start > 0 && text::width(&shown[start - 1]) <= left {
            start -= 1;
            left -= text::width(&shown[start]);
        }
        let mut end = (self.cursor + 1).min(shown.len());
        while end < shown.len() && text::width(&shown[end]) <= left {
            left -= text::width(&shown[end]);
            end += 1;
        }
        let behind = shown.get(self.cursor + 1..end).map(<[String]>::concat).unwrap_or_default();
        (shown[start..self.cursor].concat(), under, behind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(line: &mut LineEditor, code: KeyCode) {
        line.key(Key { code, ctrl: false, alt: false, shift: false });
    }

    fn typed(keys: &[KeyCode]) -> LineEditor {
        let mut line = LineEditor::default();
        for code in keys {
            press(&mut line, *code);
        }
        line
    }

    #[test]
    fn a_line_is_edited_by_graphemes() {
        use KeyCode::{Backspace, Char, Delete, End, Home, Left};
        for (keys, text) in [
            (vec![Char('a'), Char('b'), Left, Char('x')], "axb"),
            (vec![Char('e'), Char('\u{301}'), Char('!'), Left, Backspace], "!"),
            (vec![Char('a'), Char('b'), Home, Delete, End, Char('c')], "bc"),
            (vec![Backspace, Delete, Left], ""),
        ] {
            assert_eq!(typed(&keys).text(), text, "{keys:?}");
        }
    }

    #[test]
    fn pasted_lines_become_one() {
        let mut line = LineEditor::default();
        line.insert("one\r\ntwo\nthree");
        assert_eq!(line.text(), "one two three");
        line.insert(&"x".repeat(LONGEST * 2));
        assert_eq!(line.len(), LONGEST);
    }

    #[test]
    fn the_cursor_stays_in_its_window_and_what_hides_is_shown() {
        let mut line = LineEditor::default();
        line.insert("0123456789");
        assert_eq!(line.window(5), ("6789".into(), " ".into(), String::new()));
        press(&mut line, KeyCode::Home);
        assert_eq!(line.window(5), (String::new(), "0".into(), "1234".into()));
        line.insert("\u{202e}\x1b[2J");
        let (before, ..) = line.window(80);
        assert_eq!(before, "<U+202E>^[[2J");
        for columns in 0..4 {
            assert!(line.window(columns).1.len() <= 1);
        }
    }

    #[test]
    fn a_typed_name_must_match_to_the_letter() {
        let field = Field::typed("typed", "stage", "switch");
        let mut answer = Answer::default();
        assert!(field.lacks(&answer).is_some());
        answer.line.insert("switch");
        assert_eq!(field.lacks(&answer), None);
        answer.line.insert(" ");
        assert!(field.lacks(&answer).is_some());
    }
}
