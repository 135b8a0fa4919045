//! The socket's place: bound, found and connected to through a descriptor of its folder, so that a long path does not
//! matter, and open to nobody but whom it is meant for.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use nix::unistd::Group;
use rustix::fs::OFlags;
use tokio::net::{UnixListener, UnixStream};

/// The socket's name in its folder.
pub const SOCKET: &str = "control.sock";
/// Where sockets of shared sessions lie, where `GONOGO_SHARE_DIR` does not say.
const SHARE_DIR: &str = "/run/gonogo";

/// Why there is no socket to be had.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    #[error("cannot use {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error(
        "{path} is open to others (mode {mode:04o}, uid {owner}): a session's folder is for its owner alone"
    )]
    Open { path: PathBuf, mode: u32, owner: u32 },
    #[error("{0} is no socket, and is left as it is: move it away")]
    NoSocket(PathBuf),
    #[error("there is no group {0}: `getent group` lists those that there are")]
    NoGroup(String),
    #[error(
        "{path} {why}, so nothing can be shared with {group}; an administrator makes it: install -d -m 2770 -o root -g {group} {path}"
    )]
    NoShare { path: PathBuf, group: String, why: String },
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> SocketError + '_ {
    move |source| SocketError::Io { path: path.to_owned(), source }
}

/// A socket that is listened on; it is removed at the end.
#[derive(Debug)]
pub struct Listening {
    listener: UnixListener,
    folder: PathBuf,
    /// The folder was made for the socket and goes with it.
    made: bool,
    /// The group that the session is shared with.
    group: Option<Group>,
}

impl Listening {
    /// The folder that the socket lies in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The group that the session is shared with.
    #[must_use]
    pub fn group(&self) -> Option<&Group> {
        self.group.as_ref()
    }

    /// The next connection.
    ///
    /// # Errors
    /// As the system says.
    pub async fn accept(&self) -> io::Result<UnixStream> {
        Ok(self.listener.accept().await?.0)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Whoever finds the rest of a socket replaces it: nothing depends on this.
        let _ = fs::remove_file(self.folder.join(SOCKET));
        if self.made {
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

/// Listens in a session's folder, for its owner alone. A socket that is there already is a dead engine's: the caller
/// holds the session's lock.
///
/// # Errors
/// [`SocketError`], a sentence.
pub fn bind(folder: &Path) -> Result<Listening, SocketError> {
    let held = open_folder(folder)?;
    let meta = held.metadata().map_err(at(folder))?;
    let own = rustix::process::geteuid().as_raw();
    if meta.uid() != own || meta.mode() & 0o077 != 0 {
        let mode = meta.mode() & 0o7777;
        return Err(SocketError::Open { path: folder.to_owned(), mode, owner: meta.uid() });
    }
    let listener = bind_in(&held, folder, None)?;
    Ok(Listening { listener, folder: folder.to_owned(), made: false, group: None })
}

/// Listens for the members of `group` too, in a folder of this session below the shared one.
///
/// # Errors
/// [`SocketError`], a sentence: where an administrator has to do something, it says what.
pub fn bind_shared(share: &Path, session: &str, group: &str) -> Result<Listening, SocketError> {
    let found = Group::from_name(group).ok().flatten();
    let group = found.ok_or_else(|| SocketError::NoGroup(group.to_owned()))?;
    let no_share =
        |why: String| SocketError::NoShare { path: share.to_owned(), group: group.name.clone(), why };
    let meta = fs::symlink_metadata(share).map_err(|e| no_share(format!("cannot be used ({e})")))?;
    if !meta.is_dir() {
        return Err(no_share("is no folder".to_owned()));
    }
    if meta.gid() != group.gid.as_raw() || meta.mode() & 0o7777 != 0o2770 {
        let (mode, gid) = (meta.mode() & 0o7777, meta.gid());
        return Err(no_share(format!("has mode {mode:04o} and gid {gid}")));
    }
    let folder = share.join(session);
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
            return Err(no_share(format!("is closed ({e})")));
        }
        _ => {}
    }
    let held = open_folder(&folder)?;
    let meta = held.metadata().map_err(at(&folder))?;
    if meta.uid() != rustix::process::geteuid().as_raw() {
        let mode = meta.mode() & 0o7777;
        return Err(SocketError::Open { path: folder, mode, owner: meta.uid() });
    }
    // Closed until the socket in it is as it should be.
    set_mode(&held, &folder, 0o700)?;
    rustix::fs::fchown(&held, None, Some(group_id(&group))).map_err(|e| at(&folder)(e.into()))?;
    let listener = bind_in(&held, &folder, Some(&group))?;
    set_mode(&held, &folder, 0o750)?;
    Ok(Listening { listener, folder, made: true, group: Some(group) })
}

/// `$GONOGO_SHARE_DIR`, else `/run/gonogo`.
#[must_use]
pub fn share_dir() -> PathBuf {
    let set = std::env::var_os("GONOGO_SHARE_DIR").filter(|dir| !dir.is_empty());
    set.map_or_else(|| SHARE_DIR.into(), PathBuf::from)
}

/// Connects to the engine whose socket lies in `folder`.
///
/// # Errors
/// There is none, nobody listens on it any more, or it is closed to this user.
pub async fn connect(folder: &Path) -> io::Result<UnixStream> {
    let held = open_flags(folder)?;
    UnixStream::connect(inside(&held, folder)).await
}

fn open_flags(folder: &Path) -> io::Result<File> {
    // A descriptor to look through, not to read: the folder of a shared session may be searched, not listed.
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
    #[cfg(target_os = "linux")]
    let flags = flags | OFlags::PATH;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(folder)
}

fn open_folder(folder: &Path) -> Result<File, SocketError> {
    let flags = (OFlags::DIRECTORY | OFlags::NOFOLLOW).bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(folder).map_err(at(folder))
}

/// The socket's path by way of its folder's descriptor: an address holds 108 bytes, a path may be longer.
fn inside(held: &File, folder: &Path) -> PathBuf {
    if cfg!(target_os = "linux") {
        PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", held.as_raw_fd()))
    } else {
        folder.join(SOCKET)
    }
}

fn bind_in(held: &File, folder: &Path, group: Option<&Group>) -> Result<UnixListener, SocketError> {
    let (path, shown) = (inside(held, folder), folder.join(SOCKET));
    match fs::symlink_metadata(&path) {
        Ok(meta) if !meta.file_type().is_socket() => return Err(SocketError::NoSocket(shown)),
        Ok(_) => fs::remove_file(&path).map_err(at(&shown))?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(at(&shown)(e)),
    }
    let listener = UnixListener::bind(&path).map_err(at(&shown))?;
    if let Some(group) = group {
        std::os::unix::fs::chown(&path, None, Some(group.gid.as_raw())).map_err(at(&shown))?;
    }
    let mode = if group.is_some() { 0o660 } else { 0o600 };
    fs::set_permissions(&path, Permissions::from_mode(mode)).map_err(at(&shown))?;
    Ok(listener)
}

fn set_mode(held: &File, folder: &Path, mode: u32) -> Result<(), SocketError> {
    held.set_permissions(Permissions::from_mode(mode)).map_err(at(folder))
}

fn group_id(group: &Group) -> rustix::fs::Gid {
    rustix::fs::Gid::from_raw(group.gid.as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).expect("its owner");
        folder
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").mode() & 0o7777
    }

