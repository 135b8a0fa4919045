//! `link`: switches a symbolic link atomically, and knows what it was before.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Attempt, Done};
use crate::engine::driver::link_capture;
use crate::proof::Proof;
use crate::runbook::model::{LinkTarget, Template};

/// What is kept where there was no link before.
const NOTHING: &str = "";

impl Attempt {
    pub(super) fn link(&self, path: &Template, target: &LinkTarget) -> Done {
        let (path, to) = match (self.path(path), self.target(target)) {
            (Ok(path), Ok(to)) => (path, to),
            (Err(why), _) | (_, Err(why)) => return Done::failed(why),
        };
        let before = match fs::read_link(&path) {
            Ok(before) => before.to_string_lossy().into_owned(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => NOTHING.to_owned(),
            Err(_) => return Done::failed(format!("{} is there and is not a symbolic link", path.display())),
        };
        let switched = if to == NOTHING {
            fs::remove_file(&path).and_then(|()| sync_parent(&path))
        } else {
            switch(&path, &to)
        };
        if let Err(e) = switched {
            return Done::failed(format!("cannot switch {} to {to}: {e}", path.display()));
        }
        let seen =
            fs::read_link(&path).map_or_else(|_| NOTHING.to_owned(), |p| p.to_string_lossy().into_owned());
        let mut done = Done {
            proofs: vec![Proof {
                expected: format!("{} points to {}", path.display(), shown(&to)),
                met: seen == to,
                seen: format!("it points to {}", shown(&seen)),
            }],
            ..Done::default()
        };
        // A second attempt finds its own work: what was there before the first one is kept.
        let key = link_capture(&self.order.step);
        if before != to && !self.scope.captures.contains_key(&key) {
            done.captures.insert(key, before);
        }
        done
    }

    /// Where the link points now, for an operator who has to say whether it was switched.
    pub(super) fn link_now(&self, path: &Template, target: &LinkTarget) -> String {
        let path = match self.path(path) {
            Ok(path) => path,
            Err(why) => return why,
        };
        let now = match fs::read_link(&path) {
            Ok(to) => format!("{} points to {} now", path.display(), to.display()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => format!("{} is not there now", path.display()),
            Err(e) => format!("{} cannot be read as a link: {e}", path.display()),
        };
        match self.target(target) {
            Ok(to) => format!("{now}, and was to point to {}", shown(&to)),
            Err(why) => format!("{now}; {why}"),
        }
    }

    fn target(&self, target: &LinkTarget) -> Result<String, String> {
        match target {
            LinkTarget::To(to) => self.text(to),
            LinkTarget::BackTo(step) => {
                self.scope.captures.get(&link_capture(step)).cloned().ok_or_else(|| {
                    format!("what the link was before {step} is not known: that step switched nothing")
                })
            }
        }
    }
}

fn shown(to: &str) -> &str {
    if to == NOTHING { "nothing" } else { to }
}

/// Makes the link under another name, then renames it over the old one.
fn switch(path: &Path, to: &str) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".gonogo-{}", std::process::id()));
    let next: PathBuf = path.with_file_name(name);
    let _ = fs::remove_file(&next);
    std::os::unix::fs::symlink(to, &next)?;
    fs::rename(&next, path).inspect_err(|_| {
        let _ = fs::remove_file(&next);
    })?;
    sync_parent(path)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => fs::File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}
