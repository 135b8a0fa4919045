//! What is searched for: words as they are, wherever they stand.

use regex::bytes::{Regex, RegexBuilder};

/// What is searched for.
#[derive(Debug, Clone)]
pub struct Search {
    pub words: String,
    pattern: Regex,
}

impl PartialEq for Search {
    fn eq(&self, other: &Self) -> bool {
        self.words == other.words
    }
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Down,
    Up,
}

impl Search {
    /// A search for these words as they are; small letters find capitals too.
    #[must_use]
    pub fn new(words: &str) -> Option<Self> {
        let any_case = !words.chars().any(char::is_uppercase);
        let pattern = RegexBuilder::new(&regex::escape(words)).case_insensitive(any_case).build().ok()?;
        (!words.is_empty()).then(|| Self { words: words.to_owned(), pattern })
    }

    /// Whether it stands in a text.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        self.pattern.is_match(text.as_bytes())
    }

    /// Where it stands next in a text, at this byte or after it.
    #[must_use]
    pub fn next_in(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        self.pattern.find_at(text, from).map(|found| (found.start(), found.end()))
    }

    /// Where it stands in a text, as byte ranges.
    pub fn found_in<'t>(&self, text: &'t str) -> impl Iterator<Item = (usize, usize)> + use<'t, '_> {
        self.pattern.find_iter(text.as_bytes()).map(|found| (found.start(), found.end()))
    }
}
