//! What a session was, for whoever was not there: gathered from its record once, written in several forms.

mod gather;
pub mod html;
pub mod model;

pub use gather::{GatherError, Phase, gather};
pub use model::Report;

#[cfg(test)]
pub(crate) mod testing;
