//! What a session was over its whole length: folds of its events that keep time, for replay and for reports. Pure.

mod axis;

pub use axis::Axis;
