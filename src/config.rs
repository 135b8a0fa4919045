//! How the cockpit looks and is pressed: flags > environment > the user's file > the site's file, merged in one place.
//! A theme that is broken is passed over with a word; keys that would mean two things are refused before a session
//! begins.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use crate::text;
use crate::ui::action::Action;
use crate::ui::keymap::Keymap;
use crate::ui::theme::{Depth, MONO, Shelf, Theme};
use crate::ui::{Bell, Frames};

/// The configuration that comes along: what holds where nothing else is said.
pub const SAMPLE: &str = include_str!("../assets/config.toml");

/// Where a site keeps what holds for everybody on a host.
pub const SITE: &str = "/etc/gonogo";

/// The file in each folder of configuration.
pub const FILE: &str = "config.toml";
const THEMES: &str = "themes";

/// What is asked for on the command line.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    pub theme: Option<String>,
    pub ascii: bool,
    /// Read no file at all.
    pub no_config: bool,
}

/// How the cockpit looks and is pressed.
#[derive(Debug, Clone)]
pub struct Config {
    pub themes: Shelf,
    pub keymap: Keymap,
    /// The keys over a recording.
    pub replay_keymap: Keymap,
    /// Whether the cockpit takes the mouse.
    pub mouse: bool,
    /// How often the screen is drawn by itself.
    pub frames: Frames,
    /// How the operator is called.
    pub bell: Bell,
    /// What is to be told on arrival: a theme that is broken.
    pub notes: Vec<String>,
}

/// One file, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    theme: Option<Spanned<String>>,
    ascii: Option<bool>,
    mouse: Option<bool>,
    frames: Option<Frames>,
    bell: Option<Bell>,
    #[serde(default)]
    keys: BTreeMap<Spanned<String>, Keys>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Keys {
    One(String),
    Several(Vec<String>),
}

/// A file that was read, with where it lies.
struct Layer {
    folder: PathBuf,
    text: String,
    file: File,
}

impl Layer {
    fn fault(&self, span: &Range<usize>, why: &str) -> String {
        fault(&self.folder.join(FILE), &self.text, span, why)
    }
}

/// The folders that hold configuration, the user's before the site's.
#[must_use]
pub fn folders() -> Vec<PathBuf> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let user = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")));
    user.map(|folder| folder.join("gonogo")).into_iter().chain([PathBuf::from(SITE)]).collect()
}

/// The file of a folder.
#[must_use]
pub fn file(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// The folder of a folder's themes.
#[must_use]
pub fn themes(folder: &Path) -> PathBuf {
    folder.join(THEMES)
}

/// Reads and merges all that there is; of `folders` the first that says something has its way. `environment` tells the
/// value of a variable that is set and not empty.
///
/// # Errors
/// A sentence for each file that cannot be honoured: what, where, and what to do.
pub fn read(
    flags: &Flags,
    folders: &[PathBuf],
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Config, String> {
    let folders = if flags.no_config { &[] } else { folders };
    let (mut layers, mut notes) = (Vec::new(), Vec::new());
    for folder in folders {
        match layer(folder) {
            Ok(found) => layers.extend(found),
            Err(Unread::Refused(why)) => return Err(why),
            Err(Unread::Closed(why)) => notes.push(why),
        }
    }
    let mut themes = Shelf::default();
    // The user's theme takes the place of the site's of the same name.
    for folder in folders.iter().rev() {
        own_themes(folder, &mut themes, &mut notes);
    }
    choose(&mut themes, flags, &layers, &environment)?;
    let ascii = flags.ascii
        || layers.iter().find_map(|layer| layer.file.ascii).unwrap_or(false)
        || !has_every_character(&environment);
    let get = |name| environment(name).unwrap_or_default();
    let themes = themes.fit(Depth::of(&get("COLORTERM"), &get("TERM")), ascii);
    let (mut keymap, mut replay_keymap) = (Keymap::default(), Keymap::replay());
    // The site's first: the user's take the place of them.
    for layer in layers.iter().rev() {
        let keys = keys(layer)?;
        let refused = |(action, why): (Action, String)| {
            let written = layer.file.keys.keys().find(|name| name.as_ref() == action.name());
            let span = written.map_or(0..0, Spanned::span);
            layer.fault(&span, &format!("{action}: {why}"))
        };
        keymap = keymap.with(&keys).map_err(refused)?;
        replay_keymap = replay_keymap.with(&keys).map_err(refused)?;
    }
    let mouse = layers.iter().find_map(|layer| layer.file.mouse).unwrap_or(true);
    let frames = layers.iter().find_map(|layer| layer.file.frames).unwrap_or_default();
    let bell = layers.iter().find_map(|layer| layer.file.bell).unwrap_or_default();
    Ok(Config { themes, keymap, replay_keymap, mouse, frames, bell, notes })
}

/// Why a file says nothing.
enum Unread {
    /// It is not in order, and what it asks for is not known.
    Refused(String),
    /// It is not to be read by whoever runs this: a home that is somebody else's, behind sudo.
    Closed(String),
}

fn layer(folder: &Path) -> Result<Option<Layer>, Unread> {
    let path = folder.join(FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Unread::Closed(format!("{} cannot be read: {e}", path.display()))),
    };
    match toml::from_str::<File>(&text) {
        Ok(file) => Ok(Some(Layer { folder: folder.to_owned(), text, file })),
        Err(e) => Err(Unread::Refused(fault(&path, &text, &e.span().unwrap_or_default(), e.message()))),
    }
}

/// `FILE:LINE:COLUMN: why`, and how to go on.
fn fault(path: &Path, text: &str, span: &Range<usize>, why: &str) -> String {
    let before = &text[..text.floor_char_boundary(span.start)];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let why = text::safe_lines(why).collect::<Vec<_>>().join(", ");
    format!(
        "{}:{line}:{column}: {why}; mend it, or start with --no-config",
        text::safe(&path.display().to_string())
    )
}

fn own_themes(folder: &Path, shelf: &mut Shelf, notes: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder.join(THEMES)) else { return };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|ending| ending == "toml")) {
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
        let (theme, wrong) = match fs::read_to_string(path) {
            Ok(text) => Theme::parse(&text),
            Err(e) => (Theme::dark(), vec![e.to_string()]),
        };
        shelf.add(name.to_owned(), theme);
        if let Some(first) = wrong.first() {
            notes.push(format!("theme {name}: {first}; what is wrong in it looks as in the theme below it"));
        }
    }
}

