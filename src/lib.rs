//! gonogo: a terminal cockpit for cutovers.

pub mod audit;
pub mod check;
pub mod cli;
pub mod clock;
pub mod engine;
pub mod event;
pub mod feed;
pub mod headless;
pub mod lab;
pub mod process;
pub mod proof;
pub mod redact;
pub mod runbook;
pub mod session;
pub mod text;
pub mod ui;
