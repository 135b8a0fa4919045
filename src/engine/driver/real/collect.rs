//! `collect` and `evidence`: files copied into the session's folder through redaction, hashed.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{Attempt, Done};
use crate::clock;
use crate::engine::shim::files;
use crate::event::EventKind;
use crate::guard;
use crate::proof::Proof;
use crate::runbook::interpolate::{Place, Scope};
use crate::runbook::model::{Step, Template};

/// Milliseconds that evidence may take of an attempt that is to end: whoever waits for that end goes back behind it.
const PATIENCE_MS: u64 = 10_000;

impl Attempt {
    /// Copies what the globs match; one that matches nothing is not green.
    pub(super) fn collect(&self, globs: &[Template]) -> Done {
        let mut done = Done::default();
        for glob in globs {
            let (proof, events) = self.take(glob, &self.scope, &|| self.is_to_end());
            done.proofs.push(proof);
            done.before.extend(events);
        }
        done
    }

    /// The step's `evidence`: taken after failures too, with the captures of this attempt; what is missing fails nothing.
    pub(super) fn evidence(&self, step: &Step, done: &Done) -> Vec<EventKind> {
        let mut scope = self.scope.clone();
        scope.captures.extend(done.captures.clone());
        let until = clock::up_ms() + PATIENCE_MS;
        let stop = || self.is_to_end() && clock::up_ms() > until;
        step.evidence.iter().flat_map(|glob| self.take(glob, &scope, &stop).1).collect()
    }

    fn take(&self, template: &Template, scope: &Scope, stop: &dyn Fn() -> bool) -> (Proof, Vec<EventKind>) {
        let expected = format!("{} is collected", template.as_str());
        let proof = |met, seen: String| Proof { expected: expected.clone(), met, seen };
        let pattern = match scope.resolve(template, Place::Plain) {
            Ok(pattern) => self.order.runbook.dir.join(pattern),
            Err(e) => return (proof(false, e.to_string()), Vec::new()),
        };
        let paths = match glob::glob(&pattern.to_string_lossy()) {
            Ok(paths) => paths.filter_map(Result::ok).filter(|p| p.is_file()),
            Err(e) => return (proof(false, format!("the glob is broken: {e}")), Vec::new()),
        };
        let mut events = Vec::new();
        for path in paths {
            match self.copy(&path, stop) {
                Ok(event) => events.push(event),
                Err(e) => return (proof(false, format!("cannot copy {}: {e}", path.display())), events),
            }
        }
        let seen = match events.len() {
            0 => "no file matches".to_owned(),
            1 => "1 file".to_owned(),
            n => format!("{n} files"),
        };
        (proof(!events.is_empty(), seen), events)
    }

    fn copy(&self, from: &Path, stop: &dyn Fn() -> bool) -> io::Result<EventKind> {
        let folder = format!("evidence/{}.{}", self.order.step, self.order.attempt);
        let dir = self.session_dir().join(&folder);
        let source = File::open(from)?;
        files::create_dir(&dir)?;
        let (name, to) = create(&dir, &self.name_of(from))?;
        let copied = self.masked(source, to, &dir, stop).and_then(|copied| {
            files::sync_dir(&dir)?;
            Ok(copied)
        });
        // No event vouches for a part of it.
        let (bytes, sha256) = copied.inspect_err(|_| drop(fs::remove_file(dir.join(&name))))?;
        Ok(EventKind::EvidenceAdded {
            step: Some(self.order.step.clone()),
            source: from.display().to_string(),
            path: format!("{folder}/{name}"),
            bytes,
            sha256,
        })
    }

    /// Copies through redaction, durably. `stop` is asked between pieces, and the log keeps its room on the disk.
    fn masked(
        &self,
        mut source: File,
        mut to: File,
        dir: &Path,
        stop: &dyn Fn() -> bool,
    ) -> io::Result<(u64, String)> {
        let length = source.metadata()?.len();
        let (mut hash, mut read, mut bytes) = (Sha256::new(), 0_u64, 0_u64);
        let mut masking = self.around.redactor.stream();
        let (mut buffer, mut out) = (vec![0; 1 << 16], Vec::new());
        loop {
            if stop() {
                return Err(io::Error::other("it was ended while this was copied"));
            }
            guard::room_for(dir, length.saturating_sub(read)).map_err(io::Error::other)?;
            let n = source.read(&mut buffer)?;
            read += n as u64;
            out.clear();
            if n == 0 {
                masking.finish(&mut out);
            } else {
                masking.feed(&buffer[..n], &mut out);
            }
            hash.update(&out);
            bytes += out.len() as u64;
            to.write_all(&out)?;
            if n == 0 {
                to.sync_all()?;
                return Ok((bytes, base16ct::lower::encode_string(&hash.finalize())));
            }
        }
    }

    /// A file's own name, which may hold a secret as well.
    fn name_of(&self, file: &Path) -> String {
        let name = file.file_name().map_or_else(|| "file".into(), |name| name.to_string_lossy());
        self.scope.masked(name)
    }
}

/// Creates the copy under that name, with a number where it is taken.
fn create(dir: &Path, base: &str) -> io::Result<(String, File)> {
    for number in 1_u32.. {
        let name = if number == 1 { base.to_owned() } else { format!("{number}-{base}") };
        match files::create_new(&dir.join(&name)) {
            Ok(file) => return Ok((name, file)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    Err(io::Error::other("every name is taken"))
}
