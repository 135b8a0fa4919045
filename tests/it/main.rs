//! The one integration binary: real files, real processes, real sockets, real terminals.

mod adopt;
mod audit;
mod broken_runbooks;
mod bundle;
mod canaries;
mod cockpit;
mod ctl;
mod cutover;
mod desk;
mod lab;
mod layers;
mod leaks;
mod mtproxy;
mod outlives;
mod pair;
mod private;
mod probes;
mod readme;
mod record;
mod report;
mod runbook_files;
mod seals;
mod shim;
mod terminal;
mod watched;
mod wire;
