//! How things look, by what they mean. A state is never told by colour alone: [`Mark`] puts a glyph and a word
//! beside it.

mod depth;
mod glyphs;
mod shelf;

pub use depth::Depth;
pub use glyphs::{ASCII, Glyphs, UNICODE};
pub use shelf::Shelf;

use ratatui::style::Style;
use serde::Deserialize;

const DARK: &str = include_str!("../../themes/dark.toml");

/// The themes that come along, by name, in the order in which one key goes through them.
const BUILT_IN: &[(&str, &str)] = &[
    ("dark", DARK),
    ("light", include_str!("../../themes/light.toml")),
    ("contrast", include_str!("../../themes/contrast.toml")),
    ("blue-orange", include_str!("../../themes/blue-orange.toml")),
    (MONO, include_str!("../../themes/mono.toml")),
];

/// The theme without colour.
pub const MONO: &str = "mono";

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

            fn styles_mut(&mut self) -> impl Iterator<Item = &mut Style> {
                [$(&mut self.$role),+].into_iter()
            }
        }

        #[cfg(test)]
        pub const ROLES: &[&str] = &[$(stringify!($role)),+];
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

impl Theme {
    /// Colours on a dark ground.
    #[must_use]
    pub fn dark() -> Self {
        Self::parse(DARK).0
    }

    /// No colour at all.
    #[must_use]
    pub fn mono() -> Self {
        Self::built_in(MONO).unwrap_or_else(Self::dark)
    }

    /// One of those that come along.
    #[must_use]
    pub fn built_in(name: &str) -> Option<Self> {
        BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| Self::parse(text).0)
    }

    /// The same with ASCII characters only.
    #[must_use]
    pub fn with_ascii(self) -> Self {
        Self { glyphs: &ASCII, ..self }
    }

    /// Reads a theme, and what is wrong with it: a role that is missing or broken looks as in the theme that `base`
    /// names, else as in `dark`, and nothing stops.
    #[must_use]
    pub fn parse(text: &str) -> (Self, Vec<String>) {
        let mut wrong = Vec::new();
        let mut table: toml::Table = match toml::from_str(text) {
            Ok(table) => table,
            Err(error) => {
                wrong.push(error.message().to_owned());
                toml::Table::new()
            }
        };
        let mut theme = match table.remove("base") {
            // Those that come along set every role.
            None if text == DARK => Self::blank(&UNICODE),
            None => Self::dark(),
            Some(base) => base.as_str().and_then(Self::built_in).unwrap_or_else(|| {
                let known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
                wrong.push(format!("`base` is one of {}", known.join(", ")));
                Self::dark()
            }),
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

    /// With no more colours than a terminal of this depth has.
    #[must_use]
    pub fn at(mut self, depth: Depth) -> Self {
        for style in self.styles_mut() {
            style.fg = style.fg.map(|colour| depth.nearest(colour));
            style.bg = style.bg.map(|colour| depth.nearest(colour));
        }
        self
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
        for (name, text) in BUILT_IN {
            assert_eq!(Theme::parse(text).1, Vec::<String>::new(), "{name}");
            let table: toml::Table = toml::from_str(text).unwrap();
            for role in ROLES {
                assert!(table.contains_key(*role), "{name}: {role}");
            }
        }
    }

    #[test]
    fn mono_has_no_colour() {
        let mut mono = Theme::built_in(MONO).unwrap();
        assert!(mono.styles_mut().all(|style| style.fg.is_none() && style.bg.is_none()));
    }

    #[test]
    fn a_broken_theme_never_stops() {
        let (theme, wrong) = Theme::parse("ok = { fg = \"octarine\" }\nfail = { fg = \"red\" }\nnope = {}");
        assert_eq!(theme.fail.fg, Some(Color::Red));
        assert_eq!(theme.ok, Theme::dark().ok, "as in the theme below it");
        assert_eq!(wrong.len(), 2);
        assert_eq!(Theme::parse("[").1.len(), 1);
    }

    #[test]
    fn a_theme_stands_on_another() {
        let (theme, wrong) = Theme::parse("base = \"light\"\nok = { fg = \"#00ff00\" }");
        assert_eq!((theme.fail, wrong.len()), (Theme::built_in("light").unwrap().fail, 0));
        assert_eq!(theme.ok.fg, Some(Color::Rgb(0, 255, 0)));
        assert_eq!(
            Theme::parse("base = \"nope\"").1,
            ["`base` is one of dark, light, contrast, blue-orange, mono"]
        );
    }

    #[test]
    fn what_a_terminal_cannot_show_becomes_the_nearest_that_it_can() {
        for (name, _) in BUILT_IN {
            let mut theme = Theme::built_in(name).unwrap().at(Depth::Sixteen);
            let of = |style: &mut Style| [style.fg, style.bg];
            let deep = |colour: Color| matches!(colour, Color::Rgb(..) | Color::Indexed(16..));
            assert!(!theme.styles_mut().flat_map(of).flatten().any(deep), "{name}");
        }
    }
}
