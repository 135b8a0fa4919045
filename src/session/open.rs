//! The plan out of the first event: a log needs no other file.

use crate::event::SessionOpened;
use crate::runbook::load::{Inputs, Missing, Source, load};
use crate::runbook::model::Runbook;

/// The runbook as recorded, read by this build; `None` where it cannot read it.
#[must_use]
pub fn read_plan(opened: &SessionOpened) -> Option<Runbook> {
    let source =
        Source { text: opened.runbook.clone(), file: opened.file.clone(), dir: opened.dir.clone().into() };
    let inputs = Inputs { set: opened.vars.clone(), host: opened.host.clone(), missing: Missing::Open };
    load(&source, &inputs).runbook
}
