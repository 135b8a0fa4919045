//! The dialogs as an operator meets them: keys in, outcomes and screens out.

mod cases;
mod crew;
pub mod fixture;
mod keys;
pub mod screens;
mod states;
mod storms;
