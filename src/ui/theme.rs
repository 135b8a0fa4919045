//! How things look, by what they mean. A state is never told by colour alone: [`Mark`] puts a glyph and a word
//! beside it.

use ratatui::style::Style;
use ratatui::symbols::border;
use serde::Deserialize;

const DARK: &str = include_str!("../../themes/dark.toml");
const MONO: &str = include_str!("../../themes/mono.toml");

macro_rules! roles {
    ($($role:ident),+ $(,)?) => {
        /// A style for each meaning, and the characters to draw with.
        #[derive(Debug, Clone)]
        pub struct Theme {
            $(pub $role: Style,)+
            pub glyphs: &'static Glyphs,
        }

        impl Theme {
            fn blank(glyphs: &'static Glyphs) -> Self {
                Self { $($role: Style::new(),)+ glyphs }
            }

            fn set(&mut self, role: &str, style: Style) -> bool {
                match role {
                    $(stringify!($role) => self.$role = style,)+
                    _ => return false,
                }
                true
            }
        }

        #[cfg(test)]
        const ROLES: &[&str] = &[$(stringify!($role)),+];
    };
}

roles!(
    text,
    dim,
    title,
    border,
    focus,
    selected,
    key,
    ok,
    fail,
    stale,
    warn,
    ask,
    pending,
    running,
    stderr,
    prod,
    live,
    unreal,
    point_of_no_return,
    blocked,
    found,
    button,
    button_focused,
);

/// What a state means to the eye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Ok,
    Fail,
    Stale,
    Warn,
    Ask,
    Pending,
    Running,
}

/// The characters to draw with: Unicode, or ASCII where the terminal cannot show it.
#[derive(Debug)]
pub struct Glyphs {
    pub ok: &'static str,
    pub fail: &'static str,
    pub stale: &'static str,
    pub warn: &'static str,
    pub ask: &'static str,
    pub pending: &'static str,
    pub running: &'static str,
    /// A recording that does not play.
    pub halted: &'static str,
    pub arrow: &'static str,
    pub enter: &'static str,
    pub ellipsis: &'static str,
    pub line: &'static str,
    /// From empty to full.
    pub spark: [&'static str; 7],
    /// In a sparkline, where a sample was bad.
    pub spark_bad: &'static str,
    pub bar_full: &'static str,
    pub bar_part: &'static str,
    pub bar_empty: &'static str,
    pub plain: border::Set<'static>,
    pub thick: border::Set<'static>,
}

/// For a terminal with UTF-8.
pub static UNICODE: Glyphs = Glyphs {
    ok: "✓",
    fail: "✗",
    stale: "~",
    warn: "▲",
    ask: "?",
    pending: "·",
    running: "▶",
    halted: "‖",
    arrow: "→",
    enter: "⏎",
    ellipsis: "…",
    line: "═",
    spark: ["▁", "▂", "▃", "▄", "▅", "▆", "▇"],
    spark_bad: "✗",
    bar_full: "▓",
    bar_part: "▒",
    bar_empty: "░",
    plain: border::PLAIN,
    thick: border::THICK,
};

/// For `--ascii`, and for a locale that is not UTF-8.
pub static ASCII: Glyphs = Glyphs {
    ok: "+",
    fail: "x",
    stale: "~",
    warn: "!",
    ask: "?",
    pending: ".",
    running: ">",
    halted: "=",
    arrow: "->",
    enter: "enter",
    ellipsis: "...",
    line: "=",
    spark: [".", ".", "-", "-", "=", "=", "#"],
    spark_bad: "x",
    bar_full: "#",
    bar_part: "=",
    bar_empty: ".",
    plain: ASCII_BORDER,
    thick: ASCII_THICK,
};

const ASCII_BORDER: border::Set = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

const ASCII_THICK: border::Set = border::Set {
    horizontal_top: "=",
    horizontal_bottom: "=",
    vertical_left: "#",
    vertical_right: "#",
    ..ASCII_BORDER
};

impl Theme {
    /// Colours on a dark ground.
    #[must_use]
    pub fn dark() -> Self {
        Self::parse(DARK, &UNICODE).0
    }

    /// No colour at all.
    #[must_use]
    pub fn mono() -> Self {
        Self::parse(MONO, &UNICODE).0
    }

    /// The same with ASCII characters only.
    #[must_use]
    pub fn with_ascii(self) -> Self {
        Self { glyphs: &ASCII, ..self }
    }

    /// Reads a theme, and what is wrong with it: a role that is missing or broken looks like plain text, and nothing
    /// stops.
    #[must_use]
    pub fn parse(text: &str, glyphs: &'static Glyphs) -> (Self, Vec<String>) {
        let mut theme = Self::blank(glyphs);
        let mut wrong = Vec::new();
        let table: toml::Table = match toml::from_str(text) {
            Ok(table) => table,
            Err(error) => {
                wrong.push(error.message().to_owned());
                toml::Table::new()
            }
        };
        for (role, value) in table {
            match Style::deserialize(value) {
                Ok(style) if theme.set(&role, style) => {}
                Ok(_) => wrong.push(format!("no role is called `{role}`")),
                Err(error) => wrong.push(format!("`{role}`: {}", error.message())),
            }
        }
        (theme, wrong)
    }

    /// The style of a state.
    #[must_use]
    pub fn mark(&self, mark: Mark) -> Style {
        match mark {
            Mark::Ok => self.ok,
            Mark::Fail => self.fail,
            Mark::Stale => self.stale,
            Mark::Warn => self.warn,
            Mark::Ask => self.ask,
            Mark::Pending => self.pending,
            Mark::Running => self.running,
        }
    }

    /// The glyph of a state.
    #[must_use]
    pub fn glyph(&self, mark: Mark) -> &'static str {
        match mark {
            Mark::Ok => self.glyphs.ok,
            Mark::Fail => self.glyphs.fail,
            Mark::Stale => self.glyphs.stale,
            Mark::Warn => self.glyphs.warn,
            Mark::Ask => self.glyphs.ask,
            Mark::Pending => self.glyphs.pending,
            Mark::Running => self.glyphs.running,
        }
    }
}

impl Mark {
    /// The word of a state, where nothing closer fits.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Fail => "FAIL",
            Self::Stale => "STALE",
            Self::Warn => "WARN",
            Self::Ask => "ASK",
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Color;

    #[test]
    fn the_themes_that_come_along_set_every_role_and_nothing_else() {
        for text in [DARK, MONO] {
            assert_eq!(Theme::parse(text, &UNICODE).1, Vec::<String>::new());
            let table: toml::Table = toml::from_str(text).unwrap();
            for role in ROLES {
                assert!(table.contains_key(*role), "{role}");
            }
        }
    }

    #[test]
    fn mono_has_no_colour() {
        let table: toml::Table = toml::from_str(MONO).unwrap();
        assert!(table.values().all(|style| style.get("fg").is_none() && style.get("bg").is_none()));
    }

    #[test]
    fn a_broken_theme_never_stops() {
        let (theme, wrong) =
            Theme::parse("ok = { fg = \"octarine\" }\nfail = { fg = \"red\" }\nnope = {}", &UNICODE);
        assert_eq!(theme.fail.fg, Some(Color::Red));
        assert_eq!(theme.ok, Style::new());
        assert_eq!(wrong.len(), 2);
        assert_eq!(Theme::parse("[", &UNICODE).1.len(), 1);
    }
}
