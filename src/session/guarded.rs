//! Files that are looked after: what the log says that they were.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;

use super::state::{State, StepStatus};
use crate::clock::Now;
use crate::event::{Drift, Drifted};
use crate::runbook::StepId;
use crate::runbook::model::Action;

/// Exact copies in the session's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub attempt: u32,
    /// Their folder, relative to the session's.
    pub path: String,
    pub files: u32,
    pub bytes: u64,
    /// Of the manifest in that folder.
    pub sha256: String,
}

/// What a `link` step found, and what it was to make of it; `None`: no link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkWas {
    /// What the link pointed to before the step.
    pub was: Option<String>,
    /// What the newest attempt was to switch it to.
    pub to: Option<String>,
}

/// What frozen files are to be, by name: a keyed digest, `None` for one that cannot be read.
pub type Frozen = IndexMap<String, Option<String>>;

/// Frozen files that are not what they were, as found last. It holds the session until a person goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftSeen {
    pub files: Vec<Drifted>,
    /// The event that says so: who accepts it must have seen that one.
    pub seq: u64,
    pub since: Now,
    /// They are what they were again.
    pub put_back: bool,
}

/// What differs between what files are to be and what they are, in the order of their names.
#[must_use]
pub fn drifted(frozen: &Frozen, now: &Frozen) -> Vec<Drifted> {
    let of = |file: &String, what, sha256: Option<&String>| Drifted {
        file: file.clone(),
        what,
        sha256: sha256.cloned(),
    };
    let differs = |(file, was): (&String, &Option<String>)| match now.get(file) {
        None => Some(of(file, Drift::Gone, None)),
        Some(is) if is == was => None,
        Some(None) => Some(of(file, Drift::Unreadable, None)),
        Some(is) => Some(of(file, Drift::Changed, is.as_ref())),
    };
    let new = now.iter().filter(|(file, _)| !frozen.contains_key(*file));
    let new = new.map(|(file, is)| of(file, Drift::New, is.as_ref()));
    let mut all: Vec<Drifted> = frozen.iter().filter_map(differs).chain(new).collect();
    all.sort_by(|a, b| a.file.cmp(&b.file));
    all
}

/// Takes files as they were found for what is frozen.
pub(super) fn accept(frozen: &mut Frozen, files: &[Drifted]) {
    for Drifted { file, what, sha256 } in files {
        if *what == Drift::Gone {
            frozen.shift_remove(file);
        } else {
            frozen.insert(file.clone(), sha256.clone());
        }
    }
}

/// What a look at these files is held against.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guarded {
    /// The copies of each `snapshot` step; `None` where it is said to have passed and no copies are recorded.
    pub snapshots: BTreeMap<StepId, Option<Snapshot>>,
    /// What each `link` step found.
    pub links: BTreeMap<StepId, LinkWas>,
    /// What frozen files are to be; `None` before the first look.
    pub frozen: Option<Arc<Frozen>>,
}

impl Guarded {
    /// As the log has it.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let steps = state.runbook.iter().flat_map(|r| r.all_steps());
        let copying =
            steps.filter(|step| matches!(step.action, Action::Snapshot { .. })).map(|step| &step.id);
        let snapshot = |id: &StepId| match state.snapshots.get(id) {
            Some(taken) => Some((id.clone(), Some(taken.clone()))),
            None => (state.step(id).status == StepStatus::Passed).then(|| (id.clone(), None)),
        };
        Self {
            snapshots: copying.filter_map(snapshot).collect(),
            links: state.links.clone(),
            frozen: state.frozen.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, Option<&str>)]) -> Frozen {
        files.iter().map(|(name, is)| ((*name).to_owned(), is.map(str::to_owned))).collect()
    }

    #[test]
    fn every_way_to_differ_is_named_and_what_is_accepted_differs_no_more() {
        let was = files(&[("a", Some("1")), ("b", Some("2")), ("c", Some("3")), ("d", Some("4"))]);
        let is = files(&[("d", Some("4")), ("c", None), ("a", Some("9")), ("aa", Some("5"))]);
        let found = drifted(&was, &is);
        let what: Vec<_> = found.iter().map(|d| (d.file.as_str(), d.what)).collect();
        let all = [("a", Drift::Changed), ("aa", Drift::New), ("b", Drift::Gone), ("c", Drift::Unreadable)];
        assert_eq!(what, all);
        let mut accepted = was;
        accept(&mut accepted, &found);
        assert!(drifted(&accepted, &is).is_empty());
        let again = drifted(&accepted, &files(&[("a", Some("1")), ("aa", Some("5")), ("c", Some("3"))]));
        assert_eq!(again.iter().map(|d| d.file.as_str()).collect::<Vec<_>>(), ["a", "c", "d"]);
    }
}
