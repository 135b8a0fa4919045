//! gonogo: a terminal cockpit for cutovers.
