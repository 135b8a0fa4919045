//! Rehearsals side by side: they mostly wait, so that many fit on few cores; but not all at once.

use std::sync::{Condvar, Mutex, PoisonError};

/// How many rehearsals go on at the same time in this process.
const AT_ONCE: usize = 6;

static TAKEN: Mutex<usize> = Mutex::new(0);
static FREED: Condvar = Condvar::new();

/// A rehearsal's leave to go on. Nobody takes a second one while having one: all could wait for each other.
pub(super) struct Turn(());

impl Turn {
    pub(super) fn take() -> Self {
        let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let free = FREED.wait_while(taken, |taken| *taken >= AT_ONCE);
        *free.unwrap_or_else(PoisonError::into_inner) += 1;
        Self(())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        FREED.notify_one();
    }
}

/// Does `each` for all of them side by side, and says of every one that failed, not only of the first.
pub(crate) fn side_by_side<'a, T: Sync>(all: &'a [T], each: impl Fn(&'a T) + Sync) {
    let each = &each;
    let failures: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = all.iter().map(|one| scope.spawn(move || each(one))).collect();
        let ends = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
        ends.filter_map(Result::err).map(|panic| said(&*panic)).collect()
    });
    assert!(failures.is_empty(), "{} of {} failed:\n\n{}", failures.len(), all.len(), failures.join("\n\n"));
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default()
}
