//! One key as it is written: `a`, `G`, `shift-tab`, `pgup`.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key with what is held down beside it. A letter's case says whether shift was held, `shift` does so of an arrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    pub code: KeyCode,
    pub ctrl: bool,
    pub alt: bool,
    pub shift: bool,
}

const NAMES: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("f1", KeyCode::F(1)),
];

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        let shift = event.modifiers.contains(KeyModifiers::SHIFT);
        let code = match event.code {
            KeyCode::Tab if shift => KeyCode::BackTab,
            KeyCode::Char(c) if shift && c.is_ascii_lowercase() => KeyCode::Char(c.to_ascii_uppercase()),
            code => code,
        };
        let arrow = matches!(code, KeyCode::Up | KeyCode::Down | KeyCode::Left | KeyCode::Right);
        Self {
            code,
            shift: shift && arrow,
            ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
            alt: event.modifiers.contains(KeyModifiers::ALT),
        }
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (ctrl, rest) = text.strip_prefix("ctrl-").map_or((false, text), |rest| (true, rest));
        let (alt, rest) = rest.strip_prefix("alt-").map_or((false, rest), |rest| (true, rest));
        let named = |name: &str| NAMES.iter().find(|(known, _)| *known == name).map(|(_, code)| *code);
        let (shift, rest) = match rest.strip_prefix("shift-") {
            Some(arrow) if named(rest).is_none() => (true, arrow),
            _ => (false, rest),
        };
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(c), None) => KeyCode::Char(c),
            _ => named(rest).ok_or_else(|| format!("no key is called `{text}`"))?,
        };
        Ok(Self { code, ctrl, alt, shift })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("ctrl-")?;
        }
        if self.alt {
            f.write_str("alt-")?;
        }
        if self.shift {
            f.write_str("shift-")?;
        }
        match (NAMES.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, KeyCode::Char(c)) => write!(f, "{c}"),
            (None, other) => write!(f, "{other}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written() {
        for text in
            ["a", "G", "?", "/", "enter", "shift-tab", "pgup", "ctrl-c", "alt-x", "shift-left", "space", "f1"]
        {
            assert_eq!(text.parse::<Key>().expect("a known key").to_string(), text);
        }
        assert!("hyper".parse::<Key>().is_err());
    }

    #[test]
    fn shift_is_part_of_the_letter() {
        let upper = Key::from(KeyEvent::new(KeyCode::Char('P'), KeyModifiers::SHIFT));
        let kitty = Key::from(KeyEvent::new(KeyCode::Char('p'), KeyModifiers::SHIFT));
        assert_eq!((upper, kitty), ("P".parse().unwrap(), "P".parse().unwrap()));
    }
}
