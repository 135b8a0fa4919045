//! What touches the operator's systems: the processes that a step starts ([`shim`]).

pub mod shim;
