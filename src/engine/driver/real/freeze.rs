//! Looks at the files that must not change: what they are goes into the log, and whether they are what they were is a
//! check like any other.

use std::sync::{Arc, PoisonError};

use tokio::sync::mpsc;

use super::{SampleOrder, Surroundings, fit};
use crate::check::Sample;
use crate::clock;
use crate::engine::driver::Report;
use crate::engine::machine::Input;
use crate::event::drift_line;
use crate::guard::{self, Key};
use crate::session::telemetry::{SamplePoint, Verdict};
use crate::session::{Frozen, drifted};

/// One look at all of them, within the check's timeout.
pub(super) async fn look(
    around: Arc<Surroundings>,
    paths: Vec<String>,
    order: SampleOrder,
    inbox: mpsc::UnboundedSender<Input>,
) {
    let begun = clock::up_ms();
    let frozen = order.world.guarded.frozen.clone();
    let (surroundings, was) = (Arc::clone(&around), frozen.clone());
    let look = move || files(&surroundings, &paths, was.is_some());
    let aside = &around.checks.aside;
    let found = aside.look(&order.check.id, order.check.timeout, look).await.and_then(|found| found);
    let (verdict, value, reason) = match &found {
        Err(why) => (Verdict::Error, None, fit(why, &around.redactor)),
        Ok(files) => {
            let drift = frozen.map(|was| drifted(&was, files)).unwrap_or_default();
            let seen = match files.len() {
                1 => "1 file".to_owned(),
                n => format!("{n} files"),
            };
            if drift.is_empty() {
                (Verdict::Pass, Some(seen), String::new())
            } else {
                (Verdict::Failed, Some(seen), fit(&drift_line(&drift), &around.redactor))
            }
        }
    };
    // What they are comes first: the verdict lives on it.
    if let Ok(files) = found {
        let _ = inbox.send(Input::Report(Report::Frozen(files)));
    }
    let took_ms = u32::try_from(clock::up_ms().saturating_sub(begun)).unwrap_or(u32::MAX);
    let point = SamplePoint { up_ms: begun, took_ms, verdict, value, number: None, judged: None, reason };
    let sample = Sample { check: order.check.id.clone(), point, processes: Vec::new() };
    let _ = inbox.send(Input::Report(Report::Sampled(sample)));
}

fn files(around: &Surroundings, paths: &[String], frozen_before: bool) -> Result<Frozen, String> {
    let key = Key::of(&around.session_dir, frozen_before)?;
    let mut known = around.frozen.lock().unwrap_or_else(PoisonError::into_inner);
    let prints = match &mut *known {
        Some(prints) if key.is_of(prints) => prints,
        other => other.insert(key.prints()),
    };
    let mask = |text: String| around.redactor.redact(&text);
    guard::freeze(&around.scope.runbook_dir, paths, prints, !frozen_before, &mask)
}
