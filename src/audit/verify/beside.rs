//! What lies beside a log, held against the lengths and digests in it.

use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::Verdict;
use crate::audit::{below, dir};

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
    let file = match below::open(folder, Path::new(&vouched.path)) {
        // Nothing was ever kept in it.
        Err(e) if e.kind() == io::ErrorKind::NotFound && vouched.grows && vouched.bytes == 0 => return None,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Some("it is gone".to_owned()),
        Err(e) => return Some(e.to_string()),
        Ok(file) => file,
    };
    let length = match file.metadata() {
        Ok(meta) => meta.len(),
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
