//! What a set of copies is: each file as it was, and the digest that its copy must have.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Prints;
use crate::audit::below;
use crate::session::Snapshot;

/// The manifest's name in the folder of the copies.
pub const MANIFEST: &str = "manifest.json";
/// Where the copies lie in it, each under its whole path.
pub const FILES: &str = "files";
/// The longest manifest that is read.
const LONGEST: u64 = 64 << 20;

/// A set of copies.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Manifest {
    pub files: Vec<Kept>,
    /// The folders that the files lay in, to be made anew where they are gone; outer ones first.
    pub folders: Vec<Folder>,
}

impl Manifest {
    /// Of all files together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let length = |kept: &Kept| if let What::File { bytes, .. } = kept.what { bytes } else { 0 };
        self.files.iter().map(length).sum()
    }
}

/// One file or link as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Absolute; no link is on the way to it.
    pub path: PathBuf,
    pub what: What,
    pub owner: Owner,
    /// Modified: seconds and nanoseconds since 1970.
    pub mtime: (i64, i64),
}

/// What was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    File { bytes: u64, sha256: String },
    Link { to: PathBuf },
}

/// A folder as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    pub path: PathBuf,
    pub owner: Owner,
}

/// Whose it is, and who may do what with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub uid: u32,
    pub gid: u32,
    /// The permission bits, setuid and sticky among them.
    pub mode: u32,
}

impl Owner {
    /// As the file system says.
    pub fn of(meta: &impl MetadataExt) -> Self {
        Self { uid: meta.uid(), gid: meta.gid(), mode: meta.mode() & 0o7777 }
    }
}

/// Where the copy of `path` lies, relative to the folder of the copies.
#[must_use]
pub fn copy_of(path: &Path) -> PathBuf {
    Path::new(FILES).join(path.strip_prefix("/").unwrap_or(path))
}

/// The manifest of a snapshot, once it and every copy of it are what they were when they were made. `prints` saves
/// reading what has not been touched since; without it everything is read.
///
/// # Errors
/// A phrase that names what is gone or has changed.
pub fn verified(
    session_dir: &Path,
    taken: &Snapshot,
    prints: Option<&mut Prints>,
) -> Result<Manifest, String> {
    let folder = Path::new(&taken.path);
    let manifest =
        read(session_dir, taken).map_err(|why| format!("{} {why}", folder.join(MANIFEST).display()))?;
    let mut none = Prints::default();
    let prints = prints.unwrap_or(&mut none);
    for kept in &manifest.files {
        if let Err(why) = held(session_dir, folder, kept, prints) {
            return Err(format!("the copy of {} {why}", kept.path.display()));
        }
    }
    Ok(manifest)
}

/// What of a snapshot is not what it was when it was made: each path in the session's folder, and in which way.
#[must_use]
pub fn changed(session_dir: &Path, taken: &Snapshot) -> Vec<(PathBuf, String)> {
    let folder = Path::new(&taken.path);
    let manifest = match read(session_dir, taken) {
        Ok(manifest) => manifest,
        Err(why) => return vec![(folder.join(MANIFEST), why)],
    };
    let mut prints = Prints::default();
    let differs = |kept: &Kept| {
        let why = held(session_dir, folder, kept, &mut prints).err()?;
        Some((folder.join(copy_of(&kept.path)), why))
    };
    manifest.files.iter().filter_map(differs).collect()
}

/// The manifest, where it is the one that was recorded; else a phrase that says how it differs.
fn read(session_dir: &Path, taken: &Snapshot) -> Result<Manifest, String> {
    let mut bytes = Vec::new();
    let file = open(session_dir, &Path::new(&taken.path).join(MANIFEST))?;
    file.take(LONGEST).read_to_end(&mut bytes).map_err(unread)?;
    if base16ct::lower::encode_string(&Sha256::digest(&bytes)) != taken.sha256 {
        return Err(CHANGED.to_owned());
    }
    serde_json::from_slice(&bytes).map_err(unread)
}

/// Whether the copy of a file is what it was; else a phrase that says how it differs.
fn held(session_dir: &Path, folder: &Path, kept: &Kept, prints: &mut Prints) -> Result<(), String> {
    let What::File { sha256, .. } = &kept.what else { return Ok(()) };
    let copy = folder.join(copy_of(&kept.path));
    let file = open(session_dir, &copy)?;
    let print = prints.of(&session_dir.join(&copy), &file).map_err(unread)?;
    if print == *sha256 { Ok(()) } else { Err(CHANGED.to_owned()) }
}

const CHANGED: &str = "is not what it was";

fn unread(why: impl std::fmt::Display) -> String {
    format!("cannot be read: {why}")
}

fn open(session_dir: &Path, name: &Path) -> Result<File, String> {
    below::open(session_dir, name).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => "is gone".to_owned(),
        _ => unread(e),
    })
}
