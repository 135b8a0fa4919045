//! A recorded session, opened and played: what every screen shows of it as of a playhead. It reads files and nothing
//! else: no command is run, no connection opened, no lock kept.
//!
//! A [`Recording`] is the log with what a survey on its own thread finds in it: where each event lies in the file and in
//! time, the state every so many events, the timeline, and whether the chain holds. A [`Player`] moves a playhead over it.

mod at;
mod outputs;
mod player;
mod recording;
mod sampled;
mod samples;
mod survey;

pub use at::At;
pub use player::{Player, SPEEDS, Skipped, Way};
pub use recording::{Chain, OpenError, Recording, Surveyed};

#[cfg(test)]
mod tests;
