//! Puts copies back where they were taken: everything is written beside its place first, and only when all of it is on
//! the disk is each file renamed into its place. What was not copied is not touched.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Timespec, Timestamps, Uid};

use super::manifest::{Folder, Kept, Manifest, Owner, What, copy_of, verified};
use super::{Prints, place};
use crate::audit::below;
use crate::session::Snapshot;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Back {
    /// Files that were put back.
    pub written: usize,
    /// Files that were as they had been.
    pub untouched: usize,
    /// Folders that were gone and were made anew.
    pub folders: usize,
    /// Whose owner could not be given back, with the owner that they have now.
    pub not_owned: Vec<String>,
    /// What could not be put back, and why; the others were.
    pub failed: Vec<String>,
}

/// Puts back what `taken` holds. `stop` is asked before anything has its place.
///
/// # Errors
/// A sentence. Nothing was changed.
pub fn put_back(session_dir: &Path, taken: &Snapshot, stop: &dyn Fn() -> bool) -> Result<Back, String> {
    let manifest = verified(session_dir, taken, None).map_err(|why| format!("nothing is put back: {why}"))?;
    let mut back = Back::default();
    let mut ready: Vec<(PathBuf, &Kept)> = Vec::new();
    let mark = session_dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let prepared = manifest.files.iter().enumerate().try_for_each(|(number, kept)| {
        if stop() {
            return Err("it was ended before anything was put back".to_owned());
        }
        let failed = |why: String| format!("nothing is put back: {}: {why}", kept.path.display());
        back.folders += has_its_folder(kept, &manifest.folders).map_err(failed)?;
        if is_as_it_was(kept) {
            back.untouched += 1;
            return Ok(());
        }
        let beside = kept.path.with_file_name(format!(".{mark}.{number}.gonogo"));
        ready.push((beside.clone(), kept));
        let owner =
            write(&beside, kept, &session_dir.join(&taken.path)).map_err(|e| failed(e.to_string()))?;
        back.not_owned.extend(owner.map(|now| format!("{} ({now})", kept.path.display())));
        Ok(())
    });
    if let Err(why) = prepared {
        ready.iter().for_each(|(beside, _)| drop(place::clear(beside)));
        return Err(why);
    }
    for (beside, kept) in ready {
        let moved = fs::rename(&beside, &kept.path)
            .and_then(|()| kept.path.parent().map_or(Ok(()), place::sync))
            .map_err(|e| format!("{}: {e}", kept.path.display()));
        match moved {
            Ok(()) => back.written += 1,
            Err(why) => {
                let _ = place::clear(&beside);
                back.failed.push(why);
            }
        }
    }
    Ok(back)
}

/// The files that are not now as the copies are, by name.
#[must_use]
pub fn differing(manifest: &Manifest) -> Vec<&Path> {
    manifest.files.iter().filter(|kept| !holds_what_it_held(kept)).map(|kept| kept.path.as_path()).collect()
}

/// The folder of the file is there and is the same one; where it is gone it is made anew, as it was. Returns how many
/// were made.
fn has_its_folder(kept: &Kept, folders: &[Folder]) -> Result<usize, String> {
    let parent = kept.path.parent().unwrap_or(Path::new("/"));
    let mut made = 0;
    for above in parent.ancestors().collect::<Vec<_>>().into_iter().rev() {
        match fs::symlink_metadata(above) {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => return Err(format!("{} is no folder any more", above.display())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let unmade = |e: io::Error| format!("cannot make the folder {}: {e}", above.display());
                fs::create_dir(above).map_err(unmade)?;
                if let Some(folder) = folders.iter().find(|folder| folder.path == above) {
                    let Owner { uid, gid, mode } = folder.owner;
                    // Another owner than one's own takes privileges; the folder is there without.
                    let _ = std::os::unix::fs::lchown(above, Some(uid), Some(gid));
                    fs::set_permissions(above, fs::Permissions::from_mode(mode)).map_err(unmade)?;
                }
                above.parent().map_or(Ok(()), place::sync).map_err(unmade)?;
                made += 1;
            }
            Err(e) => return Err(format!("{}: {e}", above.display())),
        }
    }
    match fs::symlink_metadata(&kept.path) {
        Ok(meta) if meta.is_dir() => Err("a folder stands in its place".to_owned()),
        _ => Ok(made),
    }
}

/// Content, owner, mode and time are what they were.
fn is_as_it_was(kept: &Kept) -> bool {
    let Ok(meta) = fs::symlink_metadata(&kept.path) else { return false };
    let owner = Owner::of(&meta);
    let owned = match &kept.what {
        What::File { .. } => owner == kept.owner,
        // A link's mode means nothing.
        What::Link { .. } => (owner.uid, owner.gid) == (kept.owner.uid, kept.owner.gid),
    };
    owned && (meta.mtime(), meta.mtime_nsec()) == kept.mtime && holds_what_it_held(kept)
}

fn holds_what_it_held(kept: &Kept) -> bool {
    match &kept.what {
        What::Link { to } => fs::read_link(&kept.path).is_ok_and(|now| now == *to),
        What::File { bytes, sha256 } => {
            let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
            let opened = OpenOptions::new().read(true).custom_flags(flags).open(&kept.path);
            let same = |file: &File| file.metadata().is_ok_and(|meta| meta.is_file() && meta.len() == *bytes);
            opened.is_ok_and(|file| {
                same(&file) && Prints::default().of(&kept.path, &file).is_ok_and(|print| print == *sha256)
            })
        }
    }
}

/// Writes what is put back beside its place, with everything that it had. Returns the owner that it has, where that is
/// not the one that it had.
fn write(beside: &Path, kept: &Kept, copies: &Path) -> io::Result<Option<String>> {
    place::clear(beside)?;
    let Owner { uid, gid, mode } = kept.owner;
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT },
        last_modification: Timespec { tv_sec: kept.mtime.0, tv_nsec: kept.mtime.1 },
    };
    let owned = |meta: fs::Metadata| {
        ((meta.uid(), meta.gid()) != (uid, gid)).then(|| format!("now of {}:{}", meta.uid(), meta.gid()))
    };
    match &kept.what {
        What::Link { to } => {
            std::os::unix::fs::symlink(to, beside)?;
            let _ = std::os::unix::fs::lchown(beside, Some(uid), Some(gid));
            rustix::fs::utimensat(rustix::fs::CWD, beside, &times, AtFlags::SYMLINK_NOFOLLOW)?;
            Ok(owned(fs::symlink_metadata(beside)?))
        }
        What::File { bytes, .. } => {
            let mut from = below::open(copies, &copy_of(&kept.path))?.take(*bytes);
            let mut to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)?;
            io::copy(&mut from, &mut to)?;
            // The owner first: a change of owner takes setuid away. Where that is not permitted the rest still counts.
            let _ = rustix::fs::fchown(&to, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
            let owner = owned(to.metadata()?);
            // What runs as its owner must not run as another.
            let mode = if owner.is_none() { mode } else { mode & 0o1777 };
            rustix::fs::fchmod(&to, Mode::from_raw_mode(mode))?;
            rustix::fs::futimens(&to, &times)?;
            to.sync_all()?;
            Ok(owner)
        }
    }
}

#[cfg(test)]
mod tests;
