//! What lies beside a log, held against the lengths and digests in it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Component, Path};

use rustix::fs::{Mode, OFlags};
use sha2::{Digest as _, Sha256};

use super::Verdict;
use crate::audit::dir;

/// A file whose length and digest stand in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Vouched {
    /// Relative to the session's folder.
    pub path: String,
    pub bytes: u64,
    pub sha256: String,
    /// The file may go on behind these bytes.
    pub grows: bool,
}

/// Whether a log lies in its session's folder. One that was copied out stands alone; beside anything else of a session,
/// everything must be there.
pub(super) fn is_session(folder: &Path) -> bool {
    const SIGNS: [&str; 6] = ["steps", "evidence", "snapshots", "engine.log", dir::RUNBOOK, dir::TELEMETRY];
    SIGNS.iter().any(|name| folder.join(name).symlink_metadata().is_ok())
}

/// How a file differs from what the log says of it.
pub(super) fn changed(folder: &Path, vouched: &Vouched) -> Option<Verdict> {
    let why = difference(folder, vouched)?;
    Some(Verdict::OutputChanged { path: vouched.path.clone(), why })
}

fn difference(folder: &Path, vouched: &Vouched) -> Option<String> {
    let file = match open(folder, Path::new(&vouched.path)) {
        // Nothing was ever kept in it.
        Err(e) if e.kind() == io::ErrorKind::NotFound && vouched.grows && vouched.bytes == 0 => return None,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Some("it is gone".to_owned()),
        Err(e) => return Some(e.to_string()),
        Ok(file) => file,
    };
    let length = match file.metadata() {
        Ok(meta) if meta.is_file() => meta.len(),
        Ok(_) => return Some("it is not a file any more".to_owned()),
        Err(e) => return Some(e.to_string()),
    };
    if length < vouched.bytes || length > vouched.bytes && !vouched.grows {
        return Some(format!("it is {length} bytes long, and was {}", vouched.bytes));
    }
    match digest(file.take(vouched.bytes)) {
        Ok(sha256) if sha256 == vouched.sha256 => None,
        Ok(_) => Some("its content is not what it was".to_owned()),
        Err(e) => Some(e.to_string()),
    }
}

/// Opens a file below `folder`, following no link on the way, and waiting for nobody where a pipe stands in its place.
///
/// # Errors
/// It is not there, it is not below the folder, or a link leads to it.
pub fn open(folder: &Path, path: &Path) -> io::Result<File> {
    let leaves = || io::Error::other("the path leaves the session's folder");
    let link = |e: rustix::io::Errno| match e {
        rustix::io::Errno::LOOP => io::Error::other("a link stands in its place"),
        rustix::io::Errno::NOTDIR => io::Error::other("a link or a file stands in place of its folder"),
        e => e.into(),
    };
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut at = File::open(folder)?;
    let mut names = path.components().peekable();
    while let Some(name) = names.next() {
        let Component::Normal(name) = name else { return Err(leaves()) };
        let flags = if names.peek().is_some() { flags | OFlags::DIRECTORY } else { flags };
        at = rustix::fs::openat(&at, name as &OsStr, flags, Mode::empty()).map_err(link)?.into();
    }
    Ok(at)
}

fn digest(mut file: impl io::Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(base16ct::lower::encode_string(&hash.finalize())),
            Ok(read) => hash.update(&buffer[..read]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}
