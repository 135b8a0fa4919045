//! Opens what lies below a session's folder: no link is followed on the way, and nobody is waited for where a pipe
//! stands in a file's place.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Component, Path};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// Opens the regular file at `path` below `folder` for reading.
///
/// # Errors
/// There is none, or something else stands in its place or on the way to it.
pub fn open(folder: &Path, path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut at = File::open(folder)?;
    let mut names = path.components().peekable();
    while let Some(name) = names.next() {
        let Component::Normal(name) = name else {
            return Err(io::Error::other("the path leaves the session's folder"));
        };
        let flags = if names.peek().is_some() { flags | OFlags::DIRECTORY } else { flags };
        let opened = rustix::fs::openat(&at, name as &OsStr, flags, Mode::empty());
        at = opened.map_err(in_its_place)?.into();
    }
    if !at.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file any more"));
    }
    Ok(at)
}

fn in_its_place(e: Errno) -> io::Error {
    match e {
        Errno::LOOP => io::Error::other("a link stands in its place"),
        Errno::NOTDIR => io::Error::other("a link or a file stands in place of its folder"),
        Errno::NXIO => io::Error::other("it is not a file any more"),
        e => e.into(),
    }
}
