//! Makes exact copies of files in the session's folder: all of them and durable, or none.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use super::manifest::{Folder, Kept, MANIFEST, Manifest, Owner, What, copy_of};
use super::{MOST_BYTES, MOST_FILES, place};
use crate::proof;

/// So much of the disk is left free for the log and what else must be written.
const LEFT_FREE: u64 = 16 << 20;

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub files: u32,
    pub bytes: u64,
    /// Of the manifest.
    pub sha256: String,
}

/// Copies `files`, absolute paths, into the new folder `folder` below the session's. Until that has its name everything
/// of it is on the disk; where anything fails nothing of it is left. `stop` is asked between pieces.
///
/// # Errors
/// A sentence that names the file.
pub fn take(
    session_dir: &Path,
    folder: &str,
    files: &[PathBuf],
    stop: &dyn Fn() -> bool,
) -> Result<Taken, String> {
    let sources = measured(files)?;
    let into = session_dir.join(folder);
    let (Some(parent), Some(name)) = (into.parent(), into.file_name()) else {
        return Err(format!("{folder} has no name"));
    };
    if into.symlink_metadata().is_ok() {
        return Err(format!("{} is there already", into.display()));
    }
    let part = parent.join(format!(".{}.part", name.to_string_lossy()));
    let unwritten = |e: io::Error| format!("cannot write {}: {e}", into.display());
    place::make_private(parent).map_err(unwritten)?;
    room_for(parent, sources.values().map(Metadata::len).sum())?;
    let copied = (|| {
        if part.symlink_metadata().is_ok() {
            fs::remove_dir_all(&part).map_err(unwritten)?;
        }
        place::make_private(&part).map_err(unwritten)?;
        let taken = fill(&part, &sources, stop)?;
        fs::rename(&part, &into).and_then(|()| place::sync(parent)).map_err(unwritten)?;
        place::sync(session_dir).map_err(unwritten)?;
        Ok(taken)
    })();
    copied.inspect_err(|_| {
        let _ = fs::remove_dir_all(&part);
    })
}

/// The files by their real paths, with what they are; nothing absurd is begun with.
fn measured(files: &[PathBuf]) -> Result<BTreeMap<PathBuf, Metadata>, String> {
    let mut sources = BTreeMap::new();
    let mut bytes = 0_u64;
    for path in files {
        let unread = |e: io::Error| format!("cannot copy {}: {e}", path.display());
        let real = place::real(path).map_err(unread)?;
        let meta = fs::symlink_metadata(&real).map_err(unread)?;
        if !meta.is_file() && !meta.is_symlink() {
            return Err(format!("cannot copy {}: it is neither a file nor a link", path.display()));
        }
        if real.to_str().is_none() {
            return Err(format!("cannot copy {}: its name is no UTF-8", path.display()));
        }
        if meta.is_file() {
            bytes = bytes.saturating_add(meta.len());
        }
        sources.insert(real, meta);
        if bytes > MOST_BYTES || sources.len() > MOST_FILES {
            let most = proof::bytes(MOST_BYTES);
            return Err(format!(
                "it is too much to copy: a snapshot holds at most {MOST_FILES} files and {most} together; name fewer files"
            ));
        }
    }
    Ok(sources)
}

/// Whether so many bytes fit beside the log, which needs room of its own; where nobody can tell they are let in.
///
/// # Errors
/// A sentence that says what is free.
pub fn room_for(folder: &Path, bytes: u64) -> Result<(), String> {
    let Ok(disk) = rustix::fs::statvfs(folder) else { return Ok(()) };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free >= bytes.saturating_add(LEFT_FREE) {
        return Ok(());
    }
    let (needs, free) = (proof::bytes(bytes), proof::bytes(free));
    Err(format!(
        "the copies need {needs} and the log keeps {} for itself, and {} has {free} free: make room and retry",
        proof::bytes(LEFT_FREE),
        folder.display()
    ))
}

