//! The one integration binary: real files, real processes, real sockets, real terminals.

mod cutover;
mod layers;
mod runbook_files;
mod shim;
mod terminal;
