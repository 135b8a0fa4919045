//! gonogo: a terminal cockpit for cutovers.

pub mod cli;
pub mod clock;
pub mod event;
pub mod feed;
pub mod runbook;
pub mod session;
pub mod ui;
