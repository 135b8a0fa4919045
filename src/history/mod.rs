//! What a session was over its whole length: folds of its events that keep time, for replay and for reports. Pure.

mod axis;
mod decisions;
mod timeline;

pub use axis::Axis;
pub use decisions::{Checked, Decision, Knew, Present, VoteCast};
pub use timeline::{Band, BandKind, Mark, MarkKind, Timeline};
