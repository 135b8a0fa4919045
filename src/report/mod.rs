//! What a session was, for whoever was not there: gathered from its record once, written in several forms.

pub mod model;

pub use model::Report;
