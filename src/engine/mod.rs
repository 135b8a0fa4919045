//! What touches the operator's systems: the processes that a step starts ([`shim`]) and how one is known
//! again and signalled without ever hitting a stranger ([`process`]).

pub mod process;
pub mod shim;
