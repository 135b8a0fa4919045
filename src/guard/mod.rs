//! Files that are looked after: [`find`] says which a glob means, [`take`](fn@take) makes exact copies of them,
//! [`put_back`] puts those back, [`manifest`] holds the copies against what they were, and [`freeze`](fn@freeze) says
//! what files are that must not change.

mod back;
pub mod find;
mod freeze;
pub mod manifest;
mod place;
mod prints;
mod take;

pub use back::{Back, differing, put_back};
pub use find::found;
pub use freeze::{Key, freeze};
pub use manifest::{Manifest, changed, verified};
pub use prints::Prints;
pub use take::{Taken, room_for, take};

/// The most files that are copied or frozen by one step or one runbook.
pub const MOST_FILES: usize = 10_000;
/// The most bytes that one `snapshot` copies.
pub const MOST_BYTES: u64 = 1 << 30;
