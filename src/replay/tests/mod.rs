//! A recording and its player, held against plain folds of what was recorded.

mod moves;
mod prefixes;
mod recorded;
mod sampled;
mod session;
