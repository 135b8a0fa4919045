//! `link`: switches a symbolic link atomically. What it was before is on the disk before that, and in every report of
//! the attempt behind it: whatever becomes of the attempt, the way back is known.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::attempt::End;
use super::{Attempt, Done};
use crate::engine::shim::files;
use crate::event::EventKind;
use crate::proof::Proof;
use crate::runbook::model::{LinkTarget, Template};

/// In the attempt's folder: its [`EventKind::LinkFound`], until the log has it.
const FOUND: &str = "link.json";

impl Attempt {
    pub(super) fn link(&self, path: &Template, target: &LinkTarget) -> Done {
        let meant = self.path(path).and_then(|path| {
            let (to, is) = (self.target(target)?, pointed(&path)?);
            Ok((path, to, is))
        });
        let (path, to, is) = match meant {
            Ok(meant) => meant,
            Err(why) => return Done::failed(why),
        };
        let found = match self.write_down(&is, &to) {
            Ok(found) => found,
            Err(why) => return Done::failed(format!("{} was not touched: {why}", path.display())),
        };
        let before = vec![found];
        let switched = match &to {
            // It may be the work of an attempt that failed before it was on the disk.
            to if *to == is => Ok(()),
            Some(to) => switch(&path, to),
            None => fs::remove_file(&path),
        };
        if let Err(e) = switched.and_then(|()| sync_parent(&path)) {
            let why = format!("cannot switch {} to {}: {e}", path.display(), shown(to.as_deref()));
            return Done { before, ..Done::failed(why) };
        }
        let (met, seen) = match pointed(&path) {
            Ok(now) => (now == to, format!("it points to {}", shown(now.as_deref()))),
            Err(why) => (false, why),
        };
        let expected = format!("{} points to {}", path.display(), shown(to.as_deref()));
        Done { proofs: vec![Proof { expected, met, seen }], before, ..Done::default() }
    }

    /// What an engine that died over a link left, for whoever has to say whether it was switched.
    pub(super) fn link_left(&self, path: &Template, target: &LinkTarget) -> End {
        let now = self.link_now(path, target);
        let (was, before) = match self.written_down() {
            Ok((was, found)) => (format!("it was {} before", shown(was.as_deref())), vec![found]),
            Err(why) => (format!("what it was before is not known: {why}"), Vec::new()),
        };
        End::Unknown {
            evidence: format!("the engine ended while it switched this link: {now}; {was}"),
            before,
        }
    }

    fn link_now(&self, path: &Template, target: &LinkTarget) -> String {
        let now = self.path(path).and_then(|path| match pointed(&path)? {
            Some(to) => Ok(format!("{} points to {to} now", path.display())),
            None => Ok(format!("{} is not there now", path.display())),
        });
        let now = now.unwrap_or_else(|why| why);
        match self.target(target) {
            Ok(to) => format!("{now}, and was to point to {}", shown(to.as_deref())),
            Err(why) => format!("{now}; {why}"),
        }
    }

    fn target(&self, target: &LinkTarget) -> Result<Option<String>, String> {
        match target {
            LinkTarget::To(to) => self.text(to).map(Some),
            LinkTarget::BackTo(step) => match self.order.world.guarded.links.get(step) {
                Some(link) => Ok(link.was.clone()),
                None => {
                    Err(format!("what the link was before {step} is not known: that step switched nothing"))
                }
            },
        }
    }

    /// Makes durable what the link was before this step. What an earlier attempt was to make of it is that one's work:
    /// then it was before what that one found.
    fn write_down(&self, is: &Option<String>, to: &Option<String>) -> Result<EventKind, String> {
        let earlier = self.order.world.guarded.links.get(&self.order.step);
        let was = earlier.filter(|earlier| earlier.to == *is).map_or(is, |earlier| &earlier.was).clone();
        // The log would hold a mask, and the way back would lead there.
        if was.iter().any(|was| *self.around.redactor.redact(was) != **was) {
            return Err("what it points to holds a secret, which no log may hold".to_owned());
        }
        let (step, attempt) = (self.order.step.clone(), self.order.attempt);
        let found = EventKind::LinkFound { step, attempt, was, to: to.clone() };
        let (name, dir) = self.folder();
        files::create_dir(&dir)
            .and_then(|()| files::claim(&dir, FOUND, &files::json(&found)))
            .map_err(|e| format!("what it is now cannot be written to {name}/{FOUND}: {e}"))?;
        Ok(found)
    }

    /// What this attempt has written down under an earlier engine.
    fn written_down(&self) -> Result<(Option<String>, EventKind), String> {
        let (name, dir) = self.folder();
        let unread = |e: String| format!("{name}/{FOUND} cannot be read: {e}");
        let json = match fs::read(dir.join(FOUND)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err("the switch had not begun".to_owned());
            }
            read => read.map_err(|e| unread(e.to_string()))?,
        };
        let found: EventKind = serde_json::from_slice(&json).map_err(|e| unread(e.to_string()))?;
        match &found {
            EventKind::LinkFound { step, attempt, was, .. }
                if (step, attempt) == (&self.order.step, &self.order.attempt) =>
            {
                Ok((was.clone(), found))
            }
            _ => Err(unread("it is of another attempt".to_owned())),
        }
    }
}

/// What a link points to; `None` where nothing is.
fn pointed(path: &Path) -> Result<Option<String>, String> {
    match fs::read_link(path) {
        Ok(to) => to.into_os_string().into_string().map(Some).map_err(|to| {
            format!("{} points to {}, which is no UTF-8 and cannot be recorded", path.display(), to.display())
        }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) if e.kind() == io::ErrorKind::InvalidInput => {
            Err(format!("{} is there and is not a symbolic link", path.display()))
        }
        Err(e) => Err(format!("{} cannot be read as a link: {e}", path.display())),
    }
}

fn shown(to: Option<&str>) -> &str {
    to.unwrap_or("nothing")
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
    })
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent().map(files::sync_dir) {
        // Where there is no folder there is no link in it, and nothing to make durable.
        Some(Err(e)) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.unwrap_or(Ok(())),
    }
}
