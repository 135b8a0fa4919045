//! Where sessions lie: the state folder, a session's own folder, and the locks that keep a cutover to one session.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
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
    #[error("a session of this cutover runs already: {0}")]
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

/// A session's folder, held by this process.
#[derive(Debug)]
pub struct SessionDir {
    path: PathBuf,
    name: String,
    /// Held until the session's engine ends; the kernel lets go of them with the process.
    _locks: Vec<File>,
}

impl SessionDir {
    /// Makes the folder of a new session, `name` with a number where that is taken, and takes its locks. `cutover`
    /// is the runbook's id: of one cutover only one session may run; simulated ones give none.
    ///
    /// # Errors
    /// [`DirError`], a sentence.
    pub fn create(name: &str, cutover: Option<&str>) -> Result<Self, DirError> {
        let state = state_dir()?;
        let sessions = state.join("sessions");
        private_folder(&sessions)?;
        let mut locks = Vec::new();
        if let Some(cutover) = cutover {
            let folder = state.join("locks");
            private_folder(&folder)?;
            locks.push(take_lock(&folder.join(cutover), name)?);
        }
        let (path, name) = new_folder(&sessions, name)?;
        for folder in ["steps", "evidence"] {
            private_folder(&path.join(folder))?;
        }
        locks.push(take_lock(&path.join(LOCK), &name)?);
        sync_folder(&path).map_err(at(&path))?;
        sync_folder(&sessions).map_err(at(&sessions))?;
        Ok(Self { path, name, _locks: locks })
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

/// Makes a folder for its owner alone, with its parents, or checks the one that is there.
fn private_folder(path: &Path) -> Result<(), DirError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(at(path))?;
    let meta = fs::symlink_metadata(path).map_err(at(path))?;
    if !meta.is_dir() {
        return Err(DirError::NotAFolder { path: path.to_owned() });
    }
    let own = rustix::process::geteuid().as_raw();
    if meta.uid() != own {
        return Err(DirError::Foreign { path: path.to_owned(), owner: meta.uid() });
    }
    // Whatever the umask, or an earlier hand, made of it.
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(path, private).map_err(at(path))
}

/// The first free name for a new session.
fn new_folder(sessions: &Path, name: &str) -> Result<(PathBuf, String), DirError> {
    for number in 1_u32..=1000 {
        let name = if number == 1 { name.to_owned() } else { format!("{name}-{number}") };
        let path = sessions.join(&name);
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => {
                private_folder(&path)?;
                return Ok((path, name));
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(at(&path)(e)),
        }
    }
    let taken = io::Error::new(io::ErrorKind::AlreadyExists, "a thousand sessions began in this second");
    Err(at(sessions)(taken))
}

/// Takes a lock and writes its holder into it; who holds it is named where it is taken.
fn take_lock(path: &Path, session: &str) -> Result<File, DirError> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .map_err(at(path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // A holder that cannot be read is still a holder.
            let _ = file.read_to_string(&mut holder);
            return Err(DirError::Busy(holder.trim().to_owned()));
        }
        Err(TryLockError::Error(e)) => return Err(at(path)(e)),
    }
    let since = crate::clock::now().at.format("%Y-%m-%d %H:%M:%SZ");
    let holder = format!("session {session}, process {}, since {since}\n", std::process::id());
    file.set_len(0).and_then(|()| file.write_all(holder.as_bytes())).map_err(at(path))?;
    Ok(file)
}

/// Creates a file that must not be there yet, for its owner alone.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create_new(true).mode(0o600).open(path)
}

/// Makes what was created or renamed in a folder durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
