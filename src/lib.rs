//! gonogo: a terminal cockpit for cutovers.

pub mod cli;
pub mod clock;
pub mod event;
pub mod runbook;