fn fill(
    part: &Path,
    sources: &BTreeMap<PathBuf, Metadata>,
    stop: &dyn Fn() -> bool,
) -> Result<Taken, String> {
    let mut manifest = Manifest::default();
    let mut written: BTreeSet<PathBuf> = BTreeSet::new();
    let mut bytes = 0;
    for (path, meta) in sources {
        let why = |e: io::Error| format!("cannot copy {}: {e}", path.display());
        let what = if meta.is_symlink() {
            What::Link { to: fs::read_link(path).map_err(why)? }
        } else {
            let to = part.join(copy_of(path));
            let parent = to.parent().unwrap_or(part);
            place::make_private(parent).map_err(why)?;
            written
                .extend(parent.ancestors().take_while(|above| above.starts_with(part)).map(Path::to_owned));
            let (length, sha256) = copy(path, &to, meta, stop)?;
            bytes += length;
            What::File { bytes: length, sha256 }
        };
        if let What::Link { to } = &what
            && to.to_str().is_none()
        {
            return Err(format!("cannot copy {}: what it points to is no UTF-8", path.display()));
        }
        let mtime = (meta.mtime(), meta.mtime_nsec());
        manifest.files.push(Kept { path: path.clone(), what, owner: Owner::of(meta), mtime });
    }
    let folders: BTreeSet<&Path> = sources.keys().flat_map(|path| path.ancestors().skip(1)).collect();
    for folder in folders {
        let meta =
            fs::symlink_metadata(folder).map_err(|e| format!("cannot look at {}: {e}", folder.display()))?;
        manifest.folders.push(Folder { path: folder.to_owned(), owner: Owner::of(&meta) });
    }
    let unwritten = |e: io::Error| format!("cannot write the copies' manifest: {e}");
    let json = serde_json::to_vec_pretty(&manifest).map_err(|e| unwritten(e.into()))?;
    let mut file = private(&part.join(MANIFEST)).map_err(unwritten)?;
    file.write_all(&json).and_then(|()| file.sync_all()).map_err(unwritten)?;
    written.insert(part.to_owned());
    written.iter().try_for_each(|folder| place::sync(folder)).map_err(unwritten)?;
    let sha256 = base16ct::lower::encode_string(&Sha256::digest(&json));
    Ok(Taken { files: u32::try_from(manifest.files.len()).unwrap_or(u32::MAX), bytes, sha256 })
}

/// Creates a file of the session, for its owner alone.
fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn copy(from: &Path, to: &Path, meant: &Metadata, stop: &dyn Fn() -> bool) -> Result<(u64, String), String> {
    let unread = |e: io::Error| format!("cannot copy {}: {e}", from.display());
    let changed = || format!("cannot copy {}: it changed while it was copied", from.display());
    // A pipe that has come in its place is not waited for.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let mut source = OpenOptions::new().read(true).custom_flags(flags).open(from).map_err(unread)?;
    let same = |meta: &Metadata| {
        let key = |m: &Metadata| (m.dev(), m.ino(), m.len(), m.mtime(), m.mtime_nsec());
        key(meta) == key(meant)
    };
    if !same(&source.metadata().map_err(unread)?) {
        return Err(changed());
    }
    let mut target = private(to).map_err(unread)?;
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0_u64, vec![0; 1 << 16]);
    loop {
        if stop() {
            return Err(format!("it was ended while {} was copied", from.display()));
        }
        let read = match source.read(&mut buffer) {
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(unread(e)),
        };
        bytes += read as u64;
        if bytes > meant.len() {
            return Err(changed());
        }
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        target.write_all(&buffer[..read]).map_err(unread)?;
    }
    target.sync_all().map_err(unread)?;
    if bytes != meant.len() || !same(&source.metadata().map_err(unread)?) {
        return Err(changed());
    }
    Ok((bytes, base16ct::lower::encode_string(&hash.finalize())))
}