fn choose(
    themes: &mut Shelf,
    flags: &Flags,
    layers: &[Layer],
    environment: &impl Fn(&str) -> Option<String>,
) -> Result<(), String> {
    if let Some(name) = &flags.theme {
        return themes.choose(name).map_err(|known| {
            format!("--theme: there is no theme `{}`; there are {known}", text::safe(name))
        });
    }
    if environment("NO_COLOR").is_some() {
        return themes.choose(MONO);
    }
    for layer in layers {
        let Some(name) = &layer.file.theme else { continue };
        return themes.choose(name.as_ref()).map_err(|known| {
            layer.fault(&name.span(), &format!("there is no theme `{}`; there are {known}", name.as_ref()))
        });
    }
    Ok(())
}

fn keys(layer: &Layer) -> Result<Vec<(Action, Vec<String>)>, String> {
    let mut keys = Vec::new();
    for (name, written) in &layer.file.keys {
        let Some(action) = Action::named(name.as_ref()) else {
            let likeness = |action: &&Action| strsim::jaro_winkler(action.name(), name.as_ref());
            let like = Action::ALL.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
            let like = like.filter(|action| likeness(action) > 0.8);
            let like = like.map(|action| format!(": is `{action}` meant?")).unwrap_or_default();
            let why = format!("no action is called `{}`{like}; `:` in the cockpit lists them", name.as_ref());
            return Err(layer.fault(&name.span(), &why));
        };
        let written = match written {
            Keys::One(key) => vec![key.clone()],
            Keys::Several(keys) => keys.clone(),
        };
        keys.push((action, written));
    }
    Ok(keys)
}

