//! Where sessions lie: the state folder, a session's own folder, and the locks that keep a cutover to one session.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Names of what lies in a session's folder.
pub const LOG: &str = "audit.jsonl";
pub const TELEMETRY: &str = "telemetry.jsonl";
pub const RUNBOOK: &str = "runbook.toml";
pub const RESERVE: &str = "reserve";
const LOCK: &str = "lock";

/// Why a folder or a lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum DirError {
    #[error("there is no place for sessions: set GONOGO_STATE_DIR, XDG_STATE_HOME or HOME")]
    NoPlace,
    #[error("cannot use {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path} belongs to uid {owner}: nobody else's folder is trusted with the log")]
    Foreign { path: PathBuf, owner: u32 },
    #[error("{path} is not a folder (links are not followed here)")]
    NotAFolder { path: PathBuf },
    #[error("{path}: {why}")]
    Untrusted { path: PathBuf, why: String },
    /// Somebody else holds what only one may hold; a sentence that names the holder.
    #[error("{0}")]
    Busy(String),
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> DirError + '_ {
    move |source| DirError::Io { path: path.to_owned(), source }
}

/// `$GONOGO_STATE_DIR`, else `$XDG_STATE_HOME/gonogo`, else `~/.local/state/gonogo`.
///
/// # Errors
/// None of them is set.
pub fn state_dir() -> Result<PathBuf, DirError> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    set("GONOGO_STATE_DIR")
        .or_else(|| set("XDG_STATE_HOME").filter(|p| p.is_absolute()).map(|p| p.join("gonogo")))
        .or_else(|| set("HOME").map(|p| p.join(".local/state/gonogo")))
        .ok_or(DirError::NoPlace)
}

/// What only one session at a time may do.
#[derive(Debug, Clone, Copy)]
pub struct Cutover<'a> {
    /// The runbook's id.
    pub id: &'a str,
    /// The runbook's file: sessions of other users, with folders of their own, are met there.
    pub runbook: &'a Path,
}

/// A session's folder, held by this process.
#[derive(Debug)]
pub struct SessionDir {
    path: PathBuf,
    name: String,
    /// Held until the session's engine ends; the kernel lets go of them with the process.
    _lock: Lock,
    /// Held until the session is closed.
    cutover: Vec<Lock>,
}

impl SessionDir {
    /// Makes the folder of a new session, `name` with a number where that is taken, and takes no lock: the engine
    /// that is to run it does, in [`SessionDir::open`].
    ///
    /// # Errors
    /// [`DirError`], a sentence.
    pub fn reserve(name: &str) -> Result<PathBuf, DirError> {
        reserve_in(&state_dir()?, name)
    }

    /// Makes the folder of a new session and takes its locks; of one cutover only one session may run. Simulated
    /// ones are no cutover.
    ///
    /// # Errors
    /// [`DirError`], a sentence.
    pub fn create(name: &str, cutover: Option<Cutover<'_>>) -> Result<Self, DirError> {
        Self::create_in(&state_dir()?, name, cutover)
    }

    fn create_in(state: &Path, name: &str, cutover: Option<Cutover<'_>>) -> Result<Self, DirError> {
        // Before there is a folder, so that none is left behind where the cutover is busy.
        let locks = lock_cutover(state, name, cutover)?;
        let mut dir = Self::hold(&reserve_in(state, name)?)?;
        dir.cutover = locks;
        Ok(dir)
    }

    /// Takes the locks of a session whose folder is there, an empty one or one that is to be gone on with.
    ///
    /// # Errors
    /// [`DirError`], a sentence: another engine holds them, or somebody else's hand may have been in the folder.
    pub fn open(path: &Path, cutover: Option<Cutover<'_>>) -> Result<Self, DirError> {
        Self::open_in(&state_dir()?, path, cutover)
    }

    fn open_in(state: &Path, path: &Path, cutover: Option<Cutover<'_>>) -> Result<Self, DirError> {
        let path = std::path::absolute(path).map_err(at(path))?;
        own_folder(&path)?;
        let mut dir = Self::hold(&path)?;
        dir.cutover = lock_cutover(state, &dir.name, cutover)?;
        Ok(dir)
    }

