//! Cutovers to draw in tests: a small runbook made by hand ([`runbook`](mod@runbook)), a session of it told event by
//! event ([`Story`]), the situations that screens are held in, and how they are looked at ([`Scene`]).

mod drawn;
mod evil;
mod runbook;
mod scenes;
mod story;

pub use drawn::{Open, PROMISED, Scene, meanings, picture, text};
pub use evil::{Evil, payloads};
pub use runbook::runbook;
pub use story::{Story, driver};
