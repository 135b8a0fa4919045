//! The one integration binary: real files, real processes, real sockets, real terminals.

mod shim;
mod terminal;