    fn hold(path: &Path) -> Result<Self, DirError> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let lock = take_lock(&path.join(LOCK), &name, "an engine runs this session already; attach to it")?;
        let log = path.join(LOG);
        match fs::symlink_metadata(&log) {
            Ok(meta) => only_ours(&meta).map_err(|why| DirError::Untrusted { path: log, why })?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(at(&log)(e)),
        }
        for folder in ["steps", "evidence"] {
            private_folder(&path.join(folder))?;
        }
        sync_folder(path).map_err(at(path))?;
        Ok(Self { path: path.to_owned(), name, _lock: lock, cutover: Vec::new() })
    }

    /// Takes the locks of the cutover, once its log has said which one it is.
    ///
    /// # Errors
    /// [`DirError::Busy`]: another session of it runs.
    pub fn claim(&mut self, cutover: Cutover<'_>) -> Result<(), DirError> {
        self.cutover = lock_cutover(&state_dir()?, &self.name, Some(cutover))?;
        Ok(())
    }

    /// Lets another session of this cutover begin: this one is closed.
    pub fn release_cutover(&mut self) {
        self.cutover.clear();
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The session's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Keeps the runbook as it is run.
    ///
    /// # Errors
    /// [`DirError`], a sentence.
    pub fn keep_runbook(&self, bytes: &[u8]) -> Result<(), DirError> {
        let path = self.path.join(RUNBOOK);
        let mut file = create_new(&path).map_err(at(&path))?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(at(&path))?;
        sync_folder(&self.path).map_err(at(&self.path))
    }
}

/// Whether an engine holds the session in `folder` now.
#[must_use]
pub fn is_live(folder: &Path) -> bool {
    File::open(folder.join(LOCK))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Finds a session: a path of a folder or of a log, a session's name, or a part that only one name has.
///
/// # Errors
/// A sentence: there is none, or there are several.
pub fn find(session: &str) -> Result<PathBuf, String> {
    let path = Path::new(session);
    if path.is_dir() {
        return Ok(path.join(LOG));
    }
    if path.exists() {
        return Ok(path.to_owned());
    }
    let sessions = state_dir().map_err(|e| e.to_string())?.join("sessions");
    let names = fs::read_dir(&sessions).into_iter().flatten().flatten();
    let mut names: Vec<String> = names.filter_map(|e| e.file_name().into_string().ok()).collect();
    names.sort();
    let fitting: Vec<&String> = match names.iter().find(|name| *name == session) {
        Some(exact) => vec![exact],
        None => names.iter().filter(|name| name.contains(session)).collect(),
    };
    match fitting.as_slice() {
        [] => Err(format!("there is no session or log `{session}` (sessions lie in {})", sessions.display())),
        [one] => Ok(sessions.join(one).join(LOG)),
        several => {
            let names = several.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(", ");
            Err(format!("`{session}` fits several sessions: {names}"))
        }
    }
}

/// A file of the session may be written on only if nobody else could have written it. Errors are phrases.
pub(super) fn only_ours(meta: &fs::Metadata) -> Result<(), String> {
    let own = rustix::process::geteuid().as_raw();
    let why = if !meta.is_file() {
        "it is not a regular file (links are not followed here)".to_owned()
    } else if meta.uid() != own {
        format!("it belongs to uid {}", meta.uid())
    } else if meta.nlink() != 1 {
        format!("it has {} names: one of them may lie where others write", meta.nlink())
    } else if meta.mode() & 0o022 != 0 {
        format!("others may write it (mode {:o}): look at it, then chmod 600", meta.mode() & 0o777)
    } else {
        return Ok(());
    };
    Err(why)
}

/// Checks that a session's folder is its owner's alone, as it was made.
fn own_folder(path: &Path) -> Result<(), DirError> {
    let meta = fs::symlink_metadata(path).map_err(at(path))?;
    trusted_folder(path, &meta)?;
    if meta.mode() & 0o077 != 0 {
        let why = format!(
            "others may look or write into it (mode {:o}): look at it, then chmod 700",
            meta.mode() & 0o777
        );
        return Err(DirError::Untrusted { path: path.to_owned(), why });
    }
    Ok(())
}

fn trusted_folder(path: &Path, meta: &fs::Metadata) -> Result<(), DirError> {
    if !meta.is_dir() {
        return Err(DirError::NotAFolder { path: path.to_owned() });
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(DirError::Foreign { path: path.to_owned(), owner: meta.uid() });
    }
    Ok(())
}

/// Makes a folder for its owner alone, with its parents, or checks the one that is there.
pub(super) fn private_folder(path: &Path) -> Result<(), DirError> {
    durable_folder(path).map_err(at(path))?;
    trusted_folder(path, &fs::symlink_metadata(path).map_err(at(path))?)?;
    // Whatever the umask, or an earlier hand, made of it.
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(path, private).map_err(at(path))
}

/// Makes a folder and its parents, each on disk in the folder that it lies in; one that is there is left as it is.
fn durable_folder(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let make = || DirBuilder::new().mode(0o700).create(path);
    let made = match make() {
        Err(e) if e.kind() == io::ErrorKind::NotFound && path.parent().is_some() => {
            durable_folder(parent)?;
            make()
        }
        made => made,
    };
    match made {
        Ok(()) => sync_folder(parent),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(e),
    }
}

fn reserve_in(state: &Path, name: &str) -> Result<PathBuf, DirError> {
    let sessions = state.join("sessions");
    private_folder(&sessions)?;
    let path = new_folder(&sessions, name)?;
    sync_folder(&sessions).map_err(at(&sessions))?;
    Ok(path)
}

/// The first free name for a new session.
fn new_folder(sessions: &Path, name: &str) -> Result<PathBuf, DirError> {
    for number in 1_u32..=1000 {
        let name = if number == 1 { name.to_owned() } else { format!("{name}-{number}") };
        let path = sessions.join(&name);
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => {
                private_folder(&path)?;
                return Ok(path);
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(at(&path)(e)),
        }
    }
    let taken = io::Error::new(io::ErrorKind::AlreadyExists, "a thousand sessions began in this second");
    Err(at(sessions)(taken))
}

/// A lock that is given back when it is dropped, also where a process that is just being started has a copy of its
/// descriptor.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // The kernel does it in any case, only later.
        let _ = self.0.unlock();
    }
}

