//! A session's record as one archive, to be kept or handed on: what a record is made of and nothing else that lies in
//! the folder, as the same bytes for the same record, wherever and whenever it is packed.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, BufWriter, Read as _, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use super::dir;

/// What an attempt's folder keeps of it.
const RECORDS: [&str; 8] = [
    "command.json",
    "exit.json",
    "late.log",
    "link.json",
    "output.idx",
    "output.log",
    "spec.json",
    "started.json",
];
/// What lies in a session's folder and is no part of its record: what an engine needs while it runs, what must not
/// leave the host, and what is made from the record at any time.
const NO_RECORD: [&str; 9] = [
    "control.sock",
    "engine.log",
    "lock",
    "passphrases.json",
    "report.html",
    "report.json",
    "report.md",
    dir::RESERVE,
    "snapshots",
];
/// How deep a folder of evidence or seals may go.
const DEEPEST: usize = 8;

/// What is to be packed.
#[derive(Debug)]
pub struct Record<'a> {
    /// The session's log; what belongs to it is looked for beside it.
    pub log: &'a Path,
    /// The name of the folder that it unpacks into.
    pub name: &'a str,
    /// What was made from the record, to lie beside it: name and content.
    pub made: &'a [(String, Vec<u8>)],
}

/// What was packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Of the archive, 64 lowercase hex digits.
    pub sha256: String,
    /// The archive's length.
    pub bytes: u64,
    /// How many files are in it.
    pub files: usize,
    /// What lies in the folder, is not packed and not known either: each a sentence.
    pub left_out: Vec<String>,
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {path}: {source}")]
    Write { path: PathBuf, source: io::Error },
    #[error("{path} became shorter while it was packed: try again")]
    Shrank { path: PathBuf },
}

/// Packs a record into `archive`, a gzipped tar, for its owner alone; it is there as a whole or not at all. `live` says
/// that an engine writes the log: what it has not ended with a line's end is left out then.
///
/// # Errors
/// [`BundleError`], a sentence.
pub fn pack(record: &Record<'_>, live: bool, archive: &Path) -> Result<Packed, BundleError> {
    let written = |source| BundleError::Write { path: archive.to_owned(), source };
    let folder = archive.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside = tempfile::Builder::new().prefix(".bundle.").tempfile_in(folder).map_err(written)?;

    // The log first: whatever it vouches for is there already when it is looked at.
    let mut collected = Collected::default();
    collected.log(record.log, live)?;
    if record.log.file_name() == Some(OsStr::new(dir::LOG)) {
        collected.session(record.log.parent().unwrap_or(Path::new(".")))?;
    }
    for (name, content) in record.made {
        let content = Content::Made(content);
        collected.members.push(Member { path: PathBuf::from(name), content });
    }
    collected.members.sort_by(|a, b| a.path.as_os_str().as_bytes().cmp(b.path.as_os_str().as_bytes()));

    let zipped = GzBuilder::new().mtime(0).write(Counted::new(beside.as_file()), Compression::default());
    let mut tar = Builder::new(zipped);
    let mut folders = BTreeSet::new();
    let root = Path::new(record.name);
    for member in &collected.members {
        let path = root.join(&member.path);
        let above: Vec<&Path> = path.ancestors().skip(1).filter(|p| !p.as_os_str().is_empty()).collect();
        for folder in above.into_iter().rev() {
            if folders.insert(folder.to_owned()) {
                let mut header = header(EntryType::Directory, 0o700, 0);
                tar.append_data(&mut header, folder, io::empty()).map_err(written)?;
            }
        }
        member.append(&mut tar, &path, archive)?;
    }
    let counted = tar.into_inner().and_then(flate2::write::GzEncoder::finish).map_err(written)?;
    let (sha256, bytes) = counted.finish().map_err(written)?;
    beside.as_file().sync_all().map_err(written)?;
    beside.persist(archive).map_err(|e| written(e.error))?;
    dir::sync_folder(folder).map_err(written)?;
    let files = collected.members.len();
    collected.left_out.sort();
    Ok(Packed { sha256, bytes, files, left_out: collected.left_out })
}

/// A header in which nothing tells where or when it was written.
fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

/// One file of the archive.
struct Member<'a> {
    path: PathBuf,
    content: Content<'a>,
}

enum Content<'a> {
    /// So many bytes of the log, however it grows.
    Log(File, u64),
    /// The same of a file that is opened when it is its turn.
    File(PathBuf, u64),
    Made(&'a [u8]),
}

impl Member<'_> {
    fn append(&self, tar: &mut Builder<impl Write>, path: &Path, archive: &Path) -> Result<(), BundleError> {
        let written = |source| BundleError::Write { path: archive.to_owned(), source };
        let (file, length) = match &self.content {
            Content::Made(bytes) => {
                let mut header = header(EntryType::Regular, 0o600, bytes.len() as u64);
                return tar.append_data(&mut header, path, *bytes).map_err(written);
            }
            Content::Log(file, length) => (file, *length),
            Content::File(from, length) => (&own(from)?, *length),
        };
        let mut header = header(EntryType::Regular, 0o600, length);
        let mut read = Watched { of: file.take(length), read: 0, failed: None };
        let appended = tar.append_data(&mut header, path, &mut read);
        if let Some(source) = read.failed {
            return Err(BundleError::Read { path: self.path.clone(), source });
        }
        if read.read < length {
            return Err(BundleError::Shrank { path: self.path.clone() });
        }
        appended.map_err(written)
    }
}

/// Opens what was a regular file a moment ago, and nothing else.
fn own(path: &Path) -> Result<File, BundleError> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    opened.map_err(|source| BundleError::Read { path: path.to_owned(), source })
}

