//! Files that come with notes: they are put together from their parts, and laid into the session's evidence, without
//! its secrets.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::engine::shim::files;
use crate::redact::Redactor;
use crate::session::Attached;

/// The most bytes that one connection may have under way.
const MOST_BYTES: usize = 4 << 20;
/// The most files that one connection may have under way.
const MOST_FILES: usize = 16;
/// Where they lie in the session's folder.
const FOLDER: &str = "evidence/notes";
/// The longest name that is kept of a file.
const LONGEST_NAME: usize = 60;

/// The uploads of one connection.
#[derive(Debug, Default)]
pub(super) struct Uploads {
    parts: HashMap<u64, (String, Vec<u8>)>,
    whole: HashMap<u64, Result<Attached, String>>,
}

/// A file that has all its parts.
#[derive(Debug)]
pub(super) struct Whole {
    pub id: u64,
    name: String,
    bytes: Vec<u8>,
}

impl Uploads {
    /// Takes a part; with the last one the file is whole.
    ///
    /// # Errors
    /// There is too much under way, as a sentence.
    pub(super) fn take(
        &mut self,
        id: u64,
        name: String,
        part: &[u8],
        last: bool,
    ) -> Result<Option<Whole>, String> {
        let under_way: usize = self.parts.values().map(|(_, bytes)| bytes.len()).sum();
        if under_way + part.len() > MOST_BYTES {
            return Err(format!("a file for a note holds at most {} MiB", MOST_BYTES >> 20));
        }
        if self.parts.len() + self.whole.len() >= MOST_FILES && !self.parts.contains_key(&id) {
            return Err(format!("at most {MOST_FILES} files may be under way"));
        }
        let (_, bytes) = self.parts.entry(id).or_insert((name, Vec::new()));
        bytes.extend_from_slice(part);
        let whole = last.then(|| self.parts.remove(&id)).flatten();
        Ok(whole.map(|(name, bytes)| Whole { id, name, bytes }))
    }

    /// Keeps what became of a whole file until its note comes.
    pub(super) fn keep(&mut self, id: u64, laid: Result<Attached, String>) {
        self.whole.insert(id, laid);
    }

    /// The file that a note speaks of.
    ///
    /// # Errors
    /// Why there is none, as a sentence.
    pub(super) fn claim(&mut self, id: u64) -> Result<Attached, String> {
        self.whole
            .remove(&id)
            .unwrap_or_else(|| Err(format!("the file {id} was not sent, or not to its end")))
    }
}

impl Whole {
    /// Lays the file into the session's evidence; it blocks while it writes.
    ///
    /// # Errors
    /// Why it cannot be written, as a sentence.
    pub(super) fn lay(self, session_dir: &Path, redactor: &Redactor) -> Result<Attached, String> {
        let bytes = redactor.redact_bytes(&self.bytes);
        let path = write(session_dir, &self.name, &bytes)
            .map_err(|e| format!("the file could not be put into the evidence: {e}"))?;
        let sha256 = base16ct::lower::encode_string(&Sha256::digest(&bytes));
        let source = crate::text::safe(&self.name).into_owned();
        Ok(Attached { source, path: path.display().to_string(), bytes: bytes.len() as u64, sha256 })
    }
}

/// Writes under the next free number; returns the path below the session's folder.
fn write(session_dir: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let folder = session_dir.join(FOLDER);
    files::create_dir(&folder)?;
    let there = fs::read_dir(&folder)?.count();
    for number in there + 1..there + 1000 {
        let path = Path::new(FOLDER).join(format!("{number}-{}", safe_name(name)));
        match files::create_new(&session_dir.join(&path)) {
            Ok(mut file) => {
                file.write_all(bytes)?;
                file.sync_all()?;
                files::sync_dir(&folder)?;
                return Ok(path);
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// The last part of a name, with nothing in it that means something to a shell or a path.
fn safe_name(name: &str) -> String {
    let name = name.rsplit('/').next().unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let name: String = name.chars().take(LONGEST_NAME).map(plain).collect();
    if name.is_empty() { "file".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_in_parts_and_lies_in_the_evidence_without_secrets() {
        let folder = tempfile::tempdir().expect("a folder");
        let redactor = Redactor::new([("token", "hunter2hunter2")]).expect("long enough");
        let mut uploads = Uploads::default();
        let name = "../../etc/pass wd".to_owned();
        assert!(uploads.take(1, name.clone(), b"see hunter2", false).expect("taken").is_none());
        let whole = uploads.take(1, name, b"hunter2 here", true).expect("taken").expect("whole");
        uploads.keep(1, whole.lay(folder.path(), &redactor));
        let attached = uploads.claim(1).expect("laid");
        assert_eq!(attached.path, "evidence/notes/1-pass_wd");
        let bytes = fs::read(folder.path().join(&attached.path)).expect("it is there");
        assert_eq!(bytes, b"see ****** here");
        assert_eq!(attached.bytes, bytes.len() as u64);
        assert!(uploads.claim(1).is_err(), "it belongs to one note");
    }

    #[test]
    fn more_than_a_connection_may_send_is_refused() {
        let mut uploads = Uploads::default();
        let big = vec![0; MOST_BYTES];
        assert!(uploads.take(1, "a".to_owned(), &big, false).is_ok());
        assert!(uploads.take(1, "a".to_owned(), b"x", false).is_err());
        assert!(uploads.take(2, "b".to_owned(), b"x", true).is_err());
        let mut uploads = Uploads::default();
        let files = (0..100).map(|id| uploads.take(id, "a".to_owned(), b"", false));
        assert_eq!(files.filter(Result::is_ok).count(), MOST_FILES);
    }
}
