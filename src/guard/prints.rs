//! Digests of files, cheaply: a file that nobody has touched is not read again, but for now and then.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::clock;

/// After so long a file is read again whatever its times say: they can be set.
const TRUST_MS: u64 = 5 * 60_000;

/// The digests that are known.
#[derive(Debug, Default)]
pub struct Prints {
    /// What stands before everything that is digested.
    key: Vec<u8>,
    known: HashMap<PathBuf, Known>,
}

#[derive(Debug)]
struct Known {
    stamp: Stamp,
    read_up_ms: u64,
    sha256: String,
}

/// What of a file's metadata changes with its content: device, inode, length, both times.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp([i64; 4], u64, u64, u64);

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let meta = file.metadata()?;
        let times = [meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()];
        Ok(Self(times, meta.dev(), meta.ino(), meta.len()))
    }
}

impl Prints {
    /// Digests that only who has `key` can compare with anything.
    #[must_use]
    pub fn keyed(key: Vec<u8>) -> Self {
        Self { key, known: HashMap::new() }
    }

    /// Whether they are keyed with `key`.
    #[must_use]
    pub fn has_key(&self, key: &[u8]) -> bool {
        self.key == key
    }

    /// The digest of a text.
    #[must_use]
    pub fn of_text(&self, text: &str) -> String {
        let hash = Sha256::new_with_prefix(&self.key).chain_update(text);
        base16ct::lower::encode_string(&hash.finalize())
    }

    /// The SHA-256 of the key and of what the open `file` at `path` holds.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn of(&mut self, path: &Path, file: &File) -> io::Result<String> {
        let (stamp, now) = (Stamp::of(file)?, clock::up_ms());
        if let Some(known) = self.known.get(path)
            && known.stamp == stamp
            && now.saturating_sub(known.read_up_ms) < TRUST_MS
        {
            return Ok(known.sha256.clone());
        }
        let mut hash = Sha256::new_with_prefix(&self.key);
        let (mut file, mut buffer) = (file, vec![0; 1 << 16]);
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => hash.update(&buffer[..read]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        let sha256 = base16ct::lower::encode_string(&hash.finalize());
        self.known.insert(path.to_owned(), Known { stamp, read_up_ms: now, sha256: sha256.clone() });
        Ok(sha256)
    }
}
