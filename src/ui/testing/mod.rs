//! Cutovers to draw in tests: a small runbook made by hand ([`runbook`](mod@runbook)), a session of it told event by
//! event ([`Story`]), and the situations that screens are held in.

mod runbook;
mod scenes;
mod story;

pub use runbook::runbook;
pub use story::{Story, driver};
