//! The cockpit: what an operator sees and presses. It knows [`State`](crate::session::State),
//! [`Telemetry`](crate::session::Telemetry), its own [`View`] and the [`Feed`](crate::feed::Feed); nothing of the
//! engine, the wire or the log's file.
//!
//! Key → [`Action`] → `update` → [`Command`](crate::session::Command); and `screen` draws state, telemetry and view
//! at a given time, without effects. Over a recording the same loop draws the same screen: state, telemetry and time come
//! from its player, and keys move a playhead.

pub mod action;
pub mod blocker;
pub mod copy;
pub mod course;
pub mod crew;
pub mod format;
pub mod frames;
pub mod hatch;
pub mod keymap;
mod keys;
pub mod layout;
pub mod lists;
pub mod output;
pub mod paint;
pub mod panels;
mod playback;
pub mod popups;
mod recorded;
pub mod replay;
pub mod run;
pub mod screen;
pub mod search;
pub mod selection;
pub mod sift;
mod signals;
pub mod status;
pub mod summons;
pub mod terminal;
#[cfg(test)]
pub mod testing;
pub mod theme;
pub mod update;
pub mod view;
pub mod widgets;

pub use action::Action;
pub use frames::Frames;
pub use keymap::Keymap;
pub use run::{Exit, Options, Parting, cockpit, play};
pub use screen::Screen;
pub use summons::Bell;
pub use theme::Theme;
pub use view::View;
