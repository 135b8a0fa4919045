//! The copies that the way back puts back: there, whole, and what they were when they were made.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::{Context, Observed};
use crate::guard;
use crate::proof::{self, Proof};
use crate::runbook::{CheckId, StepId};

pub(super) async fn observe(id: &CheckId, steps: &[StepId], ctx: &Context, timeout: Duration) -> Observed {
    let (steps, guarded, prints) = (steps.to_vec(), Arc::clone(&ctx.guarded), Arc::clone(&ctx.prints));
    let look = move || {
        let (session_dir, guarded) = &*guarded;
        let mut prints = prints.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut proofs, mut files, mut bytes) = (Vec::new(), 0, 0);
        for step in &steps {
            let Some(recorded) = guarded.snapshots.get(step) else { continue };
            let expected = format!("the copies of {step} are what they were");
            let (met, seen) = match recorded {
                None => (false, "it passed, and no copies are recorded".to_owned()),
                Some(taken) => match guard::verified(session_dir, taken, Some(&mut prints)) {
                    Err(why) => (false, why),
                    Ok(manifest) => {
                        files += manifest.files.len();
                        bytes += manifest.bytes();
                        (true, "unchanged".to_owned())
                    }
                },
            };
            proofs.push(Proof::new(expected, met, seen));
        }
        let value = if proofs.is_empty() {
            proofs.push(Proof::new("no copy has changed", true, "none was made yet"));
            "none made yet".to_owned()
        } else {
            format!("{files} files, {}", proof::bytes(bytes))
        };
        Observed::proven(proofs, value)
    };
    ctx.aside.look(id, timeout, look).await.unwrap_or_else(Observed::error)
}
