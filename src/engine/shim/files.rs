//! Private and durable files: 0600 from their first moment, and on disk, with their folder, when a function
//! that says so returns.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use serde::Serialize;

/// Creates a folder for its owner alone, and its parents, durably; one that exists is left as it is.
///
/// # Errors
/// What the system says.
pub fn create_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_dir(parent)?;
        match DirBuilder::new().mode(0o700).create(dir) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            other => other?,
        }
        return sync_dir(parent);
    }
    DirBuilder::new().mode(0o700).create(dir)
}

/// Creates a file that must not exist, readable by its owner alone.
///
/// # Errors
/// `AlreadyExists`, or what the system says.
pub fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Puts a whole file in place that must not exist: nobody ever sees a part of it, and of several who try at once one
/// succeeds. Durable when it returns.
///
/// # Errors
/// `AlreadyExists`, or what the system says.
pub fn claim(dir: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let write = |path: &Path| {
        let mut file = create_new(path)?;
        file.write_all(content)?;
        file.sync_all()
    };
    let (path, beside) = (dir.join(name), dir.join(format!(".{name}.{}.tmp", std::process::id())));
    // It may be left from a process that had this pid and died here.
    let _ = std::fs::remove_file(&beside);
    write(&beside)?;
    let linked = std::fs::hard_link(&beside, &path);
    let _ = std::fs::remove_file(&beside);
    match linked {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
            // A file system without hard links: still one alone succeeds, but a reader may see a part of it.
            write(&path)?;
        }
        linked => linked?,
    }
    sync_dir(dir)
}

/// Puts a whole file in place, or leaves the old state: written beside, synced, renamed, folder synced.
///
/// # Errors
/// What the system says; then nothing has changed.
pub fn replace(dir: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let beside = dir.join(format!(".{name}.tmp"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(content)?;
    file.sync_data()?;
    std::fs::rename(&beside, dir.join(name))?;
    sync_dir(dir)
}

/// Makes a folder's entries durable.
///
/// # Errors
/// What the system says.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// One line of JSON.
#[must_use]
pub fn json(record: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(record).expect("records have string keys only");
    line.push(b'\n');
    line
}
