//! What files are that must not change: a keyed digest each, so that nobody who reads the log learns what a file holds,
//! not even by guessing.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

use super::{Prints, found, place};
use crate::session::Frozen;

/// The most files that are frozen, and the most bytes of their names: what is found of them is one line of the log.
const MOST: usize = 4_000;
const MOST_NAMES: usize = 300 << 10;
/// Where the key lies below the session's folder. What lies there is in no report and no bundle.
const KEY: &str = "snapshots/freeze.key";

/// What the digests of one session are keyed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(Vec<u8>);

impl Key {
    /// The session's key; a new one where nothing was frozen yet.
    ///
    /// # Errors
    /// A phrase: it is gone, so that nobody can tell any more what the files were, or it cannot be written.
    pub fn of(session_dir: &Path, frozen_before: bool) -> Result<Self, String> {
        let path = session_dir.join(KEY);
        match fs::read(&path) {
            Ok(key) if !key.is_empty() => Ok(Self(key)),
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(format!("{}: {e}", path.display())),
            _ if frozen_before => {
                Err(format!("{} is gone: what the files were cannot be told any more", path.display()))
            }
            _ => Self::create(&path).map_err(|e| format!("cannot write {}: {e}", path.display())),
        }
    }

    fn create(path: &Path) -> io::Result<Self> {
        // Two of them hold 244 random bits.
        let key = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple()).into_bytes();
        let folder = path.parent().unwrap_or(Path::new("."));
        place::make_private(folder)?;
        place::clear(path)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(&key)?;
        file.sync_all()?;
        place::sync(folder)?;
        Ok(Self(key))
    }

    /// Digests with this key.
    #[must_use]
    pub fn prints(&self) -> Prints {
        Prints::keyed(self.0.clone())
    }

    /// Whether `prints` are of this key.
    #[must_use]
    pub fn is_of(&self, prints: &Prints) -> bool {
        prints.has_key(&self.0)
    }
}

/// What `paths` stand for now, by the names that they are shown by: relative to `dir` where they lie below it, and with
/// what must not be shown masked by `mask`. With `all_there` each of them must be there and be readable.
///
/// # Errors
/// A phrase that says what cannot be looked at, or is missing.
pub fn freeze(
    dir: &Path,
    paths: &[String],
    prints: &mut Prints,
    all_there: bool,
    mask: &dyn Fn(String) -> String,
) -> Result<Frozen, String> {
    let mut frozen = Frozen::new();
    let mut names = 0;
    for path in paths {
        let files = found(dir, path).map_err(mask)?;
        if files.is_empty() && all_there {
            return Err(mask(format!("{path} stands for no file, so nothing is frozen by it")));
        }
        for file in files {
            let name = mask(file.strip_prefix(dir).unwrap_or(&file).display().to_string());
            let print = print(&file, prints);
            if let (Err(why), true) = (&print, all_there) {
                return Err(format!("{name}: {why}"));
            }
            // It went while it was looked for.
            if print.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::NotFound) {
                continue;
            }
            names += serde_json::to_string(&name).map_or(0, |json| json.len());
            frozen.insert(name, print.ok());
        }
    }
    if frozen.len() > MOST || names > MOST_NAMES {
        return Err(format!("{} files are too many to freeze: at most {MOST}; name fewer", frozen.len()));
    }
    frozen.sort_keys();
    Ok(frozen)
}

/// What one file is: its content; of a link what it points to and what is there.
fn print(path: &Path, prints: &mut Prints) -> io::Result<String> {
    let meta = fs::symlink_metadata(path)?;
    if !meta.is_symlink() {
        return content(path, prints);
    }
    let to = fs::read_link(path)?;
    let there = match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => "a folder".to_owned(),
        Ok(_) => content(path, prints)?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => "nothing".to_owned(),
        Err(e) => return Err(e),
    };
    Ok(prints.of_text(&format!("link\0{}\0{there}", to.display())))
}

fn content(path: &Path, prints: &mut Prints) -> io::Result<String> {
    // A pipe that has come in its place is not waited for.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file: File = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata().as_ref().is_ok_and(Metadata::is_file) {
        return Err(io::Error::other("it is no file"));
    }
    prints.of(path, &file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Drift;
    use crate::session::drifted;

    #[test]
    fn a_change_a_new_file_one_that_is_gone_and_a_link_that_was_switched_are_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("conf")).expect("a folder");
        for name in ["conf/a", "conf/b", "secret", "v1", "v2"] {
            fs::write(at(name), name).expect("a file");
        }
        std::os::unix::fs::symlink("v1", at("current")).expect("a link");
        let key = Key::of(dir.path(), false).expect("a key");
        let mut prints = key.prints();
        let paths = ["conf/*".to_owned(), "secret".to_owned(), "current".to_owned()];
        let same = |name: String| name;
        let mut look = |all| freeze(dir.path(), &paths, &mut prints, all, &same);
        let was = look(true).expect("all are there");
        assert_eq!(was.keys().collect::<Vec<_>>(), ["conf/a", "conf/b", "current", "secret"]);
        assert!(drifted(&was, &look(false).expect("readable")).is_empty());

        fs::write(at("secret"), "ecrets").expect("written");
        fs::remove_file(at("conf/a")).expect("it was there");
        fs::write(at("conf/c"), "c").expect("a file");
        fs::remove_file(at("current")).expect("it was there");
        std::os::unix::fs::symlink("v2", at("current")).expect("a link");
        let found = drifted(&was, &look(false).expect("readable"));
        let what: Vec<_> = found.iter().map(|d| (d.file.as_str(), d.what)).collect();
        let all = [
            ("conf/a", Drift::Gone),
            ("conf/c", Drift::New),
            ("current", Drift::Changed),
            ("secret", Drift::Changed),
        ];
        assert_eq!(what, all);
        fs::write(at("v2"), "v3").expect("written");
        let more = drifted(&was, &look(false).expect("readable"));
        assert_ne!(more[2].sha256, found[2].sha256, "what a link leads to counts");
    }

    #[test]
    fn what_is_not_there_at_first_is_no_frozen_file_and_the_key_is_made_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let key = Key::of(dir.path(), false).expect("a key");
        assert_eq!(Key::of(dir.path(), true).expect("the same"), key);
        let same = |name: String| name;
        let paths = ["nothing/*".to_owned()];
        let why = freeze(dir.path(), &paths, &mut key.prints(), true, &same).expect_err("nothing is there");
        assert!(why.contains("stands for no file"), "{why}");
        assert!(freeze(dir.path(), &paths, &mut key.prints(), false, &same).expect("gone").is_empty());
        fs::remove_file(dir.path().join(KEY)).expect("it was there");
        assert!(Key::of(dir.path(), true).expect_err("gone").contains("cannot be told any more"));
    }
}
