//! Seals: what somebody signed of a log with their SSH key, kept beside it. A seal is a small text that names a head,
//! `seals/<seq>-<key>.seal`, and its signature, the same with `.sig`. Nothing here runs `ssh-keygen`: what a seal says is
//! read, not believed.

mod head;

use std::fmt;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::{below, dir};
pub use head::Head;

/// What an SSH signature of ours is made for, so that none that was made for something else passes for one.
pub const NAMESPACE: &str = "gonogo";
/// The folder in a session's folder.
pub const FOLDER: &str = "seals";
/// A seal's text has five lines, and the longest signature is of a few kilobytes.
const MOST_BYTES: u64 = 1 << 16;

/// One seal as it lies beside a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Its text's name in the folder of seals.
    pub name: String,
    /// What it says, or why it is none.
    pub head: Result<Head, String>,
    /// Fingerprint of the key that the signature says it was made with.
    pub key: Option<String>,
    /// The text that was signed, and its signature, byte for byte.
    pub text: Vec<u8>,
    pub signature: Vec<u8>,
    pub verdict: Signature,
}

/// What is known of who made a seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// Nobody looked.
    NotChecked,
    /// It is theirs, as the list of allowed signers names them.
    By(String),
    /// It is the key's, and the key is nobody's of the list.
    Unknown,
    /// It is no signature of that text.
    Bad(String),
}

/// Lists the seals beside the log in `folder`, by name. Nothing is executed, nothing believed.
///
/// # Errors
/// The folder of seals cannot be read.
pub fn list(folder: &Path) -> io::Result<Vec<Seal>> {
    let seals = folder.join(FOLDER);
    match fs::symlink_metadata(&seals) {
        Ok(meta) if meta.is_dir() => {}
        Ok(_) => return Err(io::Error::other("what stands in place of the folder of seals is no folder")),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(&seals)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".seal") {
            names.push(name);
        }
    }
    names.sort_by_key(|name| {
        let seq = name.split('-').next().and_then(|seq| seq.parse::<u64>().ok());
        (seq, name.clone())
    });
    Ok(names.into_iter().map(|name| read(folder, name)).collect())
}

fn read(folder: &Path, name: String) -> Seal {
    let content = |name: &str| {
        let mut content = Vec::new();
        let file = below::open(folder, &Path::new(FOLDER).join(name))?;
        file.take(MOST_BYTES).read_to_end(&mut content)?;
        io::Result::Ok(content)
    };
    let text = content(&name).map_err(|e| format!("it cannot be read: {e}"));
    let signature = content(&format!("{name}.sig")).map_err(|e| format!("its signature cannot be read: {e}"));
    let key = signature.as_ref().ok().and_then(|signature| fingerprint(signature));
    let head = match (&text, &signature) {
        (Err(why), _) | (_, Err(why)) => Err(why.clone()),
        (Ok(_), Ok(_)) if key.is_none() => Err("its signature is no SSH signature".to_owned()),
        (Ok(text), Ok(_)) => Head::read(text),
    };
    let (text, signature) = (text.unwrap_or_default(), signature.unwrap_or_default());
    Seal { name, head, key, text, signature, verdict: Signature::NotChecked }
}

/// The key that a signature says it was made with, as `ssh-keygen -l` names it.
fn fingerprint(signature: &[u8]) -> Option<String> {
    let armor = std::str::from_utf8(signature).ok()?.trim();
    let inner = armor.strip_prefix("-----BEGIN SSH SIGNATURE-----")?;
    let inner: String = inner.strip_suffix("-----END SSH SIGNATURE-----")?.split_whitespace().collect();
    let blob = STANDARD.decode(inner).ok()?;
    // The magic, the version, and the key with its length before it.
    let rest = blob.strip_prefix(b"SSHSIG")?.strip_prefix(&1_u32.to_be_bytes())?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let key = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    Some(format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(key))))
}

/// Why a seal could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("{path} belongs to uid {owner}: seal it as that user (`sudo -u`), or seal a copy of your own")]
    Foreign { path: PathBuf, owner: u32 },
    #[error("cannot keep a seal in {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Folder(#[from] dir::DirError),
    #[error("{0}")]
    Signing(String),
}

/// A seal that was just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The path of its text.
    pub path: PathBuf,
    /// The key's fingerprint.
    pub key: String,
    /// The same key had sealed this head before; that seal stays.
    pub again: bool,
}

/// Keeps a seal of `head` beside the log in `folder`. `sign` makes the signature of a file as `ssh-keygen -Y sign` does:
/// beside it, with `.sig` added to its name.
///
/// # Errors
/// [`SealError`], a sentence. Nothing is left behind.
pub fn keep(
    folder: &Path,
    head: &Head,
    sign: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<Made, SealError> {
    let seals = folder.join(FOLDER);
    let at = |source| SealError::Io { path: seals.clone(), source };
    let owner = fs::metadata(folder).map_err(at)?.uid();
    if owner != rustix::process::geteuid().as_raw() {
        return Err(SealError::Foreign { path: folder.to_owned(), owner });
    }
    dir::private_folder(&seals)?;
    // Where nobody looks for seals, so that none is ever seen without its signature.
    let bench = tempfile::Builder::new().prefix(".sealing-").tempdir_in(&seals).map_err(at)?;
    let text = bench.path().join("seal");
    fs::write(&text, head.to_string()).map_err(at)?;
    sign(&text).map_err(SealError::Signing)?;
    let signature = bench.path().join("seal.sig");
    let key = fs::read(&signature).map_err(at)?;
    let key = fingerprint(&key)
        .ok_or_else(|| SealError::Signing("what came back is no SSH signature".to_owned()))?;
    let path = seals.join(name(head.seq, &key));
    if path.symlink_metadata().is_ok() {
        return Ok(Made { path, key, again: true });
    }
    let mut beside = path.clone().into_os_string();
    beside.push(".sig");
    let publish = |from: &Path, to: &Path| {
        fs::set_permissions(from, fs::Permissions::from_mode(0o600))?;
        fs::File::open(from)?.sync_all()?;
        fs::rename(from, to)
    };
    publish(&signature, Path::new(&beside))
        .and_then(|()| publish(&text, &path))
        .and_then(|()| dir::sync_folder(&seals))
        .map_err(at)?;
    Ok(Made { path, key, again: false })
}

/// A seal's file name; a fingerprint may hold what a name may not.
fn name(seq: u64, key: &str) -> String {
    let key = key.trim_start_matches("SHA256:").replace('/', "_").replace('+', "-");
    format!("{seq}-{key}.seal")
}

impl fmt::Display for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.as_deref().unwrap_or("no key");
        let head = match &self.head {
            Ok(head) => format!("event {} at {}", head.seq, head.at.format("%Y-%m-%d %H:%M:%SZ")),
            Err(why) => why.clone(),
        };
        match &self.verdict {
            Signature::NotChecked => write!(f, "{}: {head}, {key}, not checked", self.name),
            Signature::By(who) => write!(f, "{}: {head}, by {who} ({key})", self.name),
            Signature::Unknown => write!(f, "{}: {head}, by nobody known ({key})", self.name),
            Signature::Bad(why) => write!(f, "{}: {head}, {why}", self.name),
        }
    }
}

#[cfg(test)]
mod tests;
