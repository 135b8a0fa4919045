//! gonogo: a terminal cockpit for cutovers.

pub mod clock;
