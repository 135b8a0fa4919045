//! How far a long read has come, for whoever waits for it on another thread.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is being read, and how much of it was.
#[derive(Debug, Default)]
pub struct Progress {
    /// A phrase; empty before anything begins.
    what: Mutex<&'static str>,
    done: AtomicU64,
    of: AtomicU64,
}

impl Progress {
    /// Something of `of` bytes begins to be read.
    pub fn begin(&self, what: &'static str, of: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.of.store(of, Ordering::Relaxed);
        *self.what.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = what;
    }

    /// So many bytes more were read.
    pub fn add(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many bytes were read in all.
    pub fn set(&self, bytes: u64) {
        self.done.store(bytes, Ordering::Relaxed);
    }

    /// What is being read, how many bytes of it were, and of how many.
    #[must_use]
    pub fn now(&self) -> (&'static str, u64, u64) {
        let what = *self.what.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let of = self.of.load(Ordering::Relaxed);
        (what, self.done.load(Ordering::Relaxed).min(of), of)
    }
}