/// Keeps apart why it was not read from why it was not written.
struct Watched<R> {
    of: R,
    read: u64,
    failed: Option<io::Error>,
}

impl<R: io::Read> io::Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.of.read(buffer) {
            Ok(count) => {
                self.read += count as u64;
                Ok(count)
            }
            Err(e) => {
                let kind = e.kind();
                self.failed = Some(e);
                Err(kind.into())
            }
        }
    }
}

/// What was found in a session's folder.
#[derive(Default)]
struct Collected<'a> {
    members: Vec<Member<'a>>,
    left_out: Vec<String>,
    /// Whose session it is.
    owner: u32,
}

impl Collected<'_> {
    fn log(&mut self, log: &Path, live: bool) -> Result<(), BundleError> {
        let unread = |source| BundleError::Read { path: log.to_owned(), source };
        let file = File::open(log).map_err(unread)?;
        let meta = file.metadata().map_err(unread)?;
        let length = if live { whole_lines(&file, meta.len()).map_err(unread)? } else { meta.len() };
        self.owner = meta.uid();
        self.members.push(Member { path: dir::LOG.into(), content: Content::Log(file, length) });
        Ok(())
    }

    fn session(&mut self, folder: &Path) -> Result<(), BundleError> {
        for name in names(folder)? {
            let (path, inside) = (folder.join(&name), PathBuf::from(&name));
            match name.to_str() {
                Some(dir::LOG) => {}
                Some(dir::RUNBOOK | dir::TELEMETRY) => self.file(&path, inside)?,
                Some("steps") => self.attempts(&path)?,
                Some("evidence" | "seals") => self.tree(&path, inside, DEEPEST)?,
                Some(name) if NO_RECORD.contains(&name) || name.starts_with('.') => {}
                _ => self.leave_out(&inside, "it is no part of a record"),
            }
        }
        Ok(())
    }

    fn attempts(&mut self, steps: &Path) -> Result<(), BundleError> {
        if !self.is_folder(steps, Path::new("steps"))? {
            return Ok(());
        }
        for attempt in names(steps)? {
            let (path, inside) = (steps.join(&attempt), Path::new("steps").join(&attempt));
            if !self.is_folder(&path, &inside)? {
                continue;
            }
            for name in names(&path)? {
                let inside = inside.join(&name);
                match name.to_str() {
                    Some(name) if RECORDS.contains(&name) => self.file(&path.join(name), inside)?,
                    // A shim's socket, and what was being written when it died.
                    Some(name) if name.starts_with('.') || name.ends_with(".sock") => {}
                    _ => self.leave_out(&inside, "it is no part of a record"),
                }
            }
        }
        Ok(())
    }

    fn tree(&mut self, path: &Path, inside: PathBuf, deeper: usize) -> Result<(), BundleError> {
        let meta = looked_at(path)?;
        if !meta.is_dir() {
            return self.file(path, inside);
        }
        if deeper == 0 {
            self.leave_out(&inside, "it lies too deep");
            return Ok(());
        }
        for name in names(path)? {
            self.tree(&path.join(&name), inside.join(&name), deeper - 1)?;
        }
        Ok(())
    }

    fn is_folder(&mut self, path: &Path, inside: &Path) -> Result<bool, BundleError> {
        let meta = looked_at(path)?;
        if !meta.is_dir() {
            self.leave_out(inside, "it is not a folder (links are not followed)");
        }
        Ok(meta.is_dir())
    }

    /// Takes a file that is the session owner's own; anything else that bears its name is left out.
    fn file(&mut self, path: &Path, inside: PathBuf) -> Result<(), BundleError> {
        let meta = looked_at(path)?;
        if !meta.is_file() {
            self.leave_out(&inside, "it is not a regular file (links are not followed)");
        } else if meta.uid() != self.owner {
            let why = format!("it belongs to uid {}, and the log to uid {}", meta.uid(), self.owner);
            self.leave_out(&inside, &why);
        } else if meta.nlink() != 1 {
            self.leave_out(&inside, &format!("it has {} names: one may lie elsewhere", meta.nlink()));
        } else {
            let content = Content::File(path.to_owned(), meta.len());
            self.members.push(Member { path: inside, content });
        }
        Ok(())
    }

    fn leave_out(&mut self, inside: &Path, why: &str) {
        self.left_out.push(format!("{} is not packed: {why}", inside.display()));
    }
}

fn looked_at(path: &Path) -> Result<Metadata, BundleError> {
    fs::symlink_metadata(path).map_err(|source| BundleError::Read { path: path.to_owned(), source })
}

fn names(folder: &Path) -> Result<Vec<std::ffi::OsString>, BundleError> {
    let unread = |source| BundleError::Read { path: folder.to_owned(), source };
    let entries = fs::read_dir(folder).map_err(unread)?;
    entries.map(|entry| Ok(entry.map_err(unread)?.file_name())).collect()
}

/// How far the first `length` bytes of a file go to the end of a line.
fn whole_lines(file: &File, length: u64) -> io::Result<u64> {
    let mut chunk = [0; 4096];
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(chunk.len() as u64);
        let size = usize::try_from(end - start).expect("no more than a chunk");
        file.read_exact_at(&mut chunk[..size], start)?;
        if let Some(at) = chunk[..size].iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Digests and counts what goes through.
struct Counted<W: Write> {
    to: BufWriter<W>,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Counted<W> {
    fn new(to: W) -> Self {
        Self { to: BufWriter::with_capacity(1 << 16, to), hash: Sha256::new(), bytes: 0 }
    }

    fn finish(mut self) -> io::Result<(String, u64)> {
        self.to.flush()?;
        Ok((base16ct::lower::encode_string(&self.hash.finalize()), self.bytes))
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.to.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests;
