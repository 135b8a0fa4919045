//! The record: one hash-chained log a session, and what lies beside it.

pub mod below;
pub mod bundle;
mod canon;
mod chain;
pub mod dir;
pub mod follow;
pub mod line;
pub mod outputs;
pub mod past;
pub mod progress;
pub mod reader;
pub mod receipts;
pub mod seals;
pub mod telemetry;
pub mod verify;
pub mod writer;
