//! A cutover's state and the rules by which it changes: pure, no IO, no clock.
//!
//! [`State`] is the fold of the log. [`decide`] turns an operator's command into events or a refusal; [`settle`]
//! turns time and what is known into the events that follow by themselves; both only read the state.

mod apply;
mod command;
pub mod crew;
mod decide;
pub mod forecast;
pub mod gate;
mod guarded;
pub mod handover;
mod legal;
pub mod notices;
mod open;
pub mod past;
pub mod roles;
pub mod rollback;
pub mod second;
pub mod settle;
pub mod starting;
mod state;
pub mod telemetry;
pub mod triggers;
pub mod versus;
pub mod votes;
pub mod watch;
pub mod way_back;
pub mod window;

pub use command::{Attached, Command, Refusal};
pub use decide::decide;
pub use guarded::{DriftSeen, Frozen, Guarded, LinkWas, Snapshot, drifted};
pub use legal::legal;
pub use open::read_plan;
pub use settle::{Facts, Measurement, Settled, settle};
pub use state::*;
pub use telemetry::Telemetry;
