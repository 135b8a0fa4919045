//! What a drill measured: forward, all the way back, and forward again, out of the records of its two sessions.

mod legs;
pub mod model;
mod words;

pub use legs::legs;
pub use model::Drill;
pub use words::summary;
