//! How cockpits reach an engine in another process: one unix socket a session, newline-delimited JSON over it.
//!
//! The log's own lines are what a client is told: it folds them and checks their chain as it would a file's. Measures,
//! answers and pieces of output come beside them as [`message`]s. Who a client is, the kernel says ([`peer`]), never
//! the client.

pub mod client;
pub mod codec;
mod connection;
mod guests;
pub mod message;
mod missed;
mod naming;
mod outbox;
pub mod peer;
pub mod server;
pub mod socket;
mod upload;
