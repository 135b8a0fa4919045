//! Copying: to the clipboard of whoever sits at the terminal, and always to a file, because a terminal does not say
//! whether it took anything.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::beside::Returned;
use super::{Cockpit, context, zone};
use crate::text;
use crate::ui::copy::{self, CLIPBOARD, Extent};
use crate::ui::format;
use crate::ui::playback::Playback;
use crate::ui::screen::Screen;
use crate::ui::view::Pane;

/// How many files of one name are tried.
const NAMES: u32 = 1_000;

/// What was copied, and where to.
#[derive(Debug)]
pub(super) struct Copied {
    lines: usize,
    clipboard: Result<(), String>,
    file: Result<PathBuf, String>,
}

impl Cockpit {
    /// Copies the row or the panel in focus: to the clipboard at once, to the file beside the loop.
    pub(super) fn copy(&mut self, extent: Extent) {
        let watched_ms = self.watched_ms(crate::clock::now());
        let cx = context(&self.playback, &self.options, self.commander.as_ref(), watched_ms);
        let pane = self.view.focus;
        if let (Extent::Panel, Pane::Events, Playback::Recorded(recorded)) = (extent, pane, &self.playback) {
            // The panel has only those round the playhead.
            let (everything, heading) = (recorded.everything(&self.view), copy::heading(&cx, &self.view));
            let back = self.back.clone();
            tokio::task::spawn_blocking(move || {
                let lines: Vec<String> = std::iter::once(heading).chain(everything.lines()).collect();
                back.send(Returned::Gathered(pane, copy::joined(&lines)))
            });
            return;
        }
        let screen = Screen { cx, view: &self.view, zone: zone(cx.now), theme: self.options.themes.theme() };
        match copy::text(&screen, extent) {
            Some(text) => self.hand_out(pane, text),
            None => self.view.refuse("there is nothing to copy"),
        }
    }

    /// Gives a text to the clipboard and to a file.
    pub(super) fn hand_out(&mut self, pane: Pane, text: String) {
        let session =
            self.playback.state().opened.as_ref().map_or("session", |opened| opened.session.as_str());
        let pane = pane.title().to_lowercase();
        let stem: String = format!("{session}-{pane}")
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c } else { '-' })
            .collect();
        let clipboard = if text.len() <= CLIPBOARD {
            self.terminal.copy(&text).map_err(|e| e.to_string())
        } else {
            Err(format!("{} is too long for it", format::bytes(text.len() as u64)))
        };
        let (folder, back) = (self.options.copies.clone(), self.back.clone());
        tokio::task::spawn_blocking(move || {
            let lines = text.lines().count();
            let file = match folder {
                Some(folder) => {
                    write(&folder, &stem, &text).map_err(|e| format!("{}: {e}", folder.display()))
                }
                None => Err("the environment names no place for it".to_owned()),
            };
            back.send(Returned::Copied(Copied { lines, clipboard, file }))
        });
    }

    /// Says where it went.
    pub(super) fn copied(&mut self, copied: Copied) {
        let Copied { lines, clipboard, file } = copied;
        let lines = if lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") };
        let clipboard = match clipboard {
            Ok(()) => "sent to the terminal's clipboard".to_owned(),
            Err(why) => format!("not sent to the clipboard: {why}"),
        };
        match file {
            Ok(path) => {
                let path = near_home(&path);
                self.view.done(format!("{}: {lines}, {clipboard}", text::safe(&path)));
            }
            Err(why) => self.view.refuse(format!("{lines}, {clipboard}; no file: {}", text::safe(&why))),
        }
    }
}

/// Writes a file that was not there, for its owner alone.
fn write(folder: &Path, stem: &str, text: &str) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    for n in 1..=NAMES {
        let number = if n == 1 { String::new() } else { format!("-{n}") };
        let path = folder.join(format!("{stem}{number}.txt"));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => return file.write_all(text.as_bytes()).map(|()| path),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    Err(io::Error::other(format!("{NAMES} files are called {stem}")))
}

/// A path as a shell reads it, short where it lies in one's own folder.
fn near_home(path: &Path) -> String {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_copy_is_for_its_owner_alone_and_takes_no_other_copys_place() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("copies");
        let first = write(&folder, "demo-checks", "one\n").expect("written");
        let second = write(&folder, "demo-checks", "two\n").expect("written");
        assert_eq!(std::fs::read_to_string(&first).expect("a copy"), "one\n");
        assert_eq!(std::fs::read_to_string(&second).expect("a copy"), "two\n");
        let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&first), mode(&second)), (0o700, 0o600, 0o600));
        // A link that lies in wait is another's file.
        std::os::unix::fs::symlink(home.path().join("elsewhere"), folder.join("trap.txt")).expect("a link");
        assert!(write(&folder, "trap", "x\n").expect("written").ends_with("trap-2.txt"));
        assert!(!home.path().join("elsewhere").exists());
        assert!(write(&first, "under-a-file", "x\n").is_err());
    }
}
