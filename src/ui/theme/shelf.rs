//! The themes that an operator can choose from while the cockpit is open.

use super::{BUILT_IN, Depth, Theme};

/// Themes by name, one of which is in use.
#[derive(Debug, Clone)]
pub struct Shelf {
    themes: Vec<(String, Theme)>,
    at: usize,
}

impl Default for Shelf {
    fn default() -> Self {
        let themes = BUILT_IN.iter().map(|(name, text)| ((*name).to_owned(), Theme::parse(text).0));
        Self { themes: themes.collect(), at: 0 }
    }
}

impl Shelf {
    /// Adds a theme; one of the same name gives way to it.
    pub fn add(&mut self, name: String, theme: Theme) {
        match self.themes.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = theme,
            None => self.themes.push((name, theme)),
        }
    }

    /// Takes that theme; without it nothing changes, and what there is is said.
    ///
    /// # Errors
    /// The names of the themes that there are.
    pub fn choose(&mut self, name: &str) -> Result<(), String> {
        let place = self.themes.iter().position(|(known, _)| known == name);
        self.at = place.ok_or_else(|| {
            let names: Vec<&str> = self.themes.iter().map(|(name, _)| name.as_str()).collect();
            names.join(", ")
        })?;
        Ok(())
    }

    /// Takes the next theme, and says its name.
    pub fn turn(&mut self) -> &str {
        self.at = (self.at + 1) % self.themes.len();
        &self.themes[self.at].0
    }

    /// As a terminal of that depth can show them, in ASCII where it has nothing else.
    #[must_use]
    pub fn fit(mut self, depth: Depth, ascii: bool) -> Self {
        for (_, theme) in &mut self.themes {
            let fitting = theme.clone().at(depth);
            *theme = if ascii { fitting.with_ascii() } else { fitting };
        }
        self
    }

    /// The theme in use.
    #[must_use]
    pub fn theme(&self) -> &Theme {
        &self.themes[self.at].1
    }
}
