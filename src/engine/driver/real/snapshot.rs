//! `snapshot` and `restore`: exact copies into the session's folder, and back from there.

use std::path::PathBuf;

use tokio::task::block_in_place;

use super::attempt::End;
use super::{Attempt, Done};
use crate::event::EventKind;
use crate::guard;
use crate::proof::{self, Proof};
use crate::runbook::StepId;
use crate::runbook::model::Template;
use crate::session::Snapshot;

impl Attempt {
    /// Copies what the globs match; one that matches nothing is not green, and nothing is copied then.
    pub(super) fn snapshot(&self, globs: &[Template]) -> Done {
        block_in_place(|| {
            let (mut files, mut proofs) = (Vec::new(), Vec::new());
            for glob in globs {
                let found = self.meant(glob);
                let (met, seen) = match found {
                    Ok(found) if found.is_empty() => (false, "no file matches".to_owned()),
                    Ok(found) => {
                        let seen = counted(found.len());
                        files.extend(found);
                        (true, seen)
                    }
                    Err(why) => (false, why),
                };
                proofs.push(Proof::new(format!("{} is copied", glob.as_str()), met, seen));
            }
            if !proof::all_met(&proofs) {
                return Done { proofs, ..Done::default() };
            }
            let path = self.copies();
            let taken = guard::take(self.session_dir(), &path, &files, &|| self.is_to_end());
            match taken {
                Err(why) => Done { proofs, ..Done::failed(why) },
                Ok(guard::Taken { files, bytes, sha256 }) => {
                    let seen = format!("{}, {}", counted(files as usize), proof::bytes(bytes));
                    proofs.push(Proof::new("the copies are whole and on the disk", true, seen));
                    let taken =
                        self.taken(Snapshot { attempt: self.order.attempt, path, files, bytes, sha256 });
                    Done { proofs, before: vec![taken], ..Done::default() }
                }
            }
        })
    }

    /// Puts back what that step copied.
    pub(super) fn restore(&self, of: &StepId) -> Done {
        let Some(taken) = self.order.world.guarded.snapshots.get(of).and_then(Option::as_ref) else {
            return Done::failed(format!(
                "{of} has copied nothing since its stage was entered, so there is nothing to put back"
            ));
        };
        block_in_place(|| {
            let back = match guard::put_back(self.session_dir(), taken, &|| self.is_to_end()) {
                Ok(back) => back,
                Err(why) => return Done::failed(why),
            };
            let mut proofs = vec![self.is_back(of, taken)];
            proofs.extend(back.failed.iter().map(|why| Proof::new("it is put back", false, why.clone())));
            let mut why = format!("{} put back, {} had not changed", back.written, back.untouched);
            if back.folders > 0 {
                why += &format!("; folders made anew: {}", back.folders);
            }
            if let Some(first) = back.not_owned.first() {
                let more = back.not_owned.len() - 1;
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                why += &format!("; not permitted to give back the owner of {first}{more}");
            }
            let done = proof::all_met(&proofs);
            Done { proofs, why: done.then_some(why), ..Done::default() }
        })
    }

    /// What an engine that died over a snapshot left, for whoever has to say what became of it. Copies that are whole
    /// are recorded as what they are.
    pub(super) fn snapshot_left(&self) -> End {
        let path = self.copies();
        let left = self.session_dir().join(&path).join(guard::manifest::MANIFEST);
        let whole = std::fs::read(&left).ok().and_then(|json| self.whole(&json, path));
        let (evidence, before) = match whole {
            Some(taken) => {
                let files = counted(taken.files as usize);
                let all = format!("its copies are whole: {files}, {}", proof::bytes(taken.bytes));
                (all, vec![self.taken(taken)])
            }
            None => ("it left no whole set of copies".to_owned(), Vec::new()),
        };
        let evidence = format!("the engine ended while it copied these files: {evidence}");
        End::Unknown { evidence, before }
    }

    /// How far an engine that died over a restore had come.
    pub(super) fn restore_left(&self, of: &StepId) -> String {
        let taken = self.order.world.guarded.snapshots.get(of).and_then(Option::as_ref);
        let Some(taken) = taken else { return format!("{of} has copied nothing") };
        self.is_back(of, taken).seen
    }

    fn is_back(&self, of: &StepId, taken: &Snapshot) -> Proof {
        let expected = format!("every file that {of} copied is as it was copied");
        match guard::verified(self.session_dir(), taken, None) {
            Err(why) => Proof::new(expected, false, why),
            Ok(manifest) => {
                let all = manifest.files.len();
                match guard::differing(&manifest).as_slice() {
                    [] => Proof::new(expected, true, format!("{} as copied", counted(all))),
                    [first, rest @ ..] => {
                        let seen = match rest.len() {
                            0 => format!("1 of {all} is not: {}", first.display()),
                            more => {
                                format!("{} of {all} are not: {} and {more} more", more + 1, first.display())
                            }
                        };
                        Proof::new(expected, false, seen)
                    }
                }
            }
        }
    }

    fn whole(&self, json: &[u8], path: String) -> Option<Snapshot> {
        use sha2::Digest as _;
        let sha256 = base16ct::lower::encode_string(&sha2::Sha256::digest(json));
        let mut taken = Snapshot { attempt: self.order.attempt, path, files: 0, bytes: 0, sha256 };
        let manifest = guard::verified(self.session_dir(), &taken, None).ok()?;
        taken.files = u32::try_from(manifest.files.len()).unwrap_or(u32::MAX);
        taken.bytes = manifest.bytes();
        Some(taken)
    }

    fn taken(&self, Snapshot { attempt, path, files, bytes, sha256 }: Snapshot) -> EventKind {
        EventKind::SnapshotTaken { step: self.order.step.clone(), attempt, path, files, bytes, sha256 }
    }

    fn copies(&self) -> String {
        format!("snapshots/{}.{}", self.order.step, self.order.attempt)
    }

    fn meant(&self, glob: &Template) -> Result<Vec<PathBuf>, String> {
        guard::found(&self.order.runbook.dir, &self.text(glob)?)
    }
}

fn counted(files: usize) -> String {
    if files == 1 { "1 file".to_owned() } else { format!("{files} files") }
}
