//! The plan out of the first event: a log needs no other file.

use crate::event::SessionOpened;
use crate::runbook::model::Runbook;

/// The runbook as recorded, read by this build; `None` where it cannot read it.
pub(super) fn read_plan(_opened: &SessionOpened) -> Option<Runbook> {
    None
}