/// Whether the terminal is taken to show all characters of [`UNICODE`](crate::ui::theme::UNICODE): its locale is UTF-8, and
/// it is not the console of Linux, whose fonts have no room for ticks, trends and heavy lines.
fn has_every_character(environment: &impl Fn(&str) -> Option<String>) -> bool {
    if environment("TERM").is_some_and(|term| term == "linux") {
        return false;
    }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(environment);
    locale.is_none_or(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Color;

    /// A user's folder and a site's with these files.
    fn places(user: &str, site: &str) -> (tempfile::TempDir, Vec<PathBuf>) {
        let dir = tempfile::tempdir().unwrap();
        let folders = [("user", user), ("site", site)].map(|(name, text)| {
            let folder = dir.path().join(name);
            fs::create_dir_all(folder.join(THEMES)).unwrap();
            fs::write(folder.join(FILE), text).unwrap();
            folder
        });
        (dir, folders.into())
    }

    fn with(flags: &Flags, user: &str, site: &str, set: &[(&str, &str)]) -> Result<Config, String> {
        let (_dir, folders) = places(user, site);
        read(flags, &folders, |name| set.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    fn fail(config: &Config) -> Option<Color> {
        config.themes.theme().fail.fg
    }

    fn of(theme: &str) -> Option<Color> {
        Theme::built_in(theme).unwrap().at(Depth::Sixteen).fail.fg
    }

    #[test]
    fn the_sample_is_what_holds_where_nothing_else_is_said() {
        let none = read(&Flags::default(), &[], |_| None).unwrap();
        let sample = with(&Flags::default(), SAMPLE, "", &[]).unwrap();
        assert_eq!(format!("{none:?}"), format!("{sample:?}"));
        // What stands in it as a comment is in order too.
        let all = SAMPLE.replace("\n# advance", "\nadvance").replace("\n# next-pane", "\nnext-pane");
        let all = all.replace("\"tab\", \"g t\"", "\"tab\"");
        let all = with(&Flags::default(), &all, "", &[]).unwrap();
        for action in Action::ALL {
            assert_eq!(all.keymap.keys(*action), none.keymap.keys(*action), "{action}");
        }
    }

    #[test]
    fn a_terminal_gets_the_characters_that_it_has() {
        let ascii = |set: &[(&str, &str)]| {
            let config = with(&Flags::default(), "", "", set).unwrap();
            std::ptr::eq(config.themes.theme().glyphs, &raw const crate::ui::theme::ASCII)
        };
        assert!(!ascii(&[("LANG", "en_GB.UTF-8"), ("TERM", "xterm")]));
        assert!(ascii(&[("LANG", "C"), ("TERM", "xterm")]));
        assert!(ascii(&[("LANG", "en_GB.UTF-8"), ("TERM", "linux")]));
    }

    #[test]
    fn a_flag_goes_before_the_environment_that_before_the_user_that_before_the_site() {
        let flag = Flags { theme: Some("blue-orange".to_owned()), ..Flags::default() };
        let (user, site, no_color) = ("theme = 'light'", "theme = 'contrast'", [("NO_COLOR", "1")]);
        assert_eq!(fail(&with(&flag, user, site, &no_color).unwrap()), of("blue-orange"));
        let none = Flags::default();
        assert_eq!(fail(&with(&none, user, site, &no_color).unwrap()), None);
        assert_eq!(fail(&with(&none, user, site, &[]).unwrap()), of("light"));
        assert_eq!(fail(&with(&none, "", site, &[]).unwrap()), of("contrast"));
        assert_eq!(fail(&with(&none, "", "", &[]).unwrap()), of("dark"));
        let without = Flags { no_config: true, ..Flags::default() };
        assert_eq!(fail(&with(&without, "theme = 5", site, &[]).unwrap()), of("dark"));
    }

    #[test]
    fn a_users_keys_take_the_place_of_the_sites_in_the_cockpit_and_over_a_recording() {
        let config = with(&Flags::default(), "keys.help = 'H'\nkeys.hand-over = []", "keys.help = 'F'", &[]);
        let config = config.unwrap();
        assert_eq!(config.keymap.keys(Action::Help), ["H"]);
        assert_eq!(config.replay_keymap.keys(Action::Help), ["H"]);
    }

    #[test]
    fn what_cannot_be_honoured_is_refused_with_its_place() {
        for (user, place, why) in [
            ("theme = 'dark'\ntheem = 1", ":2:1: ", "unknown field"),
            ("theme = 'octarine'", ":1:9: ", "there is no theme `octarine`; there are dark, "),
            ("[keys]\nadvance = 'p'", ":2:1: advance: ", "`p` means `pause` already"),
            ("[keys]\nquit = []", ":2:1: quit: ", "no key would leave the cockpit"),
            ("[keys]\nadvanse = 'A'", ":2:1: ", "no action is called `advanse`"),
            ("[keys]\nadvance = 'ctrl-a'", ":2:1: advance: ", "nothing that acts"),
            ("bell = 'loud'", ":1:8: ", "unknown variant `loud`"),
            ("frames = 60", ":1:10: ", "1 to 10 frames a second"),
            ("theme = ", ":1:", ""),
        ] {
            let error = with(&Flags::default(), user, "", &[]).unwrap_err();
            let told = error.contains(place) && error.contains(why);
            assert!(told && error.ends_with("or start with --no-config"), "{error}");
        }
        let flag = Flags { theme: Some("nope".to_owned()), ..Flags::default() };
        assert!(with(&flag, "", "", &[]).unwrap_err().starts_with("--theme: there is no theme `nope`"));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_told_and_stops_nothing() {
        let (_dir, folders) = places("theme = 'light'", "theme = 'contrast'");
        fs::remove_file(folders[0].join(FILE)).unwrap();
        fs::create_dir(folders[0].join(FILE)).unwrap();
        let config = read(&Flags::default(), &folders, |_| None).unwrap();
        assert_eq!(fail(&config), of("contrast"));
        assert!(config.notes[0].contains("cannot be read"), "{:?}", config.notes);
    }

    #[test]
    fn a_theme_of_ones_own_is_found_and_a_broken_one_stops_nothing() {
        let (_dir, folders) = places("theme = 'mine'", "");
        fs::write(folders[0].join("themes/mine.toml"), "base = 'light'\nfail = { fg = 'blue' }\nnope = {}")
            .unwrap();
        fs::write(folders[1].join("themes/mine.toml"), "fail = { fg = 'green' }").unwrap();
        let config = read(&Flags::default(), &folders, |_| None).unwrap();
        assert_eq!(fail(&config), Some(Color::Blue));
        assert_eq!(config.notes.len(), 1);
        assert!(config.notes[0].starts_with("theme mine: no role is called `nope`"));
    }
}
