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
    let name = folder.join(MANIFEST);
    let mut bytes = Vec::new();
    open(session_dir, &name)?
        .take(LONGEST)
        .read_to_end(&mut bytes)
        .map_err(|e| format!("{}: {e}", name.display()))?;
    if base16ct::lower::encode_string(&Sha256::digest(&bytes)) != taken.sha256 {
        return Err(format!("{} is not what it was", name.display()));
    }
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|e| format!("{} cannot be read: {e}", name.display()))?;
    let mut none = Prints::default();
    let prints = prints.unwrap_or(&mut none);
    for kept in &manifest.files {
        let What::File { sha256, .. } = &kept.what else { continue };
        let copy = folder.join(copy_of(&kept.path));
        let file = open(session_dir, &copy)?;
        let print = prints.of(&session_dir.join(&copy), &file);
        let print = print.map_err(|e| format!("the copy of {}: {e}", kept.path.display()))?;
        if print != *sha256 {
            return Err(format!("the copy of {} is not what it was", kept.path.display()));
        }
    }
    Ok(manifest)
}

fn open(session_dir: &Path, name: &Path) -> Result<File, String> {
    below::open(session_dir, name).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => format!("{} is gone", name.display()),
        _ => format!("{}: {e}", name.display()),
    })
}
