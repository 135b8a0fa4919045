//! Looks that may hang in the kernel, as in a mount whose server is gone: each on a thread of its own, so that they keep
//! nothing else waiting, and few of one check, so that they do not pile up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::span;
use crate::runbook::CheckId;

/// How many looks of one check may be under way: its own rhythm's, and those of steps that ask for a fresh one.
const MOST: usize = 4;

/// The looks that are under way, by check.
#[derive(Debug, Clone, Default)]
pub struct Aside(Arc<Mutex<HashMap<CheckId, usize>>>);

impl Aside {
    /// Looks for `check`, within `timeout`. A look that takes longer goes on for itself, and nobody hears of it.
    ///
    /// # Errors
    /// A sentence: it did not come back, or those before it have not.
    pub async fn look<T: Send + 'static>(
        &self,
        check: &CheckId,
        timeout: Duration,
        look: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, String> {
        let Some(place) = self.place(check) else {
            return Err(format!("{MOST} looks before have not come back: does its file system answer?"));
        };
        let (tell, told) = oneshot::channel();
        let thread = std::thread::Builder::new().name("look".to_owned()).spawn(move || {
            let seen = look();
            drop(place);
            // Who has stopped waiting needs no answer.
            let _ = tell.send(seen);
        });
        thread.map_err(|e| format!("no thread can be started for it: {e}"))?;
        match tokio::time::timeout(timeout, told).await {
            Ok(Ok(seen)) => Ok(seen),
            Ok(Err(_)) => Err("the look failed: its thread fell over".to_owned()),
            Err(_) => Err(format!("not read within {}", span(timeout))),
        }
    }

    /// A place for one more look; `None` where all are taken.
    fn place(&self, check: &CheckId) -> Option<Place> {
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = under_way.entry(check.clone()).or_default();
        (*taken < MOST).then(|| {
            *taken += 1;
            Place { check: check.clone(), aside: self.clone() }
        })
    }
}

/// A look that is under way; dropped, also by a thread that falls over, its place is free again.
struct Place {
    check: CheckId,
    aside: Aside,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut under_way = self.aside.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = under_way.get_mut(&self.check) {
            *taken -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn looks_that_hang_do_not_pile_up_and_keep_no_other_check_waiting() {
        let aside = Aside::default();
        let mut hung = Vec::new();
        for _ in 0..MOST {
            let (release, hangs) = mpsc::channel::<()>();
            hung.push(release);
            let look = aside.look(&"a".into(), Duration::from_millis(1), move || hangs.recv()).await;
            assert!(look.is_err_and(|why| why.starts_with("not read within")));
        }
        let one_more = aside.look(&"a".into(), Duration::from_secs(60), || 1).await;
        assert!(one_more.is_err_and(|why| why.contains("have not come back")));
        assert_eq!(aside.look(&"b".into(), Duration::from_secs(60), || 1).await, Ok(1));
        drop(hung);
        while aside.look(&"a".into(), Duration::from_secs(60), || 1).await.is_err() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_look_that_falls_over_gives_its_place_back() {
        let aside = Aside::default();
        for _ in 0..2 * MOST {
            let fallen: Result<(), String> =
                aside.look(&"a".into(), Duration::from_secs(60), || panic!("it falls over")).await;
            assert!(fallen.is_err_and(|why| why.contains("fell over")));
        }
    }
}
