//! Which checks are to be polled now.

use std::collections::BTreeSet;

use super::State;
use crate::runbook::CheckId;

/// The checks that something needs at this moment.
#[must_use]
pub fn needed(_state: &State) -> BTreeSet<CheckId> {
    BTreeSet::new()
}
