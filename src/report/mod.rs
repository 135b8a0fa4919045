//! What a session was, for whoever was not there: gathered from its record once, written in several forms.

pub mod against;
pub mod drill;
mod gather;
pub mod html;
mod json;
mod markdown;
pub mod model;
pub mod words;

pub use gather::{GatherError, gather};
pub use json::{json, schema};
pub use markdown::markdown;
pub use model::Report;

#[cfg(test)]
pub(crate) mod testing;