    #[tokio::test]
    async fn a_path_longer_than_an_address_is_bound_and_connected_to() {
        let root = folder();
        let long = root.path().join("x".repeat(120));
        DirBuilder::new().mode(0o700).create(&long).expect("made");
        let listening = bind(&long).expect("bound");
        assert_eq!(mode(&long.join(SOCKET)), 0o600);
        connect(&long).await.expect("connected");
        drop(listening);
        assert!(!long.join(SOCKET).exists());
    }

    #[tokio::test]
    async fn a_dead_engines_socket_is_replaced_and_nothing_else_is() {
        let folder = folder();
        let dead = UnixListener::bind(folder.path().join(SOCKET)).expect("bound");
        drop(dead);
        assert!(connect(folder.path()).await.is_err());
        drop(bind(folder.path()).expect("replaced"));
        fs::write(folder.path().join(SOCKET), "precious").expect("written");
        assert!(matches!(bind(folder.path()), Err(SocketError::NoSocket(_))));
        fs::remove_file(folder.path().join(SOCKET)).expect("removed");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("its owner");
        assert!(matches!(bind(folder.path()), Err(SocketError::Open { .. })));
    }

    #[tokio::test]
    async fn a_shared_socket_is_the_groups_and_what_an_administrator_must_do_is_said() {
        let (root, own) = (folder(), rustix::process::getegid().as_raw());
        let Ok(Some(group)) = Group::from_gid(own.into()) else { return };
        let share = root.path().join("run");
        let why = bind_shared(&share, "s", &group.name).expect_err("not there").to_string();
        let wanted = format!("install -d -m 2770 -o root -g {} {}", group.name, share.display());
        assert!(why.contains(&wanted), "{why}");
        fs::create_dir(&share).expect("made");
        fs::set_permissions(&share, Permissions::from_mode(0o2770)).expect("its owner");
        for _ in 0..2 {
            let listening = bind_shared(&share, "s", &group.name).expect("bound");
            assert_eq!((mode(listening.folder()), mode(&share.join("s").join(SOCKET))), (0o750, 0o660));
            connect(&share.join("s")).await.expect("connected");
            // As a killed engine leaves it.
            std::mem::forget(listening);
        }
        assert!(matches!(bind_shared(&share, "s", "no such group"), Err(SocketError::NoGroup(_))));
    }
}