/// Locks a file. Whoever only looks whether it is locked is gone in a moment, so this has some patience.
fn lock(file: File) -> Result<Lock, TryLockError> {
    for _ in 0..5 {
        match file.try_lock() {
            Ok(()) => return Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => std::thread::sleep(std::time::Duration::from_millis(20)),
            Err(e) => return Err(e),
        }
    }
    Err(TryLockError::WouldBlock)
}

/// Takes the locks that keep a cutover to one session.
fn lock_cutover(state: &Path, session: &str, cutover: Option<Cutover<'_>>) -> Result<Vec<Lock>, DirError> {
    const BUSY: &str = "a session of this cutover runs already";
    const JOIN: &str = "; `gonogo sessions` tells how it stands, and `gonogo attach` joins it";
    let Some(Cutover { id, runbook }) = cutover else { return Ok(Vec::new()) };
    let folder = state.join("locks");
    private_folder(&folder)?;
    let first = take_lock(&folder.join(id), session, BUSY).map_err(|e| match e {
        DirError::Busy(who) => DirError::Busy(who + JOIN),
        other => other,
    });
    let mut locks = vec![first?];
    let file = match File::open(runbook) {
        Ok(file) => file,
        // A session that is gone on with has its runbook in its log.
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(locks),
        Err(e) => return Err(at(runbook)(e)),
    };
    let meta = file.metadata().map_err(at(runbook))?;
    match lock(file) {
        Ok(lock) => locks.push(lock),
        Err(TryLockError::WouldBlock) => {
            let (path, holder) = (runbook.display(), holder_of(&meta));
            return Err(DirError::Busy(format!("{BUSY}: {path} is held by {holder}{JOIN}")));
        }
        // A network file system may lock nothing that is open for reading only: then nobody is met there.
        Err(TryLockError::Error(_)) => {}
    }
    Ok(locks)
}

/// Takes a lock and writes its holder into it; who holds it is named, behind `busy`, where it is taken.
fn take_lock(path: &Path, session: &str, busy: &str) -> Result<Lock, DirError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .map_err(at(path))?;
    let mut held = match lock(file) {
        Ok(lock) => lock,
        Err(TryLockError::WouldBlock) => {
            // A holder that cannot be read is still a holder.
            let holder = fs::read_to_string(path).unwrap_or_default();
            return Err(DirError::Busy(format!("{busy}: {}", holder.trim())));
        }
        Err(TryLockError::Error(e)) => return Err(at(path)(e)),
    };
    let since = crate::clock::now().at.format("%Y-%m-%d %H:%M:%SZ");
    let holder = format!("session {session}, process {}, since {since}\n", std::process::id());
    held.0.set_len(0).and_then(|()| held.0.write_all(holder.as_bytes())).map_err(at(path))?;
    Ok(held)
}

/// Which process holds a file's lock, as the kernel tells it.
fn holder_of(file: &fs::Metadata) -> String {
    let inode = format!(":{}", file.ino());
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    let pid = locks.lines().find_map(|lock| {
        let fields: Vec<&str> = lock.split_whitespace().collect();
        match fields.as_slice() {
            [_, "FLOCK", _, _, pid, at, ..] if at.ends_with(&inode) => pid.parse::<u32>().ok(),
            _ => None,
        }
    });
    // Seen from another namespace a process has no number.
    pid.filter(|pid| *pid > 0).map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

/// Creates a file that must not be there yet, for its owner alone.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create_new(true).mode(0o600).open(path)
}

/// Makes what was created or renamed in a folder durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests;
