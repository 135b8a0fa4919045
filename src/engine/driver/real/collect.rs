//! `collect` and `evidence`: files copied into the session's folder through redaction, hashed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{Attempt, Done};
use crate::event::EventKind;
use crate::proof::Proof;
use crate::runbook::interpolate::{Place, Scope};
use crate::runbook::model::{Step, Template};

impl Attempt {
    /// Copies what the globs match; one that matches nothing is not green.
    pub(super) fn collect(&self, globs: &[Template]) -> Done {
        let mut done = Done::default();
        for glob in globs {
            let (proof, events) = self.take(glob, &self.scope);
            done.proofs.push(proof);
            done.before.extend(events);
        }
        done
    }

    /// The step's `evidence`: taken after failures too, with the captures of this attempt; what is missing is said
    /// but fails nothing.
    pub(super) fn evidence(&self, step: &Step, done: &Done) -> Vec<EventKind> {
        let mut scope = self.scope.clone();
        scope.captures.extend(done.captures.clone());
        step.evidence.iter().flat_map(|glob| self.take(glob, &scope).1).collect()
    }

    fn take(&self, template: &Template, scope: &Scope) -> (Proof, Vec<EventKind>) {
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
            match self.copy(&path) {
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

    fn copy(&self, from: &Path) -> io::Result<EventKind> {
        let folder = format!("evidence/{}.{}", self.order.step, self.order.attempt);
        let dir = self.session_dir().join(&folder);
        fs::create_dir_all(&dir)?;
        let (name, mut to) = create(&dir, &self.name_of(from))?;
        let mut source = File::open(from)?;
        let (mut hash, mut bytes) = (Sha256::new(), 0_u64);
        let mut masking = self.around.redactor.stream();
        let mut buffer = vec![0; 1 << 16];
        let mut out = Vec::new();
        loop {
            let n = source.read(&mut buffer)?;
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
                break;
            }
        }
        to.sync_all()?;
        File::open(&dir)?.sync_all()?;
        Ok(EventKind::EvidenceAdded {
            step: Some(self.order.step.clone()),
            source: from.display().to_string(),
            path: format!("{folder}/{name}"),
            bytes,
            sha256: base16ct::lower::encode_string(&hash.finalize()),
        })
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
        let path: PathBuf = dir.join(&name);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => return Ok((name, file)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    Err(io::Error::other("every name is taken"))
}
